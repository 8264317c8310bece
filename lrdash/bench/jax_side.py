"""The same training in JAX, as one would write it there."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from lrdash.core.errors import LrdashError
from lrdash.planning.plan import Plan


def trainer(plans: Sequence[Plan]) -> Callable[[], object]:
    """What trains all plans once; the first call compiles.

    Args:
        plans: of one group: an MLP, SGD with momentum, cross-entropy.

    Raises:
        LrdashError: if JAX is not installed.
    """
    if find_spec("jax") is None:
        raise LrdashError("this part needs JAX: pip install 'lrdash[bench]'")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax
    import jax.numpy as jnp

    from lrdash.training.batches import epoch_order

    plan = plans[0]
    split, spec = plan.dataset.load(plan.spec.examples), plan.spec
    x, y, x_val, y_val = (
        jnp.asarray(a) for a in (split.x_train, split.y_train, split.x_val, split.y_val)
    )
    x, x_val = x.reshape(len(x), -1), x_val.reshape(len(x_val), -1)
    whole, rest = divmod(len(x), spec.batch_size)

    def forward(weights: Any, inputs: Any) -> Any:
        for kernel, bias in weights[:-1]:
            inputs = jax.nn.relu(inputs @ kernel + bias)
        kernel, bias = weights[-1]
        return inputs @ kernel + bias

    def loss_of(weights: Any, inputs: Any, labels: Any) -> Any:
        logits = forward(weights, inputs)
        chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1)
        hits = jnp.sum(jnp.argmax(logits, 1) == labels)
        return -jnp.mean(chosen), hits

    def update(state: Any, given: Any) -> Any:
        weights, slots = state
        rows, rate = given
        (loss, hits), gradients = jax.value_and_grad(loss_of, has_aux=True)(
            weights, x[rows], y[rows]
        )
        slots = jax.tree.map(lambda v, g: spec.momentum * v - rate * g, slots, gradients)
        weights = jax.tree.map(lambda w, v: w + v, weights, slots)
        return (weights, slots), (loss * len(rows), hits)

    def epoch(weights: Any, slots: Any, order: Any, rates: Any) -> Any:
        batches = order[: whole * spec.batch_size].reshape(whole, spec.batch_size)
        state, (losses, hits) = jax.lax.scan(update, (weights, slots), (batches, rates[:whole]))
        total, right = losses.sum(), hits.sum()
        if rest:
            state, (loss, hit) = update(state, (order[-rest:], rates[-1]))
            total, right = total + loss, right + hit
        val_loss, val_hits = loss_of(state[0], x_val, y_val)
        return (*state, total / len(x), right, val_loss, val_hits)

    compiled = jax.jit(jax.vmap(epoch))
    first = _first_weights(plans)

    def train() -> object:
        weights = [tuple(jnp.asarray(part) for part in layer) for layer in first]
        slots = jax.tree.map(jnp.zeros_like, weights)
        programs = [one.program() for one in plans]
        for number in range(spec.epochs):
            order = np.stack([epoch_order(one.spec.seed, number, len(x)) for one in plans])
            rates = np.stack([program.rates(number) for program in programs]).astype(np.float32)
            weights, slots, *counts = compiled(weights, slots, order.astype(np.int32), rates)
            values = [np.asarray(value) for value in counts]
            for place, program in enumerate(programs):
                program.end_epoch(number, {"val_loss": float(values[2][place])})
        return weights

    return train


def _first_weights(plans: Sequence[Plan]) -> list[tuple[Any, Any]]:
    """Glorot uniform weights and zeros, stacked over the lanes."""
    sizes = [int(np.prod(plans[0].dataset.input_shape)), *plans[0].spec.model_params["widths"],
             plans[0].dataset.shape.outputs]
    layers = []
    for fan_in, fan_out in itertools.pairwise(sizes):
        limit = np.sqrt(6 / (fan_in + fan_out))
        kernels = [
            np.random.default_rng(plan.spec.seed).uniform(-limit, limit, (fan_in, fan_out))
            for plan in plans
        ]
        layers.append((
            np.stack(kernels).astype(np.float32), np.zeros((len(plans), fan_out), np.float32)
        ))
    return layers
