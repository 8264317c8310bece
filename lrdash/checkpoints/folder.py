"""Checkpoints: all that a run needs to go on as if it had never paused, on disk.

A checkpoint is one NPZ file of plain arrays and one JSON text, nothing that could be executed on
reading, in `LRDASH_HOME/checkpoints/<run id>/<epochs done>.npz`. It is written beside its place,
synced and renamed, so that a file of that name is whole; a digest over all values tells if it has
suffered since. Which are kept of a run: the last two, the one of the lowest validation loss, those
at which the rate was cut or raised, the latest `CHANGES` of them, and up to `SPREAD` spread evenly
over its epochs, so that a branch from any of them need not train the whole way to it again.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import math
import os
import queue
import shutil
import threading
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lrdash.core.errors import InvalidField

FOLDER = "checkpoints"  # in LRDASH_HOME
FORMAT = 1
INTERVAL = 10.0  # seconds between two of a run, unless LRDASH_CHECKPOINT_SECONDS says otherwise
CHANGES = 20  # changes of the rate that are kept
LAST = 2
SPREAD = 8  # spread over the epochs of a run; between this and half as many
LIMIT_MB = 2048  # of all runs, unless LRDASH_CHECKPOINTS_MB says otherwise
WAITING = 64  # checkpoints on their way to the disk; training waits for the disk beyond that

# What reading a file raises that is not what was written.
UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)

Cause = Literal["time", "rate", "end"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class About:
    """What a checkpoint is of."""

    digest: str  # of what decided the epochs done: equal for runs that share them to the bit
    engine: str  # another engine cannot go on from it
    epoch: int  # epochs done
    seconds: float  # of training
    cause: Cause
    val_loss: float  # NaN if there is none


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A run at the end of an epoch."""

    about: About
    arrays: Mapping[str, NDArray[Any]]  # weights, slots, random states, by name
    state: Mapping[str, Any]  # JSON types: the course, early stopping, the last decision


@dataclass(frozen=True, kw_only=True)
class CheckpointFile:
    """A checkpoint as its file's name and size tell it."""

    run_id: str
    epoch: int
    size: int  # bytes


