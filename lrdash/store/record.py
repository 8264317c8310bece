"""Events of runs become rows, one batch in one transaction.

A group of runs reports hundreds of events at a time, so each table gets one statement with many
rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from lrdash.core.events import (
    ACTIVE,
    EpochEnded,
    Event,
    Progress,
    RateDecided,
    RunEnded,
    RunStarted,
    Steered,
)
from lrdash.core.spec import RunSpec
from lrdash.store.codec import clean, decision_values, epoch_values, versions_text
from lrdash.store.repository import chunks
from lrdash.store.schema import commands, decisions, epochs, runs

FOR_GOOD = ("finished", "failed", "diverged")  # ends after which a run is not just resumed

# The columns of a run that its events change.
CHANGED = (
    "engine", "engine_note", "versions", "started_at", "parameters", "steps_per_epoch", "updates",
    "updates_done", "epochs_done", "seconds", "status", "reason", "ended_at", "version",
)
CHANGE = update(runs).where(runs.c.number == bindparam("run_number")).values(
    {name: bindparam(f"new_{name}", type_=runs.c[name].type) for name in CHANGED}
)


def record(
    connection: Connection, batch: Sequence[tuple[str, Event]], worker_id: str | None = None
) -> None:
    """Apply events in their order; those of a run that no longer exists, or (if a worker is named)
    is not that worker's any more, are dropped.

    A batch may come twice: an epoch or decision replaces its earlier self, counts never go back,
    and a final status stays.
    """
    events: dict[str, list[Event]] = {}
    for run_id, event in batch:
        events.setdefault(run_id, []).append(event)
    found = _locked(connection, events, worker_id)
    kept = [(run_id, event) for run_id, event in batch if run_id in found]
    _put(connection, epochs, [epoch_values(r, e) for r, e in kept if isinstance(e, EpochEnded)])
    decided = [decision_values(r, e) for r, e in kept if isinstance(e, RateDecided)]
    _put(connection, decisions, decided)
    _steer(connection, [(r, e) for r, e in kept if isinstance(e, Steered)])
    over = [r for r, e in kept if isinstance(e, RunEnded) and e.status in FOR_GOOD]
    for some in chunks(over):  # commands that came too late
        connection.execute(delete(commands).where(commands.c.run_id.in_(some)))
    rows = [_changed(row, events[run_id]) for run_id, row in found.items()]
    if rows:
        connection.execute(CHANGE, rows)


def _locked(
    connection: Connection, run_ids: Sequence[str] | dict[str, Any], worker_id: str | None
) -> dict[str, dict[str, Any]]:
    """The runs by id, locked in one order, so that two writers never wait for each
    other (PostgreSQL).
    """
    columns = (runs.c.number, runs.c.run_id, *(runs.c[name] for name in CHANGED))
    found: dict[str, dict[str, Any]] = {}
    for some in chunks(sorted(run_ids)):
        query = select(*columns).where(runs.c.run_id.in_(some)).order_by(runs.c.run_id)
        if worker_id is not None:
            query = query.where(runs.c.worker_id == worker_id)
        for row in connection.execute(query).mappings():
            found[row["run_id"]] = dict(row)
    return found


def _steer(connection: Connection, steered: Iterable[tuple[str, Steered]]) -> None:
    """Write pieces into the specs of their runs and remove the commands that they answer.

    Both in one transaction: after a crash there is either the command or the piece.
    """
    for run_id, event in steered:
        this = runs.c.run_id == run_id
        text = connection.scalar(select(runs.c.spec).where(this))
        spec = RunSpec.from_json(str(text)).steered(event.piece)
        values = {"spec": spec.to_json(), "spec_digest": spec.digest}
        connection.execute(update(runs).where(this).values(values))
        connection.execute(delete(commands).where(commands.c.number == event.command))


def _put(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Put rows in, in place of those of the same run and epoch."""
    latest = {(row["run_id"], row["epoch"]): row for row in rows}
    if not latest:
        return
    connection.execute(_replacing(table, connection.dialect.name), list(latest.values()))


@cache
def _replacing(table: Table, dialect: str) -> Any:
    """The statement that puts rows in, in place of those of the same key."""
    maker: Any = postgresql if dialect == "postgresql" else sqlite
    insert = maker.insert(table)
    keys = table.primary_key.columns.keys()
    replaced = {name: insert.excluded[name] for name in table.c.keys() if name not in keys}  # noqa: SIM118
    return insert.on_conflict_do_update(index_elements=keys, set_=replaced)


def _changed(row: dict[str, Any], events: Sequence[Event]) -> dict[str, Any]:
    """A run's columns after its events, as values of the statement."""
    run = {**row, "version": row["version"] + 1}
    for event in events:
        run.update(_effect(run, event))
    return {"run_number": run["number"], **{f"new_{name}": run[name] for name in CHANGED}}


def _effect(run: dict[str, Any], event: Event) -> dict[str, Any]:
    match event:
        case RunStarted():
            return {
                "engine": event.engine, "engine_note": clean(event.note) or None,
                "versions": versions_text(event.versions),
                "started_at": run["started_at"] or event.at, "parameters": event.parameters,
                "steps_per_epoch": event.steps_per_epoch, "updates": event.updates,
            }
        case Progress():
            return {"updates_done": max(run["updates_done"], event.update)}
        case EpochEnded():
            return {
                "epochs_done": max(run["epochs_done"], event.epoch),
                "updates_done": max(run["updates_done"], event.epoch * run["steps_per_epoch"]),
                "seconds": max(run["seconds"], float(event.seconds)),
            }
        case RunEnded() if run["status"] in ACTIVE:
            return {
                "status": event.status, "reason": clean(event.reason), "ended_at": event.at,
                "seconds": max(run["seconds"], float(event.seconds)),
            }
        case _:
            return {}
