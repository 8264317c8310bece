"""The format of a checkpoint: one NPZ file of plain arrays and one JSON text.

Nothing in it could be executed on reading. A digest over all values shows whether the file was
damaged since it was written.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

FORMAT = 1

# What reading raises for a file that is not what was written.
UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)

Cause = Literal["time", "rate", "end"]


@dataclass(frozen=True, kw_only=True)
class About:
    """What a checkpoint is of."""

    digest: str  # of what decided the epochs done: equal for runs that share them to the bit
    engine: str  # another engine cannot resume from it
    epoch: int  # epochs done
    seconds: float  # of training
    cause: Cause
    val_loss: float  # NaN if there is none


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A run at the end of an epoch."""

    about: About
    arrays: Mapping[str, NDArray[Any]]  # weights, slots, random states, by name
    state: Mapping[str, Any]  # JSON types: the strategy, early stopping, the last decision


@dataclass(frozen=True, kw_only=True)
class CheckpointFile:
    """A checkpoint on disk, by the name and size of its file."""

    run_id: str
    epoch: int
    size: int  # bytes


def packed(checkpoint: Checkpoint) -> bytes:
    """The content of a checkpoint's file."""
    arrays = {f"array:{name}": np.asarray(a) for name, a in checkpoint.arrays.items()}
    head = {
        "format": FORMAT, "about": asdict(checkpoint.about), "state": dict(checkpoint.state),
        "digest": _digest(arrays, checkpoint.about, checkpoint.state),
    }
    file = io.BytesIO()
    np.savez(file, manifest=np.array(json.dumps(head)), **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def unpacked(content: bytes) -> Checkpoint:
    """The checkpoint in a file.

    Raises:
        UNREADABLE: if it is damaged.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        head = json.loads(str(file["manifest"]))
        arrays = {name: file[name] for name in file.files if name != "manifest"}
    if head["format"] != FORMAT:
        raise ValueError(f"it is of format {head['format']}, not {FORMAT}")
    about, state = About(**head["about"]), head["state"]
    if _digest(arrays, about, state) != head["digest"]:
        raise ValueError("its values are not those that were written")
    plain = {name.removeprefix("array:"): array for name, array in arrays.items()}
    return Checkpoint(about=about, arrays=plain, state=state)


def read_about(path: Path) -> About:
    """What a checkpoint is of, without its arrays.

    Raises:
        UNREADABLE: if it is damaged or gone.
    """
    with np.load(path, allow_pickle=False) as file:
        return About(**json.loads(str(file["manifest"]))["about"])


def _digest(
    arrays: Mapping[str, NDArray[Any]], about: About, state: Mapping[str, Any]
) -> str:
    digest = hashlib.sha256(json.dumps([asdict(about), dict(state)], sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {arrays[name].shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
