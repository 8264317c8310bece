"""Horizon and pieces: digests, prefixes, and the rates of a program against those put together."""

from __future__ import annotations

import sqlite3
from typing import Any

import numpy as np
import pytest

from lrdash.core.errors import InvalidField
from lrdash.core.spec import MAX_RATE, Piece, RunSpec
from lrdash.planning.plan import make
from lrdash.strategies import STRATEGIES, RateProgram, preview
from lrdash.strategies import make as make_strategy
from lrdash.strategies.corners import corners
from tests import DATA

OLD = DATA / "store_v2.db"
BASE: dict[str, Any] = {"examples": 100, "batch_size": 32, "base_lr": 0.2, "epochs": 8}
SETTINGS: dict[str, dict[str, Any]] = {
    "multistep": {"milestones": [2, 3]}, "plateau": {"patience": 1, "min_delta": 0.01},
}
PIECES: dict[str, dict[str, Any]] = {
    "factor": {"factor": 0.5},
    "hold": {"strategy": "constant", "base_lr": 0.03},
    "cooldown": {"strategy": "linear", "base_lr": 0.1},
    "stretch": {"strategy": "cosine", "from_start": True},
    "rule": {"strategy": "plateau", "params": {"patience": 1, "min_delta": 0.01}, "base_lr": 0.1},
}
LOSSES = [1.0, 0.9, 0.95, 0.94, 0.93, 0.6, 0.61, 0.62]


def spec_of(*pieces: dict[str, Any], **fields: Any) -> RunSpec:
    return RunSpec(**{**BASE, **fields}, pieces=list(pieces))


def played(spec: RunSpec) -> np.ndarray[Any, Any]:
    """The rates of a run whose validation losses are LOSSES, [epochs, updates]."""
    program = make(spec).program()
    rates = []
    for epoch in range(spec.epochs):
        rates.append(program.rates(epoch))
        program.end_epoch(epoch, {"val_loss": LOSSES[epoch]})
    return np.array(rates)


def alone(name: str, params: dict[str, Any], epochs: int, losses: list[float], rate: float) -> Any:
    """The rates of a strategy alone, [epochs, updates]."""
    program = RateProgram(
        make_strategy(name, params), base_lr=rate, epochs=epochs, steps_per_epoch=steps()
    )
    rates = []
    for epoch in range(epochs):
        rates.append(program.rates(epoch))
        program.end_epoch(epoch, {"val_loss": losses[epoch]})
    return np.array(rates)


def steps() -> int:
    return make(RunSpec(**BASE)).steps_per_epoch


def test_stored_runs_keep_their_digests() -> None:
    with sqlite3.connect(f"file:{OLD}?mode=ro", uri=True) as connection:
        stored = connection.execute("SELECT spec, spec_digest FROM runs").fetchall()
    assert stored
    for text, digest in stored:
        spec = RunSpec.from_json(text)
        assert (spec.to_json(), spec.digest) == (text, digest)


def test_a_spec_with_pieces_comes_back_from_its_text() -> None:
    spec = make(spec_of({"epoch": 2, **PIECES["hold"]}, {"epoch": 5, **PIECES["factor"]})).spec
    assert RunSpec.from_json(spec.to_json()) == spec
    assert make(spec).spec == spec
    assert "pieces" not in RunSpec().as_dict()


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("kind", PIECES)
def test_a_piece_follows_every_strategy(strategy: str, kind: str) -> None:
    params, at = SETTINGS.get(strategy, {}), 4
    before = alone(strategy, params, 8, LOSSES, 0.2)
    rates = played(spec_of({"epoch": at, **PIECES[kind]}, strategy=strategy, params=params))
    np.testing.assert_array_equal(rates[:at], before[:at])
    expected = {
        "factor": before[at:] * 0.5,
        "hold": np.full((4, steps()), 0.03),
        "cooldown": alone("linear", {}, 4, LOSSES, 0.1),
        "stretch": alone("cosine", {}, 8, LOSSES, 0.2)[at:],
        "rule": alone("plateau", SETTINGS["plateau"], 4, LOSSES[at:], 0.1),
    }[kind]
    np.testing.assert_allclose(rates[at:], expected, rtol=1e-15)


