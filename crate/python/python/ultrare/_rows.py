"""Rows in: from files, from data frames, from Python's own values."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple, Union

import numpy as np

from . import _native
from .errors import KindError

__all__ = ["Rows", "read", "from_frame", "from_rows", "sample"]

Id = Union[str, int]
_MARKS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", "::": "double_colon", " ": "spaces"}


class Rows:
    """Cleaned rows, sorted by user and item, each pair once. Made by :func:`read`, :func:`from_frame`, :func:`from_rows`."""

    def __init__(self, native: _native.Rows) -> None:
        if not isinstance(native, _native.Rows):
            raise KindError("python.type", "Rows are made by ultrare.read, from_frame, from_rows or sample")
        self._native = native

    def __len__(self) -> int:
        return len(self._native)

    def __repr__(self) -> str:
        return f"<ultrare.Rows: {len(self)} rows, {len(self.users)} users, {len(self.items)} items>"

    @property
    def users(self) -> List[str]:
        """Ids of the users, in their order; their places are the numbers in :meth:`to_numpy`."""
        return self._native.users

    @property
    def items(self) -> List[str]:
        """Ids of the items, in their order."""
        return self._native.items

    @property
    def report(self) -> Optional[Dict[str, Any]]:
        """What the reader said: columns, rows that were left out and why. None for rows from memory."""
        report = self._native.report()
        return None if report is None else json.loads(report)

    def to_numpy(self) -> Dict[str, "np.ndarray[Any, Any]"]:
        """``user`` and ``item`` as numbers of :attr:`users` and :attr:`items`, ``value`` and ``time``: one array each."""
        kinds = (("user", "<u4"), ("item", "<u4"), ("value", "<f4"), ("time", "<i8"))
        return {name: np.frombuffer(column, kind) for (name, kind), column in zip(kinds, self._native.columns())}

    def to_tuples(self) -> List[Tuple[str, str, float, int]]:
        """Every row as :func:`from_rows` takes it."""
        users, items = self.users, self.items
        columns = [column.tolist() for column in self.to_numpy().values()]
        return [(users[user], items[item], value, time) for user, item, value, time in zip(*columns)]

    def with_test(self, test: "Rows") -> "Rows":
        """These are trained on and ``test`` is measured on; without it the split of the settings decides."""
        return Rows(self._native.with_test(rows_of(test)._native))


def _config(options: Dict[str, Any]) -> str:
    given = {name: value for name, value in options.items() if value is not None}
    if "delimiter" in given:
        given["delimiter"] = _MARKS.get(given["delimiter"], given["delimiter"])
    if "sample" in given and isinstance(given["sample"], (int, float)):
        given["sample"] = {"share": given["sample"], "seed": 0}
    try:
        return json.dumps(given)
    except TypeError as error:
        raise KindError("python.type", f"options of reading are texts, numbers, and yes and no: {error}") from None


def read(
    path: Union[str, "os.PathLike[str]"], *, user: Optional[str] = None, item: Optional[str] = None,
    rating: Optional[str] = None, time: Optional[str] = None, consent: Optional[str] = None, **options: Any,
) -> Rows:
    """Reads a file of interactions: delimited text, JSON lines and their kin, plain or packed, as its own bytes tell.

    Columns are found by their names, or given: ``user``, ``item``, ``rating``, ``time``, ``consent``. Other options, for what is
    not found out or wrongly: ``delimiter``, ``header``, ``skip_lines``, ``encoding``, ``shape``, ``comment``, ``entry`` (of an
    archive), ``quotes_as_text``, ``day_first``, ``missing``, ``positive``, ``positive_words``, ``merge_ids``, ``sample`` (a share
    of the users). Parquet: read it with pandas, polars or pyarrow, and hand the frame to :func:`from_frame`.

    Raises :class:`ReadError` with what was expected; a row that is none is left out and counted in :attr:`Rows.report`.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise KindError("python.type", f"expected the path of a file, not {type(path).__name__}")
    return Rows(_native.read(os.fspath(path), _config(options), (user, item, rating, time, consent)))


def from_frame(
    frame: Any, *, user: Optional[str] = None, item: Optional[str] = None, rating: Optional[str] = None,
    time: Optional[str] = None, consent: Optional[str] = None, **options: Any,
) -> Rows:
    """Rows of a data frame that has ``__arrow_c_stream__``: pandas (2.2 or newer, with pyarrow), polars, pyarrow, DuckDB, ...

    It is read as a file with these columns would be, and comes to the same digests; columns and ``options`` as in :func:`read`.
    An index of pandas is no column.
    """
    return Rows(_native.from_frame(frame, _config(options), (user, item, rating, time, consent)))


def from_rows(rows: Iterable[Sequence[Any]]) -> Rows:
    """Rows from memory: ``(user, item)``, ``(user, item, value)`` or ``(user, item, value, time)``, ids as text or whole numbers.

    Of rows with the same user and item the last one is kept.
    """
    return Rows(_native.from_rows(rows))


def sample(seed: int = 1, size: str = "small") -> Rows:
    """Generated people with planted tastes, to try things on; the same rows everywhere. ``size``: small, medium or large."""
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise KindError("python.type", "seed is a whole number from 0 to 4294967295")
    if size not in ("small", "medium", "large"):
        raise KindError("python.type", f"size is \"small\", \"medium\" or \"large\", not {size!r}")
    return Rows(_native.sample(seed, size))


def rows_of(data: Any) -> Rows:
    """Rows of whatever has some."""
    if isinstance(data, Rows):
        return data
    if isinstance(data, (str, os.PathLike)):
        return read(data)
    if hasattr(data, "__arrow_c_stream__"):
        return from_frame(data)
    return from_rows(data)
