"""The Keras scripts are run, and every rate they use is compared with ours."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrdash.core.errors import InvalidField, UnknownName
from lrdash.core.source import source_of
from lrdash.strategies import STRATEGIES, Schedule, make, preview
from tests.factories.settings import CALLBACKS, VARIANTS, WARMUPS

CLOSE = 1e-6  # of the peak rate


def run(text: str) -> dict[str, Any]:
    """What the script defines."""
    names: dict[str, Any] = {"__name__": "pasted"}
    exec(compile(text, "pasted.py", "exec"), names)
    return names


def used_by_schedule(learning_rate: Any, updates: int) -> np.ndarray:
    """The schedule's rate at every update, in a graph as in training."""
    if isinstance(learning_rate, float):
        return np.full(updates, learning_rate)
    import tensorflow as tf

    every = tf.function(
        lambda steps: tf.map_fn(learning_rate, steps, fn_output_signature=tf.float32),
        autograph=False,  # it would want the source of what was pasted
    )
    return every(tf.range(updates, dtype=tf.int64)).numpy()


def fit(names: dict[str, Any], epochs: int, steps: int) -> tuple[np.ndarray, dict[str, Any]]:
    """Train one weight with what a script defines: the rate of every update, and the history."""
    import keras

    rates: list[float] = []

    class Recorder(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            rates.append(float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)))

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer=names["optimizer"], loss="mse")
    x = np.linspace(0, 1, steps, dtype="float32")[:, None]
    history = model.fit(
        x, x, validation_data=(x, x), batch_size=1, epochs=epochs, verbose=0,
        callbacks=[*names["callbacks"], Recorder()],
    )
    return np.array(rates), history.history


@pytest.mark.parametrize("warmup", WARMUPS, ids=["no warm-up", "1.4 epochs", "2 epochs"])
@pytest.mark.parametrize(("name", "params"), VARIANTS)
def test_a_pasted_schedule_gives_our_rates(
    name: str, params: dict[str, Any], warmup: dict[str, float]
) -> None:
    settings: dict[str, Any] = {"base_lr": 0.3, "epochs": 7, "steps_per_epoch": 13, **warmup}
    names = run(make(name, params).keras_code(**settings))
    ours = preview(name, params, **settings)
    theirs = used_by_schedule(names["learning_rate"], len(ours))
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=CLOSE * 0.3)
    assert names["callbacks"] == []


@pytest.mark.parametrize("warmup", WARMUPS, ids=["no warm-up", "1.4 epochs", "2 epochs"])
@pytest.mark.parametrize(("name", "params"), CALLBACKS)
def test_a_pasted_callback_trains_with_our_rates(
    name: str, params: dict[str, Any], warmup: dict[str, float]
) -> None:
    settings: dict[str, Any] = {"base_lr": 0.3, "epochs": 8, "steps_per_epoch": 5, **warmup}
    theirs, history = fit(run(make(name, params).keras_code(**settings)), 8, 5)
    ours = preview(name, params, monitored=history["val_loss"], **settings)
    assert len(set(ours[10:])) > 2
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=CLOSE * 0.3)


@pytest.mark.parametrize("name", ["wsd", "constant"])
def test_a_pasted_schedule_trains_with_our_rates(name: str) -> None:
    settings: dict[str, Any] = {"base_lr": 0.3, "epochs": 3, "steps_per_epoch": 5,
                              "warmup_epochs": 1}
    theirs, _ = fit(run(make(name).keras_code(**settings)), 3, 5)
    np.testing.assert_allclose(theirs, preview(name, **settings), rtol=0, atol=CLOSE * 0.3)


