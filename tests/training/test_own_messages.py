"""Messages about a caller's own model, data or settings say what is wrong and how to fix it."""

from __future__ import annotations

import pickle
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import lrdash
from lrdash.core.errors import CallFailed, InvalidField, NotHere
from lrdash.training.failures import in_words

layers = keras.layers
RNG = np.random.default_rng(3)
X = RNG.normal(size=(80, 4)).astype(np.float32)
Y = np.arange(80) % 3
FEW: dict[str, Any] = {
    "strategies": ["constant"], "base_lrs": [0.05], "epochs": 1, "progress": False, "seeds": 1,
}


def network(outputs: int = 3) -> Any:
    def build() -> Any:
        return keras.Sequential([layers.Input((4,)), layers.Dense(outputs, activation="softmax")])
    return build


def message(build: Any, data: Any, **more: Any) -> str:
    with pytest.raises(InvalidField) as caught:
        lrdash.compare(build, data, **{**FEW, **more})
    return str(caught.value)


def test_the_cause_of_a_graph_error_is_shown() -> None:
    def failing() -> Any:
        yield X[:40], Y[:40]
        raise ValueError("file 3 is damaged")

    kinds = (tf.TensorSpec((None, 4)), tf.TensorSpec((None,), tf.int64))
    stream = tf.data.Dataset.from_generator(failing, output_signature=kinds)
    made = lrdash.compare(network(), (stream, (X, Y)), steps_per_epoch=2, **FEW)
    assert made.rows[0].status == "failed"
    assert made.rows[0].reason == "ValueError: file 3 is damaged"

    def lookup() -> Any:
        return keras.Sequential([layers.Input((4,)), layers.Embedding(5, 2), layers.Flatten(),
                                 layers.Dense(3, activation="softmax")])

    indices = np.full((80, 4), 81)
    assert message(lookup, (indices, Y)).endswith("What went wrong: InvalidArgumentError: "
                                                  "indices[0,0] = 81 is not in [0, 5)")


@pytest.mark.parametrize(("said", "shown"), [
    ("", "ValueError"),
    ("plain words\nmore of them", "ValueError: plain words"),
    ("Graph execution error:\n\nDetected at node a defined at (most recent call last):\n"
     "<stack traces unavailable>\nOSError: no disk\nTraceback (most recent call last):\n\n"
     "  File \"x.py\"\n\nOSError: no disk\n\t [[{{node a}}]]", "OSError: no disk"),
    ("Graph execution error:\n\nDetected at node b defined at (most recent call last):\n"
     "  File \"x.py\", line 1, in <module>\n\nReceived a label\n\t [[{{node b}}]]",
     "ValueError: Received a label"),
    ("2 root error(s) found.\n  (0) INVALID_ARGUMENT:  too large\n\t [[{{node c}}]]\n",
     "ValueError: too large"),
    ("{{function_node __wrapped__X_device_/CPU:0}} Matrix size-incompatible [Op:MatMul]",
     "ValueError: Matrix size-incompatible"),
    ("Exception encountered when calling Sequential.call().\n\n\x1b[1mInput 0 is wrong\x1b[0m\n\n"
     "Arguments received by Sequential.call():\n  • mask=None", "ValueError: Input 0 is wrong"),
    ("Graph execution error:\n\n  only spaces", "ValueError: Graph execution error:"),
])
def test_the_line_that_says_the_cause_is_found(said: str, shown: str) -> None:
    assert in_words(ValueError(said)) == shown


def test_what_a_function_of_the_caller_raises_is_shown_with_its_name() -> None:
    shown = message(lambda: 1 / 0, (X, Y))
    assert shown == ("build_model must build a model that takes the data. What went wrong: "
                    "ZeroDivisionError: division by zero")
    fault = CallFailed("data", "must be there", "OSError: no disk")
    assert str(pickle.loads(pickle.dumps(fault))) == str(fault)


