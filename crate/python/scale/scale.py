"""What a run costs on N machines: measured job by job, simulated, and the simulation held against pretended machines.

    python scale.py --cli target/release/ultrare            the tables of crate/docs/scale.md

A *recording* is one real run with every job's size, inputs, computing seconds and outcome. `simulate` says how long the same jobs take
on N workers behind one link. `pretend` runs the library's own coordinator against N pretended workers, which sleep for as long as
the jobs took and give the recorded outcomes: what the simulation leaves out shows there.
"""

from __future__ import annotations

import argparse
import hashlib
import heapq
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Dict, List, Set, Tuple

import ultrare
from ultrare._executors import work


@dataclass
class Job:
    """One job as it was measured."""

    bytes: int
    inputs: List[str]
    #: Computing seconds, so that a busy machine does not count.
    seconds: float
    outcome: int


@dataclass
class Recording:
    """A run, stage by stage; a stage's jobs do not wait for one another."""

    stages: List[List[Job]] = field(default_factory=list)
    #: Bytes of every large input.
    inputs: Dict[str, int] = field(default_factory=dict)
    #: Computing seconds of whoever hands jobs out and takes outcomes in.
    serial: float = 0.0
    outcomes: Dict[bytes, Tuple[bytes, float]] = field(default_factory=dict)
    digest: str = ""


class Recorder:
    """An executor that runs every job here and takes down what it costs."""

    workers = 1

    def __init__(self) -> None:
        self.recording = Recording()
        self._spent = 0.0
        self._began = time.process_time()

    def begin(self, jobs: Any, give: Any) -> None:
        self._jobs, self._give = list(jobs), give
        self._at = 0
        self.recording.stages.append([])

    def wait(self, seconds: float) -> List[Tuple[int, bytes, float]]:
        at = self._at
        if at == len(self._jobs):
            return []
        self._at += 1
        job, inputs, _ = self._jobs[at]
        began = time.process_time()
        outcome, _, lacking = work(job, {})
        if outcome is None:
            given = {digest: self._give(digest) for digest in lacking}
            began = time.process_time()
            outcome, _, _ = work(job, given)
        took = time.process_time() - began
        assert outcome is not None
        self._spent += took
        for digest in inputs:
            if digest not in self.recording.inputs:
                self.recording.inputs[digest] = len(self._give(digest))
        self.recording.stages[-1].append(Job(len(job), inputs, took, len(outcome)))
        self.recording.outcomes[hashlib.sha256(job).digest()] = (outcome, took)
        return [(at, outcome, took)]

    def stop(self) -> None:
        pass

    def end(self, digest: str) -> Recording:
        self.recording.serial = time.process_time() - self._began - self._spent
        self.recording.digest = digest
        return self.recording


def record(rows: ultrare.Rows, settings: Dict[str, Any]) -> Tuple[ultrare.Recommender, Recording]:
    """A build, job by job."""
    recorder = Recorder()
    recommender = ultrare.fit(rows, settings, executor=recorder)
    return recommender, recorder.end(recommender.digest or "")


def record_change(recommender: ultrare.Recommender, user: str) -> Recording:
    """A forgetting, job by job."""
    recorder = Recorder()
    recommender.apply(recommender.plan(forget_users=[user]).accept(), executor=recorder)
    return recorder.end(recommender.digest or "")


def makespan(jobs: List[Job], sizes: Dict[str, int], workers: int, bandwidth: float) -> float:
    """Seconds until all are done: the heaviest first, each to whoever is free; one link carries jobs, inputs and outcomes, an input
    once to each worker."""
    order = sorted(jobs, key=lambda job: -job.seconds)
    free = [(0.0, number) for number in range(workers)]
    known: List[Set[str]] = [set() for _ in range(workers)]
    link = 0.0
    end = 0.0
    for job in order:
        now, number = heapq.heappop(free)
        lacking = set(job.inputs) - known[number]
        known[number] |= lacking
        carried = job.bytes + job.outcome + sum(sizes[digest] for digest in lacking)
        # The link serves one after the other.
        link = max(link, now) + carried / bandwidth
        done = link + job.seconds
        end = max(end, done)
        heapq.heappush(free, (done, number))
    return end


def simulate(recording: Recording, workers: int, bandwidth: float) -> float:
    """Wall seconds of the whole run."""
    return recording.serial + sum(makespan(jobs, recording.inputs, workers, bandwidth) for jobs in recording.stages)


