"""The values of lanes as checkpoints hold them, and back into the state of a block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lrdash.checkpoints import Checkpoint
from lrdash.training.lanes.graph import State


def values_of(state: State) -> dict[str, NDArray[Any]]:
    """All that a block carries from epoch to epoch, by name; the first dimension is the lane."""
    names, tensors = tf.nest.flatten(_names(state)), tf.nest.flatten(tuple(state[:-1]))
    return {name: tensor.numpy() for name, tensor in zip(names, tensors, strict=True)}


def restored(state: State, found: Sequence[Checkpoint | None]) -> State:
    """A state with the values of checkpoints in its lanes.

    Args:
        state: at the start, of at least as many lanes.
        found: the checkpoint of each lane, None for one that begins.
    """
    if not any(found):
        return state

    def restore(name: str, tensor: tf.Tensor) -> tf.Tensor:
        array = np.array(tensor)
        for place, checkpoint in enumerate(found):
            if checkpoint is not None:
                array[place] = checkpoint.arrays[name]
        return tf.constant(array)

    weights, slots, others, step = tf.nest.map_structure(restore, _names(state), tuple(state[:-1]))
    return State(weights, slots, others, step, state.counts)


def _names(state: State) -> tuple[Any, ...]:
    """The names of all tensors but the counts, in the structure of these."""
    return (
        [f"weight:{n}" for n in range(len(state.weights))],
        [[f"slot:{n}:{m}" for m in range(len(some))] for n, some in enumerate(state.slots)],
        [f"other:{n}" for n in range(len(state.others))],
        "step",
    )
