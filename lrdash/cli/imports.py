"""`lrdash import`: runs of other programs, read from files."""

from __future__ import annotations

from typing import Annotated

import typer

from lrdash.cli.options import AsJson
from lrdash.cli.output import as_json
from lrdash.core.wording import plural


def import_(
    paths: Annotated[list[str], typer.Argument(
        metavar="PATH...", help="TensorBoard event files; CSV of Keras or Lightning; JSON of a "
        "History, pandas or Hugging Face; or folders and ZIP archives of these.",
    )],
    name: Annotated[str, typer.Option(help="Name of the run; with several, a prefix.")] = "",
    dataset: Annotated[str, typer.Option(help="Name of the training data.")] = "",
    model: Annotated[str, typer.Option(help="Name of the model.")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="A tag for the runs. Repeatable.")] = None,
    json_output: AsJson = False,
) -> None:
    """Import runs of other programs to compare them with new ones. Runs already there stay."""
    from lrdash.tracking.importing import import_runs

    imported = import_runs(
        *paths, name=name, dataset=dataset, model=model, tags=tag or (),
        report=lambda message: typer.echo(message, err=True),
    )
    if json_output:
        as_json([
            {"run_id": one.run_id, "name": one.name, "epochs": one.epochs, "new": one.new,
             "remarks": list(one.remarks)} for one in imported
        ])
        return
    for one in imported:
        state = "imported" if one.new else "already there"
        typer.echo(f"{one.run_id}  {one.name}: {plural(one.epochs, 'epoch')}, {state}")
        for remark in one.remarks:
            typer.echo(f"  {remark}")
