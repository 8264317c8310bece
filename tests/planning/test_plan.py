"""A plan is complete, checked across the rooms, and costs nothing to make."""

from __future__ import annotations

import itertools
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from lrdash.core.errors import InvalidField, LrdashError, UnknownName
from lrdash.core.spec import EarlyStopping, RunSpec
from lrdash.datasets import DATASETS
from lrdash.models import MODELS
from lrdash.planning.plan import MAX_UPDATES, make
from lrdash.strategies import STRATEGIES
from lrdash.strategies.base import Rule


def refusal(**fields: Any) -> str:
    with pytest.raises(LrdashError) as caught:
        make(RunSpec(**fields))
    return str(caught.value)


def test_a_plan_knows_the_numbers_of_the_run() -> None:
    plan = make(RunSpec(epochs=3))
    assert (plan.dataset.id, plan.model.id, plan.strategy.id) == ("digits", "mlp", "constant")
    assert (plan.train_examples, plan.validation_examples) == (1437, 360)
    assert (plan.steps_per_epoch, plan.updates) == (45, 135)
    assert plan.parameters == 17_226
    assert plan.loss == "cross_entropy"
    assert plan.metrics == ("loss", "val_loss", "accuracy", "val_accuracy")


def test_numbers_are_measured_by_their_loss_alone() -> None:
    plan = make(RunSpec(dataset="diabetes"))
    assert plan.loss == "mse"
    assert plan.metrics == ("loss", "val_loss")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_completed_spec_stays_as_it_is(strategy: str) -> None:
    first = make(RunSpec(strategy=strategy, params={}, examples=200))
    again = make(first.spec)
    assert again == first
    assert again.spec.digest == first.spec.digest
    assert RunSpec.from_json(first.spec.to_json()) == first.spec
    assert first.spec.params == STRATEGIES[strategy]().as_dict()


@pytest.mark.parametrize("name", MODELS)
def test_written_out_defaults_change_no_digest(name: str) -> None:
    own = name == "noisy_quadratic"
    data, examples, loss = (name, 2000, "mse") if own else ("digits", 1797, "cross_entropy")
    short = RunSpec(dataset=data, model=name, strategy="plateau")
    long = short.replace(
        model_params=MODELS[name]().as_dict(), params=STRATEGIES["plateau"]().as_dict(),
        examples=examples, loss=loss,
    )
    assert make(short).spec == make(long).spec
    assert make(short).spec.digest == make(long).spec.digest
    assert make(short).spec.model_params == MODELS[name]().as_dict()


def test_the_way_a_number_is_written_changes_no_digest() -> None:
    written = [1, 1.0, "1"]
    specs = [RunSpec(strategy="step", params={"drop_every": n}, base_lr=n) for n in written]
    assert len({make(spec).spec.digest for spec in specs}) == 1


def test_a_different_setting_changes_the_digest() -> None:
    base = RunSpec()
    others = [base.replace(**change) for change in ({"seed": 1}, {"model_params": {"l2": 0.1}})]
    assert len({make(spec).spec.digest for spec in (base, *others)}) == 3


def test_every_pair_of_dataset_and_model_is_planned_or_explained() -> None:
    for dataset, model in itertools.product(DATASETS, MODELS):
        misfit = MODELS[model].misfit(DATASETS[dataset].shape)
        spec = RunSpec(dataset=dataset, model=model, base_lr=0.01)
        if misfit is None:
            assert make(spec).parameters > 0
        else:
            assert misfit in refusal(dataset=dataset, model=model)


def test_a_model_that_does_not_fit_names_those_that_do() -> None:
    assert refusal(dataset="diabetes", model="cnn") == (
        "model must fit the dataset diabetes (cnn needs images of at least 8 x 8 pixels, not 10 "
        "numbers an example; these fit: linear, mlp, layers), got 'cnn'."
    )


