"""Architectures built row by row: shapes, weights, mistakes, Keras code, and training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lrdash.core.errors import InvalidField
from lrdash.core.spec import DataShape, RunSpec
from lrdash.models.layers import RULES
from lrdash.models.own_layers import DEEPEST, OwnLayers
from tests.factories.settings import DIGITS, IMAGE
from tests.factories.training import epochs, trained

TABLE = DataShape(task="regression", input_shape=(10,), num_classes=0)
ROWS = [
    {"kind": "dense", "size": 7, "activation": "relu"},
    {"kind": "residual", "size": 7},
    {"kind": "residual", "size": 5},
    {"kind": "layer_norm"},
]


@pytest.mark.parametrize(
    ("layers", "shape"), [(IMAGE, DIGITS), (ROWS, TABLE)], ids=["image", "table"]
)
def test_shapes_and_weights_of_each_row_are_those_of_keras(
    layers: list[dict[str, Any]], shape: DataShape
) -> None:
    model = OwnLayers(layers=layers)
    built = model.build(shape)
    steps = model.steps(shape)
    count = sum(int(np.prod(w.shape)) for w in built.trainable_weights)
    assert model.parameters(shape) == count
    names = [layer.name for layer in built.layers]
    for number, step in enumerate(steps, start=1):
        own = [name for name in names if name == f"layer_{number}"
               or name.startswith(f"layer_{number}_")]
        assert tuple(built.get_layer(own[-1]).output.shape[1:]) == step.shape
        assert step.parameters == sum(
            int(np.prod(w.shape)) for name in own
            for w in built.get_layer(name).trainable_weights
        )


def test_the_keras_code_builds_the_same_network() -> None:
    import keras

    assert {row["kind"] for row in [*IMAGE, *ROWS]} | {"flatten"} == set(RULES)
    for layers, shape in ((IMAGE, DIGITS), (ROWS, TABLE), ([{"kind": "flatten"}], DIGITS)):
        model = OwnLayers(layers=layers)
        names: dict[str, Any] = {"keras": keras}
        keras.utils.set_random_seed(3)
        built = model.build(shape)
        keras.utils.set_random_seed(3)
        exec("\n".join(model.keras_code(shape)), names)
        for ours, written in zip(built.weights, names["model"].weights, strict=True):
            np.testing.assert_array_equal(ours.numpy(), written.numpy())


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([{"kind": "dense"}], r"row 1: Dense needs a flat list of numbers.*put Flatten"),
        ([{"kind": "flatten"}, {"kind": "conv2d"}], r"row 2: Convolution needs an image"),
        ([{"kind": "max_pooling", "size": 9}], r"row 1: a pool of 9 x 9 does not fit into 8 x 8"),
        ([{"kind": "activation"}], r"row 1: choose an activation"),
        ([{"kind": "flatten"}, {"kind": "dense", "size": 0}],
         r"row 2: Size must be between 1 and 4,096, got 0\.$"),
        ("dropout rate=1.5", r"row 1: Dropout must be at least 0 and below 1, got 1\.5\.$"),
        ("dense size=2.5", r"row 1: Size must be a whole number between .*, got 2\.5\.$"),
        ([{"kind": "lstm"}], r"row 1: Layer must be one of dense, .*, got 'lstm'\.$"),
        ([{"size": 3}], r"row 1: Layer must be given, got None\.$"),
        ("dense size", r"settings like size=64 in row 1, got 'size'\.$"),
        ([], f"1 to {DEEPEST} layers"),
        (7, f"1 to {DEEPEST} layers"),
        ([3], r"a layer with its settings in row 1, e.g. dense size=64, got 3\.$"),
    ],
)
def test_a_mistake_names_its_row_and_the_way_out(layers: Any, message: str) -> None:
    with pytest.raises(InvalidField, match=message):
        OwnLayers(layers=layers).parameters(DIGITS)


def test_a_pool_without_a_size_halves_the_image_also_in_a_text() -> None:
    for layers in ("max_pooling; average_pooling", [{"kind": "max_pooling"}, {"kind": "flatten"}]):
        model = OwnLayers(layers=layers)  # type: ignore[arg-type]
        assert model.layers[0].size == 2
        assert model.steps(DIGITS)[0].shape == (4, 4, 1)
    assert OwnLayers(layers="flatten; dense").layers[1].size == 64  # type: ignore[arg-type]


def test_too_many_weights_are_refused_with_their_number() -> None:
    wide = [{"kind": "flatten"}, *[{"kind": "dense", "size": 4096}] * 5]
    with pytest.raises(InvalidField, match="50,000,000"):
        OwnLayers(layers=wide).parameters(DIGITS)


@pytest.mark.parametrize("layers", [IMAGE[:9], [{"kind": "flatten"}, *ROWS]], ids=["conv", "dense"])
def test_lanes_train_own_layers_as_keras_does(layers: list[dict[str, Any]]) -> None:
    spec = RunSpec(
        model="layers", model_params={"layers": layers}, epochs=3, examples=200, base_lr=0.02
    )
    (lane,), (keras,) = trained([spec], "lanes"), trained([spec], "keras")
    pairs = list(zip(epochs(lane), epochs(keras), strict=True))
    assert len(pairs) == spec.epochs
    for ours, theirs in pairs:
        for name in ("loss", "val_loss"):
            assert ours.metrics[name] == pytest.approx(theirs.metrics[name], rel=1e-5)
