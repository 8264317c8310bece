"""The program of a range test: updates whose losses are kept one by one, for several lanes."""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lrdash.planning.plan import Plan
from lrdash.training.lanes.cache import program_for
from lrdash.training.lanes.graph import Graph, _Share, _share
from lrdash.training.lanes.layout import Layout
from lrdash.training.lanes.program import Program, _Traced

Tensor = Any  # tf.Tensor


class Moving(NamedTuple):
    """What goes from update to update; the first dimension is the lane."""

    weights: Any
    slots: Any
    others: Any  # moving statistics, states of the dropout generators
    step: Tensor  # int32 [lanes], updates done


class SweepGraph(Graph):
    """The updates of a graph, with the loss of each batch before its update."""

    @property
    def updates(self) -> int:
        """Updates of an epoch."""
        return self._updates

    def sweep(self, state: Any, rates: Tensor, order: Tensor, span: Tensor) -> Any:
        """Part of an epoch, from the first to before the last update of a span.

        Args:
            state: a `Moving`, as a plain tuple.
            rates: of each update of the epoch [updates]; the same for all lanes.
            order: of the examples [lanes, padded].
            span: int32 [2].

        Returns:
            The state afterwards, and the losses [updates, lanes]; 0 outside the span.
        """
        first, last = tf.unstack(span)
        losses = tf.zeros((self._updates, order.shape[0]))
        carry = (*state, losses)
        rest = self._data.examples % self._batch
        if rest and self._mixes:
            whole = self._updates - 1
            bounds = first, tf.minimum(last, whole)
            carry = self._sweep_part(carry, rates, order, bounds, self._batch)
            bounds = tf.maximum(first, whole), last
            carry = self._sweep_part(carry, rates, order, bounds, rest)
        else:
            bounds = first, last
            carry = self._sweep_part(carry, rates, order, bounds, self._batch, rest > 0)
        return carry

    def _sweep_part(
        self, carry: Any, rates: Tensor, order: Tensor, bounds: tuple[Tensor, Tensor], size: int,
        ragged: bool = False,
    ) -> Any:
        lanes = order.shape[0]

        def body(number: Tensor, carry: Any) -> Any:
            rows = tf.slice(order, [0, number * self._batch], [lanes, size])
            rate = tf.repeat(rates[number], lanes)
            share = _share(number, size, self._data.examples if ragged else None)
            return number + 1, self._sweep_update(carry, rate, rows, number, share)

        return tf.while_loop(lambda number, _: number < bounds[1], body, (bounds[0], carry))[1]

    def _sweep_update(
        self, carry: Any, rate: Tensor, rows: Tensor, number: Tensor, share: _Share
    ) -> Any:
        weights, slots, others, step, losses = carry

        def lane(values: Any) -> Any:
            return self._learn(*values, share=share)[:4]

        step += 1
        weights, slots, others, loss = self._over_lanes(
            lane, (weights, slots, others, rate, tf.cast(step, tf.float32), rows)
        )
        losses = tf.tensor_scatter_nd_update(losses, [[number]], [loss])
        return weights, slots, others, step, losses


class Sweep:
    """Compiles the updates of a range test once and runs parts of them. For one thread at a time,
    but for `run`.

    Args:
        plan: of the test.
        program: the ordinary program of its shape, which knows the first weights of each seed.
    """

    def __init__(self, plan: Plan, program: Program) -> None:
        self.layout, self.updates = program.layout, program.updates
        self.padded, self.examples = program.padded, program.data.examples
        graph = SweepGraph(plan, program.data, program.layout)
        self._sweep = _Traced(graph.sweep, jit_compile=program.layout.stacked)
        self.compiled = False

    def run(
        self, state: Moving, rates: NDArray[np.float32], order: NDArray[np.int32],
        first: int, last: int,
    ) -> tuple[Moving, NDArray[np.float32]]:
        """Do the updates of an epoch from `first` to before `last`.

        Args:
            state: it is not changed.
            rates: of each update of the epoch [updates].
            order: of the examples [lanes, padded].
            first: update of the epoch, from 0.
            last: the first that is not done.

        Returns:
            The state afterwards, and the loss of each batch before its update
            [lanes, last - first].
        """
        span = tf.constant([first, last], tf.int32)
        *moved, losses = self._sweep(
            tuple(state), tf.constant(rates), tf.constant(order), span
        )
        self.compiled = True
        return Moving(*moved), losses.numpy()[first:last].T


_sweeps: WeakKeyDictionary[Program, Sweep] = WeakKeyDictionary()


def sweep_for(plan: Plan, layout: Layout) -> tuple[Sweep, Program]:
    """The sweep of a shape and the program that gives it its first states; kept as long as that."""
    program = program_for(plan, layout.width, layout)
    if program not in _sweeps:
        _sweeps[program] = Sweep(plan, program)
    return _sweeps[program], program
