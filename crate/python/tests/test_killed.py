"""Workers that die: the same digests, or the documented error and nothing changed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest

import ultrare

pytestmark = [pytest.mark.long, pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")]
LARGE = {"shards": 8, "partition": "hash", "model": {"name": "bpr"}}


@pytest.fixture(scope="module")
def expected(large):
    recommender = ultrare.fit(large, **LARGE)
    user = recommender.members()[3][0]
    built = recommender.digest
    recommender.apply(recommender.plan(forget_users=[user]).accept())
    return user, built, recommender.digest


class Killer:
    """Kills one worker at the first word of progress that is so far."""

    def __init__(self, pids, stage: str, done: float, which: int) -> None:
        self.pids, self.stage, self.done, self.which, self.killed = pids, stage, done, which, 0

    def __call__(self, progress: ultrare.Progress) -> None:
        pids = sorted(self.pids())
        if self.killed or progress.stage != self.stage or progress.done < self.done or not pids:
            return
        os.kill(pids[self.which % len(pids)], signal.SIGKILL)
        self.killed += 1


# Ten times at the same place, ten times as far as the training gets.
PLACES = [0.0] * 10 + [share / 10 for share in range(10)]


def test_twenty_kills_and_the_same_digests(large, expected):
    _, built, _ = expected
    killed = 0
    with ultrare.Processes(2) as pool:
        for number, place in enumerate(PLACES):
            killer = Killer(pool.pids, "train", place, number)
            recommender = ultrare.fit(large, **LARGE, executor=pool, progress=killer)
            assert recommender.digest == built, number
            killed += killer.killed
    assert killed == len(PLACES)


def test_twenty_kills_of_a_plain_pool_are_the_documented_error_or_nothing(large, expected):
    user, built, changed = expected
    recommender = ultrare.fit(large, **LARGE)
    refused = 0
    for number in range(20):
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            killer = Killer(lambda: list(pool._processes or {}), "train", number % 2 * 0.5, number)
            try:
                found = ultrare.fit(large, **LARGE, executor=pool, progress=killer)
                assert found.digest == built
            except ultrare.errors.ExecutorError as error:
                assert error.code == "execute.elsewhere" and isinstance(error.__cause__, BrokenProcessPool)
                refused += 1
    assert refused > 0
    accepted = recommender.plan(forget_users=[user]).accept()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        killer = Killer(lambda: list(pool._processes or {}), "train", 0.0, 0)
        try:
            recommender.apply(accepted, executor=pool, progress=killer)
        except ultrare.errors.ExecutorError:
            assert recommender.digest == built and recommender.receipts == []
            recommender.apply(accepted)
    assert recommender.digest == changed and len(recommender.receipts) == 1


def test_a_job_that_always_dies_ends_in_the_documented_error(large):
    class Deadly(Killer):
        def __call__(self, progress):
            self.killed = 0
            super().__call__(progress)

    with ultrare.Processes(1, restarts=2) as pool:
        with pytest.raises(ultrare.errors.ExecutorError) as dead:
            ultrare.fit(large, shards=1, partition="hash", model="lightgcn", executor=pool, progress=Deadly(pool.pids, "train", 0.0, 0))
        assert dead.value.code == "execute.elsewhere" and isinstance(dead.value.__cause__, BrokenProcessPool)
        # And the pool is whole again.
        assert ultrare.fit(ultrare.sample(1), shards=3, executor=pool).digest == ultrare.fit(ultrare.sample(1), shards=3).digest
