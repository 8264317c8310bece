"""`lrdash runs fork`, `more` and `steer`: branches, more epochs, and a rate set by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrdash.cli.options import AsJson, RunId, numbers, settings
from lrdash.cli.output import answer, as_json, training
from lrdash.core.errors import InvalidField

if TYPE_CHECKING:
    from lrdash.api import Run


def fork(
    run_id: RunId,
    epoch: Annotated[int, typer.Option(help="Epochs done when the branches leave the run.")],
    factors: Annotated[
        str | None,
        typer.Option(help="Factors on the rate, one for each branch, e.g. 0.5,0.2,0.1,1."),
    ] = None,
    strategy: Annotated[str | None, typer.Option(help="A branch with this strategy.")] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=JSON", help="A setting of that strategy. Repeatable."),
    ] = None,
    base_lr: Annotated[
        float | None, typer.Option(help="Its peak rate. Default: the rate at that epoch.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Length of each branch, counted from the run's start.")
    ] = None,
    json_output: AsJson = False,
) -> None:
    """Train branches of a run, starting from its weights after an epoch."""
    from lrdash import api

    wanted: list[dict[str, Any]] = [
        {"factor": value} for value in numbers("--factors", factors or "")
    ]
    if strategy:
        own = {"strategy": strategy, "params": settings(param or [], "--param")}
        wanted.append(own | ({"base_lr": base_lr} if base_lr is not None else {}))
    if not wanted:
        raise InvalidField("--factors", "or --strategy must be given", "neither")
    if epochs is not None:
        wanted = [{**one, "epochs": epochs} for one in wanted]
    with training(json_output):
        runs = api.fork(run_id, epoch, wanted)
    _report(runs, json_output)


def more(
    run_id: RunId,
    epochs: Annotated[int, typer.Option(help="How many epochs to add.")] = 10,
    how: Annotated[
        str,
        typer.Option(
            metavar="hold|stretch",
            help="hold: keep the schedule and continue at its last rate; stretch: lay the schedule "
            "over the whole run.",
        ),
    ] = "hold",
    json_output: AsJson = False,
) -> None:
    """Train a finished run for more epochs."""
    from lrdash import api

    with training(json_output):
        runs = [api.more(run_id, epochs, how)]
    _report(runs, json_output)


def steer(
    run_id: RunId,
    rate: Annotated[float | None, typer.Option(help="Hold this rate.")] = None,
    factor: Annotated[
        float | None, typer.Option(help="Multiply the rate; the strategy continues.")
    ] = None,
    back: Annotated[
        bool, typer.Option("--back", help="Return to the run's own strategy.")
    ] = False,
    json_output: AsJson = False,
) -> None:
    """Change the rate of a run while it trains, from its next epoch on."""
    from lrdash import api

    number = api.steer(run_id, rate=rate, factor=factor, back=back)
    words = f"The rate of run {run_id} changes at the end of this epoch."
    answer({"run_id": run_id, "command": number}, words, json_output)


def _report(runs: list[Run], json_output: bool) -> None:
    if json_output:
        as_json([run.as_json() for run in runs])
    else:
        for run in runs:
            typer.echo(f"Run {run.run_id} {run.headline()}.")
    if any(run.status != "finished" for run in runs):
        raise typer.Exit(1)
