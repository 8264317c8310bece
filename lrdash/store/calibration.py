"""How fast this machine trains, measured once and kept beside the database for estimates."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from lrdash.core.files import write_whole
from lrdash.store.settings import home

Kind = Literal["dense", "convolutional", "start"]
FILE = "calibration.json"


def known_paces() -> Mapping[str, float]:
    """What was measured on this machine; what never was is missing.

    A file that cannot be read counts as none.

    Returns:
        `dense` and `convolutional`: seconds of a lane-epoch divided by its multiply-adds
        (`lrdash.planning.grouping.lane_work`) for these kinds of models; `start`: seconds from the
        start of a group to the end of its first epoch, when its program has to be made.
    """
    return {
        kind: float(pace)
        for kind, pace in _read(_path()).get(socket.gethostname(), {}).items()
        if isinstance(pace, int | float) and math.isfinite(pace) and pace > 0
    }


def keep_pace(kind: Kind, pace: float) -> None:
    """Keep what was measured on this machine, in place of an earlier number; see `known_paces`."""
    path = _path()
    known = _read(path)
    known[socket.gethostname()] = {**known.get(socket.gethostname(), {}), kind: pace}
    with suppress(OSError):  # estimates can do without
        write_whole(path, json.dumps(known, indent=2).encode())


def _path() -> Path:
    return home() / FILE


def _read(path: Path) -> dict[str, Any]:
    try:
        known = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {host: paces for host, paces in known.items() if isinstance(paces, dict)}
