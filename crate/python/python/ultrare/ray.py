"""Jobs on a Ray cluster. Ray is lent the work; the library knows nothing of it.

    import ultrare.ray
    recommender = ultrare.fit(rows, executor=ultrare.ray.RayExecutor())

Large inputs are put into the object store once each; a worker fetches the ones it lacks and keeps them. A job whose worker died
runs again, ``retries`` times at most.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from . import _executors
from .errors import ExecutorError, UltrareError

__all__ = ["RayExecutor"]


def _work(job: bytes, inputs: List[Tuple[str, Any]]) -> Any:
    import ray

    began = time.perf_counter()
    try:
        lacking = set(_executors._runner.lacking(job))
        wanted = [(digest, ref) for digest, ref in inputs if digest in lacking]
        data = ray.get([ref for _, ref in wanted])
        outcome, _, left = _executors.work(job, {digest: one.tobytes() for (digest, _), one in zip(wanted, data)})
    except UltrareError as error:
        return error
    if outcome is None:
        return ExecutorError("python.executor", f"{len(left)} inputs did not fit beside each other: give workers more memory")
    return outcome, time.perf_counter() - began


class RayExecutor:
    """Runs jobs as Ray tasks. ``options`` are those of ``ray.remote``, such as ``num_cpus`` or ``resources``."""

    def __init__(self, workers: Optional[int] = None, *, retries: int = 3, **options: Any) -> None:
        try:
            import ray
        except ImportError:
            raise ExecutorError("python.executor", "Ray is not installed: pip install \"ultrare[ray]\"") from None
        self._ray = ray
        if not ray.is_initialized():
            ray.init()
        self.workers: int = workers or int(ray.cluster_resources().get("CPU", 1))
        self._task = ray.remote(**{"num_cpus": 1, "max_retries": retries, **options})(_work)
        self._refs: Dict[str, Any] = {}
        self._out: Dict[Any, int] = {}
        #: Inputs that were put into the object store, and their bytes.
        self.sent = {"inputs": 0, "bytes": 0}

    def begin(self, jobs: Sequence[_executors.Job], give: Callable[[str], bytes]) -> None:
        named = {digest for _, inputs, _ in jobs for digest in inputs}
        refs = {digest: ref for digest, ref in self._refs.items() if digest in named}
        for digest in sorted(named - refs.keys()):
            data = np.frombuffer(give(digest), np.uint8)
            refs[digest] = self._ray.put(data)
            self.sent["inputs"] += 1
            self.sent["bytes"] += data.nbytes
        self._refs = refs
        order = sorted(range(len(jobs)), key=lambda at: -jobs[at][2])
        # References inside a list are not fetched before the task asks for them.
        self._out = {self._task.remote(jobs[at][0], [(digest, refs[digest]) for digest in jobs[at][1]]): at for at in order}

    def wait(self, seconds: float) -> List[_executors.Done]:
        if not self._out:
            return []
        ray, done = self._ray, []
        out = list(self._out)
        ready, _ = ray.wait(out, num_returns=1, timeout=seconds, fetch_local=True)
        if ready:
            ready, _ = ray.wait(out, num_returns=len(out), timeout=0)
        for ref in ready:
            found = ray.get(ref)
            if isinstance(found, BaseException):
                raise found
            outcome, took = found
            done.append((self._out.pop(ref), outcome, took))
        return done

    def stop(self) -> None:
        for ref in self._out:
            self._ray.cancel(ref, force=False)
        self._out, self._refs = {}, {}