@pytest.mark.parametrize("floats", [False, True])
def test_labels_beyond_the_outputs_are_refused(floats: bool) -> None:
    labels = (np.arange(80) % 3 + 1).astype(float if floats else int)
    shown = message(network(), (X, labels))
    assert shown.startswith(
        "data must have targets y that are classes from 0 to 2, since the model has 3 outputs"
    )
    assert "got 'labels from 1 to 3" in shown
    stream = tf.data.Dataset.from_tensor_slices((X, labels)).batch(40)
    assert "got 'labels from 0 to 3" in message(network(), (stream, (X, Y)))
    far = (X, Y, X, np.where(Y == 1, -1, Y))
    assert "got 'labels from -1 to 2" in message(network(), far)


def test_a_class_that_the_loss_ignores_may_lie_anywhere() -> None:
    def build() -> Any:
        model = network()()
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(ignore_class=-1))
        return model

    made = lrdash.compare(build, (X, np.where(Y == 2, -1, Y)), **FEW)
    assert made.rows[0].status == "finished"


def test_numbers_and_arrays_of_numpy_name_seeds() -> None:
    for seeds, wanted in (
        (np.int64(2), [0, 1]), (np.array(1), [0]), (np.array([3, 5]), [3, 5]), ([np.int32(4)], [4]),
    ):
        experiment = lrdash.api.define(["constant"], base_lrs=np.array([0.1]), seeds=seeds)
        assert list(experiment.seeds) == wanted
        test = lrdash.api.define_range_test(updates=30, seeds=seeds)
        assert list(test.spec.seeds) == wanted
    for wrong in (True, np.bool_(True), 0, np.int64(0), 2.0):
        with pytest.raises(InvalidField, match="seeds must be a"):
            lrdash.api.define(["constant"], base_lrs=[0.1], seeds=wrong)


def test_single_examples_are_refused_wherever_they_are() -> None:
    whole = tf.data.Dataset.from_tensor_slices((X, Y))
    assert message(network(), (whole.batch(20), whole)) == (
        "validation data must come in batches: call .batch(32), got 'single examples'."
    )
    rows = tf.data.Dataset.from_tensor_slices((X, np.eye(3)[Y]))
    assert "validation data must come in batches" in message(network(), (rows.batch(20), rows))
    assert message(network(), whole).startswith("data must come in batches: call .batch(32)")
    with pytest.raises(InvalidField, match=r"validation data must give batches \(x, y\)"):
        lrdash.compare(network(), (whole.batch(20), whole.map(lambda x, _: x).batch(20)), **FEW)


@pytest.mark.parametrize(("field", "instead"), [
    ("validation_data", r"give data as \(\(x, y\), \(x_val, y_val\)\)"),
    ("validation_split", "a fifth of the examples is held out"),
    ("sample_weight", r"give data as \(x, y, sample_weight\)"),
    ("class_weight", r"give data as \(x, y, sample_weight\)"),
    ("callbacks", r"lrdash\.Monitor"),
    ("shuffle", "in an order that follows from the seed"),
])
def test_arguments_of_fit_are_answered_with_what_to_give(field: str, instead: str) -> None:
    with pytest.raises(InvalidField, match=instead) as caught:
        lrdash.compare(network(), (X, Y), **FEW, **{field: 1})
    assert caught.value.field == field
    with pytest.raises(InvalidField, match=instead):
        lrdash.train(build_model=network(), data=(X, Y), **{field: 1})


def test_hindsight_says_what_it_needs() -> None:
    needs = "a search branches runs from checkpoints, which runs of a script's own model do"
    for ask in (
        lambda: lrdash.hindsight(build_model=network(), data=(X, Y), epochs=4),
        lambda: lrdash.hindsight(network(), data=(X, Y)),
    ):
        with pytest.raises(InvalidField, match=f"build_model cannot be given.*{needs}"):
            ask()
    run = lrdash.train(build_model=network(), data=(X, Y), epochs=2, base_lr=0.1, progress=False)
    with pytest.raises(NotHere, match="in the script that trained it"):
        lrdash.hindsight(run)