@pytest.mark.parametrize("kind", PIECES)
def test_what_a_program_knows_beforehand_is_what_it_does(kind: str) -> None:
    pieces = [{"epoch": 2, **PIECES[kind]}, {"epoch": 5, "factor": 0.1}]
    for strategy in STRATEGIES:
        plan = make(spec_of(*pieces, strategy=strategy, params=SETTINGS.get(strategy, {})))
        table = plan.program().table
        rule = strategy == "plateau" or kind == "rule"
        assert (table is None) == rule
        assert len(plan.rates()) == plan.updates
        if table is not None:
            np.testing.assert_array_equal(table, played(plan.spec).ravel())
            np.testing.assert_array_equal(table, plan.rates())


def test_a_rule_takes_over_with_what_it_has_seen_and_counted() -> None:
    rule = {"epoch": 4, "strategy": "plateau", "params": {"patience": 3, "min_delta": 0.01}}
    seen = {"best": 0.9, "wait": 2, "cooldown": 0}
    spec = make(spec_of({**rule, "base_lr": 0.1, "state": seen})).spec
    assert RunSpec.from_json(spec.to_json()) == spec
    assert [float(rates[0]) for rates in played(spec)[3:6]] == [0.2, 0.1, 0.05]
    assert "state" not in make(spec_of(rule)).spec.to_json()


@pytest.mark.parametrize(
    ("piece", "named"),
    [
        ({"strategy": "linear", "state": {"wait": 1}}, "pieces.state"),
        ({"factor": 0.5, "state": {"wait": 1}}, "pieces.state"),
        ({"strategy": "plateau", "state": {"rate": 1.0}}, "pieces.state"),
        ({"strategy": "plateau", "state": {"wait": -1}}, "pieces.state.wait"),
        ({"strategy": "plateau", "state": {"cooldown": True}}, "pieces.state.cooldown"),
        ({"strategy": "plateau", "state": {"best": "low"}}, "pieces.state.best"),
    ],
)
def test_a_state_that_no_rule_can_have_is_refused(piece: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidField) as found:
        make(spec_of({"epoch": 4, **piece}))
    assert found.value.field == named


def test_a_factor_on_a_rule_keeps_what_it_has_seen_and_counted() -> None:
    rule = {"strategy": "plateau", "params": {"patience": 3, "min_delta": 0.01}}
    program = make(spec_of({"epoch": 3, "factor": 0.1}, **rule)).program()
    for epoch in range(3):
        decision = program.end_epoch(epoch, {"val_loss": LOSSES[epoch]})
    assert program.state() == {"rate": 0.2, "best": 0.9, "wait": 1, "cooldown": 0}
    assert program.rates(3)[0] == 0.2 * 0.1
    assert decision is not None
    assert (decision.rate_before, decision.rate_after, decision.wait) == (0.2, 0.2 * 0.1, 1)
    assert decision.reason.endswith("; from here on times 0.1")
    program.end_epoch(3, {"val_loss": LOSSES[3]})
    cut = program.end_epoch(4, {"val_loss": LOSSES[4]})
    assert cut is not None
    assert cut.rate_after == 0.2 * 0.1 * 0.5


