"""`lrdash runs export`: runs in common formats."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from lrdash.cli.options import AsJson
from lrdash.cli.output import as_json
from lrdash.core.errors import InvalidField
from lrdash.core.wording import plural
from lrdash.export import FORMATS, Recorded, recipe_of, recorded
from lrdash.store import Store, open_store

Kind = Literal["csv", "json", "parquet", "tensorboard", "mlflow", "script", "notebook", "html"]
FORMAT_HELP = " ".join(f"{kind.id}: {kind.good_for}" for kind in FORMATS.values())


def export(
    run_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN_ID]...", help="Ids of the runs.")
    ] = None,
    output_format: Annotated[
        Kind,
        typer.Option(
            "--format",
            help=f"{FORMAT_HELP} html: The report as one file. mlflow: Logs to a tracking "
            "server or file.",
        ),
    ] = "csv",
    experiment: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="All runs of this comparison; for script and notebook, its best run."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="File to write. Default: standard output. For tensorboard, a folder or a .zip "
            "file."
        ),
    ] = None,
    updates: Annotated[
        bool,
        typer.Option(
            "--updates", help="For csv and parquet: one row for each update, with its rate."
        ),
    ] = False,
    tracking_uri: Annotated[
        str, typer.Option(help="For mlflow: the tracking server or SQLite file.")
    ] = "sqlite:///mlflow.db",
    mlflow_experiment: Annotated[
        str, typer.Option(help="For mlflow: the experiment. Default: the name of the comparison.")
    ] = "",
    json_output: AsJson = False,
) -> None:
    """Export runs as CSV, Parquet, JSON, TensorBoard events, MLflow runs, script or notebook."""
    kind: Kind = "json" if json_output else output_format
    if updates and kind not in ("csv", "parquet"):
        raise InvalidField("--updates", "needs --format csv or parquet", kind)
    with open_store() as store:
        if kind == "html":
            _write(_report(store, run_ids or (), experiment), output, "the report", text=True)
            return
        runs = _runs(store, run_ids or (), experiment)
    if kind == "mlflow":
        _track(runs, tracking_uri, mlflow_experiment)
    elif kind == "tensorboard" and output is not None and output.suffix != ".zip":
        _events(runs, output)
    else:
        _file(runs, kind, output, updates=updates, chosen=experiment is not None)


def _runs(store: Store, run_ids: Sequence[str], experiment: str | None) -> Recorded:
    if bool(run_ids) == (experiment is not None):
        given = [*run_ids, experiment] if experiment else None
        raise InvalidField("RUN_ID", "or --experiment must be given, not both", given)
    if experiment is not None:
        row = store.experiments.one(experiment)
        rows = store.runs.of_experiment(experiment)
        name = row.name or experiment
    else:
        rows, name = [store.runs.one(run_id) for run_id in run_ids or ()], ""
    return recorded(rows, store.runs.epochs_of([row.run_id for row in rows]), name)


def _report(store: Store, run_ids: Sequence[str], experiment: str | None) -> bytes:
    from lrdash.api import load_comparison, load_run
    from lrdash.export.report import comparison_report, run_report

    if experiment is not None and not run_ids:
        made = load_comparison(experiment, store)
        return comparison_report(made.row, made.rows, made.columns).encode()
    if len(run_ids) != 1 or experiment is not None:
        raise InvalidField("RUN_ID", "must be a single run for html", list(run_ids))
    run = load_run(run_ids[0], store)
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
    _write(data, output, plural(len(runs.rows), "run"), text=made.text)


def _write(data: bytes, output: Path | None, what: str, *, text: bool) -> None:
    from lrdash.api.files import write_bytes

    if output is not None:
        typer.echo(f"Wrote {what} to {write_bytes(output, data, 'output')}.", err=True)
        return
    if not text and sys.stdout.isatty():
        raise InvalidField("--output", "must name a file, since this format is not text", None)
    typer.echo(data, nl=False)


def _events(runs: Recorded, folder: Path) -> None:
    from lrdash.export import tensorboard

    try:
        count = tensorboard.write(runs, folder)
    except OSError as fault:
        problem = f"must be a writable folder ({fault.strerror})"
        raise InvalidField("output", problem, str(folder)) from None
    typer.echo(
        f"Wrote {plural(len(runs.rows), 'run')} to {folder} in {count} files: "
        f"tensorboard --logdir {folder}",
        err=True,
    )


def _track(runs: Recorded, uri: str, name: str) -> None:
    from lrdash.export.tracking import log_runs

    made = log_runs(runs, uri, name or runs.name or "lrdash")
    pairs = zip(runs.rows, made, strict=True)
    as_json([{"run_id": row.run_id, "mlflow_run_id": found} for row, found in pairs])
