"""Seconds to the same quality: ultrare's `wmf` and `bpr`, one model on all rows, beside `implicit`'s ALS and BPR.

The same rows for both: generated, a fifth of each user's held out, NDCG@20 over all items without the user's training rows. The goal of
a line is 99.5% of the lower of both best figures, so that both reach it; the seconds are those of training up to there, by the wall and
of the processor. `end` is what ultrare comes to where it stops by itself, which is not always where it is best. The library's strengths (weight of what is not there, penalty) are the best of a small grid, judged on other held-out rows
of the training rows and not timed; ultrare's are its defaults. `implicit`'s training is looked at after every sweep, ultrare's is
run once for each number of sweeps: neither clock counts the looking.
"""

import argparse
import csv
import json
import os
import subprocess
import time

for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[name] = "1"  # the library has threads of its own

import numpy as np
import scipy.sparse as sparse
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking

SIZES = {"small": (943, 1349, 100_000), "medium": (6_040, 3_706, 720_000), "large": (30_000, 10_000, 2_000_000)}
GRID = {
    "wmf": [{"alpha": weight, "regularization": penalty} for weight in (2.0, 5.0, 15.0) for penalty in (1.0, 10.0, 50.0)],
    "bpr": [{"learning_rate": rate, "regularization": penalty} for rate in (0.01, 0.05) for penalty in (0.01, 0.05, 0.1)],
}
SWEEPS = {"wmf": [1, 2, 3, 4, 5, 6, 8, 10, 14, 20], "bpr": [1, 2, 3, 5, 10, 20, 40, 80]}
TOP = 20
SHARE = 0.995


def split(path, folder):
    """A fifth of each user's rows to the test file; the matrices, and the files as the command line reads them."""
    with open(path, newline="") as file:
        pairs = [(row[0], row[1]) for row in list(csv.reader(file))[1:]]
    users, items = (sorted(set(column)) for column in zip(*pairs))
    user_of, item_of = ({name: at for at, name in enumerate(names)} for names in (users, items))
    held = np.random.default_rng(1).random(len(pairs)) < 0.2
    files = {}
    for name, wanted in (("train", False), ("test", True)):
        files[name] = os.path.join(folder, f"{name}.csv")
        with open(files[name], "w") as out:
            out.write("user,item\n")
            out.writelines(f"{user},{item}\n" for (user, item), held_out in zip(pairs, held) if held_out == wanted)
    rows = np.array([(user_of[user], item_of[item]) for user, item in pairs])
    return files, *(matrix(rows[held == wanted], len(users), len(items)) for wanted in (False, True))


def matrix(rows, users, items):
    return sparse.csr_matrix((np.ones(len(rows), dtype=np.float32), (rows[:, 0], rows[:, 1])), shape=(users, items))


