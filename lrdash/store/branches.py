"""Branches of runs, and runs that are lengthened or steered. Each function works inside the
transaction that it is given.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, literal, select, update

from lrdash.core.errors import InvalidField, RunNotFound, StoreError
from lrdash.core.events import Command, Status, Steered, now
from lrdash.core.spec import Piece, RunSpec
from lrdash.store.lookup import chunks
from lrdash.store.rows import NewRun
from lrdash.store.runs import asked_engine, new_id, new_values
from lrdash.store.schema import commands, decisions, epochs, runs

DEEPEST = 1000  # generations of a family
LENGTHENED: tuple[Status, ...] = ("finished", "stopped", "interrupted")


def create(
    connection: Connection,
    parent_id: str,
    at: Sequence[int],
    new: Sequence[NewRun],
    groups: Sequence[Sequence[int]] | None,
    *,
    engine: str,
    worker_id: str | None,
) -> list[str]:
    """Add branches of a run, with what they share with it; gives their ids."""
    columns = select(runs.c.epochs_done, runs.c.versions, runs.c.steps_per_epoch)
    this = columns.where(runs.c.run_id == parent_id).with_for_update()
    parent = connection.execute(this).mappings().first()
    if parent is None:
        raise RunNotFound(parent_id)
    for epoch in at:
        if not 1 <= epoch <= parent["epochs_done"]:
            problem = f"must be between 1 and {parent['epochs_done']}, the epochs that are done"
            raise InvalidField("epoch", problem, epoch)
    places = groups if groups is not None else [range(len(new))]
    group_of = {place: name for group in places for name in [new_id()] for place in group}
    made = []
    for place, (epoch, run) in enumerate(zip(at, new, strict=True)):
        row = new_values(run, engine=engine, worker_id=worker_id) | {
            "parent_id": parent_id, "fork_epoch": epoch, "group_id": group_of[place],
            "epochs_done": epoch, "updates_done": epoch * parent["steps_per_epoch"],
            "seconds": _seconds(connection, parent_id, epoch), "versions": parent["versions"],
        }
        connection.execute(insert(runs).values(row))
        _copy(connection, epochs, parent_id, row["run_id"], epoch)
        _copy(connection, decisions, parent_id, row["run_id"], epoch - 1)  # the last is its own
        made.append(str(row["run_id"]))
    return made


def origins(connection: Connection, run_ids: Iterable[str]) -> dict[str, tuple[int, list[str]]]:
    """Fork epoch and ancestors, nearest first, of those that are branches."""
    found: dict[str, tuple[int, list[str]]] = {}
    for run_id in dict.fromkeys(run_ids):
        epoch, parent = _parent(connection, run_id)
        if epoch is None:
            continue
        line: list[str] = []
        while parent is not None and parent not in line and len(line) < DEEPEST:
            line.append(parent)
            parent = _parent(connection, parent)[1]
        found[run_id] = (epoch, line)
    return found


def engines(connection: Connection, run_ids: Iterable[str]) -> dict[str, str]:
    """Of those that are branches: the engine that trained the last epoch shared with the parent.

    Those of which that is not known any more are left out.
    """
    columns = select(runs.c.engine, runs.c.fork_epoch)
    found: dict[str, str] = {}
    for run_id, (epoch, line) in origins(connection, run_ids).items():
        for other in line:
            row = connection.execute(columns.where(runs.c.run_id == other)).first()
            if row and (row.fork_epoch or 0) < epoch:
                found[run_id] = row.engine
                break
    return found


def children(connection: Connection, run_ids: Iterable[str]) -> list[str]:
    """Ids of the runs that are branches of these, oldest first."""
    found: list[Any] = []
    for some in chunks(run_ids):
        query = select(runs.c.number, runs.c.run_id).where(runs.c.parent_id.in_(some))
        found += connection.execute(query).all()
    return [row.run_id for row in sorted(found)]


def lengthen(
    connection: Connection, run_id: str, spec: RunSpec, updates: int, worker_id: str | None
) -> None:
    """Give a run that is over a longer spec, and queue it or make it the worker's own."""
    this = (runs.c.run_id == run_id) & runs.c.status.in_(LENGTHENED)
    changed = connection.execute(update(runs).where(this).values(
        spec=spec.to_json(), spec_digest=spec.digest, updates=updates, reason="", ended_at=None,
        status="queued" if worker_id is None else "running", worker_id=worker_id,
        stop_requested_at=None, engine=asked_engine(), engine_note=None,
        version=runs.c.version + 1,
    )).rowcount
    if not changed:
        status = connection.scalar(select(runs.c.status).where(runs.c.run_id == run_id))
        if status is None:
            raise RunNotFound(run_id)
        raise StoreError(
            f"Run {run_id} is {status}: only runs that are finished, stopped or interrupted can "
            "be trained further."
        )


