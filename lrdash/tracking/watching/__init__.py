"""Runs of somebody else's loop, written down while they go on. Needs neither Keras nor TensorFlow.

Nothing in here may harm the training that it watches: whatever the store does, calls return at
once and raise nothing but faults of what they were given.
"""

from __future__ import annotations

from lrdash.tracking.watching.logged import Logged, log_run
from lrdash.tracking.watching.recorder import StoreWarning, Watcher

__all__ = ["Logged", "StoreWarning", "Watcher", "log_run"]