def ndcg(users, items, train, test):
    """As ultrare has it: the ideal list is no longer than what is looked at; only users with something held out."""
    discount = 1 / np.log2(np.arange(TOP) + 2)
    ideal = np.concatenate([[0], np.cumsum(discount)])
    wanted, total = np.flatnonzero(np.diff(test.indptr)), 0.0
    for block in np.array_split(wanted, max(1, len(wanted) // 512)):
        scores = users[block] @ items.T
        for at, user in enumerate(block):
            scores[at, train.indices[train.indptr[user]:train.indptr[user + 1]]] = -np.inf
        best = np.argpartition(-scores, TOP, axis=1)[:, :TOP]
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
        best = np.take_along_axis(best, order, axis=1)
        for at, user in enumerate(block):
            own = test.indices[test.indptr[user]:test.indptr[user + 1]]
            total += (np.isin(best[at], own) * discount).sum() / ideal[min(TOP, len(own))]
    return total / len(wanted)


def other(model, factors, threads, settings):
    made = AlternatingLeastSquares if model == "wmf" else BayesianPersonalizedRanking
    return made(factors=factors, iterations=1, num_threads=threads, random_state=1, **settings)


def library(make, looks, train, test):
    """[(sweeps, seconds, computed, NDCG)] after each of so many sweeps."""
    model, found, seconds, computed, done = make(), [], 0.0, 0.0, 0
    for look in looks:
        model.iterations = look - done
        began = time.perf_counter(), time.process_time()
        model.fit(train, show_progress=False)
        seconds, computed, done = seconds + time.perf_counter() - began[0], computed + time.process_time() - began[1], look
        found.append((look, seconds, computed, ndcg(model.user_factors, model.item_factors, train, test)))
    return found


def ultrare(binary, name, looks, files, factors, threads, folder):
    """The same of one model without shards: a run for each number of sweeps, until it stops of itself before. A model that stops by
    what it ranks is fitted once more on all of its rows for the sweeps that were best: its seconds are those of both."""
    found, out = [], os.path.join(folder, "out.json")
    for look in looks:
        args = ["run", "--train", files["train"], "--test", files["test"], "--shards", "1", "--partition", "hash", "--combine", "own", "--model", name,
                "--factors", str(factors), "--threads", str(threads), "--json", out, "--set", f"epochs={look}"]
        subprocess.run([binary, "-q", *args], check=True)
        with open(out) as file:
            snapshot = json.load(file)
        spent = [one for one in snapshot["seconds"]["spent"] if one["what"] == "train" and one["pipeline"] == "original"]
        seconds, computed = (sum(one[key] for one in spent) for key in ("seconds", "work"))
        sweeps = snapshot["shards"][0]["epochs"]
        found.append((sweeps, seconds, computed, snapshot["results"]["original"]["metrics"]["ndcg@20"]["mean"]))
        if sweeps < look:
            break
    return found


def first(found, goal):
    return next((one for one in found if one[3] >= goal), None)


def strengths(model, train, factors):
    """Judged on a tenth of the training rows, and never on what the table is about."""
    rows = np.stack(train.nonzero(), axis=1)
    held = np.random.default_rng(2).random(len(rows)) < 0.1
    part, looked = (matrix(rows[held == wanted], *train.shape) for wanted in (False, True))
    looks = [8] if model == "wmf" else [10, 40]
    judged = lambda settings: max(one[3] for one in library(lambda: other(model, factors, 2, settings), looks, part, looked))
    return max(GRID[model], key=judged)


def main():
    parser = argparse.ArgumentParser()
    for name, default in (("ultrare", None), ("folder", "."), ("json", "library.json"), ("sizes", "small,medium"), ("factors", "32,64,128"), ("threads", "1,2"), ("models", "wmf,bpr")):
        parser.add_argument(f"--{name}", default=default)
    given = parser.parse_args()
    numbers = lambda text: [int(one) for one in text.split(",")]
    lines = []
    print(f"{'set':8} {'model':5} {'factors':>7} {'threads':>7} {'goal':>7}   {'ultrare s':>9} {'cpu':>7} {'sweeps':>6} {'best':>6} {'end':>6}   {'library s':>9} {'cpu':>7} {'sweeps':>6} {'best':>6}   {'wall':>5} {'cpu':>5}")
    for size in given.sizes.split(","):
        users, items, rows = SIZES[size]
        folder = os.path.join(given.folder, size)
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "rows.csv")
        subprocess.run([given.ultrare, "-q", "synth", "--users", str(users), "--items", str(items), "--rows", str(rows), "--seed", "1", path], check=True)
        files, train, test = split(path, folder)
        for factors in numbers(given.factors):
            for model in given.models.split(","):
                settings = strengths(model, train, factors)
                for threads in numbers(given.threads):
                    make = lambda: other(model, factors, threads, settings)
                    ours = ultrare(given.ultrare, model, SWEEPS[model], files, factors, threads, folder)
                    theirs = library(make, SWEEPS[model], train, test)
                    best = [max(one[3] for one in found) for found in (ours, theirs)]
                    goal = SHARE * min(best)
                    one, two = first(ours, goal), first(theirs, goal)
                    lines.append({"set": size, "model": model, "factors": factors, "threads": threads, "goal": goal, "strengths": settings, "ultrare": ours, "library": theirs,
                                  "wall": one[1] / two[1], "cpu": one[2] / two[2]})
                    show = lambda at, top: f"{at[1]:9.3f} {at[2]:7.3f} {at[0]:6d} {top:6.4f}"
                    print(f"{size:8} {model:5} {factors:7d} {threads:7d} {goal:7.4f}   {show(one, best[0])} {ours[-1][3]:6.4f}   {show(two, best[1])}   {one[1] / two[1]:5.2f} {one[2] / two[2]:5.2f}", flush=True)
    with open(given.json, "w") as out:
        json.dump(lines, out, indent=2)
    print(f"NDCG@{TOP}. Ratios below 1: ultrare is quicker to the same figure. Written to {given.json}.")


main()
