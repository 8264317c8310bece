"""What a comparison is made of, and the runs that it makes."""

from __future__ import annotations

from typing import Any

import pytest

from lrdash.core.errors import InvalidField, LrdashError, UnknownName
from lrdash.core.spec import RunSpec
from lrdash.planning.experiment import Arm, Experiment, missing, plan_all
from lrdash.planning.plan import make

BASE = RunSpec(dataset="wine", model="linear", epochs=20)


def experiment(**fields: Any) -> Experiment:
    usual: dict[str, Any] = {
        "base": BASE, "arms": [{"strategy": "step"}, {"strategy": "cosine"}],
        "base_lrs": [0.01, 0.1], "seeds": [0, 1, 2],
    }
    return Experiment(**{**usual, **fields})


def test_runs_come_in_the_order_of_arms_then_rates_then_seeds() -> None:
    runs = experiment().specs()
    found = [(label, spec.strategy, spec.base_lr, spec.seed) for label, spec in runs]
    assert len(found) == experiment().size == 12
    assert found[:4] == [
        ("Step decay", "step", 0.01, 0), ("Step decay", "step", 0.01, 1),
        ("Step decay", "step", 0.01, 2), ("Step decay", "step", 0.1, 0),
    ]
    assert found[-1] == ("Cosine decay", "cosine", 0.1, 2)
    assert {(spec.dataset, spec.model, spec.epochs) for _, spec in runs} == {("wine", "linear", 20)}


def test_the_base_decides_neither_strategy_nor_rate_nor_seed() -> None:
    base = BASE.replace(strategy="plateau", params={"patience": 2}, base_lr=7.0, seed=9)
    assert experiment(base=base).specs() == experiment().specs()


def test_rates_are_put_in_order() -> None:
    assert experiment(base_lrs=[0.1, 0.01]).base_lrs == (0.01, 0.1)


def test_an_experiment_survives_a_round_trip_through_json() -> None:
    one = experiment(arms=[{"strategy": "step", "params": {"factor": 0.1}}], target=0.2)
    assert Experiment.from_json(one.to_json()) == one
    assert Experiment.from_json(one.to_json()).to_json() == one.to_json()


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 100_000])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidField, match="experiment must be a JSON object"):
        Experiment.from_json(text)


def test_arms_of_one_strategy_are_distinguished_by_what_differs() -> None:
    arms = [
        {"strategy": "step", "params": {"factor": 0.1}}, {"strategy": "step"},
        {"strategy": "cosine"}, {"strategy": "step", "label": "mine", "params": {"factor": 0.2}},
    ]
    assert experiment(arms=arms).labels() == (
        "Step decay (factor 0.1)", "Step decay (factor 0.5)", "Cosine decay", "mine"
    )


def test_labels_differ_even_where_settings_are_too_long_to_show() -> None:
    def points(end: float) -> dict[str, Any]:
        line = [[0, 1], *([share / 20, 0.5] for share in range(1, 20)), [1, end]]
        return {"strategy": "points", "params": {"points": line}}

    labels = experiment(arms=[points(0.1), points(0.2)]).labels()
    assert len(set(labels)) == 2
    assert max(map(len, labels)) < 100


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"arms": []}, "arms must be a list of 1 to 20 strategies"),
        ({"arms": [{"strategy": "step"}] * 21}, "arms must be a list of 1 to 20 strategies"),
        ({"arms": [{}]}, "arm.strategy must be given"),
        ({"base_lrs": []}, "base_lrs must be a list of 1 to 50 different rates above 0"),
        ({"base_lrs": [0.1, 0.1]}, "base_lrs must be a list of 1 to 50 different rates"),
        ({"base_lrs": [-1]}, "base_lrs must be a list of 1 to 50 different rates above 0"),
        ({"base_lrs": [float("nan")]}, "base_lrs must be a list of 1 to 50 different rates"),
        ({"base_lrs": 0.1}, "base_lrs must be a list"),
        ({"seeds": range(201)}, "seeds must be a list of 1 to 200 different whole numbers"),
        ({"seeds": [1, 1]}, "seeds must be a list of 1 to 200 different whole numbers"),
        ({"seeds": [0.5]}, "seeds must be a list of 1 to 200 different whole numbers"),
        ({"target": -1}, "target must be at least 0 or empty"),
        ({"base": {"epochs": 0}}, "epochs must be between 1 and 10,000"),
        ({"extra": 1}, "extra is not a setting"),
        (
            {"base_lrs": [rate / 100 for rate in range(1, 51)], "seeds": range(51)},
            r"experiment must make at most 5,000 runs \(2 strategies x 50 rates x 51 seeds\), "
            "got 5100",
        ),
    ],
)
def test_what_is_not_allowed_is_explained(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidField, match=message):
        experiment(**fields)


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        ([{"strategy": "steb"}], "Did you mean 'step'"),
        ([{"strategy": "step", "params": {"factor": 2}}], "step.factor must be"),
        ([{"strategy": "step"}, {"strategy": "step"}], "must differ in strategy or settings"),
        (
            [{"strategy": "step"}, {"strategy": "step", "params": {"factor": 0.5}}],
            "must differ in strategy or settings",
        ),
        (
            [{"strategy": "step", "label": "a"}, {"strategy": "cosine", "label": " a"}],
            "must have different labels, got 'a'",
        ),
    ],
)
def test_arms_that_make_no_sense_are_explained(arms: list[Any], message: str) -> None:
    with pytest.raises(LrdashError, match=message):
        experiment(arms=arms).specs()


def test_the_plans_are_those_of_the_specs() -> None:
    one = experiment(arms=[{"strategy": "step"}, {"strategy": "plateau"}])
    planned = plan_all(one)
    assert [(run.label, run.plan.spec) for run in planned] == [
        (label, make(spec).spec) for label, spec in one.specs()
    ]
    assert planned[5].plan == make(one.specs()[5][1])


def test_a_plan_that_cannot_be_made_says_why() -> None:
    arms = [{"strategy": "multistep", "params": {"milestones": [15, 25]}}]
    with pytest.raises(InvalidField, match="milestones"):
        plan_all(experiment(arms=arms))
    with pytest.raises(UnknownName, match="No dataset"):
        plan_all(experiment(base=RunSpec(dataset="wines")))


def test_an_extension_adds_runs_and_keeps_those_that_exist() -> None:
    before = experiment()
    arms = [Arm(strategy="step", params={"factor": 0.1}), Arm(strategy="cosine")]
    after = before.extended(base_lrs=[0.03, 0.1], seeds=[2, 3], arms=arms)
    assert after.base_lrs == (0.01, 0.03, 0.1)
    assert after.seeds == (0, 1, 2, 3)
    assert after.labels() == ("Step decay", "Cosine decay", "Step decay (factor 0.1)")
    old = [run.plan.spec for run in plan_all(before)]
    new = missing(plan_all(after), old)
    assert len(new) == after.size - before.size == 24
    assert not {run.plan.spec.to_json() for run in new} & {spec.to_json() for spec in old}
    assert missing(plan_all(before), old) == []


def test_an_extension_of_nothing_is_the_same_experiment() -> None:
    assert experiment().extended().specs() == experiment().specs()
