"""`lrdash runs`: list, show, export, rename, tag and delete recorded runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, get_args

import typer

from lrdash.analysis.words import known_settings, settings_in_words
from lrdash.cli import backup, branches, export, resume
from lrdash.cli.options import AsJson, RunId, RunIds, Yes
from lrdash.cli.output import answer, as_json, print_table
from lrdash.core.errors import InvalidField, NotFound
from lrdash.core.events import Status
from lrdash.core.wording import duration, number, plural
from lrdash.store import RunRow, open_store

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None,
    help="List, show, export, pause, resume, branch, steer, rename, delete, back up, restore runs.",
)
STATUSES: Sequence[Status] = get_args(Status)


@app.command("list")
def list_runs(
    status: Annotated[
        list[str] | None,
        typer.Option(metavar="|".join(STATUSES), help="Only runs with this status. Repeatable."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most runs to show.")] = 20,
    json_output: AsJson = False,
) -> None:
    """List runs, newest first."""
    wanted = [_status(name) for name in status or ()] or None
    with open_store() as store:
        rows = store.runs.listing(status=wanted, limit=limit)
        losses = store.runs.val_losses(row.run_id for row in rows)
        unreadable = store.runs.unreadable(limit)
    for reason in unreadable.values():
        typer.echo(reason, err=True)
    best = {run_id: min(found, default=None) for run_id, found in losses.items()}
    if json_output:
        as_json([_brief(row, best[row.run_id]) for row in rows])
    elif not rows:
        typer.echo(
            "No run has this status." if wanted else "No runs yet. Start one with `lrdash train`."
        )
    else:
        print_table(("run", "name", "settings", "status", "epochs", "best val loss", "time"), [
            (row.run_id, row.name, settings_in_words(row.spec), row.status,
             f"{row.epochs_done}/{row.spec.epochs}", number(best[row.run_id]),
             duration(row.seconds))
            for row in rows
        ])


@app.command()
def show(run_id: RunId, json_output: AsJson = False) -> None:
    """Show a run: settings, result, epochs and every change of its rate."""
    from lrdash import api
    from lrdash.analysis.frames import decisions_as_json

    with open_store() as store:
        run = api.load_run(run_id, store)
    if json_output:
        as_json({**run.as_json(), "decisions": decisions_as_json(run.decided)})
        return
    typer.echo(" · ".join(filter(None, (f"Run {run_id}", run.row.name, *run.row.tags))))
    typer.echo(settings_in_words(run.spec))
    typer.echo(run.headline() + (f": {run.reason}" if run.reason else ""))
    frame = run.frame().drop(columns="run_id")
    if len(frame):
        print_table(list(frame.columns), [
            (str(values[0]), *(number(value) for value in values[1:]))
            for values in frame.itertuples(index=False)
        ])
    for change in run.changes():
        typer.echo(f"epoch {change.epoch:.4g}: {change.text}")


@app.command()
def rename(
    run_id: RunId,
    name: Annotated[str, typer.Argument(help="The new name.")],
    json_output: AsJson = False,
) -> None:
    """Rename a run."""
    with open_store() as store:
        store.runs.rename(run_id, name)
    answer({"run_id": run_id, "name": name}, f"Run {run_id} is now {name!r}.", json_output)


@app.command()
def tag(
    run_id: RunId,
    tags: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TAG]...", help="The new tags; none removes all."),
    ] = None,
    json_output: AsJson = False,
) -> None:
    """Replace the tags of a run."""
    with open_store() as store:
        store.runs.tag(run_id, tags or [])
        kept = list(store.runs.one(run_id).tags)
    words = f"Run {run_id} is tagged {', '.join(kept)}." if kept else f"Run {run_id} has no tags."
    answer({"run_id": run_id, "tags": kept}, words, json_output)


@app.command()
def delete(run_ids: RunIds, yes: Yes = False, json_output: AsJson = False) -> None:
    """Delete runs with all their epochs, permanently. Asks first."""
    chosen = list(dict.fromkeys(run_ids))
    with open_store() as store:
        known = {row.run_id for row in store.runs.listing(run_ids=chosen)}
        known |= set(store.runs.unreadable())
        for run_id in chosen:
            if run_id not in known:
                raise NotFound("run", run_id)
        if not yes:
            words = f"Delete {plural(len(chosen), 'run')} with all epochs, permanently?"
            typer.confirm(words, abort=True, err=True)
        gone = store.runs.delete(chosen)
    answer({"deleted": gone}, f"Deleted {plural(gone, 'run')}.", json_output)


app.command()(export.export)
app.command()(resume.resume)
app.command()(resume.stop)
app.command("pause")(resume.stop)  # the same: a stopped run can be resumed
app.command()(backup.backup)
app.command()(backup.restore)
app.command()(branches.fork)
app.command()(branches.more)
app.command()(branches.steer)


def _status(name: str) -> Status:
    for status in STATUSES:
        if status == name:
            return status
    raise InvalidField("status", f"must be one of {', '.join(STATUSES)}", name)


def _brief(row: RunRow, best_val_loss: float | None) -> dict[str, Any]:
    return {
        "run_id": row.run_id, "name": row.name, "tags": list(row.tags), "status": row.status,
        "reason": row.reason, "engine": row.engine, "created_at": row.created_at.isoformat(),
        "seconds": row.seconds, "epochs_done": row.epochs_done, "epochs": row.spec.epochs,
        "best_val_loss": best_val_loss, "settings": settings_in_words(row.spec),
        "spec": known_settings(row.spec),
    }
