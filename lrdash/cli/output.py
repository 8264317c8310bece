"""What goes to standard output, and what must not."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any

import typer
from rich.console import Console

BARS = "▁▂▃▄▅▆▇█"
PIPE_WIDTH = 200  # characters of a table that is not read on a terminal


def console() -> Console:
    """Where tables and progress go: standard output, wide where it is no terminal."""
    terminal = sys.stdout.isatty()
    return Console(
        file=sys.stdout, highlight=False, markup=False, width=None if terminal else PIPE_WIDTH
    )


def as_json(value: Any) -> None:
    """Print one JSON document; what is not finite has to be None by now."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False))


@contextmanager
def silent_stdout() -> Iterator[None]:
    """Standard output goes to standard error, also what C code and child processes write."""
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
    """Keep back what C code writes to standard error; told after all if the block fails."""
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
