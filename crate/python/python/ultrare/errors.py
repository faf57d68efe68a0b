"""Refusals. Every one is an :class:`UltrareError` with a stable ``code``; what was there before is as it was."""

from __future__ import annotations

import json
from typing import Any, Dict, Optional, Type

__all__ = [
    "UltrareError", "ReadError", "SettingsError", "ArgumentError", "KindError", "ClosedError", "BusyError", "Cancelled",
    "ExecutorError", "JobError", "AskError", "ChangeError", "ReceiptError", "Refuted",
]


class UltrareError(Exception):
    """A refusal. Its text says what was expected, where, and what to do; ``code`` is for programs."""

    def __init__(self, code: str, message: str, verdict: Optional[Dict[str, Any]] = None) -> None:
        super().__init__(message)
        #: A stable name such as ``read.empty``.
        self.code = code
        self._verdict = verdict

    def __reduce__(self) -> Any:
        return type(self), (self.code, str(self), self._verdict)


class ReadError(UltrareError, ValueError):
    """Rows that could not be read: a file, a data frame, or values in memory."""


class SettingsError(UltrareError, ValueError):
    """Settings that are out of range, or do not go together."""


class ArgumentError(UltrareError, ValueError):
    """A value that is not one of those expected."""


class KindError(UltrareError, TypeError):
    """A value of another kind than is taken here."""


class ClosedError(UltrareError):
    """A recommender that was closed."""


class BusyError(UltrareError):
    """A recommender that another call is changing."""


class Cancelled(UltrareError):
    """Somebody said so; nothing has changed."""


class ExecutorError(UltrareError):
    """Wherever jobs were sent, something went wrong; nothing has changed. ``__cause__`` is what was raised there."""


class JobError(UltrareError):
    """Bytes that are no job, or one of another version, or whose inputs are missing."""


class AskError(UltrareError, LookupError):
    """A question that has no answer."""


class ChangeError(UltrareError):
    """A change that cannot be made: names that occur nowhere, a bill of other rows."""


class ReceiptError(UltrareError, ValueError):
    """A text that is no receipt that can be trusted, or one of other rows."""


class Refuted(ReceiptError):
    """A receipt that does not bear out. ``verdict`` holds every check."""

    @property
    def verdict(self) -> Dict[str, Any]:
        """Every comparison, and what could not be compared."""
        return self._verdict or {}


_EXACT: Dict[str, Type[UltrareError]] = {
    "execute.cancelled": Cancelled,
    "recommender.refuted": Refuted,
    "recommender.file": ReadError,
    "recommender.row": ReadError,
    "recommender.refused": ChangeError,
    "python.row": ReadError,
    "python.frame": ReadError,
    "python.column": ReadError,
    "python.type": KindError,
    "python.closed": ClosedError,
    "python.busy": BusyError,
    "python.executor": ExecutorError,
}
_ROOMS: Dict[str, Type[UltrareError]] = {
    "read": ReadError,
    "split": SettingsError,
    "partition": SettingsError,
    "model": SettingsError,
    "combine": SettingsError,
    "evaluate": SettingsError,
    "slices": SettingsError,
    "request": ChangeError,
    "experiment": ChangeError,
    "script": ChangeError,
    "receipt": ReceiptError,
    "verify": ReceiptError,
    "pipeline": JobError,
    "execute": ExecutorError,
    "serve": AskError,
    "python": ArgumentError,
}


def make(code: str, message: str, verdict: Optional[str] = None) -> UltrareError:
    """The exception of a code. Called by the binding."""
    kind = _EXACT.get(code) or _ROOMS.get(code.split(".")[0], UltrareError)
    return kind(code, message, json.loads(verdict) if verdict else None)
