"""All checkpoints under one folder: `LRDASH_HOME/checkpoints/<run id>/<epochs done>.npz`."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path

from lrdash.checkpoints import policy
from lrdash.checkpoints.file import (
    UNREADABLE,
    About,
    Checkpoint,
    CheckpointFile,
    packed,
    read_about,
    unpacked,
)
from lrdash.core.files import write_whole

FOLDER = "checkpoints"  # in LRDASH_HOME

log = logging.getLogger(__name__)


class CheckpointFolder:
    """The checkpoints of all runs. Any number of processes may share it.

    Args:
        home: the folder `LRDASH_HOME`.
        limit: bytes that all checkpoints may take; by default `LRDASH_CHECKPOINTS_MB`.

    Raises:
        InvalidField: if LRDASH_CHECKPOINTS_MB is not a number of at least 1.
    """

    def __init__(self, home: Path, limit: int | None = None) -> None:
        self.folder = home / FOLDER
        self.limit = policy.limit() if limit is None else limit
        self._known: dict[tuple[str, int], About] = {}  # of files written or read

    def save(self, run_id: str, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, then remove those of its run that the policy does not keep.

        Raises:
            OSError: if it cannot be written; what was there is untouched.
        """
        path, about = self._path(run_id, checkpoint.about.epoch), checkpoint.about
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, packed(checkpoint))
        self._known[run_id, about.epoch] = about
        kept = self.of(run_id)
        if len(kept) > policy.LAST:
            needed = policy.needed({one.epoch: self._about(run_id, one.epoch) for one in kept})
            self._remove(one for one in kept if one.epoch not in needed)

    def load(self, run_id: str, epoch: int) -> Checkpoint | None:
        """The checkpoint of a run after this many epochs; None if there is none that is whole."""
        path = self._path(run_id, epoch)
        try:
            return unpacked(path.read_bytes())
        except FileNotFoundError:
            return None
        except UNREADABLE as fault:
            log.warning("the checkpoint %s is damaged and is ignored: %s", path, fault)
            return None

    def latest(
        self, run_id: str, *, digest: Callable[[int], str], engine: str | None, at_most: int
    ) -> Checkpoint | None:
        """The newest whole checkpoint from which a run can resume.

        Args:
            run_id: of the run that wrote it.
            digest: gives, for a number of epochs done, that of the run that will resume.
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

    def hand_over(self, run_id: str, branch_id: str, epoch: int) -> bool:
        """Give a branch the newest checkpoint that a run has of at most this epoch.

        It stays when the run's own is removed, and takes no room beside it where the disk can link
        files. True if there was one, and it could be given.
        """
        found = [kept.epoch for kept in self.of(run_id) if kept.epoch <= epoch]
        if not found:
            return False
        source, target = self._path(run_id, found[-1]), self._path(branch_id, found[-1])
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                try:
                    os.link(source, target)
                except OSError:  # no links here
                    write_whole(target, source.read_bytes())
        except OSError as fault:
            log.warning("branch %s begins without a checkpoint: %s", branch_id, fault)
            return False
        return True

    def runs(self) -> list[str]:
        """Ids of the runs that have any."""
        try:
            return sorted(entry.name for entry in os.scandir(self.folder) if entry.is_dir())
        except OSError:
            return []

    def of(self, run_id: str) -> list[CheckpointFile]:
        """The checkpoints of a run, oldest first."""
        found = []
        for path in (self.folder / run_id).glob("*.npz"):
            if path.stem.isdecimal():
                with suppress(OSError):  # removed in this moment
                    size = path.stat().st_size
                    found.append(CheckpointFile(run_id=run_id, epoch=int(path.stem), size=size))
        return sorted(found, key=lambda kept: kept.epoch)

    def size(self) -> int:
        """Bytes that all checkpoints take."""
        return sum(kept.size for run_id in self.runs() for kept in self.of(run_id))

    def damaged(self) -> list[CheckpointFile]:
        """Checkpoints that are not what was written, oldest first of each run; reads them all."""
        return [kept for run_id in self.runs() for kept in self.of(run_id) if self._torn(kept)]

    def forget(self, run_ids: Collection[str]) -> None:
        """Remove all checkpoints of these runs."""
        gone = set(run_ids)
        for run_id in gone:
            shutil.rmtree(self.folder / run_id, ignore_errors=True)
        self._known = {key: about for key, about in self._known.items() if key[0] not in gone}

    def shrink(self, spare: Collection[str] = ()) -> int:
        """Remove checkpoints until the limit is met, as `policy.beyond_limit` says; gives the
        number of runs that lost theirs.
        """
        held = {run_id: self.of(run_id) for run_id in sorted(self.runs(), key=self._touched)}
        runs, single = policy.beyond_limit(held, self.limit, spare)
        self.forget(runs)
        self._remove(single)
        return len(runs)

    def _remove(self, unneeded: Iterable[CheckpointFile]) -> None:
        for one in unneeded:
            with suppress(OSError):
                self._path(one.run_id, one.epoch).unlink()
            self._known.pop((one.run_id, one.epoch), None)

    def _torn(self, kept: CheckpointFile) -> bool:
        try:
            unpacked(self._path(kept.run_id, kept.epoch).read_bytes())
        except FileNotFoundError:  # removed in this moment
            return False
        except UNREADABLE:
            return True
        return False

    def _about(self, run_id: str, epoch: int) -> About | None:
        if (run_id, epoch) not in self._known:
            try:
                self._known[run_id, epoch] = read_about(self._path(run_id, epoch))
            except UNREADABLE:
                return None
        return self._known[run_id, epoch]

    def _touched(self, run_id: str) -> float:
        try:
            return (self.folder / run_id).stat().st_mtime
        except OSError:
            return 0.0

    def _path(self, run_id: str, epoch: int) -> Path:
        return self.folder / run_id / f"{epoch:06d}.npz"
