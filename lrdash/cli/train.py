"""`lrdash train`: one run, from start to end; the app shows it live."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from lrdash.analysis.frames import METRICS
from lrdash.cli.options import AsJson, Engine, spec_options
from lrdash.cli.output import as_json, console, training
from lrdash.core.events import EpochEnded, Event, RateDecided
from lrdash.core.spec import RunSpec
from lrdash.core.wording import number, percent, rate

if TYPE_CHECKING:
    from lrdash.api import Progress as Listener

SHOWN = ("val_loss", "val_accuracy")  # beside a bar; fits into 80 characters


@spec_options()
def train(
    fields: dict[str, Any],
    name: Annotated[str, typer.Option(help="Name of the run, shown in the app.")] = "",
    engine: Engine = "auto",
    json_output: AsJson = False,
) -> None:
    """Train a model and record the run.

    Ctrl-C stops the run and keeps everything trained so far. Exit status 0: it finished; 1: it
    failed, diverged, was stopped or interrupted; 2: wrong input, nothing started.
    """
    from lrdash import api

    spec = RunSpec(**fields)
    api.check(spec, engine)
    with _progress(spec, quiet=json_output) as progress, training(json_output):
        run = api.train(spec, engine=engine, name=name, progress=progress)
    if json_output:
        as_json(run.as_json())
    else:
        typer.echo(f"Run {run.run_id} {run.headline()}.")
        if run.reason:
            typer.echo(f"{run.status.capitalize()}: {run.reason}", err=run.status != "finished")
    if run.status != "finished":
        raise typer.Exit(1)


@contextmanager
def _progress(spec: RunSpec, *, quiet: bool) -> Iterator[Listener | None]:
    """A bar on a terminal, otherwise a line for each epoch."""
    if quiet:
        yield None
        return
    if not sys.stdout.isatty():
        yield lambda event: _lines(event, spec.epochs)
        return
    columns = (
        TextColumn("epoch {task.completed} of {task.total}"), BarColumn(bar_width=16),
        TimeElapsedColumn(), TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=console()) as bar:
        task = bar.add_task("starting", total=spec.epochs)

        def on_event(event: Event) -> None:
            if isinstance(event, EpochEnded):
                bar.update(task, completed=event.epoch, description=_measured(event, SHOWN))
            elif isinstance(event, RateDecided) and event.rate_after != event.rate_before:
                bar.console.print(f"epoch {event.epoch}: {event.reason}")

        yield on_event


def _lines(event: Event, epochs: int) -> None:
    if isinstance(event, EpochEnded):
        typer.echo(f"epoch {event.epoch} of {epochs}: {_measured(event)}")
    elif isinstance(event, RateDecided) and event.rate_after != event.rate_before:
        typer.echo(f"  {event.reason}")


def _measured(event: EpochEnded, names: Sequence[str] = METRICS) -> str:
    words = [
        f"{name} {percent(value) if name.endswith('accuracy') else number(value)}"
        for name in names
        if (value := event.metrics.get(name)) is not None
    ]
    return ", ".join([*words, f"rate {rate(float(event.rates[-1]))}"])