def steer(connection: Connection, run_id: str, piece: Piece) -> int:
    """Note a user's wish for a run that is queued or running; gives the command's number."""
    query = select(runs.c.status).where(runs.c.run_id == run_id).with_for_update()
    status = connection.scalar(query)
    if status is None:
        raise RunNotFound(run_id)
    if status not in ("queued", "running"):
        raise StoreError(f"Run {run_id} is {status}: only a run that trains can be steered.")
    values = {"run_id": run_id, "command": json.dumps(piece.as_dict()), "created_at": now()}
    made = connection.execute(insert(commands).values(values))
    return int((made.inserted_primary_key or (0,))[0])


def waiting(connection: Connection, run_ids: Iterable[str]) -> Mapping[str, Sequence[Command]]:
    """Commands that are not heeded yet, oldest first, by the run."""
    found: dict[str, list[Command]] = {}
    for some in chunks(run_ids):
        query = select(commands).where(commands.c.run_id.in_(some)).order_by(commands.c.number)
        for row in connection.execute(query).mappings():
            piece = Piece(**json.loads(row["command"]))
            found.setdefault(row["run_id"], []).append(Command(number=row["number"], piece=piece))
    return found


def note(connection: Connection, said: Iterable[tuple[str, Steered]]) -> None:
    """Write pieces into the specs of their runs and remove the commands that they answer.

    Both in one transaction: whatever is cut short, there is either the command or the piece.
    """
    for run_id, event in said:
        this = runs.c.run_id == run_id
        text = connection.scalar(select(runs.c.spec).where(this).with_for_update())
        spec = RunSpec.from_json(str(text)).steered(event.piece)
        values = {"spec": spec.to_json(), "spec_digest": spec.digest}
        connection.execute(update(runs).where(this).values(values))
        connection.execute(delete(commands).where(commands.c.number == event.command))


def forget(connection: Connection, run_ids: Iterable[str]) -> None:
    """Remove commands that came too late: their runs are over for good."""
    for some in chunks(run_ids):
        connection.execute(delete(commands).where(commands.c.run_id.in_(some)))


def _copy(connection: Connection, table: Table, parent: str, child: str, last: int) -> None:
    others = [column for column in table.c if column.name != "run_id"]
    rows = select(literal(child), *others).where(table.c.run_id == parent, table.c.epoch <= last)
    names = ["run_id", *(column.name for column in others)]
    connection.execute(insert(table).from_select(names, rows))


def _seconds(connection: Connection, run_id: str, epoch: int) -> float:
    this = (epochs.c.run_id == run_id) & (epochs.c.epoch <= epoch)
    return float(connection.scalar(select(func.max(epochs.c.seconds)).where(this)) or 0.0)


def _parent(connection: Connection, run_id: str) -> tuple[int | None, str | None]:
    query = select(runs.c.fork_epoch, runs.c.parent_id).where(runs.c.run_id == run_id)
    row = connection.execute(query).first()
    return (row.fork_epoch, row.parent_id) if row else (None, None)
