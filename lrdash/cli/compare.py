"""`lrdash compare`: strategies at several peak rates and with several seeds, side by side."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from lrdash.cli.options import json_option, settings, spec_options
from lrdash.cli.output import as_json, console, hushed, silent_stdout
from lrdash.core.errors import InvalidField
from lrdash.core.events import EpochEnded, Event, RunEnded, Sink
from lrdash.core.record import json_object
from lrdash.core.spec import RunSpec
from lrdash.core.wording import count
from lrdash.planning.experiment import Arm, Experiment
from lrdash.store import Store
from lrdash.strategies import STRATEGIES

if TYPE_CHECKING:
    from lrdash.api import Comparison

Number = TypeVar("Number", int, float)

# Fields of a run that a comparison has several values of.
VARIED = ("strategy", "params", "base_lr", "seed")
SHARED = tuple(knob.name for knob in RunSpec.knobs() if knob.name not in VARIED)


@spec_options(*SHARED)
def compare(
    fields: dict[str, Any],
    strategies: Annotated[
        str, typer.Option(metavar="A,B,...", help=f"Any of: {', '.join(STRATEGIES)}.")
    ] = "",
    base_lrs: Annotated[
        str, typer.Option(metavar="X,Y,...", help="Peak rates; each strategy is trained at each.")
    ] = "0.01,0.1",
    seeds: Annotated[
        str,
        typer.Option(
            metavar="N|A,B,...", help="How many seeds (0, 1, 2, ...), or which, as a list."
        ),
    ] = "3",
    param: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[STRATEGY.]NAME=JSON",
            help="A setting of one strategy, or of all that have it. Once for each setting, e.g. "
            "step.factor=0.5.",
        ),
    ] = None,
    arm: Annotated[
        list[str] | None,
        typer.Option(
            metavar="JSON",
            help="One more strategy with its own settings and label, for several of one kind, e.g. "
            """'{"strategy": "step", "params": {"factor": 0.3}, "label": "deep"}'.""",
        ),
    ] = None,
    target: Annotated[
        float | None, typer.Option(help="A validation loss to reach.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the experiment, shown in the app.")] = "",
    engine: Annotated[
        str, typer.Option(metavar="auto|lanes|keras", help="What trains.")
    ] = "auto",
    html: Annotated[
        Path | None,
        typer.Option(help="Also write the report to this file: HTML that needs nothing else."),
    ] = None,
    json_output: Annotated[
        bool, json_option("Print the comparison as one JSON document and nothing else.")
    ] = False,
) -> None:
    """Compare strategies, each at several peak rates and with several seeds.

    Ctrl-C stops what is still training and keeps what is done. Exit status 0: all runs came to
    their end, diverged ones among them; 1: a run failed, was stopped or interrupted, or all
    diverged; 2: wrong input, nothing was started.
    """
    from lrdash.api import check_experiment, define

    if not strategies.strip() and not arm:
        raise InvalidField("--strategies", "must name at least one strategy", strategies)
    arms = [*_arms(strategies, param or ()), *map(_own_arm, arm or ())]
    experiment = define(
        arms, base_lrs=_numbers(base_lrs, float, "base_lrs"),
        seeds=_seeds(seeds), target=target, **fields,
    )
    check_experiment(experiment, engine)
    if html is not None and not html.parent.is_dir():
        raise InvalidField("--html", "must lie in a folder that exists", str(html))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if json_output:
        with silent_stdout():
            made = _compare(experiment, engine, name, None)
        as_json(made.as_json())
    else:
        with _listener(experiment) as listener:
            made = _compare(experiment, engine, name, listener)
        _show(made)
    if html is not None:
        typer.echo(f"Wrote the report to {made.report(html)}.", err=True)
    counts = made.row.counts
    if counts["finished"] == 0 or counts["finished"] + counts["diverged"] < made.row.runs:
        raise typer.Exit(1)


def _compare(
    experiment: Experiment, engine: str, name: str, listener: Sink | None
) -> Comparison:
    from lrdash import api

    Store().close()  # one that cannot be used is told before the seconds that TensorFlow takes
    with hushed():  # TensorFlow's remarks about missing GPUs
        import lrdash.training.keras.engine  # noqa: F401 (the seconds that it takes)
    return api.run_experiment(experiment, engine=engine, name=name, progress=listener)


def _arms(names: str, given: Sequence[str]) -> list[Arm]:
    strategies = [name.strip() for name in names.split(",") if name.strip()]
    kinds = {name: STRATEGIES[name] for name in strategies}
    params: dict[str, dict[str, Any]] = {name: {} for name in kinds}
    for name, value in settings(given, "--param").items():
        strategy, dot, setting = name.partition(".")
        if dot:
            if strategy not in kinds:
                problem = f"must name one of the strategies compared ({', '.join(kinds)})"
                raise InvalidField("--param", problem, name)
            params[strategy][setting] = value
            continue
        owners = [owner for owner, kind in kinds.items() if name in kind.model_fields]
        if not owners:
            problem = f"must be a setting of one of the strategies compared ({', '.join(kinds)})"
            raise InvalidField("--param", problem, name)
        for owner in owners:
            params[owner].setdefault(name, value)  # one strategy's own setting goes first
    return [Arm(strategy=name, params=params[name]) for name in strategies]


def _own_arm(text: str) -> Arm:
    like = '{"strategy": "step", "params": {"factor": 0.3}}'
    return Arm(**json_object("--arm", text, f"must be a JSON object like {like}"))


def _seeds(text: str) -> int | tuple[int, ...]:
    """A number of seeds, or seeds with commas between or behind them: `5,` is the seed 5."""
    seeds = _numbers(text, int, "seeds")
    return seeds[0] if len(seeds) == 1 and "," not in text else seeds


def _numbers(text: str, kind: Callable[[str], Number], field: str) -> tuple[Number, ...]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    try:
        return tuple(kind(word) for word in words)
    except ValueError:
        noun = "whole numbers" if kind is int else "numbers"
        raise InvalidField(field, f"must be {noun} with commas between them", text) from None


@contextmanager
def _listener(experiment: Experiment) -> Iterator[Sink]:
    """Tells how training goes: a bar over the epochs of all runs, or a line for each tenth."""
    epochs = experiment.size * experiment.base.epochs
    if not sys.stdout.isatty():
        typer.echo(_size(experiment))
        yield _lines(experiment.size)
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console()) as bar:
        bar.console.print(_size(experiment))
        task = bar.add_task("epochs of all runs", total=epochs)
        done: dict[str, int] = {}

        def tell(run_id: str, event: Event) -> None:
            if isinstance(event, EpochEnded):
                done[run_id] = event.epoch
            elif isinstance(event, RunEnded):
                done[run_id] = experiment.base.epochs
            else:
                return
            bar.update(task, completed=sum(done.values()))

        yield tell


def _lines(runs: int) -> Sink:
    done = 0

    def tell(_run_id: str, event: Event) -> None:
        nonlocal done
        if isinstance(event, RunEnded):
            done += 1
            if done == runs or done % max(1, runs // 10) == 0:
                typer.echo(f"{done} of {runs} runs done")

    return tell


def _size(experiment: Experiment) -> str:
    parts = (
        (len(experiment.arms), "strategy", "strategies"),
        (len(experiment.base_lrs), "peak rate", "peak rates"),
        (len(experiment.seeds), "seed", "seeds"),
    )
    told = " x ".join(f"{number} {one if number == 1 else many}" for number, one, many in parts)
    return f"{told}: {count(experiment.size)} runs of {experiment.base.epochs} epochs"


def _show(made: Comparison) -> None:
    from lrdash.analysis import without_markdown

    rows: list[Mapping[str, str]] = list(made.table())
    table = Table(box=None, pad_edge=False)
    titles = list(dict.fromkeys(title for row in rows for title in row))
    for title in titles:
        table.add_column(title, justify="left" if title == "Strategy" else "right")
    for row in rows:
        table.add_row(*(row.get(title, "") for title in titles))
    console().print(table)
    typer.echo(without_markdown(made.verdicts().sentence))
    typer.echo(f"Experiment {made.experiment_id}: {made.headline()}.")
