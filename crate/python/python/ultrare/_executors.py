"""Where jobs run: threads of this process, or any ``concurrent.futures.Executor``.

A large input (weights, a combiner) is named by its digest. A worker that lacks one says so, and is sent it with the job once more:
so it crosses about once to each worker and not with every job, and nothing has to be shared but the executor.
"""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future
from typing import Any, Callable, Deque, Dict, Iterator, List, Optional, Sequence, Tuple

from . import _native
from .errors import ExecutorError, KindError

__all__ = ["Processes", "work"]

#: A job, digests of its inputs, its weight.
Job = Tuple[bytes, List[str], float]
Done = Tuple[int, bytes, float]
#: How often a job is sent to somebody who then lacks something.
_PATIENCE = 4
#: Seconds for a pool to find out that its processes are gone; those of the standard library take none.
_GRACE = 5.0

_runner = _native.Runner()


def work(job: bytes, inputs: Dict[str, bytes]) -> Tuple[Optional[bytes], float, List[str]]:
    """Runs a job in this process: its outcome and seconds; or no outcome and the inputs that are lacking."""
    began = time.perf_counter()
    for digest, data in inputs.items():
        if _runner.put(data) != digest:
            raise ExecutorError("python.executor", f"the input {digest} arrived with other bytes")
    lacking = _runner.lacking(job)
    outcome = None if lacking else _runner.run(job)
    return outcome, time.perf_counter() - began, lacking


class Processes(Executor):
    """A pool of processes that is made anew when one of them dies, at most ``restarts`` times in a row without any job done.

    Processes are spawned, so a script needs ``if __name__ == "__main__":`` around what uses it.
    """

    def __init__(self, workers: Optional[int] = None, *, restarts: int = 3) -> None:
        self.workers = workers or os.cpu_count() or 1
        self.restarts = restarts
        self._lock = threading.Lock()
        self._closed = False
        self._pool = self._made()

    def _made(self) -> concurrent.futures.ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        # Ctrl-C on a terminal reaches everybody: whoever asked decides what becomes of the workers.
        return concurrent.futures.ProcessPoolExecutor(self.workers, context, signal.signal, (signal.SIGINT, signal.SIG_IGN))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        with self._lock:
            return self._pool.submit(fn, *args, **kwargs)

    def restart(self) -> None:
        """Another pool in place of one that broke."""
        with self._lock:
            self._pool.shutdown(wait=False)
            if not self._closed:
                self._pool = self._made()

    def abandon(self) -> None:
        """Ends whatever runs, at once; what is asked for next gets processes of its own."""
        with self._lock:
            processes = list((self._pool._processes or {}).values())
            self._pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.kill()
            if not self._closed:
                self._pool = self._made()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self._lock:
            self._closed = True
            self._pool.shutdown(wait=wait, cancel_futures=cancel_futures)

    def pids(self) -> List[int]:
        """Ids of the processes that are there."""
        with self._lock:
            return list(self._pool._processes or {})


