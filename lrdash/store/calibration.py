"""How fast this machine trains, measured once and kept beside the database for estimates."""

from __future__ import annotations

import json
import math
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from lrdash.store.settings import home

Kind = Literal["dense", "convolutional"]
FILE = "calibration.json"


def known_paces() -> Mapping[str, float]:
    """Seconds for each multiply-add of a lane, by kind of model; a kind that was never measured on
    this machine is missing. A file that cannot be read counts as none.
    """
    return {
        kind: float(pace)
        for kind, pace in _read(_path()).get(socket.gethostname(), {}).items()
        if isinstance(pace, int | float) and math.isfinite(pace) and pace > 0
    }


def keep_pace(kind: Kind, pace: float) -> None:
    """Keep a measured pace of this machine, in place of an earlier one.

    Args:
        kind: `dense` or `convolutional`.
        pace: seconds of a lane-epoch divided by its multiply-adds (`lrdash.grouping.lane_work`).
    """
    path = _path()
    known = _read(path)
    known[socket.gethostname()] = {**known.get(socket.gethostname(), {}), kind: pace}
    part = path.with_suffix(f".{os.getpid()}.tmp")
    with suppress(OSError):  # estimates can do without
        part.write_text(json.dumps(known, indent=2), "utf-8")
        part.replace(path)


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
