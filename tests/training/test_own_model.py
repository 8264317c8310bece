"""A caller's own Keras model and data: trained exactly, by lanes where they apply, and recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import lrdash
from lrdash.core.errors import InvalidField, NotHere
from lrdash.core.events import EpochEnded
from lrdash.store import Store

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
layers = keras.layers
RNG = np.random.default_rng(7)
X = RNG.normal(size=(150, 6)).astype(np.float32)
CLASSES = ((X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)).astype(np.int64)
NUMBERS = (X[:, :2].sum(axis=1) + 0.1 * RNG.normal(size=150)).astype(np.float64)
FEW: dict[str, Any] = {"base_lrs": [0.05], "seeds": 1, "epochs": 3, "batch_size": 32}


def network(
    outputs: int = 3, activation: str | None = "softmax", *, compiled: dict[str, Any] | None = None,
    between: Callable[[], list[Any]] = list, hidden: str = "tanh",
) -> Callable[[], Any]:
    """Makes functions that build a small network."""

    def build_small() -> Any:
        model = keras.Sequential([
            layers.Input((6,)), layers.Dense(8, activation=hidden), *between(),
            layers.Dense(outputs, activation=activation),
        ])
        if compiled is not None:
            model.compile(**{name: _made(value) for name, value in compiled.items()})
        return model

    return build_small


def _made(value: Any) -> Any:
    return value() if callable(value) and getattr(value, "__name__", "") == "<lambda>" else value


def curves(build: Any, data: Any, engine: str, **more: Any) -> Any:
    made = lrdash.compare(build, data, engine=engine, **{**FEW, **more})
    assert {row.status for row in made.rows} == {"finished"}, [row.reason for row in made.rows]
    return made, made.curves()


def image_network() -> Any:
    model = keras.Sequential([
        layers.Input((8, 8, 1)), layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Flatten(), layers.Dense(2),
    ])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss=loss, metrics=["accuracy"])
    return model


def residual_network() -> Any:
    inputs = keras.Input((6,))
    x = layers.Dense(6, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-3))(inputs)
    x = layers.BatchNormalization()(layers.Add()([x, inputs]))
    inner = keras.Sequential([layers.Input((6,)), layers.Dense(5), layers.BatchNormalization()])
    model = keras.Model(inputs, layers.Dense(1)(inner(x)))
    model.compile(keras.optimizers.SGD(0.05), loss="huber")
    return model


IMAGES = X.repeat(11, axis=1)[:, :64].reshape(150, 8, 8, 1)
CASES = {
    "classes, SGD with momentum": (
        network(compiled={
            "optimizer": lambda: keras.optimizers.SGD(0.1, momentum=0.8, nesterov=True),
            "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"],
        }), (X, CLASSES), "accuracy",
    ),
    "one-hot rows, AdamW": (
        network(compiled={
            "optimizer": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.02),
            "loss": lambda: keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
            "metrics": ["accuracy"],
        }), (X, np.eye(3)[CLASSES]), "accuracy",
    ),
    "two classes, one output": (
        network(1, "sigmoid"), (X, (CLASSES > 0).reshape(-1, 1)), "accuracy",
    ),
    "numbers, residual, L2, batch normalisation": (residual_network, (X, NUMBERS), ""),
    "small images": (image_network, (IMAGES, CLASSES > 0), "accuracy"),
    "logits, not compiled": (network(3, None), (X, CLASSES, X[:40], CLASSES[:40]), "accuracy"),
}


@pytest.mark.parametrize("case", CASES)
def test_lanes_give_the_curves_of_keras(case: str) -> None:
    build, data, accuracy = CASES[case]
    fast, mine = curves(build, data, "auto", strategies=["linear", "plateau"])
    _, theirs = curves(build, data, "keras", strategies=["linear", "plateau"])
    assert {row.engine for row in fast.rows} == {"lanes"}, fast.notes()
    metrics = ["loss", "val_loss", *([accuracy, f"val_{accuracy}"] if accuracy else [])]
    for metric in metrics:
        assert np.isfinite(mine[metric]).all()
        np.testing.assert_allclose(mine[metric], theirs[metric], rtol=1e-5, atol=1e-6)
    for row in fast.rows:
        assert row.spec.origin == "script"


class Scale(layers.Layer):
    """A layer of one's own."""

    def build(self, shape: Any) -> None:
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, x: Any) -> Any:
        return x * self.scale


