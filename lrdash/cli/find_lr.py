"""`lrdash find-lr`: a range test, and what four rules read off it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from lrdash.cli.options import json_option, spec_options
from lrdash.cli.output import as_json, console, hushed, silent_stdout
from lrdash.core.errors import InvalidField
from lrdash.core.spec import RunSpec
from lrdash.core.wording import duration, rate
from lrdash.planning.range_test import INSTEAD, PlannedTest
from lrdash.store import Store

if TYPE_CHECKING:
    from lrdash.api import RangeTest
    from lrdash.api.find_lr import Listener

TRIED = tuple(knob.name for knob in RunSpec.knobs() if knob.name not in INSTEAD)


@spec_options(*TRIED)
def find_lr(
    fields: dict[str, Any],
    lowest: Annotated[float, typer.Option(help="Rate of the first update.")] = 1e-5,
    highest: Annotated[float, typer.Option(help="Rate of the last update.")] = 10.0,
    updates: Annotated[
        int, typer.Option(help="How many steps the rate takes from the lowest to the highest.")
    ] = 200,
    seeds: Annotated[
        str,
        typer.Option(
            metavar="N|A,B,...", help="How many seeds (0, 1, 2, ...), or which, as a list."
        ),
    ] = "5",
    json_output: Annotated[
        bool, json_option("Print the test as one JSON document and nothing else.")
    ] = False,
) -> None:
    """Find a learning rate by a range test: the rate grows with every update.

    Fresh models are tried, one a seed; nothing that was trained is touched. Exit status 0: it
    finished; 1: it failed, was stopped or interrupted; 2: wrong input, nothing was started.
    """
    from lrdash.api import define_range_test

    planned = define_range_test(
        lowest=lowest, highest=highest, updates=updates, seeds=_seeds(seeds), **fields
    )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if json_output:
        with silent_stdout():
            test = _find(planned, None)
        as_json(test.as_json())
    else:
        with _listener() as listener:
            test = _find(planned, listener)
        _show(test)
    if test.status != "finished":
        raise typer.Exit(1)


def _find(planned: PlannedTest, listener: Listener | None) -> RangeTest:
    from lrdash import api

    Store().close()  # one that cannot be used is told before the seconds that TensorFlow takes
    with hushed():  # TensorFlow's remarks about missing GPUs
        from lrdash.training import range_test  # noqa: F401
    return api.run_range_test(planned, listener)


def _seeds(text: str) -> int | list[int]:
    try:
        seeds = [int(word) for word in text.split(",") if word.strip()]
    except ValueError:
        problem = "must be whole numbers with commas between them"
        raise InvalidField("seeds", problem, text) from None
    return seeds[0] if len(seeds) == 1 and "," not in text else seeds


@contextmanager
def _listener() -> Iterator[Listener | None]:
    """A bar over the updates on a terminal, else nothing: it takes seconds."""
    if not sys.stdout.isatty():
        yield None
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console()) as bar:
        task = bar.add_task("updates", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _show(test: RangeTest) -> None:
    if test.row.update:
        table = Table(box=None, pad_edge=False)
        for title in ("Rule", "Suggestion", "Lowest", "Highest", "Seeds"):
            table.add_column(title, justify="left" if title == "Rule" else "right")
        for row in test.summary().to_dict(orient="records"):
            rates = (rate(row[name]) for name in ("suggestion", "low", "high"))
            table.add_row(row["label"], *rates, f"{row['found']} of {row['seeds']}")
        console().print(table)
        typer.echo(test.headline())
    typer.echo(f"Range test {test.range_test_id} {test.status} in {duration(test.seconds)}.")
    if test.reason:
        typer.echo(f"{test.status.capitalize()}: {test.reason}", err=True)
