"""`lrdash preview`: the rates of a strategy, without training or TensorFlow."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from lrdash.cli.options import AsJson, spec_options
from lrdash.cli.output import as_json, print_table, sparkline
from lrdash.core.errors import InvalidField
from lrdash.core.spec import RunSpec
from lrdash.core.wording import count, rate
from lrdash.strategies import make
from lrdash.strategies import preview as rates_of

FIELDS = ("params", "base_lr", "epochs", "warmup_epochs", "warmup_start_factor")
ROWS = 24  # most epochs shown


@spec_options(*FIELDS)
def preview(
    fields: dict[str, Any],
    strategy: Annotated[
        str, typer.Argument(metavar="STRATEGY", help="Id of the strategy, e.g. cosine.")
    ],
    steps_per_epoch: Annotated[int, typer.Option(help="Updates in each epoch.")] = 1,
    monitored: Annotated[
        str | None,
        typer.Option(
            metavar="JSON", help="For plateau: the monitored metric after each epoch, as a list. "
            "By default, the metric always improves.",
        ),
    ] = None,
    json_output: AsJson = False,
) -> None:
    """Show the learning rate of each update, without training."""
    spec = RunSpec(strategy=strategy, **fields)
    made = make(strategy, spec.params)
    rates = rates_of(
        strategy, spec.params, base_lr=spec.base_lr, epochs=spec.epochs,
        steps_per_epoch=steps_per_epoch, warmup_epochs=spec.warmup_epochs,
        warmup_start_factor=spec.warmup_start_factor, monitored=_numbers(monitored),
    )
    if json_output:
        as_json({
            "strategy": strategy, "params": made.as_dict(), "base_lr": spec.base_lr,
            "epochs": spec.epochs, "steps_per_epoch": steps_per_epoch,
            "warmup_epochs": spec.warmup_epochs,
            "warmup_start_factor": spec.warmup_start_factor, "rates": rates.tolist(),
        })
        return
    typer.echo(made.sentence())
    _table(rates.tolist(), steps_per_epoch)


def _numbers(text: str | None) -> list[float] | None:
    if text is None:
        return None
    try:
        values = json.loads(text if text.lstrip().startswith("[") else f"[{text}]")
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, list):
        raise InvalidField("monitored", "must be a list of numbers, e.g. [0.5, 0.4]", text)
    return values


def _table(rates: list[float], steps: int) -> None:
    epochs = len(rates) // steps
    rows = min(epochs, ROWS)
    shown = [round(row * (epochs - 1) / max(1, rows - 1)) for row in range(rows)]
    typer.echo(sparkline([rates[epoch * steps] for epoch in shown]))
    print_table(("epoch", "first update", "first rate", "last rate"), [
        (str(epoch + 1), count(epoch * steps), rate(rates[epoch * steps]),
         rate(rates[(epoch + 1) * steps - 1]))
        for epoch in shown
    ], texts=0)
    if len(shown) < epochs:
        typer.echo(f"{len(shown)} of {count(epochs)} epochs shown; --json prints every update.")