class Pretend(Executor):
    """Workers that sleep for as long as each job took and give what it came to; one link between all of them."""

    def __init__(self, recording: Recording, workers: int, bandwidth: float) -> None:
        self.workers = workers
        self._recording, self._bandwidth = recording, bandwidth
        self._pool = ThreadPoolExecutor(workers)
        self._link = threading.Lock()
        self._own = threading.local()

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        return self._pool.submit(self._pretend, *args)

    def _pretend(self, job: bytes, inputs: Dict[str, bytes]) -> Tuple[Any, float, List[str]]:
        known = self._own.__dict__.setdefault("known", set())
        known |= inputs.keys()
        outcome, seconds = self._recording.outcomes[hashlib.sha256(job).digest()]
        lacking = [digest for digest in self._named[hashlib.sha256(job).digest()] if digest not in known]
        carried = len(job) + sum(map(len, inputs.values())) + (0 if lacking else len(outcome))
        with self._link:
            time.sleep(carried / self._bandwidth)
        if lacking:
            return None, 0.0, lacking
        time.sleep(seconds)
        return outcome, seconds, []

    def naming(self, named: Dict[bytes, List[str]]) -> "Pretend":
        self._named = named
        return self


def pretend(rows: ultrare.Rows, settings: Dict[str, Any], recording: Recording, workers: int, bandwidth: float) -> float:
    """Wall seconds of the library's own coordinator with so many pretended workers; the digest has to be the recorded one."""
    from ultrare._executors import Futures

    class Naming(Futures):
        def begin(self, jobs: Any, give: Any) -> None:
            self._executor.naming({hashlib.sha256(job).digest(): inputs for job, inputs, _ in jobs})  # type: ignore[attr-defined]
            super().begin(jobs, give)

    driver = Naming(Pretend(recording, workers, bandwidth), workers)
    began = time.perf_counter()
    found = ultrare.fit(rows, settings, executor=driver)
    took = time.perf_counter() - began
    assert found.digest == recording.digest
    return took


def planned(rows: float, shards: int, users: float, items: int = 10_000, factors: int = 64, combine: float = 28.7) -> Recording:
    """A run that was not made, from what was measured (crate/docs/scale.md): shards of a million rows or so, `hash`, wmf, joint."""
    weights = int((users / shards + items) * factors * 4)
    train = [Job(int(5.62 * rows / shards), [], 2.4e-6 * rows / shards, weights) for _ in range(shards)]
    digests = [str(shard) for shard in range(shards)]
    combining = [Job(1000, digests, combine, items * shards * factors * 4)]
    return Recording([train, combining], {digest: weights for digest in digests}, 0.33e-6 * rows)


def synth(cli: str, users: int, items: int, rows: int) -> ultrare.Rows:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "rows.csv"
        numbers = ["--users", str(users), "--items", str(items), "--rows", str(rows), "--seed", "1"]
        subprocess.run([cli, "synth", *numbers, str(path)], check=True, capture_output=True)
        return ultrare.read(path)


def mean(values: List[float]) -> float:
    return sum(values) / max(len(values), 1)


LINK = 125e6  # one gigabit a second


def measure(cli: str, rows: int, items: int, shards: int, partition: str) -> Dict[str, Any]:
    """One point: what jobs weigh and take."""
    began = time.process_time()
    data = synth(cli, rows // 100, items, rows)
    read = time.process_time() - began
    settings = ultrare.settings(shards=shards, partition=partition)
    recommender, built = record(data, settings)
    train, combine = built.stages[-2], built.stages[-1]
    before = built.stages[:-2]
    changed = record_change(recommender, recommender.members()[0][0])
    point = {
        "partition": partition, "rows": len(data), "users": len(data.users), "items": len(data.items), "shards": shards,
        "read_us_a_row": read / len(data) * 1e6,
        "train_job_bytes_a_row": sum(job.bytes for job in train) / len(data),
        "train_us_a_row": sum(job.seconds for job in train) / len(data) * 1e6,
        "weights_bytes_a_shard": mean([job.outcome for job in train]),
        "combine_seconds": sum(job.seconds for job in combine), "combiner_bytes": sum(job.outcome for job in combine),
        "before_seconds": [round(job.seconds, 3) for jobs in before for job in jobs],
        "before_bytes": [job.bytes for jobs in before for job in jobs],
        "serial_us_a_row": built.serial / len(data) * 1e6,
        "change_work_seconds": sum(job.seconds for jobs in changed.stages for job in jobs), "change_serial_seconds": changed.serial,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }
    if partition == "hash":
        point["check"] = [
            {"workers": workers, "simulated": simulate(built, workers, LINK), "pretended": pretend(data, settings, built, workers, LINK)}
            for workers in (1, 4, 16, 64)
        ]
    return point


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cli", required=True, help="the ultrare command line, for generated rows")
    parser.add_argument("--points", default="250000:10000:4:hash,500000:10000:8:hash,1000000:10000:16:hash,1000000:10000:4:hash,250000:10000:4:obc,1000000:10000:16:obc")
    parser.add_argument("--one", help="measure one point in this process: rows:items:shards:partition")
    args = parser.parse_args()
    if args.one:
        rows, items, shards, partition = args.one.split(":")
        print(json.dumps(measure(args.cli, int(rows), int(items), int(shards), partition)))
        return
    for point in args.points.split(","):
        # Each in a process of its own, so that the peak is its own.
        subprocess.run([sys.executable, __file__, "--cli", args.cli, "--one", point], check=True)


if __name__ == "__main__":
    main()
