"""How far it is, for people: a line on a terminal, a bar in a notebook."""

from __future__ import annotations

import html
import sys
import time
from typing import Any, Callable, NamedTuple, Optional, TextIO, Union

from .errors import KindError

__all__ = ["Progress", "Bar"]


class Progress(NamedTuple):
    """How far a stage is."""

    #: What the pipeline is called: ``original``, ``unlearned``, ``verify``, ...
    pipeline: str
    #: ``embed``, ``partition``, ``train``, ``combine``, ``evaluate``.
    stage: str
    #: Its jobs.
    jobs: int
    #: About how much of their work is done, 0 to 1.
    done: float


class Bar:
    """Shows progress: one line that is written over on a terminal, one bar that is drawn anew in a notebook, nothing elsewhere.

    ``progress=True`` makes one. ``out`` is written to instead of the terminal; ``width`` is the bar's, in characters.
    """

    def __init__(self, out: Optional[TextIO] = None, *, width: int = 30) -> None:
        self._out, self._width = out, width
        self._display: Any = _notebook() if out is None else None
        self._handle: Any = None
        self._began = time.monotonic()
        self._last = ""

    def __call__(self, progress: Progress) -> None:
        full = round(progress.done * self._width)
        what = f"{progress.pipeline} {progress.stage} x{progress.jobs}"
        line = f"{what:<24} [{'=' * full}{' ' * (self._width - full)}] {progress.done:4.0%} {time.monotonic() - self._began:.0f} s"
        if line == self._last:
            return
        self._last = line
        if self._display is not None:
            self._draw(progress, what)
            return
        out = self._out if self._out is not None else sys.stderr
        if self._out is not None or out.isatty():
            out.write("\r" + line)
            out.flush()

    def _draw(self, progress: Progress, what: str) -> None:
        from IPython.display import HTML  # type: ignore[import-not-found,unused-ignore]

        label = html.escape(f"{what}, {progress.done:.0%}")
        drawn = HTML(f'<progress value="{progress.done:.3f}" max="1" aria-label="{label}"></progress> <code>{label}</code>')
        if self._handle is None:
            self._handle = self._display(drawn, display_id=True)
        else:
            self._handle.update(drawn)

    def close(self) -> None:
        """Ends the line."""
        out = self._out if self._out is not None else sys.stderr
        if self._last and self._display is None and (self._out is not None or out.isatty()):
            out.write("\n")


def _notebook() -> Any:
    """IPython's display, inside a kernel."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if getattr(shell, "kernel", None) is None:
        return None
    from IPython.display import display  # type: ignore[import-not-found,unused-ignore]

    return display


Told = Union[None, bool, Callable[[Progress], object]]


def telling(progress: Told) -> Any:
    """The callback that the binding takes, and what ends it."""
    if progress is None or progress is False:
        return None, lambda: None
    bar = Bar() if progress is True else progress
    if not callable(bar):
        raise KindError("python.type", "progress is a function of one Progress, or True for a bar")
    end = bar.close if isinstance(bar, Bar) else lambda: None
    return (lambda pipeline, stage, jobs, done: bar(Progress(pipeline, stage, jobs, done))), end
