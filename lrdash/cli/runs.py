"""`lrdash runs`: list, show, export, rename, tag and delete what was trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, get_args

import typer
from rich.table import Table

from lrdash.analysis.words import known_settings, settings_in_words
from lrdash.cli import backup, branches, export, resume
from lrdash.cli.options import json_option
from lrdash.cli.output import as_json, console
from lrdash.core.errors import InvalidField, NotFound
from lrdash.core.events import Status
from lrdash.core.wording import duration, number
from lrdash.store import RunRow, Store

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None,
    help="List, show, export, pause, resume, branch, steer, name, delete, back up, restore runs.",
)
STATUSES: Sequence[Status] = get_args(Status)

RunId = Annotated[
    str, typer.Argument(metavar="RUN_ID", help="Id of the run, as `lrdash runs list` shows it.")
]
RunIds = Annotated[list[str], typer.Argument(metavar="RUN_ID", help="Ids of the runs.")]
AsJson = Annotated[bool, json_option()]


@app.command("list")
def list_runs(
    status: Annotated[
        list[str] | None,
        typer.Option(metavar="|".join(STATUSES), help="Only of this status; may be repeated."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Newest runs to show at most.")] = 20,
    json_output: AsJson = False,
) -> None:
    """List the newest runs first."""
    wanted = [_status(name) for name in status or ()] or None
    with _store() as store:
        rows = store.runs.listing(status=wanted, limit=limit)
        epochs = store.runs.epochs_of([row.run_id for row in rows])
    losses = {
        run_id: [e.metrics["val_loss"] for e in rows if _finite(e.metrics.get("val_loss"))]
        for run_id, rows in epochs.items()
    }
    if json_output:
        as_json([_brief(row, losses[row.run_id]) for row in rows])
        return
    if not rows:
        typer.echo("No runs yet. `lrdash train` makes one." if not wanted else "No such runs.")
        return
    table = Table("run", "name", "settings", "status", "epochs", "best val loss", "time", box=None)
    for row in rows:
        table.add_row(
            row.run_id, row.name, settings_in_words(row.spec), row.status,
            f"{row.epochs_done}/{row.spec.epochs}",
            number(min(losses[row.run_id], default=None)), duration(row.seconds),
        )
    console().print(table)


@app.command()
def show(run_id: RunId, json_output: AsJson = False) -> None:
    """Show a run: settings, ending, epochs and what was decided about the rate."""
    from lrdash import api
    from lrdash.analysis.frames import decisions_as_json

    with _store() as store:
        run = api.load(run_id, store)
    if json_output:
        as_json({**run.as_json(), "decisions": decisions_as_json(run.decided)})
        return
    typer.echo(" · ".join(filter(None, (f"Run {run_id}", run.row.name, *run.row.tags))))
    typer.echo(settings_in_words(run.spec))
    typer.echo(run.headline() + (f": {run.reason}" if run.reason else ""))
    frame = run.frame().drop(columns="run_id")
    table = Table(*frame.columns, box=None)
    for values in frame.itertuples(index=False):
        table.add_row(str(values[0]), *(number(value) for value in values[1:]))
    if len(frame):
        console().print(table)
    for change in run.changes():
        typer.echo(f"epoch {change.epoch:.4g}: {change.text}")


@app.command()
def rename(
    run_id: RunId,
    name: Annotated[str, typer.Argument(help="The new name.")],
    json_output: AsJson = False,
) -> None:
    """Give a run another name."""
    with _store() as store:
        store.runs.rename(run_id, name)
    _told({"run_id": run_id, "name": name}, f"Run {run_id} is now {name!r}.", json_output)


@app.command()
def tag(
    run_id: RunId,
    tags: Annotated[
        list[str] | None, typer.Argument(metavar="[TAG]...", help="Its tags; none removes all.")
    ] = None,
    json_output: AsJson = False,
) -> None:
    """Give a run these tags in place of those it has."""
    with _store() as store:
        store.runs.tag(run_id, tags or [])
        kept = list(store.runs.one(run_id).tags)
    words = f"Run {run_id} is tagged {', '.join(kept)}." if kept else f"Run {run_id} has no tags."
    _told({"run_id": run_id, "tags": kept}, words, json_output)


@app.command()
def delete(
    run_ids: RunIds,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json_output: AsJson = False,
) -> None:
    """Delete runs with all their epochs, for good. Asks first."""
    chosen = list(dict.fromkeys(run_ids))
    with _store() as store:
        known = {row.run_id for row in store.runs.listing(run_ids=chosen)}
        known |= set(store.runs.unreadable())
        for run_id in chosen:
            if run_id not in known:
                raise NotFound("run", run_id)
        if not yes:
            words = f"Delete {len(chosen)} {_plural(len(chosen))} with all epochs, for good?"
            typer.confirm(words, abort=True, err=True)
        gone = store.runs.delete(chosen)
    _told({"deleted": gone}, f"Deleted {gone} {_plural(gone)}.", json_output)


app.command()(export.export)
app.command()(resume.resume)
app.command()(resume.stop)
app.command("pause")(resume.stop)  # one thing: a stopped run is one that nobody continued
app.command()(backup.backup)
app.command()(backup.restore)
app.command()(branches.fork)
app.command()(branches.more)
app.command()(branches.steer)


@contextmanager
def _store() -> Iterator[Store]:
    store = Store()
    try:
        yield store
    finally:
        store.close()


def _status(name: str) -> Status:
    for status in STATUSES:
        if status == name:
            return status
    raise InvalidField("status", f"must be one of {', '.join(STATUSES)}", name)


def _brief(row: RunRow, losses: list[float]) -> dict[str, Any]:
    return {
        "run_id": row.run_id, "name": row.name, "tags": list(row.tags), "status": row.status,
        "reason": row.reason, "engine": row.engine, "created_at": row.created_at.isoformat(),
        "seconds": row.seconds, "epochs_done": row.epochs_done, "epochs": row.spec.epochs,
        "best_val_loss": min(losses, default=None), "settings": settings_in_words(row.spec),
        "spec": known_settings(row.spec),
    }


def _told(value: dict[str, Any], words: str, json_output: bool) -> None:
    if json_output:
        as_json(value)
    else:
        typer.echo(words)


def _finite(value: float | None) -> bool:
    return value is not None and abs(value) < float("inf")


def _plural(count: int) -> str:
    return "run" if count == 1 else "runs"
