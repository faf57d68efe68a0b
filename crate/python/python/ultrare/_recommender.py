"""The recommender: fit, ask, change, verify, keep."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Tuple, Union

import numpy as np

from . import _native
from ._executors import placed
from ._progress import Told, telling
from ._receipt import Receipt, verify
from ._rows import Id, Rows, rows_of
from .errors import KindError

__all__ = ["Recommender", "Bill", "Accepted", "Recommendations", "Explanation", "Vectors", "fit", "settings"]

Settings = Mapping[str, Any]


def settings(
    base: Optional[Settings] = None, *, shards: Optional[int] = None, partition: Union[None, str, Settings] = None,
    model: Union[None, str, Settings] = None, combine: Union[None, str, Settings] = None, factors: Optional[int] = None,
    seed: Optional[int] = None, k_core: Optional[int] = None,
) -> Dict[str, Any]:
    """Settings with every member filled in, checked: ``base`` (as in a snapshot or a receipt), and what is given beside it.

    ``partition``, ``model`` and ``combine`` are a name, or a name with knobs: ``model={"name": "bpr", "rate": 0.02}``; :func:`catalogue`
    lists them. Another model, partition or combiner than in ``base`` leaves behind what it does not have. Raises :class:`SettingsError` or :class:`ArgumentError` for what is out of range or not known.
    """
    if base is not None and not isinstance(base, Mapping):
        raise KindError("python.type", f"settings are a dict, not {type(base).__name__}")
    made: Dict[str, Any] = {}

    def laid(member: str, name: str, given: Any) -> None:
        if given is None:
            return
        if not isinstance(given, (str, Mapping)):
            raise KindError("python.type", f"{member} is a name, or a dict with \"{name}\" and knobs")
        made[member] = {**made.get(member, {}), **({name: given} if isinstance(given, str) else given)}

    laid("partition", "method", partition)
    laid("model", "name", model)
    laid("combine", "method", combine)
    laid("partition", "method", None if shards is None else {"shards": shards})
    laid("model", "name", None if factors is None else {"factors": factors})
    for member, value in (("seed", seed), ("k_core", k_core)):
        if value is not None:
            made[member] = value
    try:
        texts = json.dumps(dict(base or {})), json.dumps(made)
    except TypeError as error:
        raise KindError("python.type", f"settings are texts, numbers, and yes and no: {error}") from None
    return json.loads(_native.settings(*texts))


@dataclass(frozen=True)
class Recommendations:
    """A list of items, best first. Goes through as (item, score)."""

    #: The items.
    items: List[str]
    #: What each was ranked by; comparable within one list only.
    scores: "np.ndarray[Any, Any]"
    #: ``rows`` where it rests on the person's own, ``popularity`` where nothing is known of them.
    basis: str
    #: Items that a visitor showed and that occur in no row; they had no say.
    unknown: List[str]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Tuple[str, float]]:
        return iter(zip(self.items, self.scores.tolist()))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Recommendations):
            return NotImplemented
        same = (self.items, self.basis, self.unknown) == (other.items, other.basis, other.unknown)
        return same and np.array_equal(self.scores, other.scores)


@dataclass(frozen=True)
class Explanation:
    """Why an item is recommended: the person's own rows, and what each adds. Goes through as (item, share)."""

    #: The item.
    item: str
    #: Its score: the sum of all shares, but for the rounding of a sum.
    score: float
    #: Items of the rows, the strongest first.
    reasons: List[str]
    #: What each adds; what speaks against it is negative.
    shares: "np.ndarray[Any, Any]"

    def __iter__(self) -> Iterator[Tuple[str, float]]:
        return iter(zip(self.reasons, self.shares.tolist()))


class Vectors(NamedTuple):
    """The vectors of a shard's sub-model; rows are in the order of the ids."""

    users: List[str]
    items: List[str]
    user_vectors: "np.ndarray[Any, Any]"
    item_vectors: "np.ndarray[Any, Any]"


class Accepted:
    """A bill that somebody has seen and accepted."""

    def __init__(self, native: _native.Accepted) -> None:
        self._native = native


