"""One compiled program that trains a block of lanes.

The functions below write down one lane; `_over_lanes` makes a block of it. An epoch with a last,
smaller batch needs no second copy of the update: examples that do not exist get weight 0 in the
loss. Only batch normalisation, which mixes the examples of a batch, needs a copy of its own size.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lrdash.plan import Plan
from lrdash.training.lanes.layout import Layout
from lrdash.training.lanes.placed import placed
from lrdash.training.lanes.rules import rule_of
from lrdash.training.lanes.tally import FIELDS, PROBES, blank
from lrdash.training.losses import loss_of

Tensor = Any  # tf.Tensor
REMEMBERED = 2**26  # bytes of first weights that a program keeps, over all seeds


class State(NamedTuple):
    """All that a block carries from call to call; the first dimension is the lane."""

    weights: Sequence[Tensor]
    slots: Sequence[Sequence[Tensor]]  # of each weight
    others: Sequence[Tensor]  # moving statistics, states of the dropout generators
    step: Tensor  # int32 [lanes], updates done
    counts: Tensor  # float32 [lanes, len(FIELDS)]


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
        layout: its form.
    """

    def __init__(self, plan: Plan, layout: Layout) -> None:
        tf.config.experimental.enable_op_determinism()
        self.layout, self.data = layout, placed(plan)
        self._plan, self._batch = plan, plan.spec.batch_size
        self.updates = plan.steps_per_epoch
        self.blocks = len(self.data.x_val) // self.data.block
        self.padded = self.updates * self._batch  # examples of an epoch, in whole batches
        self._stride = -(-self.updates // PROBES)
        self._rule, self._loss = rule_of(plan.spec), loss_of(plan.spec, plan.loss)
        self._model = plan.model.build(plan.dataset.shape)
        self._mixes = any(
            isinstance(layer, keras.layers.BatchNormalization) for layer in self._model.layers
        )
        self._first: dict[int, tuple[list[NDArray[Any]], list[NDArray[Any]]]] = {}
        self._call = tf.function(self._run, autograph=False, jit_compile=layout.stacked)
        self.compiled = False

    def start(self, seeds: Sequence[int]) -> State:
        """The state before training, one lane a seed: as many as the layout is wide."""
        firsts = [self._initial(seed) for seed in seeds]
        weights, others = (
            [tf.constant(np.stack(values)) for values in zip(*variables, strict=True)]
            for variables in zip(*firsts, strict=True)
        )
        return State(
            weights=weights,
            slots=[[tf.zeros_like(weight)] * self._rule.slots for weight in weights],
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
            order: of the examples [lanes, padded]; what lies behind the last example is not used.
            bounds: which part of the epoch.

        Returns:
            The state afterwards, and its counts [lanes, len(FIELDS)].
        """
        after = State(*self._call(
            tuple(state), tf.constant(rates), tf.constant(order), tf.constant(bounds, tf.int32)
        ))
        counts: NDArray[np.float32] = after.counts.numpy()
        self.compiled = True
        return after, counts

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
            [np.array(variable) for variable in model.trainable_variables],
            [np.array(variable) for variable in model.non_trainable_variables],
        )
        size = sum(array.nbytes for part in first for array in part)
        if size * (len(self._first) + 1) <= REMEMBERED:
            self._first[seed] = first
        return first

    # The graph

    def _run(self, state: Any, rates: Tensor, order: Tensor, bounds: Tensor) -> State:
        first, last, block, last_block = tf.unstack(bounds)
        weights, slots, others, step, counts = state
        counts = dict(zip(FIELDS, tf.unstack(counts, axis=1), strict=True))
        carry = (weights, slots, others, step, counts)
        rest = self.data.examples % self._batch
        if rest and self._mixes:
            whole = self.updates - 1
            end, start = tf.minimum(last, whole), tf.maximum(first, whole)
            carry = self._updates(carry, rates, order, (first, end), self._batch)
            carry = self._updates(carry, rates, order, (start, last), rest)
        else:
            carry = self._updates(carry, rates, order, (first, last), self._batch, rest > 0)
        weights, slots, others, step, counts = carry
        counts = self._validate(weights, others, counts, block, last_block)
        counts["weight"] = tf.sqrt(_square(weights))
        return State(weights, slots, others, step, tf.stack([counts[n] for n in FIELDS], axis=1))

    def _updates(
        self, carry: Any, rates: Tensor, order: Tensor, span: tuple[Tensor, Tensor], size: int,
        ragged: bool = False,
    ) -> Any:
        """The updates of a span, from its first to before its last, of batches of this size."""

        def body(number: Tensor, carry: Any) -> Any:
            rows = tf.slice(order, [0, number * self._batch], [order.shape[0], size])
            rate = tf.gather(rates, number, axis=1)
            share = _share(number, size, self.data.examples if ragged else None)
            return number + 1, self._update(carry, rate, rows, number, share)

        return tf.while_loop(lambda number, _: number < span[1], body, (span[0], carry))[1]

    def _update(
        self, carry: Any, rate: Tensor, rows: Tensor, number: Tensor, share: _Share
    ) -> Any:
        weights, slots, others, step, counts = carry

        def lane(values: Any) -> Any:
            return self._learn(*values, share=share)

        step += 1
        after, slots, others, loss, correct, gradients = self._over_lanes(
            lane, (weights, slots, others, rate, tf.cast(step, tf.float32), rows)
        )
        total = counts["loss"] + loss * share.count
        fails = (counts["failed_at"] < 0) & ~tf.math.is_finite(total)
        gradient, ratio, probes = self._probe(number, weights, after, gradients)
        counts = {
            **counts,
            "loss": total,
            "correct": counts["correct"] + correct,
            "failed_at": tf.where(fails, tf.cast(number, tf.float32), counts["failed_at"]),
            "failed_loss": tf.where(fails, total, counts["failed_loss"]),
            "gradient": counts["gradient"] + gradient,
            "ratio": counts["ratio"] + ratio,
            "probes": counts["probes"] + probes,
        }
        return after, slots, others, step, counts

    def _learn(
        self, weights: Any, slots: Any, others: Any, rate: Tensor, step: Tensor, rows: Tensor,
        *, share: _Share,
    ) -> Any:
        """One update of one lane."""
        x, y = tf.gather(self.data.x, rows), tf.gather(self.data.y, rows)
        with tf.GradientTape() as tape:
            tape.watch(weights)
            prediction, others, loss = self._forward(
                weights, others, x, y, share, training=True
            )
        gradients = tape.gradient(loss, weights)
        moved = [
            self._rule.apply(*of_weight, rate, step)
            for of_weight in zip(weights, gradients, slots, strict=True)
        ]
        correct = self._correct(y, prediction, share)
        return [w for w, _ in moved], [s for _, s in moved], others, loss, correct, gradients

    def _forward(
        self, weights: Any, others: Any, x: Tensor, y: Tensor, share: _Share, *, training: bool
    ) -> Any:
        prediction, others, penalties = self._model.stateless_call(
            weights, others, x, training=training, return_losses=True
        )
        loss = self._loss(y, prediction, sample_weight=share.weights)
        return prediction, others, tf.add_n([loss, *penalties])

    def _correct(self, y: Tensor, prediction: Tensor, share: _Share) -> Tensor:
        """Examples classified rightly; 0 for regression."""
        if not self._plan.dataset.num_classes:
            return tf.constant(0.0)
        labels = y if len(y.shape) == 1 else tf.argmax(y, axis=-1, output_type=tf.int32)
        right = tf.equal(tf.argmax(prediction, axis=-1, output_type=tf.int32), labels)
        hits = tf.cast(right, tf.float32)
        return tf.reduce_sum(hits if share.real is None else hits * share.real)

    def _probe(self, number: Tensor, before: Any, after: Any, gradients: Any) -> Any:
        """What the probes sum up: gradient, ratio, and how many they are."""

        def take() -> Any:
            moved = [new - old for new, old in zip(after, before, strict=True)]
            ratio = tf.math.divide_no_nan(_square(moved), _square(before))
            return _square(gradients), ratio, tf.ones(lanes)

        def skip() -> Any:
            return tf.zeros(lanes), tf.zeros(lanes), tf.zeros(lanes)

        lanes = before[0].shape[:1]
        return tf.cond(tf.equal(number % self._stride, self._stride // 2), take, skip)

    def _validate(
        self, weights: Any, others: Any, counts: dict[str, Tensor], first: Tensor, last: Tensor
    ) -> dict[str, Tensor]:
        size = self.data.block
        ragged = self.data.validated % size > 0

        def body(number: Tensor, loss: Tensor, correct: Tensor) -> Any:
            x, y = (rows[number * size : (number + 1) * size] for rows in
                    (self.data.x_val, self.data.y_val))
            x, y = (tf.ensure_shape(rows, (size, *rows.shape[1:])) for rows in (x, y))
            share = _share(number, size, self.data.validated if ragged else None)

            def lane(values: Any) -> Any:
                weights, others = values
                prediction, _, loss = self._forward(weights, others, x, y, share, training=False)
                return loss, self._correct(y, prediction, share)

            more, right = self._over_lanes(lane, (weights, others))
            return number + 1, loss + more * share.count, correct + right

        start = (first, counts["val_loss"], counts["val_correct"])
        _, loss, correct = tf.while_loop(lambda number, *_: number < last, body, start)
        return {**counts, "val_loss": loss, "val_correct": correct}

    def _over_lanes(self, function: Callable[[Any], Any], values: Any) -> Any:
        """The function of every lane, on structures whose tensors have the lanes first."""
        if self.layout.stacked:
            return tf.vectorized_map(function, values)
        lanes = [
            function(tf.nest.pack_sequence_as(values, flat))
            for flat in zip(*map(tf.unstack, tf.nest.flatten(values)), strict=True)
        ]
        return tf.nest.map_structure(lambda *parts: tf.stack(parts), *lanes)


class _Share(NamedTuple):
    """Which examples of a batch count."""

    weights: Tensor | None  # in a mean over the batch [size]; None: all the same
    real: Tensor | None  # 1 or 0 [size]; None: all
    count: Tensor


def _share(number: Tensor, size: int, examples: int | None) -> _Share:
    """How much of a batch exists.

    Args:
        number: of the batch, from 0.
        size: of a whole batch.
        examples: where they end, if that may be within the batch.
    """
    if examples is None:
        return _Share(None, None, tf.constant(float(size)))
    count = tf.cast(tf.minimum(size, examples - number * size), tf.float32)
    real = tf.cast(tf.range(size, dtype=tf.float32) < count, tf.float32)
    return _Share(real * (size / count), real, count)


def _square(tensors: Sequence[Tensor]) -> Tensor:
    """Sum of squares of each lane [lanes]."""
    sums = [tf.reduce_sum(tf.square(t), axis=list(range(1, len(t.shape)))) for t in tensors]
    return tf.add_n(sums)
