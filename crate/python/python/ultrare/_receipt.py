"""Receipts of changes, and checking them."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Iterable, List, Optional, Union

from . import _native
from ._executors import placed
from ._progress import Told, telling
from ._rows import rows_of
from .errors import KindError

__all__ = ["Receipt", "verify"]


class Receipt:
    """The machine-checkable record of a change; the same document on every surface, described in ``docs/receipt.md``."""

    def __init__(self, native: _native.Receipt) -> None:
        if not isinstance(native, _native.Receipt):
            raise KindError("python.type", "a Receipt is made by apply, or read by Receipt.parse or Receipt.load")
        self._native = native

    @classmethod
    def parse(cls, text: str) -> "Receipt":
        """Reads a document, and refuses one that was changed."""
        if not isinstance(text, str):
            raise KindError("python.type", f"expected the text of a receipt, not {type(text).__name__}")
        return cls(_native.Receipt.parse(text))

    @classmethod
    def load(cls, path: Union[str, "os.PathLike[str]"]) -> "Receipt":
        """Reads a file."""
        with open(path, encoding="utf-8") as file:
            return cls.parse(file.read())

    def save(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Writes the document, as every other surface writes it."""
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(self.to_json())

    def to_json(self) -> str:
        """The document."""
        return self._native.to_json()

    @property
    def data(self) -> Dict[str, Any]:
        """The document's members."""
        return json.loads(self.to_json())

    @property
    def digest(self) -> str:
        """Its digest: kept elsewhere, it shows that no later receipt was cut off."""
        return self._native.digest

    @property
    def number(self) -> int:
        """Which change it was, from 1."""
        return self.data["number"]

    @property
    def touched(self) -> List[int]:
        """Shards that were trained again."""
        return [shard["shard"] for shard in self.data["shards"] if shard["touched"]]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Receipt) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"<ultrare.Receipt {self.number}: {self.digest}>"

    def verify(self, rows: Any, **options: Any) -> Dict[str, Any]:
        """Trains again and compares every digest: :func:`verify` of this one."""
        return verify([self], rows, **options)


def verify(
    receipts: Iterable[Receipt], rows: Any, *, head: Optional[str] = None, threads: int = 0, executor: Any = None,
    progress: Told = None,
) -> Dict[str, Any]:
    """Checks a chain of receipts, the first first, against rows as they were before it or are after it, by training again.

    Gives the verdict: every check, and what a verification says nothing about. ``head`` is the last one's digest, from where it was
    kept. Raises :class:`Refuted` if a check fails, :class:`ReceiptError` if receipts and rows do not go together.
    """
    chain = [receipts] if isinstance(receipts, Receipt) else list(receipts)
    if not all(isinstance(one, Receipt) for one in chain):
        raise KindError("python.type", "verify takes a list of Receipts, and then rows")
    tell, end = telling(progress)
    with placed(executor) as driver:
        try:
            natives = [one._native for one in chain]
            return json.loads(_native.verify(natives, rows_of(rows)._native, head, threads, driver, tell))
        finally:
            end()
