"""Steering, more epochs and branches on the pages, drawn by Streamlit's test runner."""

from __future__ import annotations

import numpy as np
import pytest

from lrdash import analysis, figures
from lrdash.analysis import frames
from lrdash.core.events import RunEnded, Steered
from lrdash.core.spec import Piece
from lrdash.jobs import branches as jobs
from lrdash.planning.plan import make
from lrdash.store import Store
from lrdash.strategies import preview
from lrdash.ui.train import steer
from tests.factories import runs
from tests.factories.pages import fault, labels, page, words
from tests.factories.runs import trained

HOLD = Piece(epoch=1, strategy="constant", base_lr=0.01)


def finish(store: Store, run_id: str) -> None:
    """Train a queued run on, as a worker would record it."""
    metrics = {"loss": 0.4, "val_loss": 0.5, "accuracy": 0.5, "val_accuracy": 0.6}
    runs.finish(store, run_id, lambda *_: metrics)


def branched(store: Store, **fields: object) -> tuple[str, list[str]]:
    """A run of three epochs and its two branches from the second."""
    parent = trained(store, strategy="cosine", **fields)
    wanted = [(2, {"factor": 0.5}), (2, {"strategy": "linear", "epochs": 6})]
    return parent, list(jobs.make_branches(store.runs.one(parent), wanted, store))


@pytest.mark.parametrize(
    ("press", "piece"),
    [("steer-halve", Piece(epoch=1, factor=0.5)), ("steer-double", Piece(epoch=1, factor=2.0)),
     ("steer-rate-go", HOLD), ("steer-factor-go", Piece(epoch=1, factor=0.25))],
)
def test_a_change_of_the_rate_is_shown_as_requested_until_it_takes_effect(
    press: str, piece: Piece, store: Store
) -> None:
    run_id = trained(store, status="running", strategy="constant")
    test = page("train", run=run_id)
    assert test.button(key="steer-back").disabled
    test.number_input(key="steer-rate").set_value(0.01)
    test.number_input(key="steer-factor").set_value(0.25)
    test.button(key=press).click().run()  # typed and pressed before the page was drawn again
    (command,) = store.branches.commands([run_id])[run_id]
    assert command.piece == piece
    assert "Requested: " in words(test)
    taken = Steered(piece=command.piece.replace(epoch=3), command=command.number)
    store.runs.record([(run_id, taken)])
    test.run()
    assert "Requested" not in words(test)
    assert "Rate changed by hand: after epoch 3 " in words(test)
    assert not test.button(key="steer-back").disabled


def test_a_change_that_is_wrong_or_came_too_late_is_reported(store: Store) -> None:
    run_id = trained(store, status="running", strategy="constant")
    test = page("train", run=run_id)
    test.number_input(key="steer-rate").set_value(0.0).run()
    test.button(key="steer-rate-go").click().run()
    assert test.toast[0].value == "rate must be above 0 and at most 1000, got 0."
    test.button(key="steer-halve").click().run()
    assert not test.toast
    store.runs.record([(run_id, RunEnded(status="finished", reason="", seconds=3.0))])
    test.run()
    assert "Too late: rate × 0.5" in test.warning[0].value


def test_a_steered_run_is_trained_again_with_its_pieces_and_exports_as_points(
    store: Store,
) -> None:
    run_id = trained(store, status="running", strategy="cosine")
    number = store.branches.steer(run_id, HOLD)
    store.runs.record([(run_id, Steered(piece=HOLD.replace(epoch=3), command=number)),
                  (run_id, RunEnded(status="finished", reason="", seconds=3.0))])
    test = page("train", run=run_id)
    assert "Edit its rates as points" in labels(test)
    test.button(key="replay").click().run()
    again = store.runs.one(str(test.query_params["run"]))
    first = store.runs.one(run_id)
    assert (again.status, make(again.spec).spec) == ("queued", make(first.spec).spec)
    form = page("train", **{"from": run_id})
    assert form.selectbox(key="strategy").value == "points"
    used = np.concatenate([row.rates for row in store.runs.epochs(run_id)]).astype(np.float64)
    points = steer.as_points(first.spec, used)
    drawn = preview("points", points.params, base_lr=points.base_lr, epochs=points.epochs,
                    steps_per_epoch=first.steps_per_epoch)
    assert np.abs(drawn - used).max() <= 1e-6 * points.base_lr


def test_more_epochs_asks_what_a_schedule_does_and_shows_both_courses(store: Store) -> None:
    run_id = trained(store, strategy="cosine", epochs=10)
    test = page("train", run=run_id)
    test.button(key="more").click().run()
    (how,) = test.radio
    assert len(how.options) == 2
    test.number_input(key="more-epochs").set_value(5).run()
    test.radio(key="more-how").set_value("stretch").run()
    test.button(key="more-go").click().run()
    row = store.runs.one(run_id)
    assert (row.status, row.spec.epochs) == ("queued", 15)
    assert row.spec.pieces[-1].from_start


