"""Real Keras, small runs: the rate shown is the rate used, and a spec decides every bit."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tensorflow.python.framework.config import disable_op_determinism, is_op_determinism_enabled

from lrdash.core.errors import DatasetUnavailable
from lrdash.core.events import EpochEnded, Event, Progress, RateDecided, RunEnded, RunStarted
from lrdash.core.spec import EarlyStopping, RunSpec
from lrdash.planning.plan import Plan, make
from lrdash.strategies import STRATEGIES
from lrdash.training.batches import epoch_order
from lrdash.training.checkpoints import CheckpointWriter
from tests.factories.training import train_one

SMALL: dict[str, Any] = {"dataset": "wine", "model": "linear", "epochs": 4, "base_lr": 0.05}


class Heard(list[Event]):
    """A sink that keeps what it hears."""

    def __call__(self, run_id: str, event: Event) -> None:
        assert run_id == "run"
        self.append(event)

    @property
    def epochs(self) -> list[EpochEnded]:
        return [event for event in self if isinstance(event, EpochEnded)]

    @property
    def decisions(self) -> list[RateDecided]:
        return [event for event in self if isinstance(event, RateDecided)]

    @property
    def ended(self) -> RunEnded:
        last = self[-1]
        assert isinstance(last, RunEnded)
        return last

    @property
    def bits(self) -> list[Any]:
        return [(dict(e.metrics), e.rates.tobytes()) for e in self.epochs]


def run(
    plan: Plan | None = None, should_stop: Callable[[], bool] = lambda: False, **fields: Any
) -> Heard:
    heard = Heard()
    made = plan or make(RunSpec(**{**SMALL, **fields}))
    ended = train_one(
        made, run_id="run", sink=heard, should_stop=should_stop, engine="keras"
    )
    assert heard.ended is ended
    return heard


def assert_the_rates_are_the_courses(plan: Plan, heard: Heard) -> None:
    """Replays the program on the logged metrics and compares to the last bit."""
    program = plan.program()
    decisions = [program.before_start()]
    for epoch, said in enumerate(heard.epochs):
        expected = np.float32(program.rates(epoch))
        assert said.rates.dtype == np.float32
        assert said.rates.tolist() == expected.tolist(), f"epoch {epoch + 1}"
        decisions.append(program.end_epoch(epoch, said.metrics))
    assert heard.decisions == [made for made in decisions if made is not None]


# The law of rates


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_rate_logged_is_the_rate_of_the_course(strategy: str) -> None:
    epochs = 26 if strategy == "multistep" else 4  # its default milestones
    plan = make(RunSpec(**{**SMALL, "epochs": epochs}, strategy=strategy))
    heard = run(plan)
    assert heard.ended.status == "finished", heard.ended.reason
    assert_the_rates_are_the_courses(plan, heard)


@pytest.mark.parametrize(
    ("strategy", "params", "warmup_epochs"),
    [
        ("cosine", {}, 2.5),
        ("custom", {"expression": "lr * 0.7"}, 1),
        ("custom", {"expression": "lr * 0.7"}, 2.5),
        ("plateau", {"patience": 1, "min_delta": 10, "factor": 0.3, "cooldown": 2}, 1),
        ("plateau", {"patience": 1, "min_delta": 10, "factor": 0.3, "cooldown": 2}, 2.5),
        ("plateau", {"patience": 1, "min_delta": 10, "factor": 0.3, "rules": "torch"}, 2.5),
    ],
)
def test_warm_up_precedes_every_strategy(
    strategy: str, params: dict[str, Any], warmup_epochs: float
) -> None:
    plan = make(RunSpec(
        **{**SMALL, "epochs": 8}, strategy=strategy, params=params, warmup_epochs=warmup_epochs,
        warmup_start_factor=0.1,
    ))
    heard = run(plan)
    assert heard.ended.status == "finished", heard.ended.reason
    assert_the_rates_are_the_courses(plan, heard)
    rates = np.concatenate([said.rates for said in heard.epochs])
    assert 0 < rates[0] < rates[1]
    assert rates[-1] < np.float32(0.05)


def test_a_plateau_cuts_many_times_without_drifting_from_its_course() -> None:
    plan = make(RunSpec(
        **{**SMALL, "epochs": 40}, strategy="plateau",
        params={"patience": 1, "min_delta": 10, "factor": 0.7, "min_lr": 1e-6},
    ))
    heard = run(plan)
    assert_the_rates_are_the_courses(plan, heard)
    cuts = [d for d in heard.decisions if d.rate_after < d.rate_before]
    assert len(cuts) > 25
    assert heard.epochs[-1].rates[-1] == np.float32(1e-6)


def test_a_rule_that_contradicts_keras_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from lrdash.strategies.plateau import Plateau

    honest = Plateau.decide

    def liar(rule: Plateau, state: Any, epoch: int, value: float) -> Any:
        after, decision = honest(rule, state, epoch, value)
        return {**after, "wait": after["wait"] + (epoch == 3)}, decision

    monkeypatch.setattr(Plateau, "decide", liar)
    ended = run(strategy="plateau").ended
    assert ended.status == "failed"
    assert ended.reason.startswith("The rule and Keras disagree at epoch 3: ")


def test_decisions_follow_their_epoch_and_one_precedes_the_first() -> None:
    heard = run(strategy="custom", params={"expression": "lr * 0.5"})
    kinds = [type(event) for event in heard if not isinstance(event, Progress)]
    assert kinds == [
        RunStarted, RateDecided, EpochEnded, RateDecided, EpochEnded, RateDecided, EpochEnded,
        RateDecided, EpochEnded, RunEnded,
    ]
    assert [d.epoch for d in heard.decisions] == [0, 1, 2, 3]


# Same spec, same bits


def test_the_same_spec_gives_the_same_bits_and_another_seed_others() -> None:
    fields = {"model": "mlp", "model_params": {"dropout": 0.3}, "optimizer": "adam"}
    first, second, other = run(**fields), run(**fields), run(**fields, seed=1)
    assert first.bits == second.bits
    assert first.bits != other.bits


def test_arms_of_a_comparison_start_from_the_same_weights_and_batches() -> None:
    fast = run(epochs=1, batch_size=142)
    slow = run(epochs=1, batch_size=142, base_lr=0.001)
    assert fast.epochs[0].metrics["loss"] == slow.epochs[0].metrics["loss"]
    assert fast.epochs[0].metrics["val_loss"] != slow.epochs[0].metrics["val_loss"]


def test_an_epoch_sees_every_example_once_in_an_order_of_its_own() -> None:
    orders = [epoch_order(3, epoch, 50) for epoch in range(3)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert orders[0].tolist() != orders[1].tolist()
    assert orders[0].tolist() == epoch_order(3, 0, 50).tolist()


def test_the_pipeline_gives_the_batches_of_that_order() -> None:
    from lrdash.training.keras.pipeline import training_batches

    x = np.arange(10, dtype=np.float32)
    batches = list(training_batches(x, x, batch_size=4, epochs=2, seed=5).as_numpy_iterator())
    assert [len(inputs) for inputs, _ in batches] == [4, 4, 2, 4, 4, 2]
    seen = np.concatenate([inputs for inputs, _ in batches]).astype(int)
    assert seen.tolist() == [*epoch_order(5, 0, 10), *epoch_order(5, 1, 10)]
    assert all((inputs == targets).all() for inputs, targets in batches)


def test_metrics_are_those_that_keras_evaluates() -> None:
    import keras

    from lrdash.datasets import DATASETS
    from lrdash.training.losses import loss_of, metrics_of, targets_of

    plan = make(RunSpec(**{**SMALL, "epochs": 1}, model_params={"l2": 0.01}))
    said = run(plan).epochs[0].metrics
    split, shape = DATASETS["wine"].load(), plan.dataset.shape
    keras.utils.set_random_seed(0)
    model = plan.model.build(shape)
    model.compile(
        optimizer=keras.optimizers.SGD(0.05, momentum=0.9),
        loss=loss_of(plan.spec, plan.loss),
        metrics=metrics_of(plan.spec, plan.loss, shape),
    )
    order = epoch_order(0, 0, plan.train_examples)
    model.fit(
        split.x_train[order], targets_of(split.y_train, plan.spec, plan.loss, shape)[order],
        shuffle=False, verbose=0,
    )
    known = model.evaluate(split.x_val, split.y_val, verbose=0, return_dict=True)
    assert said["loss"] == pytest.approx(model.history.history["loss"][0], rel=1e-5)
    assert said["accuracy"] == model.history.history["accuracy"][0]
    assert said["val_loss"] == pytest.approx(known["loss"], rel=1e-5)
    assert said["val_accuracy"] == known["accuracy"]


# Every optimizer, loss and task


@pytest.mark.parametrize(
    "fields",
    [
        {"optimizer": "sgd", "momentum": 0.0},
        {"optimizer": "sgd", "nesterov": True},
        {"optimizer": "rmsprop", "base_lr": 0.01},
        {"optimizer": "adam", "base_lr": 0.02},
        {"optimizer": "adamw", "base_lr": 0.02, "weight_decay": 0.01},
        {"loss": "mse"},
        {"loss": "mae"},
        {"loss": "huber"},
        {"label_smoothing": 0.1},
        {"dataset": "diabetes", "base_lr": 0.01},
        {"dataset": "diabetes", "base_lr": 0.01, "loss": "mae"},
        {"dataset": "diabetes", "base_lr": 0.01, "loss": "huber"},
    ],
    ids=lambda fields: " ".join(f"{name}={value}" for name, value in fields.items()),
)
def test_every_optimizer_and_loss_learns(fields: dict[str, Any]) -> None:
    plan = make(RunSpec(**{**SMALL, **fields}))
    heard = run(plan)
    assert heard.ended.status == "finished", heard.ended.reason
    assert set(heard.epochs[0].metrics) == set(plan.metrics)
    losses = [said.metrics["loss"] for said in heard.epochs]
    assert losses[-1] < losses[0]
    assert all(0 <= said.metrics.get("val_accuracy", 0.5) <= 1 for said in heard.epochs)


def test_a_plateau_on_the_digits_reaches_95_percent() -> None:
    heard = run(make(RunSpec(strategy="plateau", base_lr=0.1, epochs=30)))
    assert heard.ended.status == "finished"
    assert len(heard.epochs) == 30
    assert heard.epochs[-1].metrics["val_accuracy"] > 0.95
    seconds = [said.seconds for said in heard.epochs]
    assert seconds == sorted(seconds)


def test_a_convolution_trains() -> None:
    heard = run(dataset="digits", model="cnn", examples=200, epochs=1, batch_size=64)
    assert heard.ended.status == "finished", heard.ended.reason


def test_a_run_begins_by_saying_what_only_the_engine_knows() -> None:
    plan = make(RunSpec(**SMALL))
    started = run(plan)[0]
    assert isinstance(started, RunStarted)
    assert (started.engine, started.parameters) == ("keras", plan.parameters)
    assert (started.steps_per_epoch, started.updates) == (plan.steps_per_epoch, plan.updates)
    libraries = {"keras", "tensorflow", "numpy", "lrdash", "python"}
    assert set(started.versions) == {*libraries, "machine"}


# How runs end


def test_a_rate_far_too_high_diverges_and_says_where() -> None:
    heard = run(make(RunSpec(base_lr=1000, epochs=5)))
    assert heard.ended.status == "diverged"
    assert heard.ended.reason.startswith("the loss became ")
    assert "in epoch 1 (update " in heard.ended.reason
    assert heard.ended.reason.endswith(", at rate 1000")


def test_a_validation_loss_that_is_not_finite_ends_the_run_after_its_epoch() -> None:
    plan = make(RunSpec(**SMALL))
    split = plan.dataset.load(plan.spec.examples)
    broken = dataclasses.replace(split, x_val=np.full_like(split.x_val, np.nan))
    from lrdash.training.keras import engine

    notes = CheckpointWriter().start("run", plan, "keras")
    ended = engine._fit(plan, broken, (heard := []).append, lambda: False, notes, "")
    assert (ended.status, len([e for e in heard if isinstance(e, EpochEnded)])) == ("diverged", 1)
    assert ended.reason == "val_loss became NaN in epoch 1 (update 5), at rate 0.05"
    assert math.isnan(next(e for e in heard if isinstance(e, EpochEnded)).metrics["val_loss"])


def test_a_stop_ends_the_run_between_two_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lrdash.training.keras.callbacks.POLL", 0.0)
    answers = iter([False] * 12)  # before the start, then after the batches: 5 to train, 1 to test
    ended = run(should_stop=lambda: next(answers, True)).ended
    assert (ended.status, ended.reason) == ("stopped", "stopped by the user after 1 epoch")


def test_a_stop_before_the_start_trains_nothing() -> None:
    heard = run(should_stop=lambda: True)
    assert len(heard) == 1
    assert heard.ended.reason == "stopped by the user after 0 epochs"


def test_early_stopping_says_what_had_not_improved() -> None:
    wanted = EarlyStopping(patience=2, min_delta=5, restore_best_weights=True)
    heard = run(early_stopping=wanted, epochs=9)
    assert heard.ended.status == "finished"
    assert heard.ended.reason == (
        "early stopping after epoch 3: val_loss had not improved by more than 5 for 2 epochs"
    )
    assert len(heard.epochs) == 3


def test_progress_is_reported_within_a_long_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lrdash.training.keras.callbacks.PROGRESS", 0.0)
    heard = run(epochs=2)
    assert [e.update for e in heard if isinstance(e, Progress)] == list(range(1, 11))


def test_what_goes_wrong_in_training_becomes_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make(RunSpec(**SMALL))
    faults = {
        DatasetUnavailable("The file is not there. Fetch it."): "The file is not there. Fetch it.",
        MemoryError(): "out of memory: choose a smaller batch",
        ValueError("one\ntwo"): "ValueError: one",
        KeyError(): "KeyError",
    }
    for fault, reason in faults.items():

        def fail(*_: Any, fault: Exception = fault) -> None:
            raise fault

        monkeypatch.setattr(type(plan.dataset), "load", fail)
        ended = run(plan).ended
        assert ended.status == "failed"
        assert ended.reason.startswith(reason)


@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        ("lanes", "The lanes engine cannot train this run: early_stopping.restore_best_weights"),
        ("kers", "Did you mean 'keras'?"),
    ],
)
def test_an_engine_that_cannot_train_is_refused_with_the_reason(engine: str, reason: str) -> None:
    wanted = EarlyStopping(restore_best_weights=True)
    ended = train_one(
        make(RunSpec(**SMALL, early_stopping=wanted)), run_id="run", sink=Heard(),
        should_stop=lambda: False, engine=engine,
    )
    assert ended.status == "failed"
    assert reason in ended.reason


@pytest.mark.parametrize("engine", ["keras", "lanes"])
def test_other_models_of_the_process_train_as_before(engine: str) -> None:
    """TensorFlow refuses random operations without a seed while determinism is on."""
    disable_op_determinism()
    ended = train_one(make(RunSpec(**SMALL)), run_id="run", sink=Heard(), engine=engine)
    assert ended.status == "finished"
    assert not is_op_determinism_enabled()
