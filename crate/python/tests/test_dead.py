"""Executors that are dead, in every way: a typed error, soon, and never a hang."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import pytest

import ultrare
from conftest import SETTINGS

#: Seconds in which everything here has ended; a hang would not.
SOON = 60.0


def refused(rows, executor) -> ultrare.errors.ExecutorError:
    """The typed error that a fit ends with, in time."""
    ended: list = []

    def fit() -> None:
        try:
            ultrare.fit(rows, **SETTINGS, executor=executor)
            ended.append("it worked")
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=fit, daemon=True)
    thread.start()
    thread.join(SOON)
    assert ended, "it hangs"
    assert isinstance(ended[0], ultrare.errors.ExecutorError), repr(ended[0])
    assert str(ended[0]) and ended[0].code in ("execute.elsewhere", "python.executor")
    return ended[0]


def pool(method: str) -> ProcessPoolExecutor:
    plain = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method))
    for future in [plain.submit(os.getpid) for _ in range(8)]:
        future.result()
    return plain


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_plain_pool_whose_processes_were_killed(rows, method):
    plain = pool(method)
    for pid in list(plain._processes):
        os.kill(pid, signal.SIGKILL)
    # At once, and when the pool knows of it.
    refused(rows, plain)
    refused(rows, plain)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_plain_pool_that_stands_still_and_is_killed_then(rows):
    plain = pool("spawn")
    pids = list(plain._processes)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    threading.Timer(1.0, lambda: [os.kill(pid, signal.SIGKILL) for pid in pids]).start()
    refused(rows, plain)


def test_pools_that_were_shut_down_before_or_meanwhile(rows):
    threads, processes = ThreadPoolExecutor(2), ProcessPoolExecutor(2)
    threads.shutdown()
    processes.shutdown()
    for executor in (threads, processes):
        assert "shutdown" in str(refused(rows, executor))


def test_a_pool_that_cannot_start_its_processes(rows):
    refused(rows, ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"), initializer=sys.exit, initargs=(1,)))


class Losing(Executor):
    """Gives futures that never end."""

    def submit(self, fn, /, *args, **kwargs):
        return Future()


def test_a_pool_that_never_says_that_its_processes_are_gone(rows):
    process = multiprocessing.get_context("spawn").Process(target=os.getpid)
    process.start()
    process.join()
    losing = Losing()
    losing._processes = {process.pid: process}
    began = time.monotonic()
    assert "processes of the pool are gone" in str(refused(rows, losing))
    assert time.monotonic() - began < 30


def test_jobs_that_are_cancelled_and_futures_that_are_none(rows):
    class Cancelling(Executor):
        def submit(self, fn, /, *args, **kwargs):
            future = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

    class Nothing(Executor):
        def submit(self, fn, /, *args, **kwargs):
            return None

    error = refused(rows, Cancelling())
    assert "cancelled" in str(error)
    causes = [error.__cause__, getattr(error.__cause__, "__cause__", None)]
    assert any(isinstance(cause, CancelledError) for cause in causes)
    assert "NoneType" in str(refused(rows, Nothing()))
