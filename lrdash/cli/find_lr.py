"""`lrdash find-lr`: a range test, and the rates that its rules suggest."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrdash.cli.options import AsJson, Seeds, count_or_list, spec_options
from lrdash.cli.output import as_json, counting_bar, print_rows, training
from lrdash.core.spec import RunSpec
from lrdash.core.wording import duration
from lrdash.planning.range_test import INSTEAD

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
        int, typer.Option(help="Number of updates from the lowest to the highest rate.")
    ] = 200,
    seeds: Seeds = "5",
    json_output: AsJson = False,
) -> None:
    """Find a learning rate with a range test: the rate grows at every update.

    The test uses a fresh model for each seed and changes nothing already trained. Exit status 0: it
    finished; 1: it failed, was stopped or interrupted; 2: wrong input, nothing started.
    """
    from lrdash import api

    planned = api.define_range_test(
        lowest=lowest, highest=highest, updates=updates, seeds=count_or_list("seeds", seeds),
        **fields,
    )
    with _progress(quiet=json_output) as progress, training(json_output):
        test = api.run_range_test(planned, progress)
    if json_output:
        as_json(test.as_json())
    else:
        _show(test)
    if test.status != "finished":
        raise typer.Exit(1)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Listener | None]:
    """A bar over the updates on a terminal, otherwise nothing: the test takes seconds."""
    if quiet or not sys.stdout.isatty():
        yield None
        return
    with counting_bar() as bar:
        task = bar.add_task("updates", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _show(test: RangeTest) -> None:
    if test.row.update:
        if test.advice is None:
            print_rows(test.table())
        typer.echo(test.headline())
    typer.echo(f"Range test {test.range_test_id} {test.status} in {duration(test.seconds)}.")
    if test.reason:
        typer.echo(f"{test.status.capitalize()}: {test.reason}", err=True)
