"""Recommendation unlearning that can be checked.

    import ultrare
    recommender = ultrare.fit("ratings.csv", shards=10)
    bill = recommender.plan(forget_users=["u017"])
    receipt = recommender.apply(bill.accept())
    recommender.recommend("u042", 20)
    receipt.verify(ultrare.read("ratings.csv"))

The same rows, settings and seed come to the same bytes as on the command line, in Rust, in Node and in a browser's tab.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping

from . import _executors, _native, errors
from ._executors import Processes
from ._progress import Bar, Progress
from ._receipt import Receipt, verify
from ._recommender import Accepted, Bill, Explanation, Recommendations, Recommender, Vectors, fit, settings
from ._rows import Rows, from_frame, from_rows, read, sample
from .errors import UltrareError

__version__ = _native.VERSION
__all__ = [
    "Accepted", "Bar", "Bill", "Explanation", "Processes", "Progress", "Receipt", "Recommendations", "Recommender", "Rows", "Runner",
    "UltrareError", "Vectors", "catalogue", "errors", "fit", "from_frame", "from_rows", "read", "run", "sample", "settings", "verify",
]

#: Runs jobs and keeps the large inputs that they name: ``lacking(job)``, ``put(input)``, ``run(job)``.
Runner = _native.Runner


def run(job: bytes, inputs: Mapping[str, bytes] = {}) -> bytes:
    """Runs a job of any surface's (a file of ``ultrare job plan``, say) and gives its outcome.

    ``inputs`` are the large ones that it names, by digest; this process keeps them. Raises :class:`errors.JobError` for bytes that
    are no job, for one of another version, and for inputs that are missing.
    """
    if not isinstance(job, bytes):
        raise errors.KindError("python.type", f"a job is bytes, not {type(job).__name__}")
    outcome, _, lacking = _executors.work(job, dict(inputs))
    if outcome is None:
        raise errors.JobError("pipeline.lacking", f"a job needs an input that was not given: {lacking[0]}")
    return outcome


def catalogue() -> Dict[str, List[Dict[str, Any]]]:
    """What there is: ``models``, ``partitions`` and ``combiners``, with their knobs, ranges and defaults."""
    return dict(zip(("models", "partitions", "combiners"), json.loads(_native.catalogue())))
