"""What a new row holds: its id, its checked name and tags, and all columns of a new run."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable, Sequence
from typing import Any

from lrdash.core.errors import InvalidField
from lrdash.core.events import now
from lrdash.core.wording import can_be_shown
from lrdash.store.rows import NewRun

NAME_LIMIT = 200  # characters
TAG_LIMIT = 50  # characters
_ALPHABET = string.ascii_lowercase + string.digits


def new_id() -> str:
    """Twelve random letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(12))


def run_values(new: NewRun, *, engine: str, worker_id: str | None) -> dict[str, Any]:
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


def group_ids(groups: Sequence[Sequence[int]], runs: int) -> list[str]:
    """A new group's id for each of some runs.

    Args:
        groups: places of the runs, each once.

    Raises:
        InvalidField: if a place is missing, unknown or named twice.
    """
    if sorted(place for group in groups for place in group) != list(range(runs)):
        problem = f"must name each of the {runs} runs once, by its place"
        raise InvalidField("groups", problem, groups)
    group_of = {place: name for group in groups for name in [new_id()] for place in group}
    return [group_of[place] for place in range(runs)]


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
    if not can_be_shown(tidy):
        raise InvalidField(field, "must not contain control characters", text)
    return tidy