def test_a_rule_keeps_deciding_and_a_run_that_did_not_finish_is_not_lengthened(
    store: Store,
) -> None:
    test = page("train", run=trained(store, epochs=10, strategy="plateau"))
    test.button(key="more").click().run()
    assert not test.radio
    assert "This rule has no fixed length" in words(test)
    assert "Train more epochs" not in labels(page("train", run=trained(store, status="stopped")))


def test_branches_by_factors_are_queued_as_one_group_from_the_epoch_named(store: Store) -> None:
    run_id = trained(store)
    test = page("train", run=run_id)
    assert "Train 4 branches" not in labels(test)
    test.button(key="branch").click().run()
    test.number_input(key=f"branch-epoch:{run_id}").set_value(2).run()
    test.text_input(key="branch-others").set_value("0.05").run()
    test.button(key="branch-go").click().run()
    made = store.runs.listing(run_ids=store.branches.children([run_id]))
    assert sorted(row.spec.pieces[-1].factor for row in made) == [0.05, 0.1, 0.2, 0.5, 1.0]
    assert {(row.parent_id, row.fork_epoch, row.status) for row in made} == {(run_id, 2, "queued")}
    assert len({row.group_id for row in made}) == 1
    assert "Train 5 branches" not in labels(test)
    assert "This run and its branches" in words(test)


def test_an_epoch_that_is_not_done_yet_is_explained(store: Store) -> None:
    run_id = trained(store, status="running")
    test = page("train", run=run_id)
    test.button(key="branch").click().run()
    test.number_input(key=f"branch-epoch:{run_id}").set_value(7).run()
    assert "epoch must be between 1 and 3, the epochs done" in fault(test)
    assert "Train 4 branches" not in labels(test)


def test_another_strategy_begins_at_the_rate_of_there(store: Store) -> None:
    run_id = trained(store, strategy="constant")
    test = page("train", run=run_id)
    test.button(key="branch").click().run()
    test.segmented_control(key=f"branching:{run_id}").set_value("strategy").run()
    test.button(key="branch-go").click().run()
    (made,) = store.runs.listing(run_ids=store.branches.children([run_id]))
    assert (made.spec.pieces[-1].strategy, made.spec.pieces[-1].base_lr) == (
        "cosine", pytest.approx(0.1)
    )


def test_a_trunk_gets_its_cooldowns_with_two_clicks(store: Store) -> None:
    run_id = trained(store, strategy="constant", epochs=9)
    test = page("train", run=run_id)
    test.button(key="cooldowns").click().run()
    test.button(key="branch-go").click().run()
    made = store.runs.listing(run_ids=store.branches.children([run_id]))
    assert sorted((row.fork_epoch, row.spec.epochs) for row in made) == [(3, 5), (6, 8), (9, 11)]
    assert all(make(row.spec).rates()[-1] < 0.01 for row in made)


def test_a_branch_names_its_parent_and_a_parent_lists_its_branches(store: Store) -> None:
    parent, (half, linear) = branched(store)
    finish(store, half)
    test = page("train", run=parent)
    assert "This run and its branches" in words(test)
    links = labels(test)
    own = "rate × 0.5, from epoch 2 · finished · validation loss 0.5"
    assert any(own in text for text in links)
    assert any(text.startswith("└ linear decay from") for text in links)
    child = page("train", run=half)
    way = child.button(key=f"to-{parent}-True")
    assert way.label.replace("\\", "") == f"Branch of run {parent} from epoch 2: rate × 0.5"
    assert way.click().run().query_params["run"] == parent
    store.runs.request_stop(linear)
    store.runs.delete([parent])
    assert "a run that was deleted: rate × 0.5" in words(page("train", run=half))


def test_the_runs_page_is_a_tree(store: Store) -> None:
    parent, branches = branched(store)
    other = trained(store, seed=9)
    (grandchild,) = jobs.make_branches(
        store.runs.one(branches[0]), [(1, {"factor": 0.1})], store
    )
    tree = [(row.run_id, depth) for row, depth in analysis.as_tree(store.runs.listing())]
    assert tree == [(parent, 0), (branches[0], 1), (grandchild, 2), (branches[1], 1), (other, 0)]
    test = page("runs")
    said = test.dataframe[0].value["settings"].tolist()
    assert said[1].startswith("└ from epoch 2: rate × 0.5 · Digits")
    assert said[2].startswith("\u2003└ from epoch 1: ")


def test_each_branch_is_drawn_from_where_it_leaves_its_parent(store: Store) -> None:
    parent, branches = branched(store)
    finish(store, branches[0])
    rows = [row for run_id in (parent, *branches) for row in store.runs.epochs(run_id)]
    figure = figures.family_figure(
        frames.epochs_frame(rows), frames.rates_frame(rows),
        [figures.Member(run_id=parent, label="trunk", start=0),
         *(figures.Member(run_id=one, label=one, start=2) for one in branches)],
        epochs_total=10,
    )
    trunk, _, loss, rate, waiting = figure.data[:5]
    assert list(trunk.x) == [1, 2, 3]
    assert (loss.x[0], loss.y[0], loss.x[-1]) == (2, trunk.y[1], 10)
    assert (rate.x[0], rate.x[-1], rate.yaxis) == (2, 10, "y2")
    assert list(waiting.x) == [2]
