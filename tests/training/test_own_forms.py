"""Whatever Keras takes as data, metrics and optimizers, own models are compared with it too."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import lrdash
from lrdash.core.errors import InvalidField
from lrdash.training.own.model import compiled

layers = keras.layers
RNG = np.random.default_rng(3)
X = RNG.normal(size=(80, 4)).astype(np.float32)
Y = (X[:, :1] > 0).astype(np.float32)
WEIGHTS = np.linspace(0, 2, 80)
FEW: dict[str, Any] = {
    "strategies": ["constant"], "base_lrs": [0.05], "epochs": 2, "progress": False, "seeds": 1,
    "batch_size": 16,
}


def network(**settings: Any) -> Any:
    def build() -> Any:
        model = keras.Sequential([layers.Input((4,)), layers.Dense(1)])
        if settings:
            model.compile(**{name: value() for name, value in settings.items()})
        return model
    return build


def two_inputs(outputs: int = 1) -> Any:
    def build() -> Any:
        ends = [keras.Input((4,)), keras.Input((4,))]
        both = layers.Add()(ends)
        out = [layers.Dense(1)(both) for _ in range(outputs)]
        model = keras.Model(ends, out if outputs > 1 else out[0])
        model.compile("sgd", "mse")
        return model
    return build


def finished(build: Any, data: Any, **more: Any) -> Any:
    made = lrdash.compare(build, data, **{**FEW, **more})
    assert {row.status for row in made.rows} == {"finished"}, [row.reason for row in made.rows]
    assert np.isfinite(made.curves()[["loss", "val_loss"]]).all(axis=None)
    return made


class Endless(keras.utils.PyDataset):
    """Batches without an end."""

    def __init__(self) -> None:
        super().__init__(workers=1)

    @property
    def num_batches(self) -> None:
        return None

    def __getitem__(self, place: int) -> Any:
        rows = np.arange(place * 16, place * 16 + 16) % 80
        return X[rows], Y[rows]


@pytest.mark.parametrize("data", [Endless(), (Endless(), (X, Y))])
def test_a_pydataset_without_an_end(data: Any) -> None:
    made = finished(network(), data, steps_per_epoch=3, loss="mse")
    assert made.rows[0].updates == 6
    with pytest.raises(InvalidField, match="steps_per_epoch must be given for data without an end"):
        lrdash.compare(network(), data, loss="mse", **FEW)


def zeros() -> Any:
    return keras.Sequential([layers.Input((4,)), layers.Dense(1, kernel_initializer="zeros")])


def test_weights_of_examples_count() -> None:
    whole: dict[str, Any] = {"loss": "mse", "optimizer": "sgd", "momentum": 0.0, "batch_size": 80}
    losses = []
    for data in (
        ((X, Y, WEIGHTS), (X, Y)),
        (tf.data.Dataset.from_tensor_slices((X, Y, WEIGHTS)).batch(80), (X, Y)),
    ):
        made = finished(zeros, data, **whole)
        losses.append(made.curves()["loss"][0])
    model = zeros()
    model.compile(keras.optimizers.SGD(0.05), "mse")
    fit = model.fit(X, Y, batch_size=80, sample_weight=WEIGHTS, verbose=0)
    np.testing.assert_allclose(losses, fit.history["loss"][0], rtol=1e-5)
    plain = finished(zeros, ((X, Y), (X, Y)), engine="keras", **whole)
    assert abs(plain.curves()["loss"][0] - losses[0]) > 1e-3


def test_weighted_examples_are_held_out_with_their_weights() -> None:
    made = finished(network(), (X, Y, WEIGHTS), loss="mse")
    assert any("the examples have weights" in note for note in made.notes())
    none = finished(network(), (X, Y, np.zeros(80)), loss="mse")
    assert (none.curves()["val_loss"] == 0).all()
    validated = finished(network(), ((X, Y), (X, Y, np.zeros(80))), loss="mse")
    assert (validated.curves()["val_loss"] == 0).all()


@pytest.mark.parametrize(("weights", "message"), [
    (np.ones(7), "data: sample_weight must have one weight for each example"),
    (np.ones((80, 4)), "data: sample_weight must have one weight for each example"),
    (np.full(80, np.nan), "must hold finite numbers"),
])
def test_weights_that_do_not_fit_are_refused(weights: Any, message: str) -> None:
    with pytest.raises(InvalidField, match=message):
        lrdash.compare(network(), (X, Y, weights), loss="mse", **FEW)


def test_inputs_and_targets_may_be_lists_of_arrays() -> None:
    pair = finished(two_inputs(), ([X, X], Y))
    same = finished(two_inputs(), ((X, X), Y))
    np.testing.assert_array_equal(pair.curves()["loss"], same.curves()["loss"])
    finished(two_inputs(2), ([X, X], [Y, Y]))
    finished(two_inputs(2), ([X, X], [Y, Y], [X, X], [Y, Y]))
    rows = finished(network(), (list(X), list(Y)), loss="mse")
    whole = finished(network(), (X, Y), loss="mse")
    np.testing.assert_array_equal(rows.curves()["loss"], whole.curves()["loss"])


def absolute(y: Any, prediction: Any) -> Any:
    return keras.ops.mean(keras.ops.abs(y - prediction), axis=-1)


class Steps(keras.metrics.Metric):
    """Counts batches; needs an argument that its configuration does not contain."""

    def __init__(self, factor: float, name: str = "steps") -> None:
        super().__init__(name=name)
        self.factor, self.total = factor, self.add_weight(name="total", initializer="zeros")

    def update_state(self, *args: Any, **more: Any) -> None:
        self.total.assign_add(1.0)

    def result(self) -> Any:
        return self.total * self.factor


METRICS = {
    "a wrapped function": lambda: keras.metrics.MeanMetricWrapper(absolute, name="absolute"),
    "a wrapped lambda": lambda: [keras.metrics.MeanMetricWrapper(lambda y, p: y - p, name="gap")],
    "a class with a required argument": lambda: [Steps(2.0)],
    "a dict of metrics": lambda: {"dense": [Steps(2.0), "mae"]},
    "a list of lists": lambda: [["mae", keras.metrics.MeanSquaredError(name="squared")]],
}


@pytest.mark.parametrize("case", METRICS)
def test_metrics_as_keras_takes_them(case: str) -> None:
    def build() -> Any:
        ends = keras.Input((4,))
        return keras.Model(ends, layers.Dense(1, name="dense")(ends))

    made = finished(build, (X, Y), loss="mse", metrics=METRICS[case](), seeds=2)
    own = [name for name in made.frame() if name.startswith("final_val_") and "los" not in name]
    own.remove("final_val_accuracy")
    assert own
    assert np.isfinite(made.frame()[own]).all(axis=None)
    if "steps" in made.curves():
        assert set(made.curves()["steps"]) == {8.0}  # four batches, from 0 again in each epoch


def test_a_metric_of_several_numbers_is_refused() -> None:
    def build() -> Any:
        return keras.Sequential([layers.Input((4,)), layers.Dense(3, activation="softmax")])

    labels = np.eye(3)[np.arange(80) % 3]
    more = {"loss": "categorical_crossentropy", **FEW}
    with pytest.raises(InvalidField, match=r"metrics must give one number each.*f1_score gives 3"):
        lrdash.compare(build, (X, labels), metrics=[keras.metrics.F1Score()], **more)
    macro = keras.metrics.F1Score(average="macro", name="f1")
    assert "final_val_f1" in lrdash.compare(build, (X, labels), metrics=[macro], **more).frame()


class NoLoss(keras.Model):
    """Its training says nothing of the loss."""

    def __init__(self) -> None:
        super().__init__()
        self.only = layers.Dense(1)

    def call(self, x: Any) -> Any:
        return self.only(x)

    def train_step(self, data: Any) -> Any:
        said = super().train_step(data)
        return {"trained": said["loss"]}


def test_a_train_step_that_says_no_loss() -> None:
    def build() -> Any:
        model = NoLoss()
        model.compile("sgd", "mse")
        return model

    made = lrdash.compare(build, (X, Y), **FEW)
    assert {row.status for row in made.rows} == {"finished"}, [row.reason for row in made.rows]
    assert made.curves()["loss"].isna().all()
    assert np.isfinite(made.curves()["val_loss"]).all()
    assert made.figure().data
    assert "<table>" in made._repr_html_()


@pytest.mark.parametrize("strategy", ["cosine", "plateau"])
@pytest.mark.parametrize("wrapped", [True, False])
def test_an_optimizer_that_scales_the_loss(strategy: str, wrapped: bool) -> None:
    def build() -> Any:
        policy = None if wrapped else "mixed_float16"
        model = keras.Sequential([
            layers.Input((4,)), layers.Dense(4, dtype=policy), layers.Dense(1, dtype="float32"),
        ])
        inner = keras.optimizers.SGD(0.02, momentum=0.7)
        scaled = keras.optimizers.LossScaleOptimizer(inner, initial_scale=8.0)
        model.compile(scaled, "mse")
        return model

    given = compiled(build, keras.optimizers.SGD(0.1), None, ()).optimizer
    assert given.initial_scale == 8
    made = finished(build, (X, Y), strategies=[strategy], base_lrs=[0.02], epochs=3)
    run = lrdash.api.load_run(made.rows[0].run_id, lrdash.store.Store())
    wanted = lrdash.preview(
        strategy, base_lr=0.02, epochs=3, steps_per_epoch=made.rows[0].steps_per_epoch
    )
    np.testing.assert_array_equal(run.rates()["learning_rate"], np.float32(wanted))
    assert made.rows[0].spec.facts.optimizer == "SGD with loss scaling"


def test_a_policy_of_float16() -> None:
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        own = {"optimizer": lambda: keras.optimizers.SGD(0.02), "loss": lambda: "mse"}
        for build, more in ((network(), {"loss": "mse"}), (network(**own), {})):
            made = finished(build, (X, Y), **more)
            assert {row.engine for row in made.rows} == {"keras"}
    finally:
        keras.mixed_precision.set_dtype_policy(before)


class Guided(keras.Model):
    """Steps as Keras' guide writes them: the data have two parts."""

    def __init__(self) -> None:
        super().__init__()
        self.out = layers.Dense(1)

    def call(self, x: Any) -> Any:
        return self.out(x)

    def test_step(self, data: Any) -> Any:
        x, y = data
        return {"loss": self.compute_loss(y=y, y_pred=self(x, training=False))}


@pytest.mark.parametrize("several", [False, True])
def test_a_test_step_may_take_two_parts(several: bool) -> None:
    def build() -> Any:
        model = Guided()
        model.compile("sgd", "mse")
        return model

    data: Any = tf.data.Dataset.from_tensor_slices((X, Y)).batch(16) if several else (X, Y)
    assert finished(build, data).rows[0].engine == "keras"


@pytest.mark.parametrize("name", ["learning_rate", "seconds", "epoch", "label"])
def test_a_metric_with_the_name_of_a_column_is_refused_before_anything_trains(name: str) -> None:
    build = network(optimizer=lambda: "sgd", loss=lambda: "mse", metrics=lambda: [
        keras.metrics.MeanSquaredError(name=name)
    ])
    with pytest.raises(InvalidField, match=f"must not have the name of a column .*got '{name}'"):
        lrdash.compare(build, (X, Y), **FEW)
