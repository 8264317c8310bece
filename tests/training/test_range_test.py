"""Range tests: the losses are those of a plain Keras loop, and nothing else is touched."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lrdash
from lrdash import training
from lrdash.analysis.range_test import edge_rates
from lrdash.core import wording
from lrdash.core.errors import InvalidField
from lrdash.core.events import EpochEnded, Event
from lrdash.core.spec import RunSpec
from lrdash.jobs import presence, range_test
from lrdash.planning.plan import make as plan_of
from lrdash.planning.range_test import MOST_SEEDS, RangeTestSpec, make, sweep
from lrdash.store import Store
from lrdash.training.batches import epoch_order

SMALL: dict[str, Any] = {"dataset": "wine", "model": "linear"}


def spec_of(**given: Any) -> RangeTestSpec:
    own = {name: given.pop(name) for name in ("lowest", "highest", "updates", "seeds")
           if name in given}
    return RangeTestSpec(base=RunSpec(**given), **{"updates": 60, "seeds": (0, 1), **own})


def measured(spec: RangeTestSpec) -> np.ndarray[Any, Any]:
    from lrdash.training.range_test import measure

    return measure(make(spec), on_progress=lambda _done, _losses: None, should_stop=lambda: False)


def in_plain_keras(spec: RangeTestSpec, seed: int) -> list[float]:
    """The loss of each batch before its update, batch by batch under Keras' own optimizer."""
    import keras
    import tensorflow as tf

    from lrdash.training.losses import loss_of, targets_of
    from lrdash.training.optimizers import optimizer_of

    plan = make(spec).plan
    split = plan.dataset.load(plan.spec.examples)
    targets = targets_of(split.y_train, plan.spec, plan.loss, plan.dataset.shape)
    keras.utils.set_random_seed(seed)
    model, loss = plan.model.build(plan.dataset.shape), loss_of(plan.spec, plan.loss)
    optimizer = optimizer_of(plan.spec, 0.0)
    losses = []
    for update, rate in enumerate(spec.rates):
        epoch, batch = divmod(update, plan.steps_per_epoch)
        order = epoch_order(seed, epoch, len(split.x_train))
        rows = order[batch * plan.spec.batch_size : (batch + 1) * plan.spec.batch_size]
        with tf.GradientTape() as tape:
            prediction = model(split.x_train[rows], training=True)
            value = tf.add_n([loss(targets[rows], prediction), *model.losses])
        optimizer.learning_rate.assign(rate)
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        losses.append(float(value))
    return losses


@pytest.mark.parametrize(
    "fields",
    [
        {"highest": 0.3}, {"optimizer": "adam", "highest": 0.01},
        {"optimizer": "adamw", "highest": 0.01, "dataset": "wine"},
        {"optimizer": "rmsprop", "highest": 0.003, "dataset": "diabetes"},
        {"model_params": {"batch_norm": True, "l2": 0.01, "widths": [32]}, "highest": 0.1},
        {"model": "cnn", "examples": 200, "highest": 0.1},
        {"dataset": "wine", "nesterov": True, "batch_size": 50, "highest": 0.1},
    ],
)
def test_the_losses_are_those_of_a_plain_keras_loop(fields: dict[str, Any]) -> None:
    spec = spec_of(**fields, seeds=(0, 3))
    found = measured(spec)
    assert found.shape == (2, 60)
    np.testing.assert_allclose(found[1], in_plain_keras(spec, 3), rtol=1e-5, atol=1e-6)


def test_a_seed_has_the_same_losses_whatever_runs_beside_it() -> None:
    many, alone = measured(spec_of(seeds=(4, 0, 2))), measured(spec_of(seeds=(2,)))
    np.testing.assert_allclose(many[2][:40], alone[0][:40], rtol=1e-5)
    assert np.array_equal(measured(spec_of(seeds=(4, 0, 2))), many, equal_nan=True)


def test_the_rate_grows_by_one_factor_from_the_lowest_to_the_highest() -> None:
    rates = spec_of(lowest=1e-4, highest=1.0, updates=41).rates
    assert rates.dtype == np.float32
    assert (float(rates[0]), float(rates[-1])) == (pytest.approx(1e-4), pytest.approx(1.0))
    np.testing.assert_allclose(rates[1:] / rates[:-1], 10 ** (4 / 40), rtol=1e-5)


def test_what_lies_behind_the_divergence_of_all_seeds_is_not_trained() -> None:
    losses = measured(spec_of(dataset="diabetes", model="linear", highest=1000.0, updates=400))
    assert np.isfinite(losses[:, :50]).all()
    assert np.isnan(losses[:, -1]).all()


def test_a_run_after_a_test_is_the_run_without_it() -> None:
    def trained() -> list[dict[str, float]]:
        said: list[Event] = []
        training.train_group(
            [plan_of(RunSpec(**SMALL, base_lr=0.05, epochs=2))], run_ids=["a"],
            sink=lambda _run_id, event: said.append(event), should_stop=set,
        )
        return [dict(event.metrics) for event in said if isinstance(event, EpochEnded)]

    before = trained()
    measured(spec_of(**SMALL))
    assert trained() == before


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lowest": 1.0, "highest": 2.0}, "at least 10 times the lowest rate"),
        ({"lowest": 0.0}, "range_test.lowest must be above 0"),
        ({"updates": 7}, "range_test.updates must be between 30 and 5,000"),
        ({"seeds": (1, 1)}, f"1 to {MOST_SEEDS} different whole numbers"),
        ({"seeds": 33}, "seeds must be a number of seeds between 1 and 32"),
        ({"base_lr": 0.1}, "base_lr is not for a range test: give lowest and highest"),
        ({"strategy": "cosine"}, "the rate grows geometrically"),
        ({"model": "cnn", "dataset": "wine"}, "must fit the dataset wine"),
    ],
)
def test_what_cannot_be_tested_is_refused_by_field(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidField, match=message):
        lrdash.find_lr(**given)


