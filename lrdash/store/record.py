"""What a run says, written down: events become rows, one batch in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, delete, insert, select, update

from lrdash.events import ACTIVE, EpochEnded, Event, Progress, RateDecided, RunEnded, RunStarted
from lrdash.store.codec import clean, decision_values, epoch_values, versions_text
from lrdash.store.schema import decisions, epochs, runs


def record(connection: Connection, batch: Sequence[tuple[str, Event]]) -> None:
    """Apply events in their order; those of a run that no longer exists are dropped.

    A batch may come twice: an epoch or decision replaces its earlier self, counts never go back,
    and a final status stays.
    """
    said: dict[str, list[Event]] = {}
    for run_id, event in batch:
        said.setdefault(run_id, []).append(event)
    # Locked in one order, so that two writers never wait for each other (PostgreSQL).
    standing = select(runs).where(runs.c.run_id.in_(said)).order_by(runs.c.run_id)
    for row in connection.execute(standing.with_for_update()).mappings().all():
        run_id, events = row["run_id"], said[row["run_id"]]
        ended = [epoch_values(run_id, e) for e in events if isinstance(e, EpochEnded)]
        decided = [decision_values(run_id, e) for e in events if isinstance(e, RateDecided)]
        _replace(connection, epochs, run_id, ended)
        _replace(connection, decisions, run_id, decided)
        change = update(runs).where(runs.c.number == row["number"])
        connection.execute(change.values(_changes(row, events)))


def _replace(
    connection: Connection, table: Table, run_id: str, rows: Sequence[dict[str, Any]]
) -> None:
    """Put rows in, in place of those of the same epochs."""
    latest = {row["epoch"]: row for row in rows}
    if latest:
        same = (table.c.run_id == run_id) & table.c.epoch.in_(latest)
        connection.execute(delete(table).where(same))
        connection.execute(insert(table), list(latest.values()))


def _changes(row: RowMapping, events: Sequence[Event]) -> dict[str, Any]:
    """The columns of a run that its events change."""
    changes: dict[str, Any] = {"version": row["version"] + 1}
    for event in events:
        changes.update(_effect({**row, **changes}, event))
    return changes


def _effect(run: dict[str, Any], event: Event) -> dict[str, Any]:
    match event:
        case RunStarted():
            return {
                "engine": event.engine, "versions": versions_text(event.versions),
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
