"""What comes of models and data of a script: names, seeds, range tests, wrong use."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import lrdash
from lrdash.core.errors import InvalidField, NotHere
from lrdash.core.events import EpochEnded
from lrdash.store import Store
from tests.factories.scripts import (
    ALONE,
    CLASSES,
    FEW,
    NUMBERS,
    X,
    curves,
    mse,
    network,
    stream,
)


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


def test_strategies_replace_the_schedule_of_an_own_optimizer_with_a_note() -> None:
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
