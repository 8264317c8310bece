"""The script of a run that was trained ends with its numbers, or says why it does not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lrdash.core.errors import InvalidField
from lrdash.core.events import RateDecided
from lrdash.core.spec import RunSpec
from lrdash.export import FORMATS, recorded, script
from lrdash.export.report import run_report
from lrdash.planning.plan import make
from lrdash.store import Store
from lrdash.strategies.base import Rule
from tests.factories.runs import falling, finish, one_run
from tests.factories.training import executed, finished

CLOSE = 1e-5
STOPPING = {"patience": 1, "min_delta": 10.0}  # nothing improves so much
SAME = "Same weights, batches and rates as the run it was made from."
OTHERS = "For dropout, the engine lanes drew other random numbers than Keras does"
PIECES: dict[str, dict[str, Any]] = {
    "a branch of cosine": {"strategy": "cosine", "pieces": [{"epoch": 2, "factor": 0.5}]},
    "one cycle, held by hand, then back": {
        "strategy": "one_cycle", "warmup_epochs": 0.5, "pieces": [
            {"epoch": 2, "strategy": "constant", "base_lr": 0.03},
            {"epoch": 3, "strategy": "one_cycle", "from_start": True}]},
    "exponential, stretched": {"strategy": "exponential", "horizon": 3, "pieces": [
        {"epoch": 3, "strategy": "exponential", "from_start": True}]},
    "a formula, then a cooldown": {
        "strategy": "custom", "params": {"expression": "base_lr / (1 + step / 7)"},
        "pieces": [{"epoch": 3, "strategy": "linear", "base_lr": 0.05}]},
    "a longer horizon": {"strategy": "cosine", "horizon": 9, "warmup_epochs": 7},
    "a rule, halved": {
        "strategy": "plateau", "params": {"patience": 0, "min_delta": 0.3},
        "pieces": [{"epoch": 3, "factor": 0.5}]},
    "a rule that takes over": {"strategy": "cosine", "pieces": [
        {"epoch": 2, "strategy": "plateau", "params": {"patience": 0, "min_delta": 1.0}}]},
    "early stopping that starts again": {
        "strategy": "cosine", "early_stopping": STOPPING, "pieces": [{"epoch": 2}]},
}


def text(store: Store, run_id: str, kind: str = "script") -> str:
    row = store.runs.one(run_id)
    return FORMATS[kind].write(recorded([row], store.runs.epochs_of([run_id]))).decode()


@pytest.mark.parametrize("case", PIECES)
def test_a_script_with_other_rates_from_some_epoch_on_ends_with_the_numbers_of_the_run(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make(RunSpec(**{
        "dataset": "wine", "epochs": 6, "base_lr": 0.1, "batch_size": 16, **PIECES[case],
    }))
    ours = finished(plan.spec)
    used = np.concatenate([epoch.rates for epoch in ours])
    names, rates = executed(script(plan, used=used), monkeypatch)
    np.testing.assert_array_equal(rates, used)
    history = names["history"]
    assert len(history["loss"]) == len(ours)
    for name in ("loss", "val_loss", "val_accuracy"):
        assert history[name][-1] == pytest.approx(ours[-1].metrics[name], rel=CLOSE, abs=CLOSE)
    if plan.spec.early_stopping:
        assert len(ours) == 3


def test_a_script_says_where_other_rates_take_over() -> None:
    pieces = [{"epoch": 2, "factor": 0.5}, {"epoch": 4, "strategy": "constant", "base_lr": 0.03}]
    plan = make(RunSpec(dataset="wine", epochs=6, strategy="cosine", pieces=pieces))
    said = script(plan).replace("\n# ", " ")
    assert "After epoch 2: from here on times 0.5. After epoch 4: held at 0.03 from" in said


def test_rates_of_a_rule_in_pieces_are_those_of_the_finished_run(store: Store) -> None:
    fields = {"strategy": "plateau", "pieces": [{"epoch": 2, "factor": 0.5}]}
    run_id = one_run(store, **fields)
    names: dict[str, Any] = {}
    found = text(store, run_id)
    exec(found[found.index("TABLE"):found.index("class RateTable")], names)
    rates = [rate for row in store.runs.epochs(run_id) for rate in row.rates]
    np.testing.assert_array_equal(np.float32(names["rates"]), np.float32(rates))
    assert "RateTable" in run_report(store.runs.one(run_id), store.runs.epochs(run_id))
    waiting = store.runs.add(make(RunSpec(dataset="wine", epochs=4, **fields)))
    problem = r"must not be a rule that watches a metric, .* before the run is finished"
    with pytest.raises(InvalidField, match=problem):
        text(store, waiting)


class Halving(Rule):
    """A rule of another package: halves the rate each epoch."""

    id = "halving"
    monitor: str = "val_loss"

    def sentence(self) -> str:
        return "Halves the rate each epoch."

    def start(self, base_lr: float) -> dict[str, Any]:
        return {"rate": base_lr}

    def decide(self, state: dict[str, Any], epoch: int, value: float) -> tuple[dict[str, Any], Any]:
        after = {"rate": state["rate"] / 2}
        return after, RateDecided(epoch=epoch, rate_before=state["rate"], rate_after=after["rate"],
                                  reason="each epoch", monitor="val_loss", monitored=value)


def test_a_rule_of_another_package_has_a_script_once_its_rates_are_known() -> None:
    plan = replace(make(RunSpec(dataset="wine", epochs=2)), strategy=Halving())
    used = np.repeat(np.float32([0.1, 0.05]), plan.steps_per_epoch)
    assert f"0.1*{plan.steps_per_epoch} 0.05*{plan.steps_per_epoch}" in script(plan, used=used)
    with pytest.raises(InvalidField, match="of another package, before the run is finished"):
        script(plan)


@pytest.mark.parametrize(("fields", "engine", "said"), [
    ({"model_params": {"dropout": 0.3}}, "lanes", [OTHERS]),
    ({"model_params": {"dropout": 0.3}, "strategy": "plateau"}, "lanes",
     [OTHERS, "So the rule that watches a metric may decide otherwise."]),
    ({"model": "layers", "model_params": {"layers": "dense size=8; dropout rate=0.2"}}, "lanes",
     [OTHERS]),
    ({"dataset": "noisy_quadratic", "model": "noisy_quadratic"}, "lanes",
     ["For the gradient noise, the engine lanes drew other random numbers"]),
    ({"model_params": {"dropout": 0.3}}, "keras", []),
    ({"model_params": {"dropout": 0.0}}, "lanes", []),
    ({"model": "layers", "model_params": {"layers": "dense size=8; dropout rate=0"}}, "lanes", []),
])
def test_a_script_says_that_lanes_drew_other_random_numbers(
    store: Store, fields: dict[str, Any], engine: str, said: list[str]
) -> None:
    plan = make(RunSpec(**{"dataset": "wine", "epochs": 4, **fields}))
    run_id = store.runs.add(plan)
    finish(store, run_id, falling(plan), engine=engine)
    for kind in ("script", "notebook"):
        found = text(store, run_id, kind).replace("\n# ", " ")
        if kind == "notebook":
            found = "".join(json.loads(found)["cells"][0]["source"])
        assert all(words in found for words in said)
        assert (SAME in found) == (not said)


@pytest.mark.parametrize("status", ["stopped", "diverged", "failed", "interrupted"])
def test_a_script_says_that_the_run_ended_before_its_last_epoch(store: Store, status: str) -> None:
    plan = make(RunSpec(dataset="wine", epochs=4))
    run_id = store.runs.add(plan)
    finish(store, run_id, falling(plan), epochs=2, status=status)
    found = text(store, run_id).replace("\n# ", " ")
    assert f"The run ended after 2 of 4 epochs ({status}); the script trains them all." in found
    assert SAME not in found


def test_lanes_of_convolutions_draw_the_dropout_of_keras() -> None:
    spec = RunSpec(
        dataset="digits", model="cnn", examples=100, epochs=2, base_lr=0.05,
        model_params={"blocks": 1, "filters": 4, "dropout": 0.3},
    )
    lane, alone = (finished(spec, engine)[-1].metrics for engine in ("lanes", "keras"))
    assert lane["val_loss"] == pytest.approx(alone["val_loss"], rel=1e-4)
