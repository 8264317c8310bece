"""Every registered model keeps the contract of `lrdash.models.base.Model`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from lrdash.errors import InvalidField, UnknownName
from lrdash.models import MODELS, Model
from lrdash.spec import DataShape, Knob

SHAPES = {
    "13 numbers": DataShape(task="classification", input_shape=(13,), num_classes=3),
    "10 numbers to one": DataShape(task="regression", input_shape=(10,), num_classes=0),
    "8x8x1": DataShape(task="classification", input_shape=(8, 8, 1), num_classes=10),
    "28x28x1": DataShape(task="classification", input_shape=(28, 28, 1), num_classes=10),
    "32x32x3": DataShape(task="classification", input_shape=(32, 32, 3), num_classes=100),
    "9x35x2 to one": DataShape(task="regression", input_shape=(9, 35, 2), num_classes=0),
    "nothing": DataShape(task="regression", input_shape=(0,), num_classes=0),
}
DIGITS = SHAPES["8x8x1"]
SIMPLE_LAYERS = (
    keras.layers.InputLayer, keras.layers.Dense, keras.layers.Conv2D, keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D, keras.layers.GlobalAveragePooling2D, keras.layers.Flatten,
    keras.layers.BatchNormalization, keras.layers.Dropout, keras.layers.Activation,
    keras.layers.Add,
)  # fmt: skip


def other_values(knob: Knob) -> tuple[Any, ...]:
    """Values beside the default, the lowest and a slightly larger one among them."""
    if knob.kind == "switch":
        return (not knob.default,)
    if knob.kind == "choice":
        return tuple(c for c in knob.choices if c != knob.default)[:1]
    if knob.kind == "integer":
        return tuple({int(knob.low or 0), knob.default + 1} - {knob.default})
    return (0.25,) if knob.kind == "number" else ()


def variants(kind: type[Model]) -> Iterator[Model]:
    """The defaults, each setting changed alone, and all changed at once."""
    changed = {k.name: v for k in kind.knobs() for v in other_values(k)}
    yield kind()
    yield from (kind(**{k.name: v}) for k in kind.knobs() for v in other_values(k))
    yield kind(**changed)


def fitting(kind: type[Model]) -> Iterator[DataShape]:
    return (shape for shape in SHAPES.values() if kind.misfit(shape) is None)


def home(kind: type[Model]) -> DataShape:
    """The digits, or for a model that learns from no examples what it is made for."""
    return DIGITS if kind.misfit(DIGITS) is None else SHAPES["nothing"]


def trainable(model: Any) -> int:
    return sum(int(np.prod(w.shape)) for w in model.trainable_weights)


def batch(shape: DataShape, examples: int = 4) -> np.ndarray:
    values = np.random.default_rng(0).normal(size=(examples, *shape.input_shape))
    return values.astype(np.float32)


NETWORKS = {name: kind for name, kind in MODELS.items() if kind.misfit(DIGITS) is None}
each_model = pytest.mark.parametrize("kind", MODELS.values(), ids=list(MODELS))
each_network = pytest.mark.parametrize("kind", NETWORKS.values(), ids=list(NETWORKS))


def test_all_models_but_the_noisy_quadratic_are_networks_and_need_inputs() -> None:
    assert set(MODELS) - set(NETWORKS) == {"noisy_quadratic"}
    for kind in NETWORKS.values():
        assert kind.misfit(SHAPES["nothing"]) is not None
    assert [*fitting(MODELS["noisy_quadratic"])] == [SHAPES["nothing"]]


@each_model
def test_every_model_counts_its_weights_as_keras_does(kind: type[Model]) -> None:
    for shape in fitting(kind):
        for model in variants(kind):
            assert model.parameters(shape) == trainable(model.build(shape)), (model, shape)


@each_network
def test_every_network_counts_its_work_as_its_layers_show_it(kind: type[Model]) -> None:
    for shape in fitting(kind):
        for model in variants(kind):
            layers = [layer for layer in model.build(shape).layers if hasattr(layer, "kernel")]
            places = [int(np.prod(layer.output.shape[1:-1])) for layer in layers]
            kernels = [int(np.prod(layer.kernel.shape)) for layer in layers]
            work = model.work(shape)
            assert work.multiply_adds == sum(map(int.__mul__, places, kernels)), (model, shape)
            outputs = sum(int(np.prod(layer.output.shape[1:])) for layer in layers)
            assert work.numbers == 2 * outputs, (model, shape)
            convolutions = any(isinstance(layer, keras.layers.Conv2D) for layer in layers)
            assert kind.convolutional == convolutions


@each_network
def test_every_network_fits_the_images_of_all_sizes(kind: type[Model]) -> None:
    for name in ("8x8x1", "28x28x1", "32x32x3"):
        assert kind.misfit(SHAPES[name]) is None


@each_model
def test_every_model_ends_in_probabilities_or_one_plain_number(kind: type[Model]) -> None:
    for shape in fitting(kind):
        built = kind().build(shape)
        output = built(batch(shape)).numpy()
        assert built.input_shape == (None, *shape.input_shape)
        assert output.shape == (4, shape.outputs)
        if shape.task == "classification":
            assert np.allclose(output.sum(axis=1), 1, atol=1e-5)
            assert (output >= 0).all()
        else:
            last = built.get_layer("output")
            assert getattr(last, "activation", keras.activations.linear) is keras.activations.linear


@each_model
def test_every_model_is_handed_out_uncompiled(kind: type[Model]) -> None:
    assert not kind().build(home(kind)).compiled


@each_network
def test_every_network_is_made_of_simple_layers(kind: type[Model]) -> None:
    for model in variants(kind):
        assert all(type(layer) in SIMPLE_LAYERS for layer in model.build(DIGITS).layers)


@each_model
def test_the_seed_alone_decides_the_first_weights_and_the_noise(kind: type[Model]) -> None:
    def weights(seed: int) -> list[np.ndarray]:
        keras.utils.set_random_seed(seed)
        return [value.numpy() for value in kind().build(home(kind)).variables]

    first, again, other = weights(1), weights(1), weights(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@each_model
def test_names_of_weights_do_not_depend_on_earlier_models(kind: type[Model]) -> None:
    for model in variants(kind):
        paths = [w.path for w in model.build(home(kind)).weights]
        assert paths == [w.path for w in model.build(home(kind)).weights]
        assert len(set(paths)) == len(paths)


@each_model
def test_every_trainable_weight_gets_a_gradient(kind: type[Model]) -> None:
    for model in variants(kind):
        built = model.build(home(kind))
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(built(batch(home(kind)), training=True) ** 2)
        weights = [w.value for w in built.trainable_weights]
        assert all(gradient is not None for gradient in tape.gradient(loss, weights))


@each_network
def test_the_l2_penalty_covers_every_kernel(kind: type[Model]) -> None:
    built = kind(l2=0.01).build(DIGITS)
    kernels = [w.numpy() for w in built.trainable_weights if w.path.endswith("/kernel")]
    expected = 0.01 * sum(float((kernel**2).sum()) for kernel in kernels)
    assert sum(float(loss) for loss in built.losses) == pytest.approx(expected, rel=1e-5)
    assert kind().build(DIGITS).losses == []


@each_model
def test_every_model_describes_itself(kind: type[Model]) -> None:
    assert MODELS[kind.id] is kind
    assert kind.prefix == f"{kind.id}."
    assert kind.label
    assert kind.label[0].isupper()
    assert kind.description.endswith(".")
    assert kind.source
    for knob in kind.knobs():
        assert knob.label
        assert knob.help.endswith(".")
        assert knob.kind not in ("number", "integer") or None not in (knob.low, knob.high)


@each_model
def test_every_model_survives_a_round_trip_through_json_types(kind: type[Model]) -> None:
    for model in variants(kind):
        assert kind(**model.as_dict()) == model


@each_model
def test_every_model_refuses_a_setting_it_does_not_have(kind: type[Model]) -> None:
    with pytest.raises(InvalidField, match=rf"{kind.id}\.colour is not a setting \(known: "):
        kind(colour="blue")


@pytest.mark.parametrize(
    ("name", "shape", "count"),
    [
        ("linear", "8x8x1", 64 * 10 + 10),
        ("linear", "10 numbers to one", 10 + 1),
        ("mlp", "8x8x1", 17_226),
        ("cnn", "28x28x1", 160 + 4640 + 7 * 7 * 32 * 64 + 64 + 650),
        ("lenet", "28x28x1", 61_706),
        ("noisy_quadratic", "nothing", 100),
        ("lenet", "8x8x1", 156 + 2416 + 64 * 120 + 120 + 10_164 + 850),
    ],
)
def test_weights_are_those_counted_by_hand(name: str, shape: str, count: int) -> None:
    assert MODELS[name]().parameters(SHAPES[shape]) == count


def test_a_perceptron_normalises_before_and_drops_after_the_activation() -> None:
    model = MODELS["mlp"](widths=(5,), batch_norm=True, dropout=0.5, activation="tanh")
    kinds = [type(layer).__name__ for layer in model.build(SHAPES["13 numbers"]).layers]
    assert kinds == ["InputLayer", "Dense", "BatchNormalization", "Activation", "Dropout", "Dense"]


def test_a_perceptron_has_the_widths_that_were_asked_for() -> None:
    built = MODELS["mlp"](widths=[7, 300, 2]).build(DIGITS)
    assert [built.get_layer(f"dense_{n}").units for n in (1, 2, 3)] == [7, 300, 2]
    assert MODELS["mlp"](widths=[7, 300, 2]).parameters(DIGITS) == trainable(built)


@pytest.mark.parametrize("widths", [[], [0], [5000], [8] * 9, 64, "64", ["a"], [1.5], None])
def test_wrong_widths_are_explained(widths: Any) -> None:
    problem = r"mlp\.widths must be a list of 1 to 8 whole numbers between 1 and 4096, got"
    with pytest.raises(InvalidField, match=problem):
        MODELS["mlp"](widths=widths)


@pytest.mark.parametrize("name", ["cnn", "lenet", "resnet"])
def test_convolutions_say_why_other_data_do_not_fit(name: str) -> None:
    def misfit(*size: int) -> str | None:
        return MODELS[name].misfit(
            DataShape(task="classification", input_shape=size, num_classes=3)
        )

    need = "needs images of at least 8 x 8 pixels"
    assert misfit(13) == f"{need}, not 13 numbers an example"
    assert misfit(1) == f"{need}, not 1 number an example"
    assert misfit(7, 28, 1) == f"{need}, not 7 x 28"
    assert misfit(28, 28) == f"{need} as height x width x channels, not 28 x 28"
    assert misfit(8, 8, 1) is None


@pytest.mark.parametrize("name", ["linear", "mlp"])
def test_dense_models_fit_everything_that_has_inputs(name: str) -> None:
    assert list(fitting(MODELS[name])) == [s for s in SHAPES.values() if 0 not in s.input_shape]


def test_an_unknown_model_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"No model named 'restnet'\. Did you mean 'resnet'\?"):
        MODELS["restnet"]


def test_asking_about_models_does_not_load_keras() -> None:
    code = (
        "import sys; from lrdash.models import MODELS; from lrdash.spec import DataShape\n"
        "shape = DataShape(task='classification', input_shape=(8, 8, 1), num_classes=10)\n"
        "assert all(kind().parameters(shape) and kind.knobs() for kind in MODELS.values())\n"
        "assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
