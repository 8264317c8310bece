"""One compiled program that trains a block of lanes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lrdash.planning.plan import Plan
from lrdash.training.batches import epoch_order
from lrdash.training.lanes.graph import Graph, State
from lrdash.training.lanes.layout import Layout
from lrdash.training.lanes.placed import placed
from lrdash.training.lanes.tally import blank

REMEMBERED = 2**26  # bytes of first weights that a program keeps, for all seeds


class Bounds(NamedTuple):
    """What a call does: updates and validation blocks of an epoch, each from first to before."""

    update: int
    last_update: int
    block: int
    last_block: int


class Program:
    """Trains blocks of lanes. Calls of `run` may come from several threads at a time.

    Args:
        plan: one of the group; strategy, rates, seed and early stopping do not count.
    """

    def __init__(self, plan: Plan, layout: Layout) -> None:
        self.layout, self.data = layout, placed(plan)
        self._plan = plan
        self.updates = plan.steps_per_epoch
        self.blocks = len(self.data.x_val) // self.data.block
        self.padded = self.updates * plan.spec.batch_size  # examples of an epoch, in whole batches
        graph = Graph(plan, self.data, layout)
        self._slots = graph.slots
        self._first: dict[int, tuple[list[NDArray[Any]], list[NDArray[Any]]]] = {}
        self._train = _Traced(graph.train, jit_compile=layout.stacked)
        # XLA gains little here and would take half as long again to compile.
        self._validate = _Traced(graph.validate, jit_compile=False)
        self._losses = _Traced(graph.losses, jit_compile=layout.stacked)
        self.compiled = self.tested = False  # whether `run` and `losses` were called before

    def start(self, seeds: Sequence[int]) -> State:
        """The state before training, one lane a seed: as many as the layout is wide."""
        firsts = [self._initial(seed) for seed in seeds]
        weights, others = (
            [tf.constant(np.stack(values)) for values in zip(*variables, strict=True)]
            for variables in zip(*firsts, strict=True)
        )
        return State(
            weights=weights,
            slots=[[tf.zeros_like(weight)] * self._slots for weight in weights],
            others=others,
            step=tf.zeros(len(seeds), tf.int32),
            counts=tf.constant(blank(len(seeds))),
        )

    def run(
        self, state: State, rates: NDArray[np.float32], order: NDArray[np.int32], bounds: Bounds
    ) -> tuple[State, NDArray[np.float32]]:
        """Train and validate within the bounds.

        Args:
            state: of the block; it is not changed.
            rates: of each update of the epoch [lanes, updates].
            order: of the examples [lanes, padded]; what follows the last example is not used.

        Returns:
            The state afterwards, and its counts [lanes, len(FIELDS)].
        """
        if bounds.update < bounds.last_update:
            span = tf.constant(bounds[:2], tf.int32)
            values = self._train(tuple(state), tf.constant(rates), tf.constant(order), span)
            state = State(*values)
        if bounds.block < bounds.last_block:
            span = tf.constant(bounds[2:], tf.int32)
            state = state._replace(counts=self._validate(tuple(state), span))
        report: NDArray[np.float32] = state.counts.numpy()
        self.compiled = True
        return state, report

    def losses(
        self, state: State, rates: NDArray[np.float32], order: NDArray[np.int32],
        first: int, last: int,
    ) -> tuple[State, NDArray[np.float32]]:
        """Do the updates of an epoch from `first` to before `last`, as a range test needs them.

        Args:
            state, rates, order: as in `run`.
            first: update of the epoch, from 0.
            last: the first that is not done.

        Returns:
            The state afterwards, and the loss of each batch before its update
            [lanes, last - first].
        """
        span = tf.constant([first, last], tf.int32)
        values, losses = self._losses(tuple(state), tf.constant(rates), tf.constant(order), span)
        self.tested = True
        return State(*values), losses.numpy()[first:last].T

    def order(self, seed: int, epoch: int) -> NDArray[np.int32]:
        """The order of the examples in an epoch, from 0, padded to whole batches [padded]."""
        padded = np.zeros(self.padded, np.int32)
        padded[: self.data.examples] = epoch_order(seed, epoch, self.data.examples)
        return padded

    def _initial(self, seed: int) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
        """Trainable and other variables of the model that this seed makes.

        The same as after `keras.utils.set_random_seed`, of which the third part, TensorFlow's own
        seed, is left out: no layer uses it, and setting it makes TensorFlow forget how it has
        optimised its functions, which takes it seconds for a deep model.
        """
        if seed in self._first:
            return self._first[seed]
        random.seed(seed)  # Keras draws the seeds of its initialisers and of dropout from here
        np.random.seed(seed)
        model = self._plan.model.build(self._plan.dataset.shape)
        first = (
            [np.array(variable.numpy()) for variable in model.trainable_variables],
            [np.array(variable.numpy()) for variable in model.non_trainable_variables],
        )
        size = sum(array.nbytes for part in first for array in part)
        if size * (len(self._first) + 1) <= REMEMBERED:
            self._first[seed] = first
        return first


class _Traced:
    """A function traced for the tensors of its first call; later ones are spared the comparison."""

    def __init__(self, function: Callable[..., Any], *, jit_compile: bool) -> None:
        self._function = tf.function(function, autograph=False, jit_compile=jit_compile)
        self._traced: Callable[..., Any] | None = None

    def __call__(self, *values: Any) -> Any:
        if self._traced is None:
            self._traced = self._function.get_concrete_function(*values)
        return self._traced(*values)
