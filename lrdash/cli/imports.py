"""`lrdash import`: runs of other programs, read from files."""

from __future__ import annotations

from typing import Annotated

import typer

from lrdash.cli.options import json_option
from lrdash.cli.output import as_json


def import_(
    paths: Annotated[list[str], typer.Argument(
        metavar="PATH...", help="Event files of TensorBoard, CSV files of CSVLogger, History as "
        "JSON; folders or ZIP archives of such.",
    )],
    name: Annotated[str, typer.Option(help="Name of the run; of several, what stands before "
                                      "theirs.")] = "",
    dataset: Annotated[str, typer.Option(help="What was learned from.")] = "",
    model: Annotated[str, typer.Option(help="What was trained.")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="To find the runs by; may be "
                                                  "repeated.")] = None,
    json_output: Annotated[bool, json_option()] = False,
) -> None:
    """Bring old runs to the dashboard, beside new ones. What is there already is left as it is."""
    from lrdash.tracking.importing import import_runs

    brought = import_runs(
        *paths, name=name, dataset=dataset, model=model, tags=tag or (),
        tell=lambda left: typer.echo(left, err=True),
    )
    if json_output:
        as_json([
            {"run_id": one.run_id, "name": one.name, "epochs": one.epochs, "new": one.new,
             "remarks": list(one.remarks)} for one in brought
        ])
        return
    for one in brought:
        state = "imported" if one.new else "already there"
        plural = "epoch" if one.epochs == 1 else "epochs"
        typer.echo(f"{one.run_id}  {one.name}: {one.epochs:,} {plural}, {state}")
        for remark in one.remarks:
            typer.echo(f"  {remark}")
