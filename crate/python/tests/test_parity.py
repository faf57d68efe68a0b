"""The same file, settings and seed: the command line's bits, and receipts that each checks of the other."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import ultrare
from conftest import VERIFIER

CASES = [
    ({"shards": 4, "partition": "hash"}, ["--partition", "hash"]),
    ({"shards": 4, "partition": "obc", "seed": 3}, ["--partition", "obc", "--seed", "3"]),
    ({"shards": 4, "model": {"name": "bpr", "rate": 0.02}, "factors": 8}, ["--model", "bpr", "--set", "rate=0.02", "--factors", "8"]),
    ({"shards": 4, "model": "ease"}, ["--model", "ease"]),
    ({"shards": 4, "partition": "anchored", "combine": "consensus"}, ["--partition", "anchored", "--combine", "consensus"]),
]


@pytest.mark.parametrize("settings,flags", CASES, ids=[" ".join(flags) for _, flags in CASES])
def test_digests_are_those_of_the_command_line(cli, file, tmp_path, settings, flags):
    cli("run", "--data", file, "--shards", 4, *flags, "--json", tmp_path / "out.json")
    told = json.loads((tmp_path / "out.json").read_text())
    recommender = ultrare.fit(file, **settings)
    assert recommender.digest == told["digests"]["ensemble_before"]
    assert recommender.settings == told["settings"]
    mine, theirs = recommender.evaluate()["metrics"]["ndcg@20"], told["results"]["original"]["metrics"]["ndcg@20"]
    assert mine == theirs
    assert recommender.snapshot()["digests"]["split"] == told["digests"]["split"]


def test_receipts_made_here_hold_there(cli, file, tmp_path):
    recommender = ultrare.fit(file, shards=4)
    first, second = (members[0] for members in recommender.members()[:2])
    for number, user in enumerate((first, second)):
        receipt = recommender.apply(recommender.plan(forget_users=[user]).accept())
        receipt.save(tmp_path / f"{number}.json")
    paths = [tmp_path / "0.json", tmp_path / "1.json"]
    said = cli("verify", *paths, "--data", file, "--head", recommender.receipt.digest, "--rows", tmp_path / "rows.txt")
    assert "verified" in said
    other = subprocess.run([sys.executable, VERIFIER, *paths, "--rows", tmp_path / "rows.txt"], capture_output=True, text=True)
    assert other.returncode == 0 and "holds" in other.stdout, other.stdout + other.stderr
    lie = json.loads((tmp_path / "1.json").read_text())
    lie["number"] += 1
    (tmp_path / "1.json").write_text(json.dumps(lie))
    cli("verify", *paths, "--data", file, code=2)


def test_receipts_made_there_hold_here(cli, file, tmp_path):
    user = ultrare.read(file).users[5]
    cli("run", "--data", file, "--shards", 4, "--forget", f"users:{user}", "--receipt", tmp_path / "r.json", "--save", tmp_path / "x.urx")
    receipt = ultrare.Receipt.load(tmp_path / "r.json")
    verdict = receipt.verify(ultrare.read(file))
    assert verdict["ok"] and any(check["name"] == "ndcg@20" for check in verdict["checks"])
    restored = ultrare.Recommender.restore(tmp_path / "x.urx")
    assert restored.receipts == [receipt] and restored.recommend(user).basis == "popularity"
    # And on from there, on another day.
    again = restored.apply(restored.plan(forget_users=[ultrare.read(file).users[6]]).accept())
    again.save(tmp_path / "s.json")
    cli("verify", tmp_path / "r.json", tmp_path / "s.json", "--data", file)


def test_what_was_saved_here_serves_there(cli, file, tmp_path):
    recommender = ultrare.fit(file, shards=4)
    recommender.save(tmp_path / "x.urx")
    user = recommender.members()[0][0]
    cli("recommend", "--experiment", tmp_path / "x.urx", "--users", user, "--top", 5, "--out", tmp_path / "lists.json")
    theirs = json.loads((tmp_path / "lists.json").read_text())[0]["items"]
    mine = recommender.recommend(user, 5)
    assert [one["item"] for one in theirs] == mine.items
    assert [one["score"] for one in theirs] == pytest.approx(mine.scores.tolist(), abs=0)


LOOP = r"""
set -e
"$1" job plan "$2" --experiment "$3" $4 > /dev/null
while [ ! -e "$2/result.urx" ]; do
  for job in "$2"/jobs/*.job; do "$1" job run "$job" > /dev/null; done
  "$1" job accept "$2" > /dev/null
done
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the loop is one of a POSIX shell")
def test_jobs_as_files_in_a_shell_loop_come_to_the_same(cli, file, tmp_path):
    cli("run", "--data", file, "--shards", 3, "--prepare", tmp_path / "prepared.urx")

    def loop(folder, experiment, *flags):
        subprocess.run(["sh", "-c", LOOP, "loop", str(cli.binary), str(folder), str(experiment), *flags], check=True)
        return ultrare.Recommender.restore(folder / "result.urx")

    recommender = ultrare.fit(file, shards=3)
    built = loop(tmp_path / "build", tmp_path / "prepared.urx")
    assert built.digest == recommender.digest
    user = recommender.members()[0][0]
    receipt = recommender.apply(recommender.plan(forget_users=[user]).accept())
    changed = loop(tmp_path / "change", tmp_path / "build" / "result.urx", f"--forget=users:{user}")
    assert changed.digest == recommender.digest
    assert changed.receipt.touched == receipt.touched and changed.receipt.verify(file)["ok"]


def test_a_job_of_the_command_line_runs_here(cli, file, tmp_path):
    cli("run", "--data", file, "--shards", 3, "--partition", "hash", "--prepare", tmp_path / "prepared.urx")
    folder = tmp_path / "jobs"
    cli("job", "plan", folder, "--experiment", tmp_path / "prepared.urx")
    job = sorted((folder / "jobs").iterdir())[0]
    cli("job", "run", job)
    (theirs,) = (folder / "outcomes").iterdir()
    text = job.read_bytes()
    assert ultrare.run(text) == theirs.read_bytes()
    with pytest.raises(ultrare.errors.JobError) as other:
        ultrare.run(text[:5] + b"9" + text[6:])
    assert other.value.code == "pipeline.other_version" and "9.1.0" in str(other.value)
    with pytest.raises(ultrare.errors.JobError) as cut:
        ultrare.run(text[:-9])
    assert cut.value.code == "pipeline.damaged"
    with pytest.raises(ultrare.errors.JobError) as foreign:
        ultrare.run(b"something else")
    assert foreign.value.code == "pipeline.foreign"