@pytest.mark.parametrize("at", range(9))
@pytest.mark.parametrize("kind", PIECES)
def test_a_program_continues_from_the_state_of_any_epoch(kind: str, at: int) -> None:
    pieces = [{"epoch": 2, **PIECES[kind]}, {"epoch": 5, "factor": 0.1}]
    plan = make(spec_of(*pieces, strategy="plateau", params=SETTINGS["plateau"]))
    whole, first = plan.program(), plan.program()
    said = None
    for epoch in range(at):
        whole.end_epoch(epoch, {"val_loss": LOSSES[epoch]})
        said = first.end_epoch(epoch, {"val_loss": LOSSES[epoch]})
    second = plan.program()
    second.restore(first.state(), at)
    assert second.reported(first.decided, at) == said
    for epoch in range(at, 8):
        np.testing.assert_array_equal(second.rates(epoch), whole.rates(epoch))
        metrics = {"val_loss": LOSSES[epoch]}
        assert second.end_epoch(epoch, metrics) == whole.end_epoch(epoch, metrics)


def test_a_branch_reads_the_state_of_a_plain_course() -> None:
    rule = {"strategy": "plateau", "params": SETTINGS["plateau"]}
    parent = make(RunSpec(**BASE, **rule)).program()
    child = make(spec_of({"epoch": 4, "factor": 0.5}, **rule)).program()
    for epoch in range(4):
        parent.end_epoch(epoch, {"val_loss": LOSSES[epoch]})
    child.restore(parent.state(), 4)
    assert child.rates(4)[0] == parent.rates(4)[0] * 0.5
    found = child.reported(parent.decided, 4)
    assert found is not None
    assert found.rate_after == parent.rates(4)[0] * 0.5


def test_the_expression_counts_its_epochs_from_its_piece() -> None:
    piece = {"epoch": 3, "strategy": "custom", "params": {"expression": "base_lr / (1 + epoch)"}}
    spec = spec_of(piece)
    np.testing.assert_allclose(played(spec)[3:, 0], 0.2 / np.arange(1, 6), rtol=1e-15)
    program = make(spec).program()
    decided = [program.end_epoch(epoch, {}) for epoch in range(8)]
    assert [d.epoch for d in decided if d] == [3, 4, 5, 6, 7]
    assert decided[4] is not None
    np.testing.assert_allclose(decided[4].rate_after, 0.2 / 3)


def test_marks_name_pieces_and_scale_what_follows() -> None:
    spec = spec_of({"epoch": 3, "factor": 0.5}, strategy="step", params={"drop_every": 2})
    marks = {mark.update / steps(): mark.text for mark in make(spec).program().marks()}
    assert marks == {
        2: "drop 1: 0.2 to 0.1", 3: "from here on times 0.5", 4: "0.05 to 0.025",
        6: "0.025 to 0.0125",
    }


def test_beyond_the_horizon_the_last_rate_holds_and_a_short_run_just_ends() -> None:
    whole = played(RunSpec(**BASE, strategy="cosine"))
    longer = make(RunSpec(**{**BASE, "epochs": 12}, strategy="cosine", horizon=8)).rates()
    np.testing.assert_array_equal(longer[: whole.size], whole.ravel())
    assert set(longer[whole.size :]) == {whole.ravel()[-1]}
    shorter = make(RunSpec(**{**BASE, "epochs": 5}, strategy="cosine", horizon=8)).rates()
    np.testing.assert_array_equal(shorter, whole.ravel()[: shorter.size])


