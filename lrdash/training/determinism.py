"""Deterministic operations while lrdash trains, and only then.

With them on, TensorFlow refuses random operations without a seed. The process may be a user's own:
its other models have to train as before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tensorflow.config.experimental import enable_op_determinism
from tensorflow.python.framework.config import disable_op_determinism, is_op_determinism_enabled


@contextmanager
def deterministic() -> Iterator[None]:
    """Makes the operations of a block, or of a function, deterministic."""
    before = is_op_determinism_enabled()
    enable_op_determinism()
    try:
        yield
    finally:
        if not before:
            disable_op_determinism()
