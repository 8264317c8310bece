"""`lrdash runs fork`, `more` and `steer`: branches, more epochs, and a hand at the wheel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from lrdash.cli.options import json_option, settings
from lrdash.cli.output import as_json, hushed, silent_stdout
from lrdash.core.errors import InvalidField

RunId = Annotated[str, typer.Argument(metavar="RUN_ID", help="Id of the run.")]


def fork(
    run_id: RunId,
    epoch: Annotated[int, typer.Option(help="Epochs done when the branches leave the run.")],
    factors: Annotated[
        str | None, typer.Option(help="Factors on the rate, one a branch, e.g. 0.5,0.2,0.1,1.")
    ] = None,
    strategy: Annotated[str | None, typer.Option(help="A branch with this strategy.")] = None,
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=JSON", help="A setting of the strategy.")
    ] = None,
    base_lr: Annotated[
        float | None, typer.Option(help="Its peak rate; by default the rate at that epoch.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of each branch in all.")] = None,
    json_output: Annotated[bool, json_option("Print the branches as one JSON list.")] = False,
) -> None:
    """Train branches of a run from the weights that it had after an epoch."""
    wanted: list[dict[str, Any]] = [{"factor": value} for value in _numbers(factors)]
    if strategy:
        own = {"strategy": strategy, "params": settings(param or [], "--param")}
        wanted.append(own | ({"base_lr": base_lr} if base_lr is not None else {}))
    if not wanted:
        raise InvalidField("--factors", "must be given, or --strategy", "nothing")
    if epochs is not None:
        wanted = [{**one, "epochs": epochs} for one in wanted]
    with _quietly(json_output) as api:
        runs = api.fork(run_id, epoch, wanted)
    _tell(runs, json_output)


def more(
    run_id: RunId,
    epochs: Annotated[int, typer.Option(help="How many more.")] = 10,
    how: Annotated[
        str,
        typer.Option(
            metavar="hold|stretch",
            help="hold: the schedule keeps its length, its last rate holds; stretch: it is laid "
            "over the whole run.",
        ),
    ] = "hold",
    json_output: Annotated[bool, json_option("Print the run as one JSON list.")] = False,
) -> None:
    """Train a finished run for more epochs."""
    with _quietly(json_output) as api:
        runs = [api.more(run_id, epochs, how)]
    _tell(runs, json_output)


def steer(
    run_id: RunId,
    rate: Annotated[float | None, typer.Option(help="Hold this rate.")] = None,
    factor: Annotated[
        float | None, typer.Option(help="Multiply the rate; the strategy goes on.")
    ] = None,
    back: Annotated[bool, typer.Option("--back", help="Back to the run's own strategy.")] = False,
    json_output: Annotated[bool, json_option()] = False,
) -> None:
    """Change the rate of a run that trains, from its next epoch on."""
    from lrdash import api

    number = api.steer(run_id, rate=rate, factor=factor, back=back)
    if json_output:
        as_json({"run_id": run_id, "command": number})
    else:
        typer.echo(f"Run {run_id} changes its rate at the end of this epoch.")


@contextmanager
def _quietly(json_output: bool) -> Iterator[Any]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from lrdash import api

    with hushed():  # TensorFlow's remarks about missing GPUs
        import lrdash.training.keras.engine  # noqa: F401 (the seconds that it takes)
    if json_output:
        with silent_stdout():
            yield api
    else:
        yield api


def _tell(runs: list[Any], json_output: bool) -> None:
    if json_output:
        as_json([run.as_json() for run in runs])
    else:
        for run in runs:
            typer.echo(f"Run {run.run_id} {run.headline()}.")
    if any(run.status != "finished" for run in runs):
        raise typer.Exit(1)


def _numbers(text: str | None) -> list[float]:
    try:
        return [float(part) for part in (text or "").split(",") if part.strip()]
    except ValueError:
        problem = "must be numbers with commas between them, e.g. 0.5,0.1"
        raise InvalidField("--factors", problem, text) from None
