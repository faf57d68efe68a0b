"""The front page: fit, ask, change, verify, keep."""

from __future__ import annotations

import json
import threading
import time

import numpy as np
import pytest

import ultrare
from conftest import SETTINGS


def test_forgotten_equals_never_there_and_the_receipt_bears_it_out(rows, fitted, tmp_path):
    bill = fitted.plan(forget_users="u017")
    assert len(bill.touched) == 1 and 0 < bill.rows_to_train < 5_000 and bill.taints == [] and not bill.unknown
    before = fitted.digest
    receipt = fitted.apply(bill.accept())
    assert receipt.touched == bill.touched and receipt.number == 1 and fitted.digest != before
    never = ultrare.from_rows(row for row in rows.to_tuples() if row[0] != "u017")
    twin = ultrare.fit(never, **SETTINGS)
    assert twin.digest == fitted.digest
    assert fitted.recommend("u042") == twin.recommend("u042")
    assert fitted.recommend("u017").basis == "popularity"
    assert b"u017" not in fitted.save()
    verdict = receipt.verify(rows)
    assert verdict["ok"] and len(verdict["checks"]) > 50
    assert receipt.verify(never)["ok"]
    receipt.save(tmp_path / "receipt.json")
    assert ultrare.Receipt.load(tmp_path / "receipt.json") == receipt == fitted.receipt
    assert ultrare.verify([receipt], rows, head=receipt.digest)["ok"]
    with pytest.raises(ultrare.errors.Refuted) as refuted:
        ultrare.verify([receipt], rows, head="0" * 64)
    assert refuted.value.code == "recommender.refuted" and not refuted.value.verdict["ok"]


def test_a_receipt_that_was_changed_or_of_other_rows_is_refused(rows, fitted):
    receipt = fitted.apply(fitted.plan(forget_users=["u017"]).accept())
    with pytest.raises(ultrare.errors.ReceiptError) as changed:
        ultrare.Receipt.parse(json.dumps({**receipt.data, "number": 2}))
    assert changed.value.code.startswith("receipt.")
    others = ultrare.from_rows(row for row in rows.to_tuples() if row[0] != "u018")
    with pytest.raises(ultrare.errors.ReceiptError):
        receipt.verify(others)


def test_adding_back_what_was_forgotten_leads_back(rows, fitted, digest):
    own = [row for row in rows.to_tuples() if row[0] == "u017"]
    fitted.apply(fitted.plan(forget_users=["u017"]).accept())
    bill = fitted.plan(add=own)
    assert bill.plan["users_new"] == 1
    fitted.apply(bill.accept())
    assert fitted.digest == digest and len(fitted.receipts) == 2
    assert fitted.verify(rows)["ok"]
    same = fitted.plan(add=ultrare.from_rows(own))
    assert same.plan["known"] == len(own)


def test_lists_are_numpy_and_leave_out_what_they_must(fitted):
    top = fitted.recommend("u042", 10)
    assert top.scores.dtype == np.float32 and (np.diff(top.scores) <= 0).all() and len(top) == 10
    assert list(top)[0] == (top.items[0], float(top.scores[0]))
    left = fitted.recommend("u042", 3, exclude=[top.items[0], "nothing of the kind"])
    assert left.items == top.items[1:4]
    assert set(fitted.recommend("u042", 10, only=top.items[5:7]).items) == set(top.items[5:7])
    assert len(fitted.recommend("u042", 1000, seen=True)) > len(fitted.recommend("u042", 1000))
    together = fitted.recommend_all(["u042", "u001"], 10)
    assert together["u042"] == top and len(fitted.recommend_all(top=3)) == 600
    visitor = fitted.recommend_for([(top.items[0], 1.0), "never heard of"], 5)
    assert visitor.unknown == ["never heard of"] and visitor.basis == "rows" and top.items[0] not in visitor.items
    assert fitted.recommend_for({top.items[0]: 1.0}, 5) == fitted.recommend_for([top.items[0]], 5) == fitted.similar(top.items[0], 5)


def test_reasons_are_own_rows_and_add_up(fitted, rows):
    item, score = next(iter(fitted.recommend("u042", 1)))
    why = fitted.explain("u042", item)
    assert why.item == item and abs(why.score - score) < 1e-5 and abs(why.shares.sum() - why.score) < 1e-4
    own = {row[1] for row in rows.to_tuples() if row[0] == "u042"}
    assert set(why.reasons) <= own and next(iter(why))[0] == why.reasons[0]
    assert fitted.explain_for(why.reasons, item).item == item


