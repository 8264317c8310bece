"""Hindsight from end to end: what is found, stored, stopped, continued and replayed."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import lrdash
from lrdash import api
from lrdash.cli import app
from lrdash.core.errors import InvalidField, NotFound, StoreError
from lrdash.core.spec import RunSpec
from lrdash.jobs import hindsight
from lrdash.jobs.laboratory import Laboratory
from lrdash.planning.hindsight import FOUND, ITSELF
from lrdash.planning.plan import make
from lrdash.store import Store
from tests.factories.jobs import BASE, by_rate, eventually, over, search, stage_over

QUADRATIC: dict[str, Any] = {
    "dataset": "noisy_quadratic", "model": "noisy_quadratic", "momentum": 0.0, "base_lr": 0.5,
    "epochs": 12,
}


# What trains


def test_on_the_noisy_quadratic_the_schedule_found_decays_and_beats_a_constant_rate() -> None:
    found = lrdash.hindsight(
        points=[5, 9], factors=[0.1, 0.3], seeds=4, strategies=["linear"], **QUADRATIC
    )
    assert (found.status, found.reason) == ("finished", "")
    used = found.run.rates()["learning_rate"].to_numpy()
    assert used[-1] < used[0]
    table = found.summary().set_index("label")
    # Of this model it is known that decay falls through the floor of any constant rate.
    assert table.loc[FOUND, "val_loss"] < 0.7 * table.loc[ITSELF, "val_loss"]
    assert table.loc[ITSELF, "fresh_gap"] > 0
    assert table.loc[ITSELF, "low"] > 0  # and not by the luck of one seed
    assert table["seeds"].tolist() == [4, 4, 4]
    assert "Trained again with 4 fresh seeds, it ends at" in found.headline()
    assert np.isfinite(found.optimism)
    assert found.table()[0]["Strategy"] == FOUND
    assert FOUND in found._repr_html_()
    assert lrdash.load(found.id).as_json() == found.as_json()
    drawn = found.figure("loss"), found.figure("rate")
    assert [figure.data[-1].name for figure in drawn] == [FOUND, FOUND]
    with pytest.raises(InvalidField, match="one of loss, rate"):
        found.figure("weights")
    again = lrdash.train(found.spec)
    assert again.rates()["learning_rate"].tolist() == used.tolist()  # to the bit
    ours, theirs = found.run.frame(), again.frame()
    for name in ("loss", "val_loss"):  # a program of another number of lanes rounds otherwise
        assert np.allclose(ours[name], theirs[name], rtol=1e-5)
    as_drawn = found.points()
    points = make(found.spec.replace(
        strategy="points", params=as_drawn["params"], base_lr=as_drawn["base_lr"], pieces=[],
    ))
    table = points.program().table
    assert table is not None
    assert np.allclose(table, used, rtol=1e-6)


def test_on_the_digits_from_a_run_that_exists_judged_at_the_next_point(store: Store) -> None:
    run = lrdash.train(dataset="digits", epochs=4, examples=200, base_lr=0.5)
    found = lrdash.hindsight(
        run, points=[1, 3], factors=[0.1], beam=2, ahead="next", seeds=[5, 7],
        strategies=[{"strategy": "cosine", "base_lr": 0.3, "label": "Cosine at 0.3"}],
    )
    assert found.status == "finished"
    base, *others = found.tried
    assert (base.run_id, base.role) == (run.run_id, "base")
    table = found.summary().set_index("label")
    assert table.loc[FOUND, "val_loss"] <= table.loc[ITSELF, "val_loss"]
    assert table.loc["Cosine at 0.3", "base_lr"] == 0.3
    # A round is one group, whatever the parents of its branches.
    last = [one.run_id for one in others if one.role == "branch" and one.stage == 2]
    rows = store.runs.listing(run_ids=last)
    assert len(rows) == 4
    assert len({row.group_id for row in rows}) == 1
    assert len({row.parent_id for row in rows}) == 2
    assert {row.tags for row in rows} == {("hindsight",)}
    assert {one.epochs for one in others if one.stage == 1} == {3}
    assert found.frame().groupby("label").size().to_dict() == dict.fromkeys(table.index, 4)
    shown = CliRunner().invoke(app, ["hindsight", "--show", found.hindsight_id, "--json"])
    assert shown.exit_code == 0
    assert json.loads(shown.stdout) == found.as_json()
    plain = CliRunner().invoke(app, ["hindsight", "--show", found.hindsight_id])
    assert found.headline() in plain.stdout
    assert "Cosine at 0.3" in plain.stdout


def test_the_laboratory_goes_through_a_search_and_outlives_its_worker(store: Store) -> None:
    laboratory = Laboratory(store)
    laboratory.start()
    base = make(RunSpec(dataset="digits", epochs=12, examples=200)).spec
    try:
        made = hindsight.create(store, search(base=base, points=(3, 6), factors=(0.1,)))
        laboratory.wake()
        eventually(lambda: any(
            run.stage == 2 and run.status == "running" for run in store.hindsights.runs(made)
        ))
        os.kill(laboratory.status()[0].pid, signal.SIGKILL)
        row = eventually(
            lambda: not store.hindsights.one(made).active and store.hindsights.one(made)
        )
    finally:
        laboratory.close()
    assert (row.status, row.reason) == ("finished", "")
    known = store.hindsights.runs(made)
    assert {run.status for run in known} == {"finished"}
    assert {run.epochs_done for run in known} == {12}
    words = api.load_hindsight(made, store).headline()
    assert "fresh" in words


# What does not


def test_stages_follow_each_other_from_the_store_alone(store: Store) -> None:
    made = hindsight.create(store, search())
    assert store.hindsights.due() == []
    assert [run.part["role"] for run in store.hindsights.runs(made)] == ["base"]
    first = stage_over(store, made, by_rate)
    assert [run.part["moves"] for run in first] == [[[1, 0.1]], [[1, 3.0]]]
    assert len(store.runs.queued_groups()) == 1
    assert hindsight.advance(store, made) == []  # its runs are not over yet
    second = stage_over(store, made, by_rate)
    assert [run.part["moves"] for run in second] == [
        [[2, 0.1]], [[2, 3.0]], [[1, 0.1], [2, 0.1]], [[1, 0.1], [2, 3.0]],
    ]
    check = stage_over(store, made, by_rate)
    # Lowest was the run itself, so there is no other schedule to train.
    assert [(run.part["role"], run.part["label"], run.part["seed"]) for run in check] == [
        ("rival", "Cosine decay", 0), ("fresh", ITSELF, 1), ("fresh", ITSELF, 2),
        ("fresh", "Cosine decay", 1), ("fresh", "Cosine decay", 2),
    ]
    assert store.hindsights.due() == []
    stage_over(store, made)
    assert store.hindsights.one(made).status == "finished"


def test_a_stage_is_left_once_even_if_two_servers_see_it(store: Store) -> None:
    made = hindsight.create(store, search())
    over(store, store.hindsights.runs(made)[0].run_id, 1.0)
    assert store.hindsights.due() == [made]
    assert len(hindsight.advance(store, made)) == 2
    assert store.hindsights.advance(made, 0, [], []) == []  # the other one comes late
    assert len(store.hindsights.runs(made)) == 3
    assert store.hindsights.one(made).stage == 1


def test_a_stop_ends_the_search_and_its_runs_and_can_be_taken_back(store: Store) -> None:
    made = hindsight.create(store, search())
    stage_over(store, made)
    store.hindsights.request_stop(made)
    row = store.hindsights.one(made)
    assert (row.status, row.reason, row.ended_at is not None) == (
        "stopped", "stopped by the user", True
    )
    assert [run.status for run in store.hindsights.runs(made)] == ["finished", "stopped", "stopped"]
    store.hindsights.request_stop(made)  # once more does no harm
    assert store.hindsights.resume(made)
    assert not store.hindsights.resume(made)
    assert [run.status for run in store.hindsights.runs(made)][1:] == ["queued", "queued"]
    # A single run, from its own page.
    store.runs.request_stop(store.hindsights.runs(made)[1].run_id)
    over(store, store.hindsights.runs(made)[2].run_id, 1.0)
    hindsight.advance(store, made)
    assert store.hindsights.one(made).reason.endswith("was stopped")


def test_runs_whose_worker_dies_are_resumed_but_not_for_ever(store: Store) -> None:
    made = hindsight.create(store, search())
    run_id = store.hindsights.runs(made)[0].run_id
    for attempt in range(1, hindsight.ATTEMPTS + 1):
        store.runs.claim(run_id, "gone")
        store.workers.mark_interrupted("gone", "it died")
        assert hindsight.advance(store, made) == [run_id]
        assert store.hindsights.one(made).attempts == attempt
    store.runs.claim(run_id, "gone")
    store.workers.mark_interrupted("gone", "it died")
    assert hindsight.advance(store, made) == []
    row = store.hindsights.one(made)
    assert (row.status, row.reason) == ("interrupted", "it died")
    assert store.hindsights.resume(made)
    assert store.runs.queued() == [run_id]


def test_a_search_of_a_process_that_died_is_interrupted_and_one_of_the_server_is_not(
    store: Store,
) -> None:
    own = hindsight.create(store, search(), worker_id="python-1")
    servers = hindsight.create(store, search())
    assert store.hindsights.due() == []
    store.workers.mark_interrupted()
    assert store.hindsights.one(own).status == "interrupted"
    assert store.hindsights.one(servers).status == "running"


def test_diverged_branches_are_dropped_and_a_diverged_run_ends_the_search(store: Store) -> None:
    made = hindsight.create(store, search())
    first = stage_over(store, made)
    over(store, first[0].run_id, 0.5, "diverged")
    second = stage_over(store, made)
    assert all([1, 0.1] not in run.part["moves"] for run in second)
    lost = hindsight.create(store, search())
    over(store, store.hindsights.runs(lost)[0].run_id, 1.0, "failed")
    hindsight.advance(store, lost)
    row = store.hindsights.one(lost)
    assert (row.status, row.reason) == ("failed", "the run itself failed: it was so")


def test_whatever_goes_wrong_in_planning_ends_the_search_with_a_reason(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = hindsight.create(store, search())
    over(store, store.hindsights.runs(made)[0].run_id, 1.0)
    monkeypatch.setenv("LRDASH_MEMORY_MB", "none")
    hindsight.advance(store, made)
    row = store.hindsights.one(made)
    assert row.status == "failed"
    assert "LRDASH_MEMORY_MB must be a whole number" in row.reason


def test_deleting_a_search_deletes_what_it_made_and_not_the_run(store: Store) -> None:
    run_id = store.runs.create(BASE, steps_per_epoch=5, updates=20, parameters=1)
    over(store, run_id, 1.0)
    made = hindsight.create(store, search(), run_id)
    stage_over(store, made)
    with pytest.raises(StoreError, match="still trains"):
        store.hindsights.delete(made)
    store.hindsights.request_stop(made)
    assert store.hindsights.delete(made) == 2
    assert [row.run_id for row in store.runs.listing()] == [run_id]
    with pytest.raises(NotFound, match="There is no hindsight"):
        store.hindsights.one(made)


def test_wrong_input_is_refused_and_nothing_is_made(store: Store) -> None:
    run_id = store.runs.create(BASE, steps_per_epoch=5, updates=20, parameters=1)
    runner = CliRunner()
    for arguments, message in (
        ([run_id], "run must have finished before its search, got 'queued'"),
        ([run_id, "--epochs", "3"], "epochs cannot be given for a run that exists"),
        (["--points", "x"], "points must be whole numbers separated by commas"),
        (["--points", "0"], "points must be a number of at least 1"),
        (["--strategies", "cosin"], "Did you mean 'cosine'?"),
        (["--show", "nowhere"], "There is no hindsight 'nowhere'"),
    ):
        called = runner.invoke(app, ["hindsight", *arguments])
        assert called.exit_code == 2
        assert message in called.stderr
    assert store.hindsights.listing() == []
