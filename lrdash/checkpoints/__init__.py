"""Checkpoints: everything that a run needs to continue as if it had never paused, on disk.

They are written whole, checked when read, and kept by a policy.
"""

from __future__ import annotations

from lrdash.checkpoints.file import About, Cause, Checkpoint, CheckpointFile
from lrdash.checkpoints.folder import FOLDER, CheckpointFolder
from lrdash.checkpoints.policy import INTERVAL, interval
from lrdash.checkpoints.writer import BackgroundWriter

__all__ = [
    "FOLDER", "INTERVAL", "About", "BackgroundWriter", "Cause", "Checkpoint", "CheckpointFile",
    "CheckpointFolder", "interval",
]
