"""Ray: four workers, of which one is killed; large inputs as object references, once each."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

import ultrare

pytestmark = pytest.mark.long
WORKERS = 4
LARGE = {"shards": 8, "partition": "hash", "model": {"name": "bpr"}}


@pytest.fixture(scope="module")
def ray():
    if "ULTRARE_NO_RAY" in os.environ:
        pytest.skip(os.environ["ULTRARE_NO_RAY"])
    ray = pytest.importorskip("ray", reason="ray is not installed: pip install ray==2.60.0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(num_cpus=WORKERS, include_dashboard=False, logging_level="ERROR", log_to_driver=False, object_store_memory=300 << 20)
    yield ray
    ray.shutdown()


def test_one_of_four_workers_is_killed_and_the_digests_are_the_same(ray, large):
    from ultrare.ray import RayExecutor

    expected = ultrare.fit(large, **LARGE)
    executor = RayExecutor()
    assert executor.workers == WORKERS

    @ray.remote(num_cpus=1)
    def who() -> int:
        time.sleep(0.5)
        return os.getpid()

    pids = sorted(set(ray.get([who.remote() for _ in range(WORKERS)])))
    assert len(pids) == WORKERS
    killed = []

    def kill(progress: ultrare.Progress) -> None:
        # Whoever is at work: a process that has used the processor since the last word.
        if progress.stage == "train" and not killed:
            os.kill(pids[1], signal.SIGKILL)
            killed.append(pids[1])

    recommender = ultrare.fit(large, **LARGE, executor=executor, progress=kill)
    assert killed and recommender.digest == expected.digest
    user = expected.members()[3][0]
    accepted = recommender.plan(forget_users=[user]).accept()
    recommender.apply(accepted, executor=executor)
    expected.apply(expected.plan(forget_users=[user]).accept())
    assert recommender.digest == expected.digest
    assert recommender.receipt.verify(large, executor=executor)["ok"]


def test_large_inputs_are_put_once_each(ray, large):
    from ultrare.ray import RayExecutor

    class Counting(RayExecutor):
        def begin(self, jobs, give):
            sizes = {digest: len(give(digest)) for _, inputs, _ in jobs for digest in inputs}
            self.naive = sum(sizes[digest] for _, inputs, _ in jobs for digest in inputs)
            self.once, self.jobs = sum(sizes.values()), len(jobs)
            super().begin(jobs, give)

    recommender = ultrare.fit(large, **LARGE)
    executor = Counting()
    metrics = recommender.evaluate(executor=executor)["metrics"]
    print(f"{executor.jobs} jobs, inputs of {executor.once:,} bytes: put {executor.sent['bytes']:,}, with every job {executor.naive:,}")
    assert executor.sent["bytes"] == executor.once < executor.naive
    assert metrics == ultrare.fit(large, **LARGE).evaluate()["metrics"]
    assert executor._refs == {}, "nothing stays behind"


def test_ctrl_c_and_errors_come_out_of_it(ray, large):
    from ultrare.ray import RayExecutor

    executor = RayExecutor()

    def enough(progress: ultrare.Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ultrare.fit(large, **LARGE, executor=executor, progress=enough)
    assert ultrare.fit(ultrare.sample(1), shards=3, executor=executor).digest == ultrare.fit(ultrare.sample(1), shards=3).digest
    assert threading.active_count() < 50