@pytest.mark.parametrize(
    ("fields", "offer"),
    [
        ({"dataset": "digit"}, "No dataset named 'digit'. Did you mean 'digits'?"),
        ({"model": "lennet"}, "No model named 'lennet'. Did you mean 'lenet'?"),
        ({"strategy": "cosin"}, "No strategy named 'cosin'. Did you mean 'cosine'?"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(fields: Any, offer: str) -> None:
    with pytest.raises(UnknownName) as caught:
        make(RunSpec(**fields))
    assert str(caught.value).startswith(offer)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"batch_size": 5000},
            "batch_size must be at most 1437, the training examples of digits, got 5000.",
        ),
        (
            {"examples": 5000},
            "examples must be at most 1797, the size of Digits, got 5000.",
        ),
        (
            {"dataset": "diabetes", "loss": "cross_entropy"},
            "loss must be one of auto, mse, mae, huber, since diabetes has no classes, got "
            "'cross_entropy'.",
        ),
        (
            {"loss": "mse", "label_smoothing": 0.1},
            "label_smoothing must be 0 unless the loss is cross_entropy (here it is mse), got 0.1.",
        ),
        (
            {"dataset": "diabetes", "label_smoothing": 0.1},
            "label_smoothing must be 0 unless the loss is cross_entropy (here it is mse), got 0.1.",
        ),
        (
            {"dataset": "diabetes", "strategy": "plateau", "params": {"monitor": "accuracy"}},
            "plateau.monitor must be one of loss, val_loss, the metrics of diabetes, got "
            "'accuracy'.",
        ),
        (
            {"dataset": "diabetes", "early_stopping": EarlyStopping(monitor="val_accuracy")},
            "early_stopping.monitor must be one of loss, val_loss, the metrics of diabetes, got "
            "'val_accuracy'.",
        ),
        (
            {"warmup_epochs": 30},
            "warmup_epochs must be shorter than the training (30 epochs), got 30.",
        ),
        (
            {"epochs": 10_000, "batch_size": 1},
            "epochs must be at most 3479 with 1437 updates an epoch (5000000 updates in all; a "
            "larger batch_size needs fewer), got 10000.",
        ),
        (
            {"model": "linear", "model_params": {"dropout": 0.5}},
            "linear.dropout is not a setting (known: l2), got 0.5.",
        ),
        (
            {"model_params": {"dropout": 1}},
            "mlp.dropout must be at least 0 and below 1, got 1.",
        ),
        (
            {"strategy": "cosine", "params": {"alpha": 1.4}},
            "cosine.alpha must be between 0 and 1, got 1.4.",
        ),
        (
            {"strategy": "constant", "params": {"self": 1}},
            "constant.self is not a setting (known: none), got 1.",
        ),
    ],
)
def test_what_does_not_go_together_is_explained(fields: Any, message: str) -> None:
    assert refusal(**fields) == message


def test_a_strategy_may_refuse_the_length_of_the_training() -> None:
    message = refusal(strategy="custom", params={"expression": "1 / (9 - epoch)"}, epochs=10)
    assert message.startswith("custom.expression")
    assert make(RunSpec(strategy="custom", params={"expression": "1 / (9 - epoch)"}, epochs=9))


def test_smoothed_labels_go_with_cross_entropy() -> None:
    assert make(RunSpec(label_smoothing=0.1)).loss == "cross_entropy"
    assert make(RunSpec(loss="cross_entropy", label_smoothing=0.1)).loss == "cross_entropy"


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_errors_may_be_asked_for_on_either_task(loss: str) -> None:
    assert make(RunSpec(dataset="diabetes", loss=loss)).loss == loss
    assert make(RunSpec(dataset="digits", loss=loss)).loss == loss


def test_accuracy_may_be_watched_where_there_are_classes() -> None:
    spec = RunSpec(
        strategy="plateau", params={"monitor": "val_accuracy"},
        early_stopping=EarlyStopping(monitor="accuracy"),
    )
    assert make(spec).program().monitor == "val_accuracy"


