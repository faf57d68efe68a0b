"""Any executor: the same bits, inputs sent about once to each worker, and typed errors when it fails."""

from __future__ import annotations

import multiprocessing
import pickle
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest

import ultrare
from conftest import SETTINGS
from ultrare._executors import Futures


@pytest.fixture(scope="module")
def pool():
    with ultrare.Processes(2) as pool:
        yield pool


def test_processes_come_to_the_same_bits_in_everything(rows, digest, pool):
    recommender = ultrare.fit(rows, **SETTINGS, executor=pool)
    assert recommender.digest == digest
    here = ultrare.fit(rows, **SETTINGS)
    assert recommender.evaluate(executor=pool)["metrics"] == here.evaluate()["metrics"]
    receipt = recommender.apply(recommender.plan(forget_users=["u017"]).accept(), executor=pool)
    here.apply(here.plan(forget_users=["u017"]).accept())
    assert recommender.digest == here.digest
    assert receipt.verify(rows, executor=pool)["ok"]


def test_any_executor_will_do(rows, digest):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as plain, ThreadPoolExecutor(3) as threads:
        assert ultrare.fit(rows, **SETTINGS, executor=plain).digest == digest
        assert ultrare.fit(rows, **SETTINGS, executor=threads).digest == digest


def test_large_inputs_cross_about_once_to_each_worker(large, pool):
    recommender = ultrare.fit(large, shards=8, partition="hash")
    driver = Futures(pool)
    jobs = []

    class Counting:
        workers = driver.workers
        wait, stop = driver.wait, driver.stop

        def begin(self, these, give):
            self.sizes = {digest: len(give(digest)) for _, inputs, _ in these for digest in inputs}
            jobs.append((these, self.sizes))
            driver.begin(these, give)

    recommender.evaluate(executor=Counting())
    (these, sizes), = [one for one in jobs if one[1]]
    naive = sum(sizes[digest] for _, inputs, _ in these for digest in inputs)
    once = sum(sizes.values())
    print(f"{len(these)} jobs, inputs of {once:,} bytes: sent {driver.sent['bytes']:,}, with every job {naive:,}")
    assert len(these) > 2 * pool.workers
    assert driver.sent["bytes"] <= once * (pool.workers + 1) < naive


class Failing(Executor):
    def __init__(self, error):
        self.error = error

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        future.set_exception(self.error)
        return future


@pytest.mark.parametrize("error", [ValueError("out of order"), BrokenProcessPool("a worker died"), OSError("no disk")])
def test_what_an_executor_raises_is_the_cause_of_a_typed_error(rows, fitted, error):
    with pytest.raises(ultrare.errors.ExecutorError) as raised:
        ultrare.fit(rows, **SETTINGS, executor=Failing(error))
    assert raised.value.code == "execute.elsewhere" and raised.value.__cause__ is error and str(error) in str(raised.value)
    before, accepted = fitted.digest, fitted.plan(forget_users=["u017"]).accept()
    with pytest.raises(ultrare.errors.ExecutorError):
        fitted.apply(accepted, executor=Failing(error))
    assert fitted.digest == before and fitted.receipts == []
    fitted.apply(accepted)
    assert len(fitted.receipts) == 1


class Wrong:
    """Goes wrong in one way or another."""

    workers = 2

    def __init__(self, outcome):
        self.outcome = outcome

    def begin(self, jobs, give):
        self.left = list(range(len(jobs)))

    def wait(self, seconds):
        left, self.left = self.left, []
        return [self.outcome(at) for at in left]

    def stop(self):
        pass


@pytest.mark.parametrize(
    "outcome,kind",
    [
        (lambda at: (at, b"garbage", 0.0), ultrare.errors.JobError),
        (lambda at: (at + 99, b"", 0.0), ultrare.errors.ExecutorError),
        (lambda at: "nonsense", ultrare.errors.ExecutorError),
        (lambda at: (at, "text", 0.0), ultrare.errors.ExecutorError),
    ],
)
def test_outcomes_that_are_none_are_refused(rows, outcome, kind):
    with pytest.raises(kind):
        ultrare.fit(rows, **SETTINGS, executor=Wrong(outcome))


def test_a_worker_of_another_version_is_refused(rows, pool):
    class Older(Wrong):
        def begin(self, jobs, give):
            super().begin(jobs, give)
            self.jobs = [job[:5] + b"9" + job[6:] for job, _, _ in jobs]

    older = Older(lambda at: (at, ultrare.run(older.jobs[at]), 0.0))
    with pytest.raises(ultrare.errors.ExecutorError) as refused:
        ultrare.fit(rows, **SETTINGS, executor=older)
    assert refused.value.__cause__.code == "pipeline.other_version"


def test_errors_survive_the_way_between_processes():
    error = ultrare.errors.make("recommender.refuted", "2 of 3 checks failed", '{"ok": false}')
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.code, str(again), again.verdict) == (ultrare.errors.Refuted, error.code, str(error), {"ok": False})