class Bill:
    """What a change costs, seen before anything changes."""

    def __init__(self, native: _native.Bill) -> None:
        self._native = native
        #: All of it; its members are those of the command line's and the page's bill.
        self.plan: Dict[str, Any] = json.loads(native.plan())

    @property
    def touched(self) -> List[int]:
        """Shards that lose or gain rows; all others keep every bit."""
        return [shard["shard"] for shard in self.plan["touched"]]

    @property
    def rows_to_train(self) -> int:
        """Rows that will be trained on again."""
        return self.plan["rows_to_train"]

    @property
    def seconds(self) -> Optional[float]:
        """Estimated seconds until it serves again; None while nothing was measured."""
        return self.plan["seconds"]

    @property
    def warnings(self) -> List[str]:
        """What to know beforehand."""
        return [warning["message"] for warning in self.plan["warnings"]]

    @property
    def taints(self) -> List[Any]:
        """Stages that may still depend on what is gone afterwards."""
        return self.plan["taints"]

    @property
    def unknown(self) -> List[Any]:
        """Names that occur nowhere."""
        plan = self.plan
        return plan["unknown_users"] + plan["unknown_items"] + plan["unknown_interactions"]

    def accept(self) -> Accepted:
        """Says yes to it, with all that it warns of. Changes nothing until it is applied."""
        return Accepted(self._native.accept())

    def __repr__(self) -> str:
        return f"<ultrare.Bill: {len(self.touched)} shards touched, {self.rows_to_train} rows to train again>"


