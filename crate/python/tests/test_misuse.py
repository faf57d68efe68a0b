"""Calls in any order, after close, with wrong kinds of values, interrupted: typed errors, never a hang."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

import ultrare
from conftest import SETTINGS
from ultrare import errors


def test_after_close_everything_says_so(fitted):
    bill = fitted.plan(forget_users=["u017"])
    fitted.recommend("u042")
    fitted.close()
    fitted.close()
    calls = [
        lambda: fitted.recommend("u042"), lambda: fitted.recommend_all(["u042"]), lambda: fitted.recommend_all(),
        lambda: fitted.recommend_for(["i001"]), lambda: fitted.similar("i001"), lambda: fitted.explain("u042", "i001"),
        lambda: fitted.plan(forget_users=["u017"]), lambda: fitted.apply(bill.accept()), lambda: fitted.evaluate(),
        lambda: fitted.save(), lambda: fitted.digest, lambda: fitted.receipts, lambda: fitted.receipt, lambda: fitted.snapshot(),
        lambda: fitted.settings, lambda: fitted.shard(0), lambda: fitted.vectors(0), lambda: fitted.members(),
        lambda: fitted.shards_of("u042"), lambda: fitted.verify("nowhere.csv"),
    ]
    for call in calls:
        with pytest.raises(errors.ClosedError) as closed:
            call()
        assert closed.value.code == "python.closed"
    assert "closed" in repr(fitted)
    with ultrare.fit(ultrare.sample(1), **SETTINGS) as short:
        assert short.digest
    with pytest.raises(errors.ClosedError):
        short.digest


KINDS = [
    lambda r: r.recommend(None), lambda r: r.recommend(1.5), lambda r: r.recommend("u042", "many"), lambda r: r.recommend("u042", -1),
    lambda r: r.recommend("u042", True), lambda r: r.recommend("u042", exclude=7.5), lambda r: r.recommend("u042", only=[None]),
    lambda r: r.recommend_all(3.5), lambda r: r.recommend_for("i001"), lambda r: r.recommend_for(5), lambda r: r.recommend_for([("a", "b")]),
    lambda r: r.recommend_for([("a", 1, 2)]), lambda r: r.similar(b"i001"), lambda r: r.explain("u042", ["i001"]),
    lambda r: r.plan(forget_users=[None]), lambda r: r.plan(forget_users=5.5), lambda r: r.plan(forget_rows=["u017"]),
    lambda r: r.plan(forget_rows=[("u017",)]), lambda r: r.plan(add=5), lambda r: r.apply(r.plan(forget_users=["u017"])), lambda r: r.apply(None),
    lambda r: r.apply(r.plan(forget_users=["u017"]).accept(), threads=-1), lambda r: r.apply(r.plan().accept(), executor="here"),
    lambda r: r.evaluate(progress=5), lambda r: r.evaluate(threads="all"), lambda r: r.shard("first"), lambda r: r.shard(99), lambda r: r.vectors(-1),
    lambda r: ultrare.Recommender.restore(5), lambda r: ultrare.Recommender(5), lambda r: ultrare.Rows(5), lambda r: ultrare.Receipt(5),
    lambda r: ultrare.Receipt.parse(b""), lambda r: ultrare.verify([5], r), lambda r: ultrare.read(5), lambda r: ultrare.sample("one"),
    lambda r: ultrare.sample(-1), lambda r: ultrare.sample(1, "huge"), lambda r: ultrare.fit(5), lambda r: ultrare.fit(ultrare.sample(1), "fast"), lambda r: ultrare.run("job"),
    lambda r: ultrare.fit(ultrare.sample(1), speed=3), lambda r: ultrare.settings(model=3), lambda r: ultrare.settings({"seed": object()}),
    lambda r: ultrare.read("x.csv", header=object()),
]


def test_wrong_kinds_of_values_are_kind_errors(rows):
    recommender = ultrare.fit(rows, **SETTINGS)
    for number, call in enumerate(KINDS):
        with pytest.raises(errors.KindError) as kind:
            call(recommender)
        assert isinstance(kind.value, TypeError) and kind.value.code == "python.type" and str(kind.value), number
    assert recommender.receipts == []


REFUSED = [
    (lambda r: ultrare.read("no/such/file.csv"), errors.ReadError, "recommender.file"),
    (lambda r: ultrare.read(__file__), errors.ReadError, None),
    (lambda r: ultrare.read(__file__, user="nobody"), errors.ReadError, None),
    (lambda r: ultrare.read("x.csv", speed=3), errors.ArgumentError, "python.value"),
    (lambda r: ultrare.from_rows([("a", "b"), ("a",)]), errors.ReadError, "python.row"),
    (lambda r: ultrare.from_rows(["ab"]), errors.ReadError, "python.row"),
    (lambda r: ultrare.from_rows([("a", "b", "c")]), errors.ReadError, "python.row"),
    (lambda r: ultrare.from_rows([("a", "")]), errors.ReadError, "recommender.row"),
    (lambda r: ultrare.from_rows([("a", "b", float("nan"))]), errors.ReadError, "recommender.row"),
    (lambda r: ultrare.fit(ultrare.from_rows([])), errors.UltrareError, None),
    (lambda r: ultrare.settings(shards=0), errors.SettingsError, None),
    (lambda r: ultrare.settings(model="gpt"), errors.ArgumentError, "python.value"),
    (lambda r: ultrare.fit(ultrare.sample(1), model="neumf", combine="joint"), errors.UltrareError, None),
    (lambda r: ultrare.settings({"speed": 3}), errors.ArgumentError, "python.value"),
    (lambda r: ultrare.settings(shards="ten"), errors.ArgumentError, "python.value"),
    (lambda r: r.explain("nobody", "i001"), errors.AskError, "serve.unknown_user"),
    (lambda r: r.explain("u042", "nothing"), errors.AskError, "serve.unknown_item"),
    (lambda r: r.similar("nothing"), errors.AskError, "serve.unknown_item"),
    (lambda r: r.plan(add=[("", "x")]), errors.UltrareError, None),
    (lambda r: r.apply(r.plan().accept()), errors.ChangeError, None),
    (lambda r: r.apply(r.plan(forget_users=["nobody"]).accept()), errors.ChangeError, None),
    (lambda r: r.vectors(99), errors.ChangeError, None),
    (lambda r: ultrare.Receipt.parse("{}"), errors.ReceiptError, None),
    (lambda r: ultrare.Receipt.parse("no JSON"), errors.ReceiptError, None),
    (lambda r: ultrare.verify([], ultrare.sample(1)), errors.UltrareError, None),
    (lambda r: ultrare.Recommender.restore(b""), errors.JobError, None),
    (lambda r: ultrare.Recommender.restore(b"something else"), errors.JobError, "pipeline.foreign"),
]


def test_what_cannot_be_done_is_refused_in_words(rows):
    recommender = ultrare.fit(rows, **SETTINGS)
    digest = recommender.digest
    for number, (call, kind, code) in enumerate(REFUSED):
        with pytest.raises(kind) as refused:
            call(recommender)
        assert code in (None, refused.value.code), (number, refused.value.code)
        assert "." in refused.value.code and len(str(refused.value)) > 15, (number, str(refused.value))
    assert recommender.digest == digest and recommender.receipts == []


def test_a_bill_of_other_rows_is_refused(fitted):
    stale = fitted.plan(forget_users=["u017"]).accept()
    fitted.apply(fitted.plan(forget_users=["u018"]).accept())
    with pytest.raises(errors.ChangeError) as refused:
        fitted.apply(stale)
    assert refused.value.code == "experiment.stale"


def test_from_inside_a_callback_a_change_is_busy_and_questions_are_answered(fitted):
    before = fitted.recommend("u042")
    heard = []

    def ask(progress):
        assert fitted.recommend("u042") == before
        for call in (fitted.save, fitted.close, lambda: fitted.plan(forget_users=["u018"]), fitted.evaluate):
            with pytest.raises(errors.BusyError) as busy:
                call()
            assert busy.value.code == "python.busy"
        heard.append(progress)

    fitted.apply(fitted.plan(forget_users=["u017"]).accept(), progress=ask)
    assert heard and len(fitted.receipts) == 1


def test_what_a_callback_raises_stops_the_work_and_comes_out(fitted, rows):
    class Enough(Exception):
        pass

    def enough(progress):
        raise Enough

    with pytest.raises(Enough):
        ultrare.fit(rows, **SETTINGS, progress=enough)
    digest = fitted.digest
    accepted = fitted.plan(forget_users=["u017"]).accept()
    with pytest.raises(Enough):
        fitted.apply(accepted, progress=enough)
    if fitted.digest == digest:
        assert fitted.receipts == []
        fitted.apply(accepted)
    assert len(fitted.receipts) == 1


def test_from_many_threads_it_answers_the_same(fitted):
    expected = fitted.recommend("u042")
    found, wrong = [], []

    def ask():
        for _ in range(50):
            try:
                found.append(fitted.recommend("u042") == expected)
            except errors.UltrareError as error:
                wrong.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 400 and all(found) and not wrong


def test_two_changes_at_once_one_is_busy_and_nothing_is_lost(large):
    recommender = ultrare.fit(large, shards=4, partition="hash")
    users = [recommender.members()[0][n] for n in range(2)]
    accepted = [recommender.plan(forget_users=[user]).accept() for user in users]
    outcomes = []

    def change(one):
        try:
            outcomes.append(recommender.apply(one))
        except errors.UltrareError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=change, args=(one,)) for one in accepted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    kinds = sorted(type(one).__name__ for one in outcomes)
    assert kinds in (["BusyError", "Receipt"], ["ChangeError", "Receipt"]), outcomes
    assert len(recommender.receipts) == 1


INTERRUPTED = """
import sys, time, ultrare
def main(where):
    rows = ultrare.from_rows((u, (u * 7 + n * n) % 4000, 1.0) for u in range(6000) for n in range(60))
    executor = ultrare.Processes(2) if where == "processes" else None
    print("begun", flush=True)
    began = time.monotonic()
    try:
        ultrare.fit(rows, shards=2, model="lightgcn", executor=executor)
        print("ended", flush=True)
    except KeyboardInterrupt:
        print("interrupted", time.monotonic() - began, flush=True)
        if executor:
            assert ultrare.fit(ultrare.sample(1), shards=2, executor=executor).digest
            executor.shutdown()
            print("and went on", flush=True)
if __name__ == "__main__": main(sys.argv[1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals as they are in POSIX")
@pytest.mark.parametrize("where", ["threads", "processes"])
def test_ctrl_c_stops_it(where, tmp_path):
    path = tmp_path / "interrupted.py"
    path.write_text(INTERRUPTED)
    child = subprocess.Popen([sys.executable, str(path), where], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "begun\n", child.stderr.read()
    time.sleep(1.0)
    child.send_signal(signal.SIGINT)
    sent = time.monotonic()
    out, err = child.communicate(timeout=60)
    assert out.startswith("interrupted"), out + err
    assert time.monotonic() - sent < 10 and ("went on" in out) == (where == "processes"), out + err


def test_a_script_without_a_guard_is_told_and_does_not_hang(tmp_path):
    path = tmp_path / "unguarded.py"
    path.write_text("import ultrare\nultrare.fit(ultrare.sample(1), shards=3, executor=ultrare.Processes(2))\n")
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=120)
    assert done.returncode != 0 and "ExecutorError" in done.stderr and "__main__" in done.stderr
