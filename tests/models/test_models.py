"""Every registered model keeps the contract of `lrdash.models.base.Model`."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import keras
import numpy as np
import pytest

from lrdash.core.errors import InvalidField, UnknownName
from lrdash.core.spec import DataShape
from lrdash.models import MODELS, Model
from lrdash.testing.shapes import DIGITS, SHAPES, fitting, home, trainable, variants

NETWORKS = {name: kind for name, kind in MODELS.items() if kind.misfit(DIGITS) is None}
PENALISED = {
    name: kind for name, kind in NETWORKS.items() if any(knob.name == "l2" for knob in kind.knobs())
}
each_model = pytest.mark.parametrize("kind", MODELS.values(), ids=list(MODELS))
each_network = pytest.mark.parametrize("kind", NETWORKS.values(), ids=list(NETWORKS))


def test_all_models_but_the_noisy_quadratic_are_networks_and_need_inputs() -> None:
    assert set(MODELS) - set(NETWORKS) == {"noisy_quadratic"}
    for kind in NETWORKS.values():
        assert kind.misfit(SHAPES["nothing"]) is not None
    assert [*fitting(MODELS["noisy_quadratic"])] == [SHAPES["nothing"]]


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
            assert model.convolutional == convolutions


@each_network
def test_every_network_fits_the_images_of_all_sizes(kind: type[Model]) -> None:
    for name in ("8x8x1", "28x28x1", "32x32x3"):
        assert kind.misfit(SHAPES[name]) is None


@each_model
def test_names_of_weights_do_not_depend_on_earlier_models(kind: type[Model]) -> None:
    for model in variants(kind):
        paths = [w.path for w in model.build(home(kind)).weights]
        assert paths == [w.path for w in model.build(home(kind)).weights]
        assert len(set(paths)) == len(paths)


def test_all_networks_but_own_layers_have_a_penalty() -> None:
    assert set(NETWORKS) - set(PENALISED) == {"layers"}


@pytest.mark.parametrize("kind", PENALISED.values(), ids=list(PENALISED))
def test_the_l2_penalty_covers_every_kernel(kind: type[Model]) -> None:
    built = kind(l2=0.01).build(DIGITS)
    kernels = [w.numpy() for w in built.trainable_weights if w.path.endswith("/kernel")]
    expected = 0.01 * sum(float((kernel**2).sum()) for kernel in kernels)
    assert sum(float(loss) for loss in built.losses) == pytest.approx(expected, rel=1e-5)
    assert kind().build(DIGITS).losses == []


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
        "import sys; from lrdash.models import MODELS; from lrdash.core.spec import DataShape\n"
        "shape = DataShape(task='classification', input_shape=(8, 8, 1), num_classes=10)\n"
        "assert all(kind().parameters(shape) and kind.knobs() for kind in MODELS.values())\n"
        "assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
