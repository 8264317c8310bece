"""Progress where runs were started: a line in a notebook, or a bar in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from html import escape
from importlib import import_module
from time import monotonic
from typing import Any

from lrdash.core.events import EpochEnded, Event, RunEnded, Sink
from lrdash.core.wording import duration, number

PAUSE = 0.25  # seconds between two changes of what is shown

Show = Callable[[float, str], None]  # the share that is done, and words


class ProgressReport:
    """A sink that shows how far all runs are. For the thread that trains.

    Args:
        epochs: of each run, by its id.
        show: takes the share and the words.
    """

    def __init__(self, epochs: Mapping[str, int], show: Show) -> None:
        self._epochs, self._show = dict(epochs), show
        self._done = dict.fromkeys(epochs, 0)
        self._best, self._over, self._shown = float("inf"), 0, 0.0
        self._began = monotonic()

    def __call__(self, run_id: str, event: Event) -> None:
        """Take in an event."""
        if isinstance(event, EpochEnded):
            self._done[run_id] = event.epoch
            self._best = min(self._best, event.metrics.get("val_loss", float("inf")))
        elif isinstance(event, RunEnded):
            self._over += 1
            self._done[run_id] = self._epochs[run_id]
        else:
            return
        if monotonic() - self._shown >= PAUSE:
            self.show()

    def show(self) -> None:
        """Show it as it is."""
        self._shown = monotonic()
        share = sum(self._done.values()) / max(1, sum(self._epochs.values()))
        runs = len(self._epochs)
        words = [
            f"{self._over} of {runs} runs done" if runs > 1 else
            f"epoch {max(self._done.values())} of {max(self._epochs.values())}",
            f"lowest validation loss {number(self._best)}" if self._best < float("inf") else "",
            f"{duration(self._shown - self._began)}",
        ]
        self._show(share, ", ".join(filter(None, words)))


@contextmanager
def reporting(epochs: Mapping[str, int], wanted: Any = None) -> Iterator[Sink | None]:
    """A sink for the events of runs.

    Args:
        epochs: of each run, by its id.
        wanted: a sink of the caller's; False for none; None for what fits the place: a line in
            a notebook, a bar in a terminal, nothing elsewhere.
    """
    if wanted is not None:
        yield wanted if callable(wanted) else None
        return
    with _shown() as show:
        if show is None:
            yield None
            return
        sink = ProgressReport(epochs, show)
        sink.show()
        try:
            yield sink
        finally:
            sink.show()


def _shown() -> AbstractContextManager[Show | None]:
    notebook = _notebook()
    if notebook is None and sys.stderr.isatty():
        return _terminal()
    return nullcontext(notebook)


def _notebook() -> Show | None:
    """Shows one line, which changes, below the cell; None outside of notebooks."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    shown: Any = import_module("IPython.display")  # there is one wherever it is needed
    handles: list[Any] = []

    def show(share: float, words: str) -> None:
        line = shown.HTML(bar(share, words))
        if handles:
            handles[0].update(line)
        else:
            handles.append(shown.display(line, display_id=True))

    return show


def bar(share: float, words: str) -> str:
    """A line with a bar, as HTML that follows light and dark."""
    return (
        f'<div style="max-width:40em"><progress max="1" value="{share:.3f}" '
        f'aria-label="Share of the training that is done" style="width:12em"></progress> '
        f"{escape(words)}</div>"
    )


@contextmanager
def _terminal() -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (BarColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=1.0)

        def show(share: float, words: str) -> None:
            progress.update(task, completed=share, description=words)

        yield show
