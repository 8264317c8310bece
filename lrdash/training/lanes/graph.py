"""What a program computes, written for one lane and extended to a block by `_over_lanes`.

An epoch with a last, smaller batch needs no second copy of the update: examples that do not exist
get weight 0 in the loss. Only batch normalisation, which mixes the examples of a batch, needs a
copy of that size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from lrdash.planning.plan import Plan
from lrdash.training.lanes.layout import Layout
from lrdash.training.lanes.placed import Placed
from lrdash.training.lanes.rules import rule_of
from lrdash.training.lanes.tally import FIELDS
from lrdash.training.own.lanes import accuracy_of, flat, loss_for

Tensor = Any  # tf.Tensor
# (carry, rates, rows of the batch, number of the update, what of the batch counts) to the carry
Update = Callable[[Any, Tensor, Tensor, Tensor, Any], Any]
BINARY = 0.5  # the output from which on an example counts as positive
# Counts of the middle update of an epoch, whose batch is whole wherever one is. Taking the norms of
# every update, or of one batch in a pass of its own, cost 10 to 20% of the whole time.
NORMS = ("gradient", "ratio", "weight")


class State(NamedTuple):
    """All that a block carries from call to call; the first dimension is the lane."""

    weights: Sequence[Tensor]
    slots: Sequence[Sequence[Tensor]]  # of each weight
    others: Sequence[Tensor]  # moving statistics, states of the dropout generators
    step: Tensor  # int32 [lanes], updates done
    counts: Tensor  # float32 [lanes, len(FIELDS)]


class Graph:
    """The functions that a program compiles.

    Args:
        plan: one of the group; strategy, rates, seed and early stopping do not count.
        layout: whether lanes are stacked.
    """

    def __init__(self, plan: Plan, data: Placed, layout: Layout) -> None:
        self._data, self._batch, self._stacked = data, plan.spec.batch_size, layout.stacked
        self._updates, self._accuracy = plan.steps_per_epoch, accuracy_of(plan)
        self._rule, self._loss = rule_of(plan.spec), loss_for(plan)
        self.slots = self._rule.slots  # tensors that the optimizer keeps for each weight
        self._model = plan.model.build(plan.dataset.shape)
        self._mixes = any(
            isinstance(layer, keras.layers.BatchNormalization) for layer in flat(self._model)
        )

    def train(self, state: Any, rates: Tensor, order: Tensor, span: Tensor) -> Any:
        """The state after the updates of an epoch from the first to before the last of a span.

        Args:
            state: a `State`, as a plain tuple.
            rates: of each update of the epoch [lanes, updates].
            order: of the examples [lanes, padded].
            span: int32 [2].
        """
        *tensors, counts = state
        carry = (*tensors, _by_name(counts))
        *tensors, by_name = self._loops(self._update, carry, rates, order, span)
        return (*tensors, _in_order(by_name))

    def losses(self, state: Any, rates: Tensor, order: Tensor, span: Tensor) -> Any:
        """As `train`, with the loss of each batch before its update in place of the counts.

        Returns:
            The state after it, and the losses [updates, lanes], 0 outside the span.
        """
        *tensors, counts = state
        carry = (*tensors, tf.zeros((self._updates, order.shape[0])))
        *tensors, losses = self._loops(self._update_with_loss, carry, rates, order, span)
        return (*tensors, counts), losses

    def validate(self, state: Any, span: Tensor) -> Tensor:
        """The counts after the validation blocks of a span int32 [2]."""
        weights, _, others, _, counts = state
        first, last = tf.unstack(span)
        return _in_order(self._validate(weights, others, _by_name(counts), first, last))

    def _loops(
        self, update: Update, carry: Any, rates: Tensor, order: Tensor, span: Tensor
    ) -> Any:
        """The updates of a span; the last, smaller batch of an epoch as the model needs it."""
        first, last = tf.unstack(span)
        rest = self._data.examples % self._batch

        def loop(carry: Any, first: Tensor, last: Tensor, size: int, *, ragged: bool) -> Any:
            def body(number: Tensor, carry: Any) -> Any:
                rows = tf.slice(order, [0, number * self._batch], [order.shape[0], size])
                rate = tf.gather(rates, number, axis=1)
                share = _share(number, size, self._data.examples if ragged else None)
                return number + 1, update(carry, rate, rows, number, share)

            return tf.while_loop(lambda number, _: number < last, body, (first, carry))[1]

        if not (rest and self._mixes):
            return loop(carry, first, last, self._batch, ragged=rest > 0)
        whole = self._updates - 1
        carry = loop(carry, first, tf.minimum(last, whole), self._batch, ragged=False)
        return loop(carry, tf.maximum(first, whole), last, rest, ragged=False)

    def _update(
        self, carry: Any, rate: Tensor, rows: Tensor, number: Tensor, share: _Share
    ) -> Any:
        *tensors, counts = carry
        tensors, (loss, correct, gradients) = self._update_lanes(tensors, rate, rows, share)
        weights, slots, _, step = tensors
        now = tf.cast(step, tf.float32)
        norms = tf.cond(
            tf.equal(number, (self._updates - 1) // 2),
            lambda: self._over_lanes(self._norms, (weights, gradients, slots, rate, now)),
            lambda: [counts[name] for name in NORMS],
        )
        total = counts["loss"] + loss * share.count
        fails = (counts["failed_at"] < 0) & ~tf.math.is_finite(total)
        counts = {
            **counts,
            **dict(zip(NORMS, norms, strict=True)),
            "loss": total,
            "correct": counts["correct"] + correct,
            "failed_at": tf.where(fails, tf.cast(number, tf.float32), counts["failed_at"]),
            "failed_loss": tf.where(fails, total, counts["failed_loss"]),
        }
        return (*tensors, counts)

    def _update_with_loss(
        self, carry: Any, rate: Tensor, rows: Tensor, number: Tensor, share: _Share
    ) -> Any:
        *tensors, losses = carry
        tensors, (loss, *_) = self._update_lanes(tensors, rate, rows, share)
        return (*tensors, tf.tensor_scatter_nd_update(losses, [[number]], [loss]))

    def _update_lanes(self, tensors: Any, rate: Tensor, rows: Tensor, share: _Share) -> Any:
        """One update of each lane; also gives loss, examples right and gradients before it."""
        weights, slots, others, step = tensors
        step += 1

        def lane(values: Any) -> Any:
            return self._learn(*values, share=share)

        weights, slots, others, *found = self._over_lanes(
            lane, (weights, slots, others, rate, tf.cast(step, tf.float32), rows)
        )
        return (weights, slots, others, step), found

    def _learn(
        self, weights: Any, slots: Any, others: Any, rate: Tensor, step: Tensor, rows: Tensor,
        *, share: _Share,
    ) -> Any:
        """One update of one lane."""
        (others, loss), correct, gradients = self._gradients(weights, others, rows, share)
        moved = [
            self._rule.apply(*of_weight, rate, step)
            for of_weight in zip(weights, gradients, slots, strict=True)
        ]
        return [w for w, _ in moved], [s for _, s in moved], others, loss, correct, gradients

    def _norms(self, values: Any) -> list[Tensor]:
        """Of one lane after an update: the `NORMS`."""
        weights, gradients, slots, rate, step = values
        moves = [
            self._rule.move(gradient, after, rate, step)
            for gradient, after in zip(gradients, slots, strict=True)
        ]
        square = _square(weights)
        ratio = tf.math.divide_no_nan(_square(moves), square)
        return [tf.sqrt(_square(gradients)), tf.sqrt(ratio), tf.sqrt(square)]

    def _gradients(self, weights: Any, others: Any, rows: Tensor, share: _Share) -> Any:
        """Of one batch of one lane: other variables and loss, examples right, gradients."""
        x, y = tf.gather(self._data.x, rows), tf.gather(self._data.y, rows)
        with tf.GradientTape() as tape:
            tape.watch(weights)
            prediction, others, loss = self._forward(
                weights, others, x, y, share, training=True
            )
        gradients = tape.gradient(loss, weights)
        return (others, loss), self._correct(y, prediction, share), gradients

    def _forward(
        self, weights: Any, others: Any, x: Tensor, y: Tensor, share: _Share, *, training: bool
    ) -> Any:
        prediction, others, penalties = self._model.stateless_call(
            weights, others, x, training=training, return_losses=True
        )
        loss = self._loss(y, prediction, sample_weight=share.weights)
        return prediction, others, tf.add_n([loss, *penalties])

    def _correct(self, y: Tensor, prediction: Tensor, share: _Share) -> Tensor:
        """Examples classified correctly; 0 where that is not measured."""
        if not self._accuracy:
            return tf.constant(0.0)
        if self._accuracy == "binary":
            sides = tf.cast(prediction > BINARY, tf.float32)
            right = tf.equal(sides, tf.cast(tf.reshape(y, tf.shape(sides)), tf.float32))
            hits = tf.reduce_mean(tf.cast(right, tf.float32), axis=-1)
        else:
            sparse = self._accuracy == "sparse"
            labels = tf.reshape(y, [-1]) if sparse else tf.argmax(y, -1, output_type=tf.int32)
            guess = tf.argmax(prediction, axis=-1, output_type=tf.int32)
            hits = tf.cast(tf.equal(guess, tf.cast(labels, tf.int32)), tf.float32)
        return tf.reduce_sum(hits if share.real is None else hits * share.real)

    def _validate(
        self, weights: Any, others: Any, counts: dict[str, Tensor], first: Tensor, last: Tensor
    ) -> dict[str, Tensor]:
        size = self._data.block
        ragged = self._data.validated % size > 0

        def body(number: Tensor, loss: Tensor, correct: Tensor) -> Any:
            x, y = (rows[number * size : (number + 1) * size] for rows in
                    (self._data.x_val, self._data.y_val))
            x, y = (tf.ensure_shape(rows, (size, *rows.shape[1:])) for rows in (x, y))
            share = _share(number, size, self._data.validated if ragged else None)

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
        if self._stacked:
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
    """Sum of squares of all numbers of one lane; as a product it compiles and runs fastest."""
    numbers = tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], axis=0)
    return tf.tensordot(numbers, numbers, axes=1)


def _by_name(counts: Tensor) -> dict[str, Tensor]:
    """The columns of the counts, each [lanes]."""
    return dict(zip(FIELDS, tf.unstack(counts, axis=1), strict=True))


def _in_order(by_name: dict[str, Tensor]) -> Tensor:
    """The counts [lanes, len(FIELDS)]."""
    return tf.stack([by_name[name] for name in FIELDS], axis=1)
