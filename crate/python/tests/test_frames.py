"""Data frames through the Arrow C interface come to what a file with the same rows comes to."""

from __future__ import annotations

import datetime

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import ultrare
from conftest import SETTINGS


@pytest.fixture(scope="module")
def frame(file):
    return pd.read_csv(file)


@pytest.fixture(scope="module")
def expected(file):
    return ultrare.fit(file, **SETTINGS).digest


def test_every_kind_of_frame_comes_to_the_digest_of_the_file(frame, expected):
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    user = frame.columns[0]
    parts = pa.Table.from_batches(arrow.to_batches(max_chunksize=700))
    kinds = {
        "pandas": frame,
        "pandas, another index": frame.set_index(pd.Index(range(7, 7 + len(frame)))),
        "pandas, categories": frame.astype({user: "category"}),
        "pandas, text": frame.astype({user: "string"}),
        "polars": pl.DataFrame(arrow),
        "polars, categories": pl.DataFrame(arrow).with_columns(pl.col(user).cast(pl.String).cast(pl.Categorical)),
        "arrow": arrow,
        "arrow, many batches": parts,
        "arrow, a stream": pa.RecordBatchReader.from_batches(parts.schema, parts.to_batches()),
        "arrow, large text": arrow.set_column(0, user, arrow[user].cast(pa.string()).cast(pa.large_string())),
        "arrow, dictionary": arrow.set_column(0, user, arrow[user].cast(pa.string()).combine_chunks().dictionary_encode()),
    }
    for name, one in kinds.items():
        assert ultrare.fit(one, **SETTINGS).digest == expected, name


def test_a_receipt_of_a_frame_is_borne_out_by_the_file(frame, file):
    recommender = ultrare.fit(frame, **SETTINGS)
    user = recommender.members()[0][0]
    receipt = recommender.apply(recommender.plan(forget_users=[user]).accept())
    assert receipt.verify(ultrare.read(file))["ok"]


def test_columns_by_name_and_whatever_else_a_frame_holds(frame, expected):
    named = frame.rename(columns=dict(zip(frame.columns, ["a", "b", "c", "d"])))[["d", "c", "b", "a"]]
    rows = ultrare.from_frame(named, user="a", item="b", rating="c", time="d")
    assert ultrare.fit(rows, **SETTINGS).digest == expected
    with pytest.raises(ultrare.errors.ReadError) as unknown:
        ultrare.from_frame(named, user="nobody", item="b")
    assert unknown.value.code == "python.column" and "d, c, b, a" in str(unknown.value)


def test_values_are_read_as_people_mean_them():
    when = datetime.datetime(2005, 4, 2, tzinfo=datetime.timezone.utc)
    frame = pl.DataFrame({
        "user": ["ann, the first", 'bo "b"', "cy", None, " di"],
        "item": [1.0, 2.0, 3.0, 4.0, 5.0],
        "rating": [4.5, None, 3.0, 2.0, 1.0],
        "time": [when] * 5,
    })
    rows = ultrare.from_frame(frame)
    assert {"1", "3", "5"} <= set(rows.items) and "ann, the first" in rows.users
    assert "cy" in rows.users and rows.to_numpy()["time"][0] == int(when.timestamp())
    assert sum(rows.report["rejected"].values()) >= 1
    dates = ultrare.from_frame(pl.DataFrame({"user": ["a", "b"], "item": ["x", "y"], "time": [when.date()] * 2}))
    assert set(dates.to_numpy()["time"].tolist()) == {int(when.timestamp())}
    above = ultrare.from_frame(frame, positive=3)
    assert len(above) == 2


def test_what_is_no_frame_of_interactions_is_refused():
    with pytest.raises(ultrare.errors.ReadError) as none:
        ultrare.from_frame([1, 2])
    assert none.value.code == "python.frame" and "polars" in str(none.value)
    with pytest.raises(ultrare.errors.ReadError) as lists:
        ultrare.from_frame(pl.DataFrame({"user": ["a"], "item": [["x", "y"]]}))
    assert lists.value.code == "python.frame" and '"item"' in str(lists.value)
    with pytest.raises(ultrare.errors.ReadError) as empty:
        ultrare.from_frame(pl.DataFrame({"user": [], "item": []}, schema={"user": pl.String, "item": pl.String}))
    assert empty.value.code.startswith("read.")
    with pytest.raises(ultrare.errors.ReadError):
        ultrare.from_frame(pl.DataFrame({"colour": ["red"]}))

    class Broken:
        def __arrow_c_stream__(self, requested_schema=None):
            return "no capsule"

    with pytest.raises(ultrare.errors.ReadError):
        ultrare.from_frame(Broken())
    spent = pa.RecordBatchReader.from_batches(pa.schema([("user", pa.string()), ("item", pa.string())]), [])
    for _ in range(2):
        with pytest.raises((ultrare.UltrareError, ValueError)):
            ultrare.from_frame(spent)


def test_numpy_ids_and_numbers_are_rows():
    import numpy as np

    made = ultrare.from_rows(zip(np.arange(3), np.arange(3), np.ones(3, np.float32)))
    assert made.users == ["0", "1", "2"] and len(made) == 3
