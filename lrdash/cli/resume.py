"""`lrdash runs resume` and `stop`: let runs go on that were interrupted or stopped, or end them."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from lrdash.cli.options import json_option
from lrdash.cli.output import as_json, hushed, silent_stdout
from lrdash.core.errors import InvalidField
from lrdash.core.events import Event, RunEnded
from lrdash.store import Store

RunIds = Annotated[
    list[str] | None, typer.Argument(metavar="RUN_ID", help="Ids of the runs.")
]


def resume(
    run_ids: RunIds = None,
    interrupted: Annotated[
        bool, typer.Option("--interrupted", help="All runs that were interrupted.")
    ] = False,
    json_output: Annotated[bool, json_option("Print the runs as one JSON list.")] = False,
) -> None:
    """Train interrupted or stopped runs to their ends, from their last checkpoints.

    A run that goes on has the same weights and log, to the bit, as one that never paused. Exit
    status as of `lrdash train`.
    """
    chosen = list(run_ids or ())
    if interrupted:
        store = Store()
        store.workers.mark_interrupted()  # no server may have looked since the machine went down
        chosen += [
            row.run_id for row in store.runs.listing(status="interrupted")
            if row.spec.trainable_here
        ]
        store.close()
        if not chosen:
            typer.echo("No run was interrupted." if not json_output else "[]")
            return
    if not chosen:
        raise InvalidField("RUN_ID", "must name runs, or give --interrupted", "nothing")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from lrdash import api

    with hushed():  # TensorFlow's remarks about missing GPUs
        import lrdash.training.keras.engine  # noqa: F401 (the seconds that it takes)
    if json_output:
        with silent_stdout():
            runs = api.resume(chosen)
        as_json([run.as_json() for run in runs])
    else:
        runs = api.resume(chosen, progress=_tell)
    if any(run.status != "finished" for run in runs):
        raise typer.Exit(1)


def stop(
    run_ids: Annotated[list[str], typer.Argument(metavar="RUN_ID", help="Ids of the runs.")],
    json_output: Annotated[bool, json_option()] = False,
) -> None:
    """Pause runs, or stop them, which is the same; `lrdash runs resume` lets them go on."""
    store = Store()
    try:
        for run_id in run_ids:
            store.runs.request_stop(run_id)
    finally:
        store.close()
    if json_output:
        as_json({"asked": run_ids})
    else:
        typer.echo(f"Asked {len(run_ids)} {'run' if len(run_ids) == 1 else 'runs'} to stop.")


def _tell(run_id: str, event: Event) -> None:
    if isinstance(event, RunEnded):
        reason = f": {event.reason}" if event.reason else ""
        typer.echo(f"Run {run_id} {event.status}{reason}")