class Futures:
    """Carries jobs to an executor: what the binding calls."""

    def __init__(self, executor: Executor, workers: Optional[int] = None) -> None:
        known = getattr(executor, "workers", None) or getattr(executor, "_max_workers", None)
        self.workers: int = workers or known or os.cpu_count() or 1
        self._executor = executor
        #: Bytes of inputs that were sent, and how often one was.
        self.sent = {"inputs": 0, "bytes": 0}
        self._out: Dict["Future[Any]", int] = {}
        self._broken = 0
        self._silent: Optional[float] = None

    def begin(self, jobs: Sequence[Job], give: Callable[[str], bytes]) -> None:
        self._jobs, self._give = jobs, give
        # The heaviest first, so that none is left over at the end.
        order = sorted(range(len(jobs)), key=lambda at: -jobs[at][2])
        self._waiting: Deque[Tuple[int, Sequence[str]]] = collections.deque((at, ()) for at in order)
        self._tries = [0] * len(jobs)
        self._out = {}
        self._silent = None

    def _send(self) -> None:
        while self._waiting and len(self._out) < self.workers:
            at, lacking = self._waiting[0]
            inputs = {digest: self._give(digest) for digest in lacking}
            future = self._executor.submit(work, self._jobs[at][0], inputs)
            if not isinstance(future, Future) and not hasattr(future, "add_done_callback"):
                kind = type(future).__name__
                raise ExecutorError("python.executor", f"the executor's submit gave {kind}: expected a concurrent.futures.Future")
            self.sent["inputs"] += len(inputs)
            self.sent["bytes"] += sum(map(len, inputs.values()))
            self._waiting.popleft()
            self._out[future] = at

    def wait(self, seconds: float) -> List[Done]:
        done: List[Done] = []
        try:
            self._send()
            for future in concurrent.futures.wait(self._out, seconds, FIRST_COMPLETED).done:
                outcome, took, lacking = future.result()
                at = self._out.pop(future)
                if outcome is not None:
                    done.append((at, outcome, took))
                    self._broken = 0
                    continue
                self._tries[at] += 1
                if self._tries[at] > _PATIENCE:
                    raise ExecutorError("python.executor", "a worker forgets the inputs of a job before it runs: give it more memory")
                # From the second time on with all of them: whoever gets it then can run it.
                self._waiting.appendleft((at, lacking if self._tries[at] == 1 else self._jobs[at][1]))
            self._send()
        except CancelledError as error:
            raise ExecutorError("python.executor", "the executor cancelled a job that it had been given: was it shut down meanwhile?") from error
        except BrokenExecutor:
            self._restart(done)
        self._listen(done)
        return done

    def _listen(self, done: List[Done]) -> None:
        """A pool whose processes are all gone and that does not say so would be waited for without end."""
        processes = list((getattr(self._executor, "_processes", None) or {}).values())
        alive = not processes or any(process.is_alive() for process in processes)
        now = time.monotonic()
        if done or alive or not self._out:
            self._silent = None
        elif self._silent is None:
            self._silent = now
        elif now - self._silent > _GRACE:
            raise ExecutorError("python.executor", f"all processes of the pool are gone, and for {_GRACE:.0f} seconds it has not said what became of its jobs")

    def _restart(self, done: List[Done]) -> None:
        """Everything that was out is sent again, if the executor can be made anew."""
        restart = getattr(self._executor, "restart", None)
        self._broken += 1
        if restart is None or self._broken > getattr(self._executor, "restarts", 0):
            raise
        lost = [at for at in self._out.values() if at not in {one[0] for one in done}]
        self._out = {}
        self._waiting.extendleft((at, ()) for at in lost)
        restart()

    def stop(self) -> None:
        # All are asked to stay away; a process that is at work cannot hear it.
        working = [future for future in self._out if not future.cancel() and not future.done()]
        if working and hasattr(self._executor, "abandon"):
            self._executor.abandon()
        self._out = {}
        self._jobs, self._give = (), _nothing


def _nothing(digest: str) -> bytes:
    raise ExecutorError("python.executor", "the jobs are over")


@contextlib.contextmanager
def placed(executor: Any, workers: Optional[int] = None) -> Iterator[Any]:
    """What the binding takes for an executor, for as long as one call takes."""
    if executor is None:
        yield None
        return
    if isinstance(executor, Executor):
        driver: Any = Futures(executor, workers)
    elif all(hasattr(executor, name) for name in ("workers", "begin", "wait", "stop")):
        driver = executor
    elif hasattr(executor, "submit"):
        driver = Futures(executor, workers)
    else:
        kind = type(executor).__name__
        raise KindError("python.type", f"{kind} is no executor: expected a concurrent.futures.Executor, ultrare.Processes, or ultrare.ray.RayExecutor")
    try:
        yield driver
    finally:
        driver.stop()
