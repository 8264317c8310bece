"""What was interrupted is offered to be continued, calmly, on the pages where one would look."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from lrdash.store import Store
from tests.factories.pages import page, words
from tests.factories.runs import trained


def labels(test: AppTest) -> list[str]:
    return [button.label for button in test.button]


@pytest.mark.parametrize("name", ["train", "runs"])
def test_interrupted_runs_are_offered_and_continued_all_at_once(name: str, store: Store) -> None:
    run_ids = [trained(store, status="interrupted", seed=seed) for seed in (1, 2)]
    stopped = trained(store, status="stopped")
    test = page(name)
    assert not test.exception
    assert "**2 runs were interrupted.** Nothing is lost" in words(test)
    test.button(key="continue-interrupted").click().run()
    assert not test.exception
    assert store.runs.queued() == run_ids
    assert store.runs.one(stopped).status == "stopped"
    assert "interrupted.**" not in words(test)


@pytest.mark.parametrize("name", ["train", "runs"])
def test_where_nothing_was_interrupted_nothing_is_said(name: str, store: Store) -> None:
    trained(store, status="stopped")
    test = page(name)
    assert "interrupted" not in words(test)
    assert "Not now" not in labels(test)


def test_an_offer_that_was_declined_comes_back_with_the_next_interruption(store: Store) -> None:
    run_id = trained(store, status="interrupted")
    test = page("train")
    assert "**1 run was interrupted.** Nothing is lost: it goes on" in words(test)
    test.button(key="decline-interrupted").click().run()
    assert "Not now" not in labels(test)
    assert store.runs.one(run_id).status == "interrupted"
    later = trained(store, status="interrupted", seed=1)
    test.run()
    assert "Continue 1 run" in labels(test)
    test.button(key="continue-interrupted").click().run()
    assert store.runs.queued() == [later]


@pytest.mark.parametrize("status", ["interrupted", "stopped"])
def test_a_run_that_did_not_end_offers_to_continue(status: str, store: Store) -> None:
    run_id = trained(store, status=status, reason="the server was shut down")
    test = page("train", run=run_id)
    assert "Nothing is lost: Continue goes on from the last checkpoint." in words(test)
    assert not test.error
    test.button(key="continue").click().run()
    assert not test.exception
    assert store.runs.queued() == [run_id]
    assert labels(test) == ["New run", "Take out of the queue"]


@pytest.mark.parametrize("status", ["finished", "failed", "diverged"])
def test_a_run_that_ended_offers_no_way_on(status: str, store: Store) -> None:
    test = page("train", run=trained(store, status=status))
    assert "Continue" not in labels(test)


def test_a_running_run_can_be_paused_and_is_told_that_nothing_is_lost(store: Store) -> None:
    run_id = trained(store, status="running")
    test = page("train", run=run_id)
    button = test.button(key="stop")
    assert (button.label, "Nothing is lost" in button.help) == ("Pause", True)
    button.click().run()
    assert store.runs.one(run_id).stop_requested
    assert test.button(key="stop").label == "Pausing"


def test_a_run_that_its_user_paused_or_that_is_done_is_not_offered(store: Store) -> None:
    for status in ("stopped", "finished", "failed"):
        trained(store, status=status)
    assert "Not now" not in labels(page("train"))