def test_a_spec_comes_back_from_its_json_and_a_broken_one_is_refused() -> None:
    spec = make(spec_of(**SMALL)).spec
    assert RangeTestSpec.from_json(spec.to_json()) == spec
    assert make(spec).spec == spec
    with pytest.raises(InvalidField, match="must be a JSON object"):
        RangeTestSpec.from_json("[")


def test_python_gets_numbers_frames_and_a_figure() -> None:
    seen: list[tuple[int, int]] = []
    test = lrdash.find_lr(
        **SMALL, seeds=[5, 7], updates=60, highest=1000.0,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert (test.status, test.reason) == ("finished", "")
    assert seen[-1] == (60, 60)
    assert test.losses.shape == (2, 60)
    assert len(test.frame()) == 120
    assert set(test.frame()["seed"]) == {5, 7}
    assert list(test.summary().columns) == [
        "rule", "label", "suggestion", "low", "high", "found", "seeds"
    ]
    assert 1e-5 <= test.suggestion <= 10
    assert len(test.figure().data) > 2
    assert test.advice is None
    assert "Suggested" in test.headline()
    assert "Suggested" in repr(test)
    stored = Store()
    row = stored.range_tests.one(test.range_test_id)
    assert row.status == "finished"
    assert np.array_equal(row.losses, test.losses, equal_nan=True)
    stored.close()


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"dataset": "wine", "optimizer": "adam"}, "The loss reaches 0"),
        ({"dataset": "wine", "model": "linear", "updates": 60}, "where the range ends"),
        ({"dataset": "digits", "model": "linear", "highest": 0.1}, "where the range ends"),
        ({"dataset": "diabetes", "model": "linear", "lowest": 1.0, "highest": 100.0},
         "rises before it has fallen"),
        ({"dataset": "spirals", "highest": 1e-3, "updates": 60}, "does not fall clearly"),
    ],
)
def test_a_range_that_shows_no_rate_leads_to_one_that_does(
    given: dict[str, Any], reason: str
) -> None:
    test = lrdash.find_lr(**given)
    assert np.isnan(test.suggestion)
    assert reason in test.headline()
    assert test.as_json()["suggestion"] is None
    assert reason in test.as_json()["advice"]["reason"]
    for _ in range(3):
        better = test.advice
        if better is not None:
            assert f"Test rates from {wording.rate(better.lowest)} to" in test.headline()
            given |= {"lowest": better.lowest, "highest": better.highest}
            given |= {"updates": better.updates} if better.updates else {}
            test = lrdash.find_lr(**given)
    edges = edge_rates(test.frame()).fillna(np.inf)
    assert test.suggestion < edges.median()


def test_a_sweep_shows_how_good_a_suggestion_is(store: Store) -> None:
    from lrdash import api

    test = lrdash.find_lr(dataset="digits", model="linear", examples=300, seeds=2)
    made = api.sweep_around(test, epochs=2, seeds=2, rates=3)
    assert sorted({row.spec.base_lr for row in made.rows})[1] == pytest.approx(test.suggestion)
    judged = api.agreement(test, made.frame())
    assert (judged["factor"].dropna() >= 1).all()
    assert store.range_tests.one(test.range_test_id).experiment_id == made.experiment_id
    assert store.experiments.delete(made.experiment_id) == 6
    assert store.range_tests.one(test.range_test_id).experiment_id is None


def test_a_sweep_tries_rates_around_and_takes_further_seeds_where_the_test_has_too_few() -> None:
    found = sweep(spec_of(**SMALL, seeds=(4, 6)), 0.1, seeds=3, rates=5)
    assert found.base_lrs == (0.01, 0.032, 0.1, 0.32, 1.0)
    assert found.seeds == (4, 6, 7)


def test_a_stop_keeps_the_losses_so_far_and_a_fault_becomes_the_reason(
    store: Store, monkeypatch: pytest.MonkeyPatch,
) -> None:
    store.workers.register("w")
    spec = make(spec_of(**SMALL, updates=200)).spec

    def queued(definition: str) -> str:
        return store.range_tests.create(definition, spec.rates, seeds=2, worker_id="w")

    stopped = queued(spec.to_json())
    monkeypatch.setattr(presence, "POLL", 0.0)
    monkeypatch.setattr(range_test, "NOTE", 0.0)
    range_test.run(
        store, stopped, "w", lambda _done, _total: store.range_tests.request_stop(stopped)
    )
    row = store.range_tests.one(stopped)
    assert row.status == "stopped"
    assert row.reason == f"stopped by the user after {row.update} updates"
    assert 0 < row.update < 200
    assert np.isfinite(row.losses[:, : row.update]).all()
    assert np.isnan(row.losses[:, row.update :]).all()
    broken = queued("{}")
    range_test.run(store, broken, "w")
    assert store.range_tests.one(broken).status == "failed"
    assert "base must be given" in store.range_tests.one(broken).reason