class CheckpointFolder:
    """All checkpoints under one folder. Any number of processes may share it.

    Args:
        home: the folder `LRDASH_HOME`.
        limit: bytes that all checkpoints may take; by default `LRDASH_CHECKPOINTS_MB`.

    Raises:
        InvalidField: if LRDASH_CHECKPOINTS_MB is not a number of at least 1.
    """

    def __init__(self, home: Path, limit: int | None = None) -> None:
        self.folder = home / FOLDER
        megabytes = _setting("LRDASH_CHECKPOINTS_MB", LIMIT_MB, least=1)
        self.limit = int(megabytes * 2**20) if limit is None else limit
        self._known: dict[tuple[str, int], About] = {}  # of files written or read

    def save(self, run_id: str, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, then remove those of its run that the rule does not keep.

        Raises:
            OSError: if it cannot be written; what was there is untouched.
        """
        folder = self.folder / run_id
        folder.mkdir(parents=True, exist_ok=True)
        about = checkpoint.about
        _write(self._path(run_id, about.epoch), _packed(checkpoint))
        self._known[run_id, about.epoch] = about
        self._thin(run_id)

    def load(self, run_id: str, epoch: int) -> Checkpoint | None:
        """The checkpoint of a run after this many epochs; None if there is none that is whole."""
        path = self._path(run_id, epoch)
        try:
            return _unpacked(path.read_bytes())
        except FileNotFoundError:
            return None
        except UNREADABLE as fault:
            log.warning("the checkpoint %s is damaged and is passed over: %s", path, fault)
            return None

    def latest(
        self, run_id: str, *, digest: Callable[[int], str], engine: str | None, at_most: int
    ) -> Checkpoint | None:
        """The newest whole checkpoint from which a run can go on.

        Args:
            run_id: of the run that wrote it.
            digest: gives, for a number of epochs done, that of the run that will go on.
            engine: that wrote it; None for any.
            at_most: epochs done; later ones are not looked at.
        """
        for kept in reversed(self.of(run_id)):
            found = self.load(run_id, kept.epoch) if kept.epoch <= at_most else None
            if found is None or engine not in (None, found.about.engine):
                continue
            if found.about.digest == digest(found.about.epoch):
                return found
        return None

    def hand_over(self, run_id: str, heir: str, epoch: int) -> bool:
        """Give a branch the newest checkpoint that a run has of at most this epoch.

        It stays when the run's own is thinned out or deleted, and takes no room beside it where
        the disk can link files.

        Returns:
            Whether there was one, and it could be given.
        """
        found = [kept.epoch for kept in self.of(run_id) if kept.epoch <= epoch]
        if not found:
            return False
        source, target = self._path(run_id, found[-1]), self._path(heir, found[-1])
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                try:
                    os.link(source, target)
                except OSError:  # no links here
                    _write(target, source.read_bytes())
        except OSError as fault:
            log.warning("branch %s begins without a checkpoint: %s", heir, fault)
            return False
        return True

    def of(self, run_id: str) -> list[CheckpointFile]:
        """The checkpoints of a run, oldest first."""
        found = []
        with suppress(OSError):
            for entry in os.scandir(self.folder / run_id):
                stem, dot, ending = entry.name.partition(".")
                if dot and ending == "npz" and stem.isdecimal():
                    with suppress(OSError):  # removed in this moment
                        size = entry.stat().st_size
                        found.append(CheckpointFile(run_id=run_id, epoch=int(stem), size=size))
        return sorted(found, key=lambda kept: kept.epoch)

    def size(self) -> int:
        """Bytes that all checkpoints take."""
        return sum(kept.size for run_id in self.runs() for kept in self.of(run_id))

    def damaged(self) -> list[CheckpointFile]:
        """Checkpoints that are not what was written, oldest first of each run; reads them all."""
        return [kept for run_id in self.runs() for kept in self.of(run_id) if self._torn(kept)]

    def _torn(self, kept: CheckpointFile) -> bool:
        try:
            _unpacked(self._path(kept.run_id, kept.epoch).read_bytes())
        except FileNotFoundError:  # removed in this moment
            return False
        except UNREADABLE:
            return True
        return False

    def forget(self, run_ids: Collection[str]) -> None:
        """Remove all checkpoints of these runs."""
        gone = set(run_ids)
        for run_id in gone:
            shutil.rmtree(self.folder / run_id, ignore_errors=True)
        self._known = {key: about for key, about in self._known.items() if key[0] not in gone}

    def shrink(self, spare: Collection[str] = ()) -> int:
        """Remove checkpoints of the runs untouched for longest until the limit is met.

        Args:
            spare: runs that still need theirs: where all others are gone and it is still too much,
                they keep the last two.

        Returns:
            The number of runs that lost theirs.
        """
        held = {run_id: sum(kept.size for kept in self.of(run_id)) for run_id in self.runs()}
        total, lost = sum(held.values()), 0
        for run_id in sorted(held, key=self._touched):
            if total <= self.limit:
                break
            if run_id not in spare:
                self.forget([run_id])
                total, lost = total - held[run_id], lost + 1
        for run_id in sorted(held.keys() & set(spare), key=self._touched):
            if total > self.limit:
                total -= self._remove(run_id, self.of(run_id)[:-LAST])
        return lost

    def _thin(self, run_id: str) -> None:
        kept = self.of(run_id)
        if len(kept) <= LAST:
            return
        abouts = {one.epoch: self._about(run_id, one.epoch) for one in kept}
        whole = {epoch: about for epoch, about in abouts.items() if about is not None}
        changes = [epoch for epoch, about in whole.items() if about.cause == "rate"]
        losses = {e: about.val_loss for e, about in whole.items() if np.isfinite(about.val_loss)}
        best = [min(losses, key=lambda epoch: (losses[epoch], epoch))] if losses else []
        last = sorted(abouts)[-LAST:]
        needed = {*changes[-CHANGES:], *best, *last, *_spread(whole)}
        self._remove(run_id, [one for one in kept if one.epoch not in needed])

    def _remove(self, run_id: str, unneeded: Iterable[CheckpointFile]) -> int:
        """Remove some checkpoints of a run; gives the bytes that this frees."""
        freed = 0
        for one in unneeded:
            with suppress(OSError):
                self._path(run_id, one.epoch).unlink()
                freed += one.size
            self._known.pop((run_id, one.epoch), None)
        return freed

    def _about(self, run_id: str, epoch: int) -> About | None:
        if (run_id, epoch) not in self._known:
            try:
                with np.load(self._path(run_id, epoch), allow_pickle=False) as file:
                    about = About(**json.loads(str(file["manifest"]))["about"])
            except UNREADABLE:
                return None
            self._known[run_id, epoch] = about
        return self._known[run_id, epoch]

    def runs(self) -> list[str]:
        """Ids of the runs that have any."""
        try:
            return sorted(entry.name for entry in os.scandir(self.folder) if entry.is_dir())
        except OSError:
            return []

    def _touched(self, run_id: str) -> float:
        try:
            return (self.folder / run_id).stat().st_mtime
        except OSError:
            return 0.0

    def _path(self, run_id: str, epoch: int) -> Path:
        return self.folder / run_id / f"{epoch:06d}.npz"


class BackgroundWriter:
    """Saves checkpoints from its own thread, in their order, so that training need not wait.

    A fault is logged, once for each kind: a full disk costs checkpoints, not the training.

    Args:
        vault: where they go.
    """

    def __init__(self, vault: CheckpointFolder) -> None:
        self._vault = vault
        self._waiting: queue.Queue[tuple[str, Checkpoint] | None] = queue.Queue(WAITING)
        self._told: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="lrdash-checkpoints", daemon=True)
        self._thread.start()

    def __call__(self, run_id: str, checkpoint: Checkpoint) -> None:
        """Take a checkpoint of arrays that nobody changes any more."""
        self._waiting.put((run_id, checkpoint))

    def close(self) -> None:
        """Write what is left and end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self._waiting.get()) is not None:
            try:
                self._vault.save(*job)
            except OSError as fault:
                cause = fault.strerror or str(fault)
                if cause not in self._told:
                    self._told.add(cause)
                    log.warning(
                        "no checkpoint of run %s in %s: %s. Training goes on without; free some "
                        "space there: delete runs, or lower LRDASH_CHECKPOINTS_MB",
                        job[0], self._vault.folder, cause,
                    )


