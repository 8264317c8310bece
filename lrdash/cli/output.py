"""What goes to standard output, and what must not."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from lrdash.jobs.session import prepare
from lrdash.store import Store

BARS = "▁▂▃▄▅▆▇█"
PIPE_WIDTH = 200  # characters of a table that is not printed to a terminal


def console() -> Console:
    """Where tables and progress go: standard output, wide where it is no terminal."""
    terminal = sys.stdout.isatty()
    return Console(
        file=sys.stdout, highlight=False, markup=False, width=None if terminal else PIPE_WIDTH
    )


def print_table(
    titles: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int | None = None
) -> None:
    """Print a table.

    Args:
        titles: of the columns.
        rows: cells, as many as titles.
        texts: how many columns on the left hold text; the others are aligned to the right. All by
            default.
    """
    table = Table(box=None, pad_edge=False)
    for place, title in enumerate(titles):
        table.add_column(title, justify="left" if texts is None or place < texts else "right")
    for row in rows:
        table.add_row(*row)
    console().print(table)


def print_rows(rows: Sequence[Mapping[str, str]]) -> None:
    """Print one row for each mapping, its cells by title; the first column holds text."""
    titles = list(dict.fromkeys(title for row in rows for title in row))
    print_table(titles, [[row.get(title, "") for title in titles] for row in rows], texts=1)


def as_json(value: Any) -> None:
    """Print one JSON document; values that are not finite must already be None."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False))


def answer(value: Any, sentence: str, json_output: bool) -> None:
    """Print the value as JSON, or the sentence for people."""
    if json_output:
        as_json(value)
    else:
        typer.echo(sentence)


def counting_bar() -> Progress:
    """A progress bar that shows how many of how many are done, and for how long."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(),
        TimeElapsedColumn(), console=console(),
    )


@contextmanager
def training(json_output: bool) -> Iterator[None]:
    """Load TensorFlow quietly; with JSON, keep standard output free for the document."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    prepare()
    with silent_stdout() if json_output else nullcontext():
        Store().close()  # report a database that cannot be used before TensorFlow takes seconds
        with hushed():  # TensorFlow's remarks about missing GPUs
            import lrdash.training.keras.engine  # noqa: F401 (the seconds that it takes)
        yield


@contextmanager
def silent_stdout() -> Iterator[None]:
    """Send standard output to standard error, including that of C code and child processes."""
    sys.stdout.flush()
    saved = os.dup(1)
    try:
        with suppress(OSError):
            os.dup2(2, 1)
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)


@contextmanager
def hushed() -> Iterator[None]:
    """Hold back what C code writes to standard error; print it only if the block fails."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(saved, kept.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def sparkline(values: list[float]) -> str:
    """One bar a value, from 0 to the greatest."""
    top = max(values, default=0.0)
    if top <= 0:
        return BARS[0] * len(values)
    return "".join(BARS[min(7, int(8 * value / top))] for value in values)