class Whole(keras.Model):
    """A model of one's own, with a call of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = layers.Dense(8, activation="relu"), layers.Dense(3)

    def call(self, x: Any) -> Any:
        return self.last(self.first(x))


def own_loss(y: Any, prediction: Any) -> Any:
    return keras.ops.mean(keras.ops.square(keras.ops.abs(y - prediction)), axis=-1)


class Batches(keras.utils.PyDataset):
    """Five batches of thirty."""

    def __init__(self) -> None:
        super().__init__(workers=1)

    @property
    def num_batches(self) -> int:
        return 5

    def __getitem__(self, place: int) -> Any:
        return X[place * 30 : place * 30 + 30], CLASSES[place * 30 : place * 30 + 30]


def stream(repeat: bool = False) -> tf.data.Dataset:
    made = tf.data.Dataset.from_tensor_slices((X, CLASSES)).batch(30)
    return made.repeat() if repeat else made


def centred(x: Any) -> Any:
    return x - keras.ops.mean(x, axis=0, keepdims=True)


def centred_network() -> Any:
    inputs = keras.Input((6,))
    return keras.Model(inputs, layers.Dense(3)(centred(layers.Dense(4)(inputs))))


def several_inputs() -> Any:
    one, two = keras.Input((6,), name="one"), keras.Input((6,), name="two")
    model = keras.Model({"one": one, "two": two}, layers.Dense(1)(layers.Add()([one, two])))
    model.compile("adam", loss="mae")
    return model


mse = {"optimizer": "adam", "loss": "mse"}
ALONE = {
    "a layer of its own": (
        network(between=lambda: [Scale()]), (X, CLASSES), "the layer Scale",
    ),
    "a loss of its own": (
        network(1, None, compiled={"optimizer": "adam", "loss": own_loss}), (X, NUMBERS),
        "the loss own_loss",
    ),
    "a metric of its own": (
        network(1, None, compiled={**mse, "metrics": ["mae"]}), (X, NUMBERS), "the metric mae",
    ),
    "a class of its own": (Whole, (X, CLASSES), "Whole is a class with a call of its own"),
    "another optimizer": (
        network(1, None, compiled={**mse, "optimizer": lambda: keras.optimizers.Lion(0.01)}),
        (X, NUMBERS), "the optimizer Lion",
    ),
    "an optimizer with settings": (
        network(1, None, compiled={
            **mse, "optimizer": lambda: keras.optimizers.Adam(0.01, beta_1=0.8, clipnorm=1.0),
        }), (X, NUMBERS), "the optimizer Adam (clipnorm 1.0, beta_1 0.8)",
    ),
    "weights with a constraint": (
        network(between=lambda: [layers.Dense(4, kernel_constraint="non_neg", name="held")]),
        (X, CLASSES), "the layer held has a constraint on its weights",
    ),
    "an activity regularizer": (
        network(between=lambda: [layers.Dense(4, activity_regularizer="l2", name="calm")]),
        (X, CLASSES), "the layer calm has an activity regularizer",
    ),
    "an activation over the batch": (
        network(between=lambda: [layers.Dense(4, activation=centred, name="mixed")]),
        (X, CLASSES), "the layer mixed has the activation centred",
    ),
    "a softmax over the batch": (
        network(between=lambda: [layers.Softmax(axis=0, name="across")]), (X, CLASSES),
        "the layer across works across the examples of a batch",
    ),
    "an operation over the batch": (centred_network, (X, CLASSES), "lanes do not know the oper"),
    "a loss that leaves classes out": (
        network(compiled={"optimizer": "adam", "loss": lambda: (
            keras.losses.SparseCategoricalCrossentropy(ignore_class=2))}),
        (X, CLASSES), "is no plain mean over the examples",
    ),
    "a loss of the whole batch": (
        network(compiled={"optimizer": "adam", "loss": lambda: keras.losses.Dice()}),
        (X, np.eye(3, dtype=np.float32)[CLASSES]), "is no plain mean over the examples",
    ),
    "several inputs": (
        several_inputs, ({"one": X, "two": X}, NUMBERS), "inputs or targets are several arrays",
    ),
    "a tf.data.Dataset": (network(), (stream(), stream()), "the data are a tf.data.Dataset"),
    "a PyDataset alone": (network(), Batches(), "the data are a keras.utils.PyDataset"),
    "a tf.data.Dataset and arrays": (
        network(), (stream(), (X, CLASSES)), "the data are a tf.data.Dataset",
    ),
}


@pytest.mark.parametrize("case", ALONE)
def test_what_lanes_cannot_train_keras_does_and_why_is_said(case: str) -> None:
    build, data, reason = ALONE[case]
    strategy = "plateau" if "own" in case else "cosine"
    made, found = curves(build, data, "auto", strategies=[strategy])
    assert np.isfinite(found[["loss", "val_loss"]]).all(axis=None)
    for row in made.rows:
        assert row.engine == "keras"
        assert reason in row.engine_note
        run = lrdash.api.load_run(row.run_id, Store())
        wanted = lrdash.preview(
            strategy, base_lr=0.05, epochs=3, steps_per_epoch=row.steps_per_epoch
        )
        np.testing.assert_array_equal(run.rates()["learning_rate"], np.float32(wanted))
    assert any(reason in note for note in made.notes())
    assert reason in made._repr_html_()


def test_a_loss_without_metrics_is_no_reason_against_lanes() -> None:
    made, _ = curves(network(1, None), (X, NUMBERS), "auto", strategies=["constant"])
    assert {row.engine for row in made.rows} == {"lanes"}, made.notes()


def test_what_weight_decay_leaves_alone_stays_so() -> None:
    def build(*names: str) -> Any:
        def built() -> Any:
            optimizer = keras.optimizers.AdamW(0.05, weight_decay=0.5)
            if names:
                optimizer.exclude_from_weight_decay(var_names=list(names))
            return network(1, None, compiled={"optimizer": lambda: optimizer, "loss": "mse"})()
        return built

    for names, engine, differs in (((), "lanes", False), (("kernel", "bias"), "keras", True)):
        made, found = curves(build(*names), (X, NUMBERS), "auto", strategies=["constant"])
        assert {row.engine for row in made.rows} == {engine}
        assert any("no weight decay of" in note for note in made.notes()) == differs
        if not names:
            decayed = found
    assert not np.allclose(found["loss"], decayed["loss"])

    def of_one() -> Any:
        model = network(1, None)()
        optimizer = keras.optimizers.AdamW(0.05)
        optimizer.exclude_from_weight_decay(var_list=[model.trainable_variables[0]])
        model.compile(optimizer, "mse")
        return model

    with pytest.raises(InvalidField, match="must name what it excludes from weight decay by"):
        lrdash.compare(of_one, (X, NUMBERS), **FEW)


def test_the_same_script_gives_the_same_numbers_and_the_same_names() -> None:
    build, data, _ = ALONE["an optimizer with settings"]
    (made, found), (again, twice) = (
        curves(build, data, "auto", strategies=["plateau"]) for _ in range(2)
    )
    assert [row.spec for row in again.rows] == [row.spec for row in made.rows]
    np.testing.assert_array_equal(found["val_loss"], twice["val_loss"])


def test_arms_of_a_seed_start_alike_and_seeds_do_not() -> None:
    made, found = curves(
        network(), (X, CLASSES), "keras", strategies=["constant", "step"], seeds=2
    )
    first = found[found["epoch"] == 1].set_index(["label", "seed"])["loss"].unstack()
    assert (first.iloc[0] == first.iloc[1]).all()
    assert first[0].iloc[0] != first[1].iloc[0]
    assert made.experiment.base.facts is not None


def test_batches_without_an_end_need_their_number() -> None:
    with pytest.raises(InvalidField, match="steps_per_epoch must be given for data without an end"):
        lrdash.compare(network(), stream(repeat=True), **FEW)
    made, _ = curves(
        network(), (stream(repeat=True), (X, CLASSES)), "auto", strategies=["constant"], seeds=1,
        steps_per_epoch=4,
    )
    assert made.rows[0].updates == 12
    assert any("their order is not lrdash's" in note for note in made.notes())


def test_the_schedule_of_ones_own_optimizer_gives_way_and_that_is_said() -> None:
    decay = keras.optimizers.schedules.ExponentialDecay
    build = network(compiled={
        "optimizer": lambda: keras.optimizers.SGD(decay(0.5, 10, 0.5)),
        "loss": "sparse_categorical_crossentropy",
    })
    run = lrdash.train(build_model=build, data=(X, CLASSES), base_lr=0.03, epochs=2, seed=1)
    assert set(run.rates()["learning_rate"]) == {np.float32(0.03)}
    assert "Its own schedule, ExponentialDecay, is replaced by the strategies." in run.notes()
    assert run.spec.momentum == 0


def test_the_rate_that_a_model_is_compiled_with_is_where_peaks_are_looked_for() -> None:
    build = network(1, None, compiled={
        "optimizer": lambda: keras.optimizers.SGD(0.02), "loss": "mse",
    })
    made = lrdash.compare(build, (X, NUMBERS), epochs=1, seeds=1, batch_size=120)
    assert made.experiment.base_lrs == (0.0063, 0.02, 0.063)
    assert [arm.strategy for arm in made.experiment.arms] == [
        "constant", "linear", "cosine", "plateau"
    ]
    run = lrdash.train(build_model=build, data=(X, NUMBERS), epochs=1)
    assert run.spec.base_lr == pytest.approx(0.02)


def test_a_range_test_of_ones_own_model() -> None:
    test = lrdash.find_lr(
        build_model=network(), data=(X, CLASSES), updates=40, seeds=2, batch_size=32
    )
    assert test.status == "finished"
    assert np.isfinite(test.losses[:, :20]).all()
    with pytest.raises(InvalidField, match=r"the data are a tf\.data\.Dataset"):
        lrdash.find_lr(build_model=network(), data=stream(), updates=30, seeds=1)


def test_results_show_themselves(tmp_path: Any) -> None:
    build = network()
    made = lrdash.compare(
        build, (X, CLASSES), strategies=["constant", "cosine"], **FEW, dataset="<mine> & co",
        model="my net", name="<b>bold</b>",
    )
    run = lrdash.api.load_run(made.rows[0].run_id, Store())
    for shown in (made, run):
        html = shown._repr_html_()
        assert "<b>bold</b>" not in html
        assert "<mine>" not in html
        assert "http" not in html
        assert len(html) < 20_000
        assert shown.figure().data
        assert "&lt;mine&gt;" in shown.report(tmp_path / "report.html").read_text("utf-8")
    assert len(made.frame()) == 2
    assert sorted(made.summary()["label"]) == ["Constant", "Cosine decay"]
    assert run.summary()["epochs_done"] == 3
    assert "my net" in repr(run)


WRONG = {
    "no data": ({"data": None}, "data must be given together with build_model"),
    "no model": ({"what": lambda: 3}, r"build_model must return a keras\.Model, got 'int'"),
    "labels of text": ({"data": (X, np.array(["a"] * 150))}, "must hold arrays of numbers"),
    "unequal": ({"data": (X, CLASSES[:9])}, "must have as many targets as inputs"),
    "not finite": ({"data": (X * np.nan, CLASSES)}, "must hold finite numbers"),
    "other shape": ({"data": (X[:, :3], CLASSES)}, "must make a model that can be evaluated"),
    "one example at a time": (
        {"data": tf.data.Dataset.from_tensor_slices(NUMBERS)}, "must give batches",
    ),
    "nothing known": ({"data": 5}, r"data must be \(x, y\)"),
    "a registered setting": ({"examples": 50}, "examples is decided by data here"),
    "a mistyped field": ({"epoch": 50}, "did you mean 'epochs'"),
    "a batch too large": ({"batch_size": 500}, "batch_size must be at most 120"),
    "metrics alone": (
        {"what": network(1, None, compiled=mse), "metrics": ["mae"]},
        "metrics must come with a loss",
    ),
    "a spec": ({"spec": lrdash.RunSpec()}, "spec must be left out"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use_is_explained_and_nothing_is_made(case: str) -> None:
    changes, message = WRONG[case]
    given = {"what": network(), "data": (X, CLASSES), "epochs": 1, **changes}
    with pytest.raises(InvalidField, match=message):
        lrdash.compare(given.pop("what"), given.pop("data"), **given)
    assert not Store().runs.listing()


def test_a_model_that_is_given_twice_is_refused() -> None:
    one = network()()
    with pytest.raises(InvalidField, match="must make a new model at each call"):
        lrdash.compare(lambda: one, (X, CLASSES), epochs=1)


def test_data_without_a_model_are_refused() -> None:
    with pytest.raises(InvalidField, match="data must come with build_model"):
        lrdash.compare(["constant"], (X, CLASSES))
    with pytest.raises(InvalidField, match="strategies must be a list of names"):
        lrdash.compare()


def test_such_runs_can_only_be_trained_by_their_script() -> None:
    run = lrdash.train(build_model=network(), data=(X, CLASSES), base_lr=0.1, epochs=3)
    assert run.status == "finished"
    words = "in the script that trained it"
    for go_on in (
        lambda: lrdash.train(run.spec),
        lambda: lrdash.fork(run.run_id, 1),
        lambda: lrdash.more(run.run_id, epochs=2),
    ):
        with pytest.raises(NotHere, match=words):
            go_on()


def test_a_stopped_run_cannot_be_resumed_without_its_script() -> None:
    def leave(event: Any) -> None:
        if isinstance(event, EpochEnded):
            raise KeyboardInterrupt

    run = lrdash.train(
        build_model=network(), data=(X, CLASSES), base_lr=0.1, epochs=3, progress=leave
    )
    assert run.status == "stopped"
    with pytest.raises(NotHere, match="in the script that trained it"):
        lrdash.resume(run.run_id)