def test_the_last_batch_of_an_epoch_may_be_smaller() -> None:
    assert make(RunSpec(batch_size=1437)).steps_per_epoch == 1
    assert make(RunSpec(batch_size=1436)).steps_per_epoch == 2


def test_the_longest_run_is_at_the_limit() -> None:
    plan = make(RunSpec(epochs=3479, batch_size=1))
    assert MAX_UPDATES - 1437 < plan.updates <= MAX_UPDATES


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_preview_shows_a_rate_for_every_update(strategy: str) -> None:
    plan = make(RunSpec(strategy=strategy, base_lr=0.2, warmup_epochs=1.5, batch_size=100))
    rates = plan.rates()
    assert rates.dtype == np.float64
    assert rates.shape == (plan.updates,)
    assert np.isfinite(rates).all()
    assert (rates >= 0).all()
    program = plan.program()
    assert np.array_equal(np.concatenate([program.rates(0), program.rates(1)]), rates[:30])


def test_a_rule_is_previewed_as_if_its_metric_kept_improving() -> None:
    plan = make(RunSpec(strategy="plateau", base_lr=0.2, warmup_epochs=2, epochs=20))
    assert isinstance(plan.strategy, Rule)
    program = plan.program()
    seen = []
    for epoch in range(plan.spec.epochs):
        seen.append(program.rates(epoch))
        program.end_epoch(epoch, {"val_loss": 20.0 - epoch})
    assert np.array_equal(plan.rates(), np.concatenate(seen))


def test_each_course_starts_afresh() -> None:
    plan = make(RunSpec(strategy="plateau", params={"patience": 1}))
    program = plan.program()
    for epoch in range(5):
        program.end_epoch(epoch, {"val_loss": 1.0})
    assert program.rates(5)[0] < plan.program().rates(5)[0] == plan.spec.base_lr


def test_a_plan_can_be_sent_to_another_process() -> None:
    plan = make(RunSpec(strategy="cosine"))
    assert pickle.loads(pickle.dumps(plan)) == plan


def test_making_a_plan_changes_nothing_in_the_spec() -> None:
    spec = RunSpec()
    make(spec)
    assert spec == RunSpec()
    assert (spec.params, spec.model_params) == ({}, {})


def test_a_plan_needs_neither_keras_nor_the_examples() -> None:
    code = (
        "import sys; from lrdash.planning.plan import make; from lrdash.core.spec import RunSpec\n"
        "make(RunSpec(model='resnet', strategy='cosine')).rates()\n"
        "loaded = {'keras', 'tensorflow', 'sklearn', 'pandas', 'streamlit'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_invalid_plans_name_the_field() -> None:
    with pytest.raises(InvalidField) as caught:
        make(RunSpec(batch_size=2000))
    assert (caught.value.field, caught.value.given) == ("batch_size", 2000)


@pytest.mark.parametrize("dataset", ["digits", "diabetes"])
@pytest.mark.parametrize("loss", ["auto", "mse", "huber"])
def test_the_keras_code_names_the_loss_and_the_metrics_of_the_task(dataset: str, loss: str) -> None:
    code = make(RunSpec(dataset=dataset, loss=loss)).keras_code()
    assert ('metrics=["accuracy"]' in code) == (dataset == "digits")
    expected = "sparse_categorical_crossentropy" if dataset == "digits" else "mse"
    assert f'loss="{expected if loss == "auto" else loss}"' in code


def test_the_keras_code_holds_label_smoothing_and_early_stopping() -> None:
    spec = RunSpec(label_smoothing=0.1, early_stopping={"patience": 4, "monitor": "val_accuracy"})
    code = make(spec).keras_code()
    assert "CategoricalCrossentropy(label_smoothing=0.1)" in code
    assert "EarlyStopping(" in code
    assert "patience=4" in code
    assert 'mode="max"' in code
