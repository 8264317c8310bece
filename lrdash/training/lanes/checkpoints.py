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
    return {name: tensor.numpy() for name, tensor in _named(state).items()}


def restored(state: State, found: Sequence[Checkpoint | None]) -> State:
    """A state with the values of checkpoints in its lanes.

    Args:
        state: at the start, of at least as many lanes.
        found: the checkpoint of each lane, None for one that begins.
    """
    if not any(found):
        return state
    values = {name: np.array(tensor) for name, tensor in _named(state).items()}
    for place, checkpoint in enumerate(found):
        if checkpoint is not None:
            for name, array in values.items():
                array[place] = checkpoint.arrays[name]
    tensors = {name: tf.constant(array) for name, array in values.items()}
    return State(
        weights=[tensors[f"weight:{n}"] for n in range(len(state.weights))],
        slots=[
            [tensors[f"slot:{n}:{m}"] for m in range(len(of_weight))]
            for n, of_weight in enumerate(state.slots)
        ],
        others=[tensors[f"other:{n}"] for n in range(len(state.others))],
        step=tensors["step"],
        counts=state.counts,
    )


def _named(state: State) -> dict[str, Any]:
    return {
        **{f"weight:{n}": tensor for n, tensor in enumerate(state.weights)},
        **{
            f"slot:{n}:{m}": tensor
            for n, of_weight in enumerate(state.slots)
            for m, tensor in enumerate(of_weight)
        },
        **{f"other:{n}": tensor for n, tensor in enumerate(state.others)},
        "step": state.step,
    }
