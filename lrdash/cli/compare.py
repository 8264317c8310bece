"""`lrdash compare`: strategies at several peak rates and with several seeds, side by side."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrdash.cli.options import (
    AsJson,
    Engine,
    Seeds,
    count_or_list,
    names,
    numbers,
    settings,
    spec_options,
)
from lrdash.cli.output import as_json, counting_bar, print_rows, training
from lrdash.core.errors import InvalidField
from lrdash.core.events import EpochEnded, Event, RunEnded, Sink
from lrdash.core.record import json_object
from lrdash.core.spec import RunSpec
from lrdash.core.wording import plural
from lrdash.planning.experiment import VARIED, Arm, Experiment
from lrdash.strategies import STRATEGIES

if TYPE_CHECKING:
    from lrdash.api import Comparison

SHARED = tuple(knob.name for knob in RunSpec.knobs() if knob.name not in VARIED)


@spec_options(*SHARED)
def compare(
    fields: dict[str, Any],
    strategies: Annotated[
        str, typer.Option(metavar="A,B,...", help=f"Any of: {', '.join(STRATEGIES)}.")
    ] = "",
    base_lrs: Annotated[
        str, typer.Option(metavar="X,Y,...", help="Peak rates; each strategy trains at each.")
    ] = "0.01,0.1",
    seeds: Seeds = "3",
    param: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[STRATEGY.]NAME=JSON",
            help="A setting of one strategy, or of all that have it, e.g. step.factor=0.5. "
            "Repeatable.",
        ),
    ] = None,
    arm: Annotated[
        list[str] | None,
        typer.Option(
            metavar="JSON",
            help="One more strategy with its own settings and label, to compare several of a "
            """kind, e.g. '{"strategy": "step", "params": {"factor": 0.3}, "label": "deep"}'. """
            "Repeatable.",
        ),
    ] = None,
    target: Annotated[
        float | None,
        typer.Option(help="Validation loss to reach; lrdash counts the epochs until then."),
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the comparison, shown in the app.")] = "",
    engine: Engine = "auto",
    html: Annotated[
        Path | None, typer.Option(help="Also write the report to this self-contained HTML file."),
    ] = None,
    json_output: AsJson = False,
) -> None:
    """Compare strategies, each at several peak rates and with several seeds.

    Ctrl-C stops the runs still training and keeps what is done. Exit status 0: all runs ended,
    including those that diverged; 1: a run failed, was stopped or interrupted, or all diverged; 2:
    wrong input, nothing started.
    """
    from lrdash.api import check_experiment, define, run_experiment

    if not strategies.strip() and not arm:
        raise InvalidField("--strategies", "must name at least one strategy", strategies)
    arms = [*_arms(strategies, param or ()), *map(_own_arm, arm or ())]
    experiment = define(
        arms, base_lrs=numbers("base_lrs", base_lrs), seeds=count_or_list("seeds", seeds),
        target=target, **fields,
    )
    check_experiment(experiment, engine)
    if html is not None and not html.parent.is_dir():
        raise InvalidField("--html", "must be in a folder that exists", str(html))
    with _progress(experiment, quiet=json_output) as progress, training(json_output):
        made = run_experiment(experiment, engine=engine, name=name, progress=progress)
    if json_output:
        as_json(made.as_json())
    else:
        _show(made)
    if html is not None:
        typer.echo(f"Wrote the report to {made.report(html)}.", err=True)
    counts = made.row.counts
    if counts["finished"] == 0 or counts["finished"] + counts["diverged"] < made.row.runs:
        raise typer.Exit(1)


def _arms(text: str, given: Sequence[str]) -> list[Arm]:
    kinds = {name: STRATEGIES[name] for name in names(text)}
    known = ", ".join(kinds)
    params: dict[str, dict[str, Any]] = {name: {} for name in kinds}
    for name, value in settings(given, "--param").items():
        strategy, dot, setting = name.partition(".")
        if dot:
            if strategy not in kinds:
                raise InvalidField("--param", f"must name a compared strategy ({known})", name)
            params[strategy][setting] = value
            continue
        owners = [owner for owner, kind in kinds.items() if name in kind.model_fields]
        if not owners:
            problem = f"must be a setting of a compared strategy ({known})"
            raise InvalidField("--param", problem, name)
        for owner in owners:
            params[owner].setdefault(name, value)  # one strategy's own setting takes precedence
    return [Arm(strategy=name, params=params[name]) for name in names(text)]


def _own_arm(text: str) -> Arm:
    like = '{"strategy": "step", "params": {"factor": 0.3}}'
    return Arm(**json_object("--arm", text, f"must be a JSON object like {like}"))


@contextmanager
def _progress(experiment: Experiment, *, quiet: bool) -> Iterator[Sink | None]:
    """A bar over the epochs of all runs on a terminal, otherwise a line for each tenth."""
    if quiet:
        yield None
        return
    typer.echo(_size(experiment))
    if not sys.stdout.isatty():
        yield _lines(experiment.size)
        return
    epochs = experiment.base.epochs
    with counting_bar() as bar:
        task = bar.add_task("epochs of all runs", total=experiment.size * epochs)
        done: dict[str, int] = {}

        def on_event(run_id: str, event: Event) -> None:
            if isinstance(event, EpochEnded | RunEnded):
                done[run_id] = event.epoch if isinstance(event, EpochEnded) else epochs
                bar.update(task, completed=sum(done.values()))

        yield on_event


def _lines(runs: int) -> Sink:
    done = 0

    def on_event(_run_id: str, event: Event) -> None:
        nonlocal done
        if isinstance(event, RunEnded):
            done += 1
            if done == runs or done % max(1, runs // 10) == 0:
                typer.echo(f"{done} of {runs} runs done")

    return on_event


def _size(experiment: Experiment) -> str:
    parts = (
        plural(len(experiment.arms), "strategy", "strategies"),
        plural(len(experiment.base_lrs), "peak rate"), plural(len(experiment.seeds), "seed"),
    )
    runs, epochs = plural(experiment.size, "run"), plural(experiment.base.epochs, "epoch")
    return f"{' x '.join(parts)}: {runs} of {epochs}"


def _show(made: Comparison) -> None:
    from lrdash.analysis import without_markdown

    print_rows(made.table())
    typer.echo(without_markdown(made.verdicts().sentence))
    typer.echo(f"Comparison {made.experiment_id}: {made.headline()}.")