def _id(value: Any, what: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise KindError("python.type", f"{what} is a text or a whole number, not {type(value).__name__}")
    return str(value.__index__())


def _ids(values: Any, what: str) -> List[str]:
    if isinstance(values, str) or hasattr(values, "__index__"):
        return [_id(values, what)]
    try:
        return [_id(value, what) for value in values]
    except TypeError as error:
        raise error if isinstance(error, KindError) else KindError("python.type", f"expected ids, each {what}") from None


def _query(top: Any, exclude: Iterable[Id], only: Optional[Iterable[Id]], seen: bool) -> str:
    if isinstance(top, bool) or not hasattr(top, "__index__") or not 0 <= top.__index__() < 2**32:
        raise KindError("python.type", "top is a whole number of items, from 0")
    among = None if only is None else _ids(only, "an item")
    return json.dumps({"top": top.__index__(), "exclude": _ids(exclude, "an item"), "only": among, "seen": bool(seen)})


def _shown(rows: Any) -> List[Tuple[str, float]]:
    if isinstance(rows, Mapping):
        rows = rows.items()
    if isinstance(rows, (str, bytes)):
        raise KindError("python.type", "a visitor shows a list of items, or of (item, value)")
    shown = []
    try:
        for row in rows:
            item, value = row if isinstance(row, (tuple, list)) else (row, 1.0)
            shown.append((_id(item, "an item"), float(value)))
    except (TypeError, ValueError) as error:
        raise error if isinstance(error, KindError) else KindError("python.type", "a visitor shows a list of items, or of (item, value)") from None
    return shown


def _listed(native: Any) -> Recommendations:
    items, scores, rows, unknown = native
    return Recommendations(items, np.frombuffer(scores, "<f4"), "rows" if rows else "popularity", unknown)


def _threads(threads: Any) -> int:
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 0:
        raise KindError("python.type", "threads is a whole number; 0 is as many as the machine has")
    return threads


class Recommender:
    """A trained ensemble with its rows: recommends, forgets, adds, and writes receipts.

    It may be asked from many threads. One change at a time; another call meanwhile is a :class:`BusyError`. ``with`` closes it.
    """

    def __init__(self, native: _native.Recommender) -> None:
        if not isinstance(native, _native.Recommender):
            raise KindError("python.type", "a Recommender is made by ultrare.fit, or by Recommender.restore")
        self._native = native

    @classmethod
    def fit(
        cls, data: Any, settings: Optional[Settings] = None, *, test: Any = None, threads: int = 0, executor: Any = None,
        progress: Told = None, **shortcuts: Any,
    ) -> "Recommender":
        """Divides the users, trains a sub-model per shard and combines them.

        ``data`` is :class:`Rows`, a path, a data frame, or rows from memory; ``test`` the same, for rows to measure on. ``shortcuts``
        are those of :func:`settings`. ``executor`` is any ``concurrent.futures.Executor``; without it there are ``threads``. The
        result is the same, bit for bit. ``progress`` is called with a :class:`Progress`, or True for a bar. Ctrl-C stops it.
        """
        if "settings" in shortcuts or not shortcuts.keys() <= _SHORTCUTS:
            unknown = ", ".join(sorted(shortcuts.keys() - _SHORTCUTS))
            raise KindError("python.type", f"fit knows no {unknown}; beside data and settings there are {', '.join(sorted(_SHORTCUTS))}")
        full = json.dumps(_settings(settings, **shortcuts))
        rows = rows_of(data)
        if test is not None:
            rows = rows.with_test(rows_of(test))
        with _on(threads, executor, progress) as on:
            return cls(_native.Recommender.fit(rows._native, full, on))

    @classmethod
    def restore(cls, saved: Union[bytes, str, "os.PathLike[str]"]) -> "Recommender":
        """Reads back what :meth:`save`, the command line or the page saved: bytes, or the path of a file."""
        if isinstance(saved, (str, os.PathLike)):
            with open(saved, "rb") as file:
                saved = file.read()
        if not isinstance(saved, (bytes, bytearray, memoryview)):
            raise KindError("python.type", f"expected saved bytes or a path, not {type(saved).__name__}")
        return cls(_native.Recommender.restore(bytes(saved)))

    def save(self, path: Union[None, str, "os.PathLike[str]"] = None) -> bytes:
        """Everything as bytes, the rows included, without a trace of what was forgotten; written to ``path`` where one is given."""
        saved = self._native.save()
        if path is not None:
            with open(path, "wb") as file:
                file.write(saved)
        return saved

    def close(self) -> None:
        """Gives its memory back. May be called again; everything else raises :class:`ClosedError` from then on."""
        self._native.close()

    def __enter__(self) -> "Recommender":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def plan(
        self, *, forget_users: Any = (), forget_items: Any = (), forget_rows: Iterable[Tuple[Id, Id]] = (), add: Any = (),
        refit: bool = False,
    ) -> Bill:
        """The bill of a change, before anything changes: rows to forget (first) and rows to add, as one operation.

        ``refit`` divides the users again instead of keeping the partition.
        """
        try:
            pairs = [(_id(user, "a user"), _id(item, "an item")) for user, item in forget_rows]
        except (TypeError, ValueError) as error:
            raise error if isinstance(error, KindError) else KindError("python.type", "forget_rows are (user, item)") from None
        forget = {"users": _ids(forget_users, "a user"), "items": _ids(forget_items, "an item"), "interactions": pairs}
        if hasattr(add, "__arrow_c_stream__") or isinstance(add, (Rows, str, os.PathLike)):
            add = rows_of(add).to_tuples()
        return Bill(self._native.plan(json.dumps(forget), add, bool(refit)))

    def apply(self, accepted: Accepted, *, threads: int = 0, executor: Any = None, progress: Told = None) -> Receipt:
        """Carries out a change whose bill was accepted. An error or a cancellation leaves everything as it was."""
        if not isinstance(accepted, Accepted):
            raise KindError("python.type", "apply takes a bill that was accepted: recommender.apply(bill.accept())")
        with _on(threads, executor, progress) as on:
            return Receipt(self._native.apply(accepted._native, on))

    def evaluate(self, *, threads: int = 0, executor: Any = None, progress: Told = None) -> Dict[str, Any]:
        """Measures it on the rows that were held out; from then on changes are measured too, and receipts hold the figures."""
        with _on(threads, executor, progress) as on:
            return json.loads(self._native.evaluate(on))

    def recommend(
        self, user: Id, top: int = 20, *, exclude: Iterable[Id] = (), only: Optional[Iterable[Id]] = None, seen: bool = False,
    ) -> Recommendations:
        """The best items of somebody in the rows; what is popular for somebody who is not, and ``basis`` says so."""
        return _listed(self._native.recommend(_id(user, "a user"), _query(top, exclude, only, seen)))

    def recommend_all(
        self, users: Optional[Iterable[Id]] = None, top: int = 20, *, exclude: Iterable[Id] = (),
        only: Optional[Iterable[Id]] = None, seen: bool = False,
    ) -> Dict[str, Recommendations]:
        """Lists of many, or of everybody; sooner than one by one."""
        ids = [user for shard in self.members() for user in shard] if users is None else _ids(users, "a user")
        ids = list(dict.fromkeys(ids))
        return dict(zip(ids, map(_listed, self._native.recommend_all(ids, _query(top, exclude, only, seen)))))

    def recommend_for(
        self, rows: Any, top: int = 20, *, exclude: Iterable[Id] = (), only: Optional[Iterable[Id]] = None, seen: bool = False,
    ) -> Recommendations:
        """The best items of a visitor who shows items, or (item, value). Nothing of it is kept."""
        return _listed(self._native.recommend_for(_shown(rows), _query(top, exclude, only, seen)))

    def similar(
        self, item: Id, top: int = 20, *, exclude: Iterable[Id] = (), only: Optional[Iterable[Id]] = None,
    ) -> Recommendations:
        """What goes with an item."""
        return _listed(self._native.similar(_id(item, "an item"), _query(top, exclude, only, False)))

    def explain(self, user: Id, item: Id) -> Explanation:
        """Which of somebody's own rows lead to an item, and how much each adds, exactly."""
        item = _id(item, "an item")
        score, reasons, shares = self._native.explain(_id(user, "a user"), item)
        return Explanation(item, score, reasons, np.frombuffer(shares, "<f4"))

    def explain_for(self, rows: Any, item: Id) -> Explanation:
        """:meth:`explain` for a visitor's rows."""
        item = _id(item, "an item")
        score, reasons, shares = self._native.explain_for(_shown(rows), item)
        return Explanation(item, score, reasons, np.frombuffer(shares, "<f4"))

    def shards_of(self, user: Id) -> List[int]:
        """The shards that hold training rows of somebody; none for somebody who is not there."""
        return self._native.shards_of(_id(user, "a user"))

    def shard(self, shard: int) -> Dict[str, Any]:
        """What can be said of a shard: sizes, epochs, digest."""
        shards = self.snapshot()["shards"]
        if isinstance(shard, bool) or not isinstance(shard, int) or not 0 <= shard < len(shards):
            raise KindError("python.type", f"shard is a number from 0 to {len(shards) - 1}")
        return shards[shard]

    def members(self) -> List[List[str]]:
        """Ids of the users in every shard."""
        return self._native.members()

    def vectors(self, shard: int) -> Vectors:
        """The vectors of a shard's sub-model, for models whose scores are inner products."""
        if isinstance(shard, bool) or not isinstance(shard, int) or not 0 <= shard < 2**32:
            raise KindError("python.type", "shard is a number from 0")
        users, items, factors, *sides = self._native.vectors(shard)
        user_vectors, item_vectors = (np.frombuffer(side, "<f4").reshape(-1, factors) for side in sides)
        return Vectors(users, items, user_vectors, item_vectors)

    def snapshot(self) -> Dict[str, Any]:
        """Everything in numbers: what the command line writes as JSON."""
        return json.loads(self._native.snapshot())

    @property
    def digest(self) -> Optional[str]:
        """Digest of all that serves: equal wherever the same rows, settings and seed were used. None once nothing is left."""
        return self._native.digest()

    @property
    def settings(self) -> Dict[str, Any]:
        """The settings in force."""
        return json.loads(self._native.settings())

    @property
    def receipts(self) -> List[Receipt]:
        """Receipts of all changes that were applied, the first first."""
        return [Receipt(one) for one in self._native.receipts()]

    @property
    def receipt(self) -> Optional[Receipt]:
        """The last of them."""
        return next(reversed(self.receipts), None)

    def verify(self, rows: Any, **options: Any) -> Dict[str, Any]:
        """Checks all receipts against rows from before the first change: :func:`verify`."""
        return verify(self.receipts, rows, **options)

    def __repr__(self) -> str:
        return f"<ultrare.Recommender {self._native!r}>"


class _on:
    """Where a call does its work, and who hears of it, for as long as the call takes."""

    def __init__(self, threads: int, executor: Any, progress: Told) -> None:
        self._threads = _threads(threads)
        self._tell, self._end = telling(progress)
        self._placed = placed(executor)

    def __enter__(self) -> Any:
        return self._threads, self._placed.__enter__(), self._tell

    def __exit__(self, *raised: Any) -> None:
        self._end()
        self._placed.__exit__(*raised)


_settings = settings
_SHORTCUTS = {"shards", "partition", "model", "combine", "factors", "seed", "k_core"}


def fit(data: Any, settings: Optional[Settings] = None, **options: Any) -> Recommender:
    """:meth:`Recommender.fit`."""
    return Recommender.fit(data, settings, **options)
