"""Models: they count themselves as Keras does, follow from the seed, are lanes or say why not."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lrdash.core.errors import InvalidField
from lrdash.models import MODELS, Model
from lrdash.testing.shapes import batch, fitting, home, trainable, variants

each = pytest.mark.parametrize("kind", MODELS.values(), ids=list(MODELS))


@each
def test_it_describes_itself(kind: type[Model]) -> None:
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


@each
def test_it_fits_some_data_and_says_why_not_others(kind: type[Model]) -> None:
    assert fitting(kind)


@each
def test_its_settings_survive_a_round_trip_through_json_types(kind: type[Model]) -> None:
    for model in variants(kind):
        assert kind(**model.as_dict()) == model


@each
def test_it_refuses_a_setting_it_does_not_have(kind: type[Model]) -> None:
    name, unknown = re.escape(kind.id), {"colour": "blue"}
    with pytest.raises(InvalidField, match=rf"{name}\.colour is not a setting \(known: "):
        kind(**unknown)


@each
def test_it_counts_its_weights_as_keras_does(kind: type[Model]) -> None:
    for shape in fitting(kind):
        for model in variants(kind):
            assert model.parameters(shape) == trainable(model.build(shape)), (model, shape)
            assert model.work(shape).multiply_adds >= 0
            assert model.work(shape).numbers >= 0


@each
def test_it_ends_in_probabilities_or_one_plain_number(kind: type[Model]) -> None:
    for shape in fitting(kind):
        built = kind().build(shape)
        output = built(batch(shape)).numpy()
        assert built.input_shape == (None, *shape.input_shape)
        assert output.shape == (4, shape.outputs)
        if shape.task == "classification":
            assert np.allclose(output.sum(axis=1), 1, atol=1e-5)
            assert (output >= 0).all()


@each
def test_it_is_handed_out_uncompiled(kind: type[Model]) -> None:
    assert not kind().build(home(kind)).compiled


@each
def test_lanes_know_its_layers_or_it_says_why_it_trains_alone(kind: type[Model]) -> None:
    from lrdash.training.own.lanes import CONVOLUTIONS, PLAIN, flat

    if kind.alone or 0 in home(kind).input_shape:  # one that learns from no inputs
        return
    for model in variants(kind):
        names = {type(layer).__name__ for layer in flat(model.build(home(kind)))}
        assert names <= set(PLAIN)
        assert model.convolutional == bool(names & set(CONVOLUTIONS))


@each
def test_the_seed_alone_decides_the_first_weights_and_the_noise(kind: type[Model]) -> None:
    import keras

    def weights(seed: int) -> list[NDArray[Any]]:
        keras.utils.set_random_seed(seed)
        return [value.numpy() for value in kind().build(home(kind)).variables]

    first, again, other = weights(1), weights(1), weights(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@each
def test_every_trainable_weight_gets_a_gradient(kind: type[Model]) -> None:
    import tensorflow as tf

    for model in variants(kind):
        built = model.build(home(kind))
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(built(batch(home(kind)), training=True) ** 2)
        weights = [w.value for w in built.trainable_weights]
        assert all(gradient is not None for gradient in tape.gradient(loss, weights))
