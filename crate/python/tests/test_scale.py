"""The arithmetic of crate/docs/scale.md: right on cases that can be worked out by hand, and near what pretended workers take."""

from __future__ import annotations

import sys

import pytest

import ultrare
from conftest import ROOT

sys.path.insert(0, str(ROOT / "crate" / "python" / "scale"))
import scale  # noqa: E402


def test_the_simulation_of_a_few_jobs_is_what_one_works_out_by_hand():
    fast = 1e18
    jobs = [scale.Job(0, [], seconds, 0) for seconds in (3.0, 2.0, 2.0, 1.0)]
    assert scale.makespan(jobs, {}, 1, fast) == pytest.approx(8)
    assert scale.makespan(jobs, {}, 2, fast) == pytest.approx(4)
    assert scale.makespan(jobs, {}, 4, fast) == scale.makespan(jobs, {}, 99, fast) == pytest.approx(3)
    # Two jobs name one input of 10 bytes, over a link of 10 bytes a second: one worker fetches it once, two fetch it twice.
    jobs = [scale.Job(0, ["a"], 1.0, 0)] * 2
    assert scale.makespan(jobs, {"a": 10}, 1, 10) == pytest.approx(1 + 1 + 1)
    assert scale.makespan(jobs, {"a": 10}, 2, 10) == pytest.approx(2 + 1)
    # A job and its outcome travel as well.
    assert scale.makespan([scale.Job(20, [], 1.0, 10)], {}, 1, 10) == pytest.approx(4)


def test_a_recording_is_complete_and_comes_to_the_same_digest(rows):
    settings = ultrare.settings(shards=5, partition="hash")
    recommender, recording = scale.record(rows, settings)
    assert recording.digest == ultrare.fit(rows, settings).digest == recommender.digest
    train, combine = recording.stages[-2:]
    assert len(train) == 5 and len(combine) == 1 and len(combine[0].inputs) >= 5
    assert all(job.seconds > 0 and job.outcome > 0 for job in train) and recording.serial > 0
    assert scale.pretend(rows, settings, recording, 3, 1e9) > 0
    changed = scale.record_change(recommender, "u017")
    assert len(changed.stages[0]) == 1 and changed.digest == recommender.digest


def test_the_plan_of_a_run_that_was_measured_comes_near_it():
    """Four million rows in four shards: 11.2 s on one worker, 4.8 s on four, as recorded; reading is in the plan and not in those."""
    run = scale.planned(4e6, 4, 40_000, combine=0.11)
    for workers, recorded in ((1, 11.2), (4, 4.8)):
        assert abs(scale.simulate(run, workers, scale.LINK) / recorded - 1) < 0.25


def test_the_table_of_the_plan_is_what_the_simulation_says():
    run = scale.planned(100e6, 50, 1e6)
    table = [line.split("|") for line in (ROOT / "crate" / "docs" / "scale.md").read_text().splitlines() if line.startswith("| N = ")]
    assert len(table) >= 4
    for line in table:
        said, simulated = float(line[2]), scale.simulate(run, int(line[1].split("=")[1]), scale.LINK)
        assert abs(said - simulated) <= 0.5, (line, simulated)


@pytest.mark.long
def test_pretended_workers_take_about_as_long_as_the_simulation_says(large):
    """A slow link and slow jobs, so that what this machine does otherwise hardly counts."""
    settings = ultrare.settings(shards=16, partition="hash")
    _, recording = scale.record(large, settings)
    for jobs in recording.stages:
        for job in jobs:
            job.seconds = max(job.seconds, 0.5)
    recording.outcomes = {job: (outcome, max(took, 0.5)) for job, (outcome, took) in recording.outcomes.items()}
    for workers in (1, 4, 16):
        simulated, took = scale.simulate(recording, workers, 20e6), scale.pretend(large, settings, recording, workers, 20e6)
        print(f"{workers} workers: simulated {simulated:.2f} s, pretended {took:.2f} s")
        assert 0.75 < took / simulated < 1.5
