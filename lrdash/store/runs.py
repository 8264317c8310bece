"""Changes to runs: made, claimed, stopped, ended, named, deleted. Each function works inside the
writing transaction that it is given.
"""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, delete, func, insert, select, update

from lrdash.core.errors import InvalidField, RunNotFound, StoreError
from lrdash.core.events import ACTIVE, Status, now
from lrdash.core.spec import RunSpec
from lrdash.store.codec import clean
from lrdash.store.lookup import STATUSES, chunks
from lrdash.store.rows import NewRun
from lrdash.store.schema import runs

FINAL = tuple(status for status in STATUSES if status not in ACTIVE)
RESUMABLE: tuple[Status, ...] = ("interrupted", "stopped")
NAME_LIMIT = 200  # characters
TAG_LIMIT = 50  # characters
_ALPHABET = string.ascii_lowercase + string.digits


def create(
    connection: Connection,
    spec: RunSpec,
    *,
    steps_per_epoch: int,
    updates: int,
    parameters: int,
    engine: str,
    name: str,
    tags: Iterable[str],
    worker_id: str | None,
) -> str:
    """Add a run and give its new id."""
    new = NewRun(
        spec=spec, label="", steps_per_epoch=steps_per_epoch, updates=updates,
        parameters=parameters,
    )
    row = new_values(new, engine=engine, worker_id=worker_id)
    row |= {"name": checked_name(name), "tags": json.dumps(checked_tags(tags))}
    connection.execute(insert(runs).values(row))
    return str(row["run_id"])


def new_id() -> str:
    """Twelve random letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(12))


def new_values(new: NewRun, *, engine: str, worker_id: str | None) -> dict[str, Any]:
    """The columns of a run that is queued, or running in the worker named."""
    spec = new.spec
    return {
        "run_id": new_id(), "name": "", "tags": "[]", "spec": spec.to_json(),
        "spec_digest": spec.digest, "status": "queued" if worker_id is None else "running",
        "reason": "", "engine": engine, "created_at": now(), "seconds": 0.0,
        "steps_per_epoch": new.steps_per_epoch, "updates": new.updates, "updates_done": 0,
        "parameters": new.parameters, "epochs_done": 0, "worker_id": worker_id, "versions": "{}",
        "version": 1, "label": new.label or None,
    }


def claim(connection: Connection, run_id: str, worker_id: str) -> bool:
    """Make a queued run the worker's own; False if it is not queued (any more)."""
    return bool(claim_group(connection, [run_id], worker_id))


def claim_group(connection: Connection, run_ids: Iterable[str], worker_id: str) -> list[str]:
    """Make queued runs the worker's own; gives those that were still queued, in their order."""
    asked = list(run_ids)
    claimed: set[str] = set()
    for some in chunks(asked):
        queued = runs.c.run_id.in_(some) & (runs.c.status == "queued")
        standing = select(runs.c.run_id).where(queued).order_by(runs.c.run_id).with_for_update()
        found = list(connection.scalars(standing))
        _change(connection, runs.c.run_id.in_(found), status="running", worker_id=worker_id)
        claimed |= set(found)
    return [run_id for run_id in dict.fromkeys(asked) if run_id in claimed]


def request_stop(connection: Connection, run_id: str) -> None:
    """Stop a queued run, note the wish for a running one, leave an ended one alone."""
    if not request_stop_all(connection, [run_id]):
        _must_exist(connection, run_id)


def request_stop_all(connection: Connection, run_ids: Iterable[str]) -> int:
    """The same for several; gives the number of runs that this concerned."""
    concerned, moment = 0, now()
    for some in chunks(run_ids):
        these = runs.c.run_id.in_(some)
        concerned += _change(
            connection, these & (runs.c.status == "queued"),
            status="stopped", reason="stopped before it began", ended_at=moment,
        )
        unasked = (runs.c.status == "running") & runs.c.stop_requested_at.is_(None)
        concerned += _change(connection, these & unasked, stop_requested_at=moment)
    return concerned


def requeue(
    connection: Connection, run_ids: Iterable[str], worker_id: str | None = None
) -> list[str]:
    """Queue interrupted and stopped runs again, or make them the worker's own; gives their ids.

    What they have said stays: going on, a run says the same again from its checkpoint on. The
    engine that a run had asked for is not remembered: where it was trained by Keras for no given
    reason, that had been asked for.
    """
    again: list[str] = []
    for some in chunks(run_ids):
        over = runs.c.run_id.in_(some) & runs.c.status.in_(RESUMABLE) & trainable_here()
        standing = select(runs.c.run_id).where(over).order_by(runs.c.number).with_for_update()
        found = list(connection.scalars(standing))
        _change(
            connection, runs.c.run_id.in_(found),
            status="queued" if worker_id is None else "running", reason="", worker_id=worker_id,
            engine=asked_engine(), engine_note=None, ended_at=None,
            stop_requested_at=None,
        )
        again += found
    return again