def test_a_prefix_is_shared_until_something_differs() -> None:
    base = make(RunSpec(**BASE, strategy="cosine")).spec
    branch = make(base.steered(Piece(epoch=4, factor=0.5))).spec
    later = make(branch.steered(Piece(epoch=6, strategy="linear", base_lr=0.1))).spec
    for epoch in range(5):
        assert base.prefix_digest(epoch) == branch.prefix_digest(epoch)
    assert base.prefix_digest(5) != branch.prefix_digest(5)
    assert branch.prefix_digest(6) == later.prefix_digest(6) != later.prefix_digest(7)
    longer = later.settled().replace(epochs=20)
    assert longer.prefix_digest(8) == later.prefix_digest(8)
    np.testing.assert_array_equal(make(longer).rates()[: 8 * steps()], make(later).rates())
    stretched = later.replace(epochs=20)  # its horizon is the run's
    assert stretched.prefix_digest(1) != later.prefix_digest(1)
    assert base.replace(seed=1).prefix_digest(1) != base.prefix_digest(1)


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ([{"epoch": 8, "factor": 0.5}], "pieces.epoch must take over before the last of 8"),
        ([{"epoch": 0, "factor": 0.5}], "pieces.epoch must be between 1"),
        ([{"epoch": 4}, {"epoch": 4}], "pieces must have ascending epochs"),
        ([{"epoch": 4, "factor": 0}], "pieces.factor must be above 0"),
        (2 * [{"epoch": 4, "factor": MAX_RATE}], "pieces must have"),
        ([{"epoch": e, "factor": MAX_RATE} for e in (4, 5)], "pieces.factor must keep the rate"),
        ([{"epoch": 4, "base_lr": 0.1}], "pieces.base_lr must be empty without"),
        ([{"epoch": 4, "strategy": "linear", "factor": 2}], "pieces.factor must be 1"),
        ([{"epoch": 4, "strategy": "plateau", "from_start": True}], "pieces.from_start must"),
        ([{"epoch": 4, "strategy": "linear", "from_start": True, "horizon": 3}], "pieces.horizon"),
        ([{"epoch": 4, "strategy": "constant", "base_lr": -1}], "pieces.base_lr must be above 0"),
        ([{"epoch": 4, "strategy": "multistep", "params": {"milestones": [6]}}], "milestones"),
        ("everywhere", "pieces must be a list of pieces"),
    ],
)
def test_a_piece_that_makes_no_sense_is_refused(pieces: Any, words: str) -> None:
    with pytest.raises(InvalidField, match=words):
        make(RunSpec(**BASE, pieces=pieces))


def test_the_rates_of_a_steered_run_are_drawn_again_by_points() -> None:
    pieces = [{"epoch": 2, **PIECES["cooldown"]}, {"epoch": 5, "factor": 0.1}]
    spec = spec_of(*pieces, strategy="plateau", params=SETTINGS["plateau"])
    rates = played(spec).ravel().astype(np.float32)
    params = corners(rates, 0.2)
    drawn = preview("points", params, base_lr=0.2, epochs=8, steps_per_epoch=steps())
    np.testing.assert_allclose(drawn, rates, rtol=0, atol=1e-6 * 0.2)
    with pytest.raises(InvalidField, match="at most 199 corners"):
        corners(np.cos(np.arange(5000) / 100) + 1, 2.0)


@pytest.mark.parametrize("fields", [
    {"pieces": [{"epoch": 2, **PIECES["hold"]}], "strategy": "cosine"},
    {"pieces": [{"epoch": 2, "factor": 0.5}, {"epoch": 5, **PIECES["cooldown"]}],
     "strategy": "exponential", "batch_size": 2},
    {"pieces": [{"epoch": 6, **PIECES["stretch"]}], "strategy": "one_cycle", "warmup_epochs": 1},
    {"horizon": 20, "strategy": "cosine", "warmup_epochs": 10},
    {"horizon": 4, "strategy": "linear"},
])
def test_a_plan_with_pieces_becomes_keras_code_with_all_its_rates(fields: dict[str, Any]) -> None:
    plan = make(RunSpec(**{**BASE, **fields}))
    names: dict[str, Any] = {}
    exec(plan.keras_code(), names)
    used = [float(names["learning_rate"](update)) for update in range(plan.updates)]
    np.testing.assert_array_equal(np.float32(used), np.float32(plan.rates()))
    copied = type(names["learning_rate"]).from_config(names["learning_rate"].get_config())
    assert float(copied(plan.updates + 5)) == used[-1]


def test_a_rule_in_pieces_does_not_become_keras_code() -> None:
    with pytest.raises(InvalidField, match="known beforehand"):
        make(spec_of({"epoch": 2, "factor": 0.5}, strategy="plateau")).keras_code()