def _spread(epochs: Collection[int]) -> set[int]:
    """At most `SPREAD` of these, about evenly spaced.

    The first one in each stretch of 2^k epochs: when the stretches double, what stays was kept
    before, so that thinning out again and again ends in the same as doing it once.
    """
    stretch = 1
    while max(epochs, default=0) // stretch >= SPREAD:
        stretch *= 2
    return set({epoch // stretch: epoch for epoch in sorted(epochs, reverse=True)}.values())


def _packed(checkpoint: Checkpoint) -> bytes:
    arrays = {f"array:{name}": np.asarray(a) for name, a in checkpoint.arrays.items()}
    head = {
        "format": FORMAT, "about": asdict(checkpoint.about), "state": dict(checkpoint.state),
        "digest": _digest(arrays, checkpoint.about, checkpoint.state),
    }
    file = io.BytesIO()
    np.savez(file, manifest=np.array(json.dumps(head)), **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def _unpacked(content: bytes) -> Checkpoint:
    """The checkpoint in a file.

    Raises:
        ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile: if it is damaged.
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


def _digest(
    arrays: Mapping[str, NDArray[Any]], about: About, state: Mapping[str, Any]
) -> str:
    digest = hashlib.sha256(json.dumps([asdict(about), dict(state)], sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {arrays[name].shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Write, sync, rename, sync the folder: the name is there only with the whole content."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def interval() -> float:
    """Seconds between two checkpoints of a run, as the environment says.

    Raises:
        InvalidField: if LRDASH_CHECKPOINT_SECONDS is not a number of at least 0.
    """
    return _setting("LRDASH_CHECKPOINT_SECONDS", INTERVAL, least=0)


def _setting(name: str, default: float, *, least: float) -> float:
    given = os.environ.get(name, "").strip()
    if not given:
        return default
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not least <= value < math.inf:
        raise InvalidField(name, f"must be a number of at least {least:g}", given)
    return value
