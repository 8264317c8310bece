"""The optimizer of a caller's own model trains with all its settings; only the rate is replaced."""

from __future__ import annotations

import types
from typing import Any

import keras
import numpy as np
import pytest

import lrdash
from lrdash.core.errors import InvalidField

RNG = np.random.default_rng(1)
X = RNG.normal(size=(40, 3)).astype(np.float32)
Y = X @ np.array([[1.0], [2.0], [-1.0]], np.float32)
WHOLE: dict[str, Any] = {"strategy": "constant", "base_lr": 0.05, "epochs": 3, "batch_size": 8,
                         "progress": False}
SGD, AdamW = keras.optimizers.SGD, keras.optimizers.AdamW


class ByLayer(SGD):
    """Multiplies the rate layer by layer; `get_config` does not contain by what."""

    def __init__(self, learning_rate: Any = 0.01, multipliers: Any = None, **more: Any) -> None:
        super().__init__(learning_rate, **more)
        self.multipliers = dict(multipliers or {})

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        factor = next((f for name, f in self.multipliers.items() if name in variable.name), 1.0)
        super().update_step(gradient, variable, keras.ops.cast(learning_rate, "float32") * factor)


class Needy(SGD):
    """Cannot be made from its configuration."""

    def __init__(self, share: float, learning_rate: Any) -> None:
        super().__init__(learning_rate)
        self.share = share


class Models:
    """Builds two layers, and keeps each model with its first weights."""

    def __init__(self, optimizer: Any) -> None:
        self._optimizer, self.made = optimizer, list[Any]()

    def __call__(self) -> Any:
        model = keras.Sequential([
            keras.Input((3,)), keras.layers.Dense(8, name="base"),
            keras.layers.Dense(1, name="head"),
        ])
        model.compile(self._optimizer(model), "mse")
        self.made.append((model, [np.array(one) for one in model.get_weights()]))
        return model

    def moves(self) -> list[float]:
        """How far each weight of the last model moved."""
        model, first = self.made[-1]
        return [
            float(np.abs(now - before).max())
            for now, before in zip(model.get_weights(), first, strict=True)
        ]


def frozen(rate: Any = 0.05) -> Any:
    return ByLayer(rate, {"base": 0.0})


def halved() -> Any:
    """Keras' own SGD, with a step that its instance brings."""
    optimizer = SGD(0.05)
    step = type(optimizer).update_step

    def update_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        factor = 0.0 if "base" in variable.name else 1.0
        step(self, gradient, variable, keras.ops.cast(learning_rate, "float32") * factor)

    optimizer.update_step = types.MethodType(update_step, optimizer)
    return optimizer


@pytest.mark.parametrize("strategy", ["constant", "cosine", "plateau", "custom"])
@pytest.mark.parametrize("made", [
    frozen, halved, lambda: frozen(keras.optimizers.schedules.CosineDecay(0.05, 9)),
    lambda: frozen(lambda: 0.05),
])
def test_settings_beyond_the_configuration_are_kept(made: Any, strategy: str) -> None:
    build = Models(lambda _: made())
    run = lrdash.train(build_model=build, data=(X, Y), **{**WHOLE, "strategy": strategy})
    assert run.status == "finished", run.reason
    assert run.row.engine == "keras"
    kernel, bias, *head = build.moves()
    assert kernel == bias == 0
    assert min(head) > 0
    wanted = lrdash.preview(strategy, base_lr=0.05, epochs=3, steps_per_epoch=4)
    if strategy != "plateau":
        np.testing.assert_array_equal(run.rates()["learning_rate"], np.float32(wanted))


def test_the_kept_optimizer_trains_as_fit_does() -> None:
    build = Models(lambda _: ByLayer(0.05, {"base": 0.1}, momentum=0.5))
    run = lrdash.train(build_model=build, data=(X, Y, X, Y), **{**WHOLE, "batch_size": 40})
    trained = build.made[-1][0].get_weights()
    keras.utils.set_random_seed(0)
    model = build()
    model.fit(X, Y, batch_size=40, epochs=3, verbose=0)
    assert run.status == "finished"
    for ours, theirs in zip(trained, model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_an_optimizer_that_models_share_must_be_complete_in_its_configuration() -> None:
    for shared, lacking in (
        (frozen(), "lacks multipliers"), (Needy(0.5, 0.1), "cannot make it again"),
        (halved(), "lacks update_step"),
    ):
        with pytest.raises(InvalidField, match="must make a new optimizer at each call") as caught:
            lrdash.compare(Models(lambda _, one=shared: one), (X, Y))
        assert lacking in str(caught.value)
    whole = SGD(0.05, clipnorm=1.0)
    made = lrdash.compare(
        Models(lambda _: whole), (X, Y), strategies=["constant"], base_lrs=[0.01, 0.1], seeds=2,
        epochs=2, batch_size=8, progress=False,
    )
    assert {row.status for row in made.rows} == {"finished"}, [row.reason for row in made.rows]
    assert made.frame()["final_val_loss"].nunique() == 4


def test_an_optimizer_that_cannot_be_made_again_may_be_new_at_each_call() -> None:
    run = lrdash.train(build_model=Models(lambda _: Needy(0.5, 0.1)), data=(X, Y), **WHOLE)
    assert run.status == "finished", run.reason


def test_single_weights_can_be_left_out_of_weight_decay() -> None:
    def made(model: Any) -> Any:
        optimizer = AdamW(0.05, weight_decay=0.5)
        optimizer.exclude_from_weight_decay(var_list=[model.trainable_variables[0]])
        return optimizer

    build = Models(made)
    run = lrdash.train(build_model=build, data=(X, Y), **WHOLE)
    assert run.status == "finished", run.reason
    assert "AdamW (weight_decay 0.5, no weight decay of 1 weight)" in run.row.engine_note


def test_an_optimizer_without_a_single_rate_is_refused() -> None:
    def several(_: Any) -> Any:
        default = keras.optimizers.SGD(0.1)
        return keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(default))

    with pytest.raises(InvalidField, match="an optimizer with a learning rate that can be set"):
        lrdash.compare(Models(several), (X, Y))
