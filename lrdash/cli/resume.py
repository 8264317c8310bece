"""`lrdash runs resume` and `stop`: resume interrupted or stopped runs, or pause them."""

from __future__ import annotations

from typing import Annotated

import typer

from lrdash.cli.options import AsJson, RunIds
from lrdash.cli.output import answer, as_json, training
from lrdash.core.errors import InvalidField
from lrdash.core.events import Event, RunEnded
from lrdash.core.wording import plural
from lrdash.store import open_store


def resume(
    run_ids: Annotated[
        list[str] | None, typer.Argument(metavar="RUN_ID", help="Ids of the runs.")
    ] = None,
    interrupted: Annotated[
        bool, typer.Option("--interrupted", help="Resume all interrupted runs.")
    ] = False,
    json_output: AsJson = False,
) -> None:
    """Resume interrupted or stopped runs from their last checkpoints and train them to the end.

    A resumed run has the same weights and log, to the bit, as one that never paused. Exit status
    as for `lrdash train`.
    """
    chosen = list(run_ids or ())
    if interrupted:
        with open_store() as store:
            rows = store.runs.listing(status="interrupted")
        chosen += [row.run_id for row in rows if row.spec.trainable_here]
        if not chosen:
            answer([], "No run was interrupted.", json_output)
            return
    if not chosen:
        raise InvalidField("RUN_ID", "or --interrupted must be given", "neither")
    from lrdash import api

    with training(json_output):
        runs = api.resume(chosen, progress=None if json_output else _report)
    if json_output:
        as_json([run.as_json() for run in runs])
    if any(run.status != "finished" for run in runs):
        raise typer.Exit(1)


def stop(run_ids: RunIds, json_output: AsJson = False) -> None:
    """Pause runs (to stop is the same); `lrdash runs resume` resumes them."""
    with open_store() as store:
        for run_id in run_ids:
            store.runs.request_stop(run_id)
    words = f"Asked {plural(len(run_ids), 'run')} to stop."
    answer({"asked": run_ids}, words, json_output)


def _report(run_id: str, event: Event) -> None:
    if isinstance(event, RunEnded):
        reason = f": {event.reason}" if event.reason else ""
        typer.echo(f"Run {run_id} {event.status}{reason}")
