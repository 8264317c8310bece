"""Runs of other training loops, recorded while they train. Needs neither Keras nor TensorFlow.

Nothing here may disturb the training that it records: whatever the store does, calls return at once
and raise faults of their arguments only.
"""

from __future__ import annotations

from lrdash.tracking.watching.logged import Logged, log_run
from lrdash.tracking.watching.recorder import StoreWarning, Watcher

__all__ = ["Logged", "StoreWarning", "Watcher", "log_run"]
