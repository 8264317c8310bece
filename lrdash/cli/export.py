"""`lrdash runs export`: runs in the formats of the field."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from lrdash.cli.options import json_option
from lrdash.cli.output import as_json
from lrdash.core.errors import InvalidField
from lrdash.export import FORMATS, Recorded, recipe_of, recorded
from lrdash.store import Store

Kind = Literal["csv", "json", "parquet", "tensorboard", "mlflow", "script", "notebook", "html"]
TOLD = " ".join(f"{kind.id}: {kind.good_for}" for kind in FORMATS.values())


def export(
    run_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN_ID]...", help="Ids of the runs.")
    ] = None,
    output_format: Annotated[
        Kind,
        typer.Option(
            "--format",
            help=f"{TOLD} html: the report as one file. mlflow: into a tracking server or file.",
        ),
    ] = "csv",
    experiment: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="All runs of this comparison; of script and notebook its best one."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="File to write; standard output by default. For tensorboard a folder, or a file "
            "that ends in .zip."
        ),
    ] = None,
    updates: Annotated[
        bool,
        typer.Option(
            "--updates", help="For csv and parquet: one row an update with the rate that it used."
        ),
    ] = False,
    tracking_uri: Annotated[
        str, typer.Option(help="For mlflow: where to, a file or the address of a server.")
    ] = "sqlite:///mlflow.db",
    mlflow_experiment: Annotated[
        str, typer.Option(help="For mlflow: its experiment. Default: the name of the comparison.")
    ] = "",
    json_output: Annotated[bool, json_option("The same as --format json.")] = False,
) -> None:
    """Export runs as CSV, Parquet, JSON, TensorBoard events, MLflow runs, script or notebook."""
    kind: Kind = "json" if json_output else output_format
    if updates and kind not in ("csv", "parquet"):
        raise InvalidField("--updates", "must go with --format csv or parquet", kind)
    store = Store()
    try:
        if kind == "html":
            _write(_report(store, run_ids or (), experiment), output, "report", text=True)
            return
        runs = _runs(store, run_ids or (), experiment)
    finally:
        store.close()
    if kind == "mlflow":
        _track(runs, tracking_uri, mlflow_experiment)
    elif kind == "tensorboard" and output is not None and output.suffix != ".zip":
        _events(runs, output)
    else:
        _file(runs, kind, output, updates=updates, chosen=experiment is not None)


def _runs(store: Store, run_ids: Sequence[str], experiment: str | None) -> Recorded:
    if bool(run_ids) == (experiment is not None):
        given = [*run_ids, experiment] if experiment else None
        raise InvalidField("RUN_ID", "must be given, or --experiment in its place", given)
    if experiment is not None:
        row = store.experiments.one(experiment)
        rows = list(reversed(store.runs.listing(experiment_id=experiment)))
        name = row.name or experiment
    else:
        rows, name = [store.runs.one(run_id) for run_id in run_ids or ()], ""
    return recorded(rows, store.runs.epochs_of([row.run_id for row in rows]), name)


def _report(store: Store, run_ids: Sequence[str], experiment: str | None) -> bytes:
    from lrdash.api import load, load_comparison
    from lrdash.export.report import comparison_report, run_report

    if experiment is not None and not run_ids:
        made = load_comparison(experiment, store)
        return comparison_report(made.row, made.rows, made.columns).encode()
    if len(run_ids) != 1 or experiment is not None:
        raise InvalidField("RUN_ID", "must be one run for html, or --experiment", list(run_ids))
    run = load(run_ids[0], store)
    return run_report(run.row, run.epochs, run.decided).encode()


def _file(runs: Recorded, kind: str, output: Path | None, *, updates: bool, chosen: bool) -> None:
    from lrdash.export import tables

    made = FORMATS[kind]
    if made.single and chosen:
        runs = recipe_of(runs)
    if updates:
        data = (tables.csv if kind == "csv" else tables.parquet)(runs, updates=True)
    else:
        data = made.write(runs)
    _write(data, output, _counted(runs), text=made.text)


def _write(data: bytes, output: Path | None, what: str, *, text: bool) -> None:
    from lrdash.api.files import write_bytes

    if output is not None:
        typer.echo(f"Wrote {what} to {write_bytes(output, data, 'output')}.", err=True)
        return
    if not text and sys.stdout.isatty():
        raise InvalidField("--output", "must name a file, since this format is no text", None)
    typer.echo(data, nl=False)


def _events(runs: Recorded, folder: Path) -> None:
    from lrdash.export import tensorboard

    try:
        count = tensorboard.write(runs, folder)
    except OSError as fault:
        problem = f"must be a folder that can be written ({fault.strerror})"
        raise InvalidField("output", problem, str(folder)) from None
    typer.echo(
        f"Wrote {_counted(runs)} to {folder} in {count} files: tensorboard --logdir {folder}",
        err=True,
    )


def _track(runs: Recorded, uri: str, name: str) -> None:
    from lrdash.export.tracking import log_runs

    made = log_runs(runs, uri, name or runs.name or "lrdash")
    pairs = zip(runs.rows, made, strict=True)
    as_json([{"run_id": row.run_id, "mlflow_run_id": found} for row, found in pairs])


def _counted(runs: Recorded) -> str:
    return f"{len(runs.rows)} {'run' if len(runs.rows) == 1 else 'runs'}"
