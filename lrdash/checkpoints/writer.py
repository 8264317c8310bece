"""Saves checkpoints in the background, so that training need not wait for the disk."""

from __future__ import annotations

import logging
import queue
import threading

from lrdash.checkpoints.file import Checkpoint
from lrdash.checkpoints.folder import CheckpointFolder

WAITING = 64  # checkpoints on their way to the disk; training waits for the disk beyond that

log = logging.getLogger(__name__)


class BackgroundWriter:
    """Saves checkpoints from its own thread, in their order.

    A fault is logged, once for each kind: a full disk costs checkpoints, not the training.
    """

    def __init__(self, folder: CheckpointFolder) -> None:
        self._folder = folder
        self._waiting: queue.Queue[tuple[str, Checkpoint] | None] = queue.Queue(WAITING)
        self._logged: set[str] = set()
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
                self._folder.save(*job)
            except OSError as fault:
                cause = fault.strerror or str(fault)
                if cause not in self._logged:
                    self._logged.add(cause)
                    log.warning(
                        "no checkpoint of run %s in %s: %s. Training continues without "
                        "checkpoints; free some space there: delete runs, or lower "
                        "LRDASH_CHECKPOINTS_MB", job[0], self._folder.folder, cause,
                    )