def test_shards_vectors_and_numbers_can_be_looked_at(fitted):
    shard = fitted.shards_of("u042")[0]
    assert "u042" in fitted.members()[shard] and fitted.shards_of("nobody") == []
    assert len(fitted.shard(shard)["digest"]) == 64
    vectors = fitted.vectors(shard)
    assert vectors.user_vectors.shape[0] == len(vectors.users) and vectors.item_vectors.shape[0] == len(vectors.items)
    assert vectors.user_vectors.shape[1] == vectors.item_vectors.shape[1] > 4
    assert fitted.snapshot()["digests"]["ensemble_before"] == fitted.digest
    assert fitted.settings["partition"]["shards"] == 5
    result = fitted.evaluate()
    assert 0.1 < result["metrics"]["ndcg@20"]["mean"] < 1
    receipt = fitted.apply(fitted.plan(forget_users=["u017"]).accept())
    assert "ndcg@20" in receipt.data["metrics"]["unlearned"]


def test_saved_and_restored_it_says_the_same(fitted, tmp_path):
    fitted.apply(fitted.plan(forget_users=["u017"]).accept())
    saved = fitted.save(tmp_path / "kept.urx")
    for again in (ultrare.Recommender.restore(saved), ultrare.Recommender.restore(tmp_path / "kept.urx")):
        assert again.digest == fitted.digest and again.recommend("u042") == fitted.recommend("u042")
        assert again.receipts == fitted.receipts
    with pytest.raises(ultrare.errors.JobError) as damaged:
        ultrare.Recommender.restore(saved[: len(saved) // 2])
    assert damaged.value.code == "pipeline.damaged"


def test_settings_are_said_in_full_and_catalogued():
    full = ultrare.settings(shards=7, model={"name": "bpr", "rate": 0.02}, factors=16, seed=3)
    assert full["partition"]["shards"] == 7 and full["seed"] == 3
    assert full["model"]["name"] == "bpr" and full["model"]["factors"] == 16 and abs(full["model"]["rate"] - 0.02) < 1e-6
    assert ultrare.settings(full) == full
    assert ultrare.settings(model="ease")["combine"]["method"] == "mean"
    assert ultrare.settings(full, model="itemknn")["model"] == {"name": "itemknn", "neighbours": None}
    assert ultrare.settings(full, partition="hash")["partition"] == {"method": "hash", "shards": 7}
    for given, told in [
        ({"model": {"name": "itemknn", "rate": 0.02}}, "itemknn has no knob rate: it has neighbours"),
        ({"model": "ease", "factors": 8}, "ease has no knob factors: it has lambda"),
        ({"partition": {"method": "random", "strength": 1.0}}, "random has no knob strength: it has shards"),
        ({"combine": {"method": "mean", "epochs": 3}}, "mean has no knob epochs: it has none"),
    ]:
        with pytest.raises(ultrare.errors.UltrareError, match=told):
            ultrare.settings(**given)
    assert {one["name"] for one in ultrare.catalogue()["models"]} >= {"wmf", "bpr", "lightgcn", "ease"}


def test_progress_is_told_where_the_call_was_made_and_every_stage_ends(rows):
    told = []
    ultrare.fit(rows, **SETTINGS, progress=lambda one: told.append((one, threading.get_ident())))
    assert {thread for _, thread in told} == {threading.get_ident()}
    done = {one.stage: one.done for one, _ in told}
    assert done["train"] == 1.0 and done["combine"] == 1.0
    assert all(0 <= one.done <= 1 and one.pipeline == "original" for one, _ in told)


def test_a_bar_draws_one_line(rows):
    import io

    out = io.StringIO()
    ultrare.fit(rows, **SETTINGS, progress=ultrare.Bar(out))
    assert "original train x5" in out.getvalue() and out.getvalue().count("\n") == 1 and "100%" in out.getvalue()


def test_other_threads_go_on_during_work(large):
    done = threading.Event()
    found = []

    def work():
        found.append(ultrare.fit(large, shards=4, partition="hash", threads=1).digest)
        done.set()

    thread = threading.Thread(target=work)
    began, ticks = time.perf_counter(), 0
    thread.start()
    while not done.is_set():
        time.sleep(0.005)
        ticks += 1
    took = time.perf_counter() - began
    thread.join()
    assert found[0] and took > 0.2 and ticks > took / 0.005 / 4, f"{ticks} ticks in {took:.2f} s"


def test_threads_do_not_matter(rows, digest):
    for threads in (1, 2, 7):
        assert ultrare.fit(rows, **SETTINGS, threads=threads).digest == digest
