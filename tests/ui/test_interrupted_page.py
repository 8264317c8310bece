"""Interrupted runs are offered for resuming on the pages where a user would look."""

from __future__ import annotations

import pytest

from lrdash.store import Store
from tests.factories.pages import labels, page, words
from tests.factories.runs import trained


@pytest.mark.parametrize("name", ["train", "runs"])
def test_interrupted_runs_are_offered_and_resumed_all_at_once(name: str, store: Store) -> None:
    run_ids = [trained(store, status="interrupted", seed=seed) for seed in (1, 2)]
    stopped = trained(store, status="stopped")
    test = page(name)
    assert "**2 runs were interrupted.** Everything trained so far is kept" in words(test)
    test.button(key="resume-interrupted").click().run()
    assert store.runs.queued() == run_ids
    assert store.runs.one(stopped).status == "stopped"
    assert "interrupted.**" not in words(test)


@pytest.mark.parametrize("name", ["train", "runs"])
def test_nothing_is_offered_where_nothing_was_interrupted(name: str, store: Store) -> None:
    trained(store, status="stopped")
    test = page(name)
    assert "interrupted" not in words(test)
    assert "Not now" not in labels(test)


def test_an_offer_that_was_declined_comes_back_with_the_next_interruption(store: Store) -> None:
    run_id = trained(store, status="interrupted")
    test = page("train")
    assert "**1 run was interrupted.** Everything trained so far is kept" in words(test)
    test.button(key="decline-interrupted").click().run()
    assert "Not now" not in labels(test)
    assert store.runs.one(run_id).status == "interrupted"
    later = trained(store, status="interrupted", seed=1)
    test.run()
    assert "Resume 1 run" in labels(test)
    test.button(key="resume-interrupted").click().run()
    assert store.runs.queued() == [later]


@pytest.mark.parametrize("status", ["interrupted", "stopped"])
def test_a_run_that_did_not_end_can_be_resumed(status: str, store: Store) -> None:
    run_id = trained(store, status=status, reason="the server was shut down")
    test = page("train", run=run_id)
    assert "is kept, and the run can be resumed from its last checkpoint." in words(test)
    assert not test.error
    test.button(key="resume").click().run()
    assert store.runs.queued() == [run_id]
    assert labels(test) == ["New run", "Take out of the queue"]


@pytest.mark.parametrize("status", ["finished", "failed", "diverged"])
def test_a_run_that_ended_cannot_be_resumed(status: str, store: Store) -> None:
    test = page("train", run=trained(store, status=status))
    assert "Resume" not in labels(test)


def test_a_running_run_can_be_paused_and_help_says_what_is_kept(store: Store) -> None:
    run_id = trained(store, status="running")
    test = page("train", run=run_id)
    button = test.button(key="stop")
    assert (button.label, "is kept" in button.help) == ("Pause", True)
    button.click().run()
    assert store.runs.one(run_id).stop_requested
    assert test.button(key="stop").label == "Pausing"


def test_a_run_that_its_user_paused_or_that_is_done_is_not_offered(store: Store) -> None:
    for status in ("stopped", "finished", "failed"):
        trained(store, status=status)
    assert "Not now" not in labels(page("train"))
