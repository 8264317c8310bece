"""What the store did not take, in a file that can be imported later."""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrdash.core.errors import LrdashError
from lrdash.core.events import EpochEnded, Event, RateDecided, RunEnded, finite
from lrdash.core.spec import RunSpec
from lrdash.store import home
from lrdash.store.codec import decision_values

FORMAT = "lrdash run"
FOLDER = "unsaved"


@dataclass(frozen=True, kw_only=True)
class Unsaved:
    """A run with all its events."""

    spec: RunSpec
    name: str
    tags: tuple[str, ...]
    engine: str
    events: tuple[Event, ...]


def keep(run: Unsaved) -> str:
    """Write a run to a file; gives a sentence that says where it is, or that it is lost."""
    text = as_text(run)
    for folder in _folders():
        path = folder / f"lrdash-{uuid.uuid4().hex[:12]}.json"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            continue
        return f"It is kept in {path}: `lrdash import {path}` brings it in."
    return "It could not be kept in a file either: what was not written is lost."


def as_text(run: Unsaved) -> str:
    """The run as JSON; what is not finite is null."""
    ended = next((event for event in run.events if isinstance(event, RunEnded)), None)
    epochs = [
        {
            "epoch": event.epoch, "seconds": event.seconds,
            "metrics": {name: finite(value) for name, value in event.metrics.items()},
            "rates": [float(rate) for rate in event.rates],
        }
        for event in run.events if isinstance(event, EpochEnded)
    ]
    decisions = [
        json.loads(decision_values("", event)["decision"])
        for event in run.events if isinstance(event, RateDecided)
    ]
    whole: dict[str, Any] = {
        "format": FORMAT, "name": run.name, "tags": list(run.tags), "engine": run.engine,
        "spec": run.spec.as_dict(), "epochs": epochs, "decisions": decisions,
        "status": ended.status if ended else "interrupted", "reason": ended.reason if ended else "",
    }
    return json.dumps(whole)


def _folders() -> Iterator[Path]:
    with suppress(LrdashError):  # the home itself cannot be made
        yield home() / FOLDER
    yield Path(tempfile.gettempdir())