def trainable_here() -> Any:
    """Whether lrdash has the model and the data of a run, as an SQL expression: specs are
    canonical JSON, in which `origin` is written down only where it does not.
    """
    return runs.c.spec.not_like('%,"origin":"%')


def asked_engine() -> Any:
    """The engine that a run had asked for, as far as it can be told, as an SQL expression."""
    asked = (runs.c.engine == "keras") & (func.coalesce(runs.c.engine_note, "") == "")
    return case((asked, "keras"), else_="auto")


def end(connection: Connection, run_id: str, status: Status, reason: str) -> bool:
    """Give an active run its final status; False if it has one already or does not exist."""
    if status not in FINAL:
        raise InvalidField("status", f"must be one of {', '.join(FINAL)}", status)
    active = (runs.c.run_id == run_id) & runs.c.status.in_(ACTIVE)
    changed = _change(connection, active, status=status, reason=clean(reason), ended_at=now())
    return changed > 0


def amend(connection: Connection, run_id: str, spec: RunSpec) -> None:
    """Give a run the spec by which it is known from now on."""
    facts = spec.facts
    if facts is None:
        raise InvalidField("spec.facts", "must be given", facts)
    _change(
        connection, runs.c.run_id == run_id, spec=spec.to_json(), spec_digest=spec.digest,
        steps_per_epoch=facts.steps_per_epoch, updates=facts.steps_per_epoch * spec.epochs,
        parameters=facts.parameters,
    )


def rename(connection: Connection, run_id: str, name: str) -> None:
    """Give a run another name."""
    if not _change(connection, runs.c.run_id == run_id, name=checked_name(name)):
        raise RunNotFound(run_id)


def tag(connection: Connection, run_id: str, tags: Iterable[str]) -> None:
    """Give a run other tags in place of those it has."""
    if not _change(connection, runs.c.run_id == run_id, tags=json.dumps(checked_tags(tags))):
        raise RunNotFound(run_id)


def remove(connection: Connection, run_ids: Iterable[str]) -> int:
    """Delete runs with their epochs and decisions; none if one of them is active."""
    removed = 0
    active: list[str] = []  # raising below takes the deletions back
    for some in chunks(run_ids):
        these = runs.c.run_id.in_(some)
        standing = select(runs.c.run_id).where(these, runs.c.status.in_(ACTIVE))
        active += connection.scalars(standing.order_by(runs.c.number))
        removed += connection.execute(delete(runs).where(these)).rowcount
    if active:
        one_of_many = "is" if len(active) == 1 else "are"
        raise StoreError(
            f"Nothing was deleted: {', '.join(active[:10])}{', …' if len(active) > 10 else ''} "
            f"{one_of_many} still queued or running. Stop first, then delete."
        )
    return removed


def checked_name(name: str) -> str:
    """A name without needless white space.

    Raises:
        InvalidField: if it is too long or holds characters that cannot be shown.
    """
    return _checked("name", name, NAME_LIMIT)


def checked_tags(tags: Iterable[str]) -> list[str]:
    """Tags in their order, each once, empty ones left out.

    Raises:
        InvalidField: if one is too long or holds characters that cannot be shown.
    """
    if isinstance(tags, str):
        raise InvalidField("tags", "must be a list of texts", tags)
    return [tag for tag in dict.fromkeys(_checked("tags", t, TAG_LIMIT) for t in tags) if tag]


def _checked(field: str, text: str, limit: int) -> str:
    if not isinstance(text, str):
        raise InvalidField(field, "must be a text", text)
    tidy = " ".join(text.split())
    if len(tidy) > limit:
        raise InvalidField(field, f"must have at most {limit} characters", text)
    if not tidy.isprintable():
        raise InvalidField(field, "must not contain control characters", text)
    return tidy


def _change(connection: Connection, which: ColumnElement[bool], **values: Any) -> int:
    """Set columns of runs and raise their versions; gives the number of runs."""
    changed = update(runs).where(which).values(version=runs.c.version + 1, **values)
    return connection.execute(changed).rowcount


def _must_exist(connection: Connection, run_id: str) -> None:
    if connection.scalar(select(runs.c.number).where(runs.c.run_id == run_id)) is None:
        raise RunNotFound(run_id)
