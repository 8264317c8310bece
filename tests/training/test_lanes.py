"""Lanes train what Keras trains: the same curves, many runs at a time."""

from __future__ import annotations

import keras
import pytest
import tensorflow as tf

from lrdash.core.events import Event, Progress, RunEnded, RunStarted
from lrdash.core.spec import RunSpec
from lrdash.planning.plan import make
from lrdash.training.batches import epoch_order
from tests.factories.training import epochs, trained


def kinds(events: list[Event]) -> list[type]:
    return [type(event) for event in events if not isinstance(event, Progress)]


@pytest.mark.parametrize(
    "fields",
    [
        {"strategy": "cosine"},
        {"strategy": "plateau", "params": {"patience": 1}, "warmup_epochs": 1.5},
        {"strategy": "custom", "nesterov": True},
        {"optimizer": "adam", "base_lr": 0.001},
        {"optimizer": "adamw", "base_lr": 0.001},
        {"optimizer": "rmsprop", "base_lr": 0.0005},
        {"model_params": {"batch_norm": True, "l2": 0.01, "widths": [32]}},
        {"dataset": "diabetes", "model": "linear", "base_lr": 0.01},
        {"label_smoothing": 0.1, "early_stopping": {"patience": 1}},
        {"model": "cnn", "examples": 200},
    ],
)
def test_lanes_give_the_curves_of_keras(fields: dict[str, object]) -> None:
    values = {"epochs": 4, "base_lr": 0.05, "examples": 400, **fields}
    if values.get("dataset") == "diabetes":
        del values["examples"]
    specs = [RunSpec(seed=seed, **values) for seed in (0, 1)]
    for lane, alone in zip(trained(specs, "lanes"), trained(specs, "keras"), strict=True):
        pairs = list(zip(epochs(lane), epochs(alone), strict=True))
        assert pairs
        for ours, theirs in pairs:
            assert (ours.rates == theirs.rates).all()
            for name, value in theirs.metrics.items():
                if name != "learning_rate":  # Keras' callbacks add the next one to the logs
                    assert ours.metrics[name] == pytest.approx(value, rel=1e-4, abs=1e-6), name
        assert kinds(lane) == kinds(alone)


def test_arms_of_a_seed_are_paired_down_to_the_dropout_masks() -> None:
    spec = RunSpec(epochs=2, examples=300, base_lr=0.01, model_params={"dropout": 0.5})
    one, same, other = trained([spec, spec, spec.replace(base_lr=0.02)], "lanes")
    assert [epoch.metrics for epoch in epochs(one)] == [epoch.metrics for epoch in epochs(same)]
    assert epochs(one)[0].metrics["loss"] != epochs(other)[0].metrics["loss"]


def test_a_lane_that_diverges_does_not_touch_its_neighbours() -> None:
    calm = RunSpec(epochs=2, base_lr=0.05)
    lost, kept = trained([calm.replace(base_lr=1000.0), calm], "lanes")
    (alone,) = trained([calm], "lanes")
    assert isinstance(lost[-1], RunEnded)
    assert lost[-1].status == "diverged"
    assert "epoch 1" in lost[-1].reason
    for ours, theirs in zip(epochs(kept), epochs(alone), strict=True):
        assert ours.metrics["val_loss"] == pytest.approx(theirs.metrics["val_loss"], rel=1e-6)


def test_lanes_say_how_they_trained_and_what_explains_a_rate() -> None:
    (events,) = trained([RunSpec(epochs=1, examples=200)], "lanes")
    assert isinstance(events[0], RunStarted)
    assert events[0].engine == "lanes"
    assert {"weight_norm", "gradient_norm", "update_ratio"} <= set(epochs(events)[0].metrics)


def test_norms_are_those_of_the_middle_update_of_an_epoch() -> None:
    spec = RunSpec(epochs=1, examples=200, model="linear", base_lr=1e-12, momentum=0.0, seed=3)
    plan = make(spec)
    (events,) = trained([spec], "lanes")
    metrics = epochs(events)[0].metrics

    keras.utils.set_random_seed(spec.seed)
    model, split = plan.model.build(plan.dataset.shape), plan.dataset.load(spec.examples)
    order = epoch_order(spec.seed, 0, plan.train_examples)
    middle = (plan.steps_per_epoch - 1) // 2 * spec.batch_size
    rows = order[middle : middle + spec.batch_size]
    with tf.GradientTape() as tape:
        probabilities = model(split.x_train[rows], training=True)
        loss = keras.losses.sparse_categorical_crossentropy(split.y_train[rows], probabilities)
        mean = tf.reduce_mean(loss)
    gradient = tf.linalg.global_norm(
        tape.gradient(mean, [weight.value for weight in model.trainable_weights])
    )
    weight = tf.linalg.global_norm([weight.value for weight in model.trainable_weights])
    assert metrics["gradient_norm"] == pytest.approx(float(gradient), rel=1e-5)
    assert metrics["weight_norm"] == pytest.approx(float(weight), rel=1e-5)
    moved = spec.base_lr * metrics["gradient_norm"] / metrics["weight_norm"]
    assert metrics["update_ratio"] == pytest.approx(moved, rel=1e-4)
