"""Runs of a seed see the same batches and start from the same weights, or a note says why not."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import lrdash
from lrdash.core.errors import InvalidField

layers = keras.layers
RNG = np.random.default_rng(3)
X = RNG.normal(size=(96, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)
EQUAL = [  # two arms of the same rates
    "constant", {"strategy": "step", "params": {"drop_every": 99, "factor": 0.5}},
]
FEW: dict[str, Any] = {
    "strategies": EQUAL, "base_lrs": [0.05], "epochs": 2, "progress": False, "batch_size": 16,
}
NOTE = "Runs of one seed do not see the same batches: the data shuffle themselves"
SAME_START = "All seeds start from the same weights"


def network(**more: Any) -> Any:
    def build() -> Any:
        return keras.Sequential([
            layers.Input((4,)), layers.Dense(2, activation="softmax", **more),
        ])
    return build


class Shuffled(keras.utils.PyDataset):
    """Six batches; what comes in which changes after every epoch."""

    def __init__(self, rng: Any = None, *, shuffled: bool = True) -> None:
        super().__init__(workers=1)
        self.rng, self.shuffled = rng or np.random, shuffled
        self.order = np.arange(96)

    @property
    def num_batches(self) -> int:
        return 6

    def __getitem__(self, place: int) -> Any:
        rows = self.order[place * 16 : place * 16 + 16]
        return X[rows], Y[rows]

    def on_epoch_end(self) -> None:
        if self.shuffled:
            self.rng.shuffle(self.order)


def shuffled() -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(96).batch(16)


def plain() -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(16)


def pairs(made: lrdash.api.Comparison) -> Any:
    """Losses by epoch and seed, the two arms of a seed beside each other."""
    assert {row.status for row in made.rows} == {"finished"}, [row.reason for row in made.rows]
    return made.curves().pivot_table(index=["seed", "epoch"], columns="label", values="loss")


SHUFFLING = {
    "a tf.data.Dataset": shuffled,
    "a tf.data.Dataset with a seed": lambda: (
        tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(96, seed=4).batch(16)
    ),
    "a PyDataset": Shuffled,
    "a pair": lambda: (Shuffled(np.random.default_rng(1)), (X, Y)),
}


@pytest.mark.parametrize("case", SHUFFLING)
def test_data_that_shuffle_themselves_get_a_note(case: str) -> None:
    made = lrdash.compare(network(), SHUFFLING[case](), seeds=1, **FEW)
    assert any(note.startswith(NOTE) for note in made.notes()), made.notes()
    losses = pairs(made).to_numpy()
    assert (losses[:, 0] != losses[:, 1]).any()


@pytest.mark.parametrize("case", [*SHUFFLING, "arrays"])
def test_a_function_that_returns_the_data_pairs_the_runs_of_a_seed(case: str) -> None:
    make = SHUFFLING.get(case, lambda: (X, Y))
    made = lrdash.compare(network(), make, seeds=2, engine="keras", **FEW)
    losses = pairs(made).to_numpy()
    np.testing.assert_array_equal(losses[:, 0], losses[:, 1])
    assert losses[0, 0] != losses[2, 0]
    assert not any(note.startswith(NOTE) for note in made.notes())


def test_seeds_shuffle_differently() -> None:
    build = network(kernel_initializer=keras.initializers.GlorotUniform(seed=1))
    losses = pairs(lrdash.compare(build, shuffled, seeds=2, **FEW)).to_numpy()
    assert losses[0, 0] != losses[2, 0]


@pytest.mark.parametrize("make", [plain, lambda: Shuffled(shuffled=False)])
def test_data_with_an_order_of_their_own_get_no_note(make: Any) -> None:
    made = lrdash.compare(network(), make(), seeds=1, **FEW)
    losses = pairs(made).to_numpy()
    np.testing.assert_array_equal(losses[:, 0], losses[:, 1])
    assert not any(note.startswith(NOTE) for note in made.notes())


def test_a_function_that_shuffles_beyond_the_seed_gets_a_note() -> None:
    def fixed() -> Any:
        return one, (X, Y)

    one = Shuffled()
    for make in (lambda: unseeded(np.random.default_rng()), fixed):
        made = lrdash.compare(network(), make, seeds=1, **FEW)
        assert any(note.startswith(NOTE) for note in made.notes())


def unseeded(rng: Any) -> tf.data.Dataset:
    rows = rng.permutation(96)
    return tf.data.Dataset.from_tensor_slices((X[rows], Y[rows])).batch(16)


def test_a_function_of_data_that_fails_is_explained() -> None:
    with pytest.raises(InvalidField, match=r"data must return the data when called\..*ZeroDiv"):
        lrdash.compare(network(), lambda: 1 / 0, seeds=1, **FEW)


@pytest.mark.parametrize("engine", ["auto", "keras"])
def test_a_seed_set_in_the_function_that_builds_gets_a_note(engine: str) -> None:
    def build() -> Any:
        keras.utils.set_random_seed(5)
        return network()()

    made = lrdash.compare(build, (X, Y), seeds=2, engine=engine, **FEW)
    assert any(note.startswith(SAME_START) for note in made.notes())


@pytest.mark.parametrize("more", [{}, {"kernel_initializer": "zeros"}])
def test_weights_that_differ_or_are_all_alike_get_no_note(more: dict[str, Any]) -> None:
    made = lrdash.compare(network(**more), (X, Y), seeds=2, **FEW)
    assert not any(note.startswith(SAME_START) for note in made.notes())


@pytest.mark.parametrize("engine", ["auto", "keras"])
def test_a_function_that_builds_now_this_and_now_that_is_refused(engine: str) -> None:
    built: list[Any] = []

    def build() -> Any:
        built.append(layers.Dense(3 + len(built) % 2))
        return keras.Sequential([layers.Input((4,)), built[-1], layers.Dense(2)])

    with pytest.raises(InvalidField, match="must make the same architecture at each call"):
        lrdash.compare(build, (X, Y), seeds=1, engine=engine, **FEW)
