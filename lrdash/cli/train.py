"""`lrdash train`: one run to its end; the app shows it live."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from lrdash.analysis.frames import METRICS
from lrdash.cli.options import json_option, spec_options
from lrdash.cli.output import as_json, console, hushed, silent_stdout
from lrdash.core.events import EpochEnded, Event, RateDecided
from lrdash.core.spec import RunSpec
from lrdash.core.wording import number, percent, rate
from lrdash.store import Store

if TYPE_CHECKING:
    from lrdash.api import Progress as Listener
    from lrdash.api import Run

SHOWN = ("val_loss", "val_accuracy")  # beside a bar, within 80 characters


@spec_options()
def train(
    fields: dict[str, Any],
    name: Annotated[str, typer.Option(help="Name of the run, shown in the app.")] = "",
    engine: Annotated[
        str, typer.Option(metavar="auto|lanes|keras", help="What trains.")
    ] = "auto",
    json_output: Annotated[
        bool, json_option("Print the run as one JSON document and nothing else.")
    ] = False,
) -> None:
    """Train a model and record the run.

    Ctrl-C stops the run and keeps what was trained. Exit status 0: it finished; 1: it failed,
    diverged, was stopped or interrupted; 2: wrong input, nothing was started.
    """
    spec = RunSpec(**fields)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if json_output:
        with silent_stdout():
            run = _train(spec, engine, name, None)
        as_json(run.as_json())
    else:
        with _listener(spec) as listener:
            run = _train(spec, engine, name, listener)
        typer.echo(f"Run {run.run_id} {run.headline()}.")
        if run.reason:
            typer.echo(f"{run.status.capitalize()}: {run.reason}", err=run.status != "finished")
    if run.status != "finished":
        raise typer.Exit(1)


def _train(spec: RunSpec, engine: str, name: str, listener: Listener | None) -> Run:
    from lrdash import api

    api.check(spec, engine)
    Store().close()  # one that cannot be used is told before the seconds that TensorFlow takes
    with hushed():  # TensorFlow's remarks about missing GPUs
        import lrdash.training.keras.engine  # noqa: F401 (the seconds that it takes)
    return api.train(spec, engine=engine, name=name, progress=listener)


@contextmanager
def _listener(spec: RunSpec) -> Iterator[Listener]:
    """Tells how training goes: a bar on a terminal, else a line an epoch."""
    if not sys.stdout.isatty():
        yield lambda event: _lines(event, spec.epochs)
        return
    columns = (
        TextColumn("epoch {task.completed} of {task.total}"), BarColumn(bar_width=16),
        TimeElapsedColumn(), TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=console()) as bar:
        task = bar.add_task("starting", total=spec.epochs)

        def tell(event: Event) -> None:
            if isinstance(event, EpochEnded):
                bar.update(task, completed=event.epoch, description=_measured(event, SHOWN))
            elif isinstance(event, RateDecided) and event.rate_after != event.rate_before:
                bar.console.print(f"epoch {event.epoch}: {event.reason}")

        yield tell


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