@pytest.mark.parametrize("name", ["constant", "cosine", "points"])
def test_a_model_with_a_pasted_schedule_can_be_saved(name: str, tmp_path: Path) -> None:
    import keras

    settings: dict[str, Any] = {"base_lr": 0.3, "epochs": 4, "steps_per_epoch": 5,
                              "warmup_epochs": 1}
    names = run(make(name).keras_code(**settings))
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer=names["optimizer"], loss="mse")
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    again = used_by_schedule(loaded.optimizer._learning_rate, 20)
    np.testing.assert_allclose(again, preview(name, **settings), rtol=0, atol=CLOSE * 0.3)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "keras.optimizers.SGD(learning_rate=learning_rate, momentum=0.9)"),
        ({"nesterov": True},
         "keras.optimizers.SGD(learning_rate=learning_rate, momentum=0.9, nesterov=True)"),
        ({"optimizer": "rmsprop", "momentum": 0},
         "keras.optimizers.RMSprop(learning_rate=learning_rate, momentum=0.0)"),
        ({"optimizer": "adam"}, "keras.optimizers.Adam(learning_rate=learning_rate)"),
        ({"optimizer": "adamw"},
         "keras.optimizers.AdamW(learning_rate=learning_rate, weight_decay=0.004)"),
    ],
)
def test_the_optimizer_is_written_with_its_settings(
    settings: dict[str, Any], expected: str
) -> None:
    text = make("cosine").keras_code(base_lr=0.1, epochs=3, **settings)
    assert f"\noptimizer = {expected}\n" in text
    assert type(run(text)["optimizer"]).__name__ in expected


def test_keras_own_schedules_are_used_where_keras_has_them() -> None:
    for name, expected in {
        "step": "PiecewiseConstantDecay", "multistep": "PiecewiseConstantDecay",
        "exponential": "ExponentialDecay", "inverse_time": "InverseTimeDecay",
        "polynomial": "PolynomialDecay", "linear": "PolynomialDecay", "cosine": "CosineDecay",
        "cosine_restarts": "CosineDecayRestarts",
    }.items():
        text = make(name).keras_code(base_lr=0.1, epochs=30, steps_per_epoch=50)
        assert f"keras.optimizers.schedules.{expected}(" in text
        assert "class " not in text


def test_a_formula_is_pasted_as_it_stands_where_keras_has_no_class_or_a_coarse_one() -> None:
    for name, params in {
        "wsd": {}, "points": {}, "polynomial": {"power": 0.5},
        "exponential": {"decay_rate": 0.9997, "decay_every": 0.01},
    }.items():
        made = make(name, params)
        text = made.keras_code(base_lr=0.1, epochs=30, steps_per_epoch=50)
        assert isinstance(made, Schedule)
        assert made.rate is not None
        assert source_of(made.rate) in text


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_a_script_is_tidy(name: str) -> None:
    text = make(name).keras_code(base_lr=0.1, epochs=30, steps_per_epoch=47, warmup_epochs=1.5)
    assert max(map(len, text.splitlines())) <= 100
    assert all(line == line.rstrip() for line in text.splitlines())
    assert "\n\n\n\n" not in text
    imported = {alias.asname or alias.name for node in ast.walk(ast.parse(text))
                if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names}
    body = "".join(line for line in text.splitlines(True) if "import " not in line)
    assert all(f"{module}." in body or f"{module}(" in body for module in imported)


def test_the_commented_calls_name_epochs_and_batch_size() -> None:
    text = make("linear").keras_code(base_lr=0.1, epochs=1, batch_size=64, loss="mse", metrics=())
    assert text.startswith("# Linear decay: 1 epoch of 1 update.\n")
    assert '# model.compile(optimizer=optimizer, loss="mse")\n' in text
    assert "#     epochs=1, batch_size=64, callbacks=callbacks,\n" in text


def test_an_unknown_optimizer_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"No optimizer named 'adamx'\. Did you mean 'adam"):
        make("linear").keras_code(base_lr=0.1, epochs=3, optimizer="adamx")


def test_settings_that_do_not_hold_are_refused() -> None:
    with pytest.raises(InvalidField, match="must lie within the 3 epochs"):
        make("multistep").keras_code(base_lr=0.1, epochs=3)
