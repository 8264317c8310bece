"""The page Inside the callback, drawn by Streamlit's own test runner."""

from __future__ import annotations

from functools import partial

import pytest

from lrdash.checkpoints import CheckpointFolder
from lrdash.core.spec import RunSpec
from lrdash.planning.plan import make
from lrdash.store import Store, home
from lrdash.teaching import EXAMPLES
from lrdash.ui.inside import player
from tests.factories import pages as shown
from tests.factories import runs
from tests.factories.pages import keys, labels, words


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """What the player was given."""
    messages: list[dict] = []
    monkeypatch.setattr(
        player, "_player", lambda **given: messages.append(given["data"])
    )
    return messages


page = partial(shown.page, "inside")


def finish(store: Store, run_id: str, losses: tuple[float, ...], status: str = "finished") -> None:
    """Train a queued run on as a worker would, with these validation losses."""
    names = make(store.runs.one(run_id).spec).metrics
    runs.finish(
        store, run_id,
        lambda epoch, _rate: {**dict.fromkeys(names, 0.5), "val_loss": losses[epoch]},
        epochs=len(losses), status=status, engine="keras",
    )


def trained(
    store: Store, losses: tuple[float, ...], status: str = "finished", **fields: object
) -> str:
    plan = make(RunSpec(epochs=len(losses), **fields))
    run_id = store.runs.add(plan, engine="keras")
    finish(store, run_id, losses, status)
    return run_id


LOSSES = (1.0, 0.9, 0.95, 0.92, 0.91, 0.93, 0.94, 0.8)


def test_the_first_visit_walks_through_an_example(store: Store, sent: list[dict]) -> None:
    test = page()
    assert "A callback is a small program" in words(test)
    message = sent[-1]
    assert len(message["moments"]) == 40
    assert len(message["steps"]) == 8
    assert message["moments"][13]["words"].endswith("wait 3 of 3, rate 0.5 to 0.25")
    assert message["moments"][13]["changed"]
    assert "a cooldown of 2 lasts 1 epoch" in message["remarks"]
    assert "cut after epochs 14, 18, 22" in words(test)


def test_a_run_in_the_address_is_walked_with_its_own_decisions(
    store: Store, sent: list[dict]
) -> None:
    run_id = trained(store, LOSSES, strategy="plateau", params={"patience": 2})
    test = page(run=run_id)
    assert test.selectbox(key="walked").value == run_id
    sentences = [moment["words"] for moment in sent[-1]["moments"]]
    assert sentences == [decision.reason for decision in store.runs.decisions(run_id)]
    assert "Open the run" in labels(test)


def test_a_warmup_has_no_decisions_as_in_the_log(store: Store, sent: list[dict]) -> None:
    run_id = trained(
        store, LOSSES, strategy="plateau", params={"patience": 1}, warmup_epochs=1.5
    )
    page(run=run_id)
    moments = sent[-1]["moments"]
    assert [m["words"].startswith("warm-up") for m in moments[:3]] == [True, True, False]
    assert [m["words"] for m in moments[2:]] == [d.reason for d in store.runs.decisions(run_id)[2:]]


def test_a_scheduler_run_shows_its_calls(store: Store, sent: list[dict]) -> None:
    run_id = trained(
        store, LOSSES, strategy="custom", params={"expression": "lr / 2 if epoch == 3 else lr"}
    )
    test = page(run=run_id)
    assert sent[-1]["title"].startswith("LearningRateScheduler")
    assert [m["words"] for m in sent[-1]["moments"]] == [
        decision.reason for decision in store.runs.decisions(run_id)
    ]
    assert "What if" not in [header.value for header in test.header]


def test_another_choice_moves_the_address_and_resets_the_settings(store: Store) -> None:
    run_id = trained(store, LOSSES, strategy="plateau", params={"patience": 2})
    test = page()
    assert test.number_input(key="whatif.patience").value == 3
    test.selectbox(key="walked").set_value(run_id).run()
    assert run_id in test.query_params["run"]
    assert test.number_input(key="whatif.patience").value == 2
    test.selectbox(key="walked").set_value("example:scheduler").run()
    assert "scheduler" in test.query_params["example"]
    assert "run" not in test.query_params


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"run": "nosuchrun"}, "There is no run 'nosuchrun'"),
        ({"series": "0.7, 0.5, x"}, "series must be a number at position 3 (line 1), got 'x'."),
        ({"series": "0.7"}, "series must have 2 to 2,000 values"),
    ],
)
def test_what_cannot_be_shown_gives_a_message(
    store: Store, query: dict[str, str], message: str
) -> None:
    test = page(**query)
    assert message in test.error[0].value.replace("\\", "")
    assert test.selectbox(key="walked")


def test_a_run_without_a_callback_says_why(store: Store) -> None:
    run_id = trained(store, LOSSES, strategy="cosine")
    test = page(run=run_id)
    assert "rates of other strategies are fixed before training" in test.error[0].value


def test_a_typed_series_is_walked_with_typed_settings(store: Store, sent: list[dict]) -> None:
    test = page(example="own", series="1, 1, 1, 1")
    test.number_input(key="own.patience").set_value(2).run()
    assert not test.error
    assert sent[-1]["moments"][2]["words"].endswith("wait 2 of 2, rate 0.1 to 0.05")
    test.number_input(key="own.min_lr").set_value(5.0).run()
    assert "min\\_lr must be at most the peak rate" in test.error[0].value


def test_a_typed_expression_is_walked_without_a_metric(store: Store, sent: list[dict]) -> None:
    test = page(example="own")
    test.segmented_control(key="callback").set_value("custom").run()
    assert len(sent[-1]["moments"]) == 30
    test.text_input(key="own.expression").set_value("lr * -1").run()
    assert "custom.expression" in test.error[0].value


def test_other_settings_say_when_the_rate_would_have_been_cut(store: Store) -> None:
    test = page()
    test.number_input(key="whatif.patience").set_value(2).run()
    assert "With patience 2 the rate would have been cut after epochs 13, 16" in words(test)
    assert "only up to the first decision that differs" in words(test)
    assert "A first cut up to epoch 14 is certain" in words(test)
    test.selectbox(key="whatif.rules").set_value("torch").run()
    assert "With patience 2, rules of torch" in words(test)


def test_a_typed_series_cannot_be_trained(store: Store) -> None:
    test = page(example="own", series="1, 1, 1, 1, 1, 1, 1, 1")
    test.number_input(key="whatif.patience").set_value(2).run()
    assert "no training behind a typed series" in words(test)
    assert "truth" not in keys(test)


def test_the_actual_training_is_queued_and_drawn_over_the_guess(store: Store) -> None:
    test = page()
    test.number_input(key="whatif.patience").set_value(2).run()
    test.button(key="truth").click().run()
    (run,) = store.runs.listing()
    assert run.spec.params["patience"] == 2
    assert run.spec.replace(params={}) == make(EXAMPLES["plateau"].spec).spec.replace(params={})
    assert (run.name, run.status, run.engine) == ("What if patience 2", "queued", "keras")
    assert "The run is queued" in words(test)
    finish(store, run.run_id, EXAMPLES["plateau"].metrics["val_loss"])
    test.run()
    same = "up to epoch 13 the curves of val_loss are the same to the last bit"
    assert f"{same}. The guess was right" in words(test)
    assert "truth" not in keys(test)


def kept(run_id: str, *epochs: int) -> None:
    """Checkpoints of a run, as far as a page reads them."""
    for epoch in epochs:
        file = home() / "checkpoints" / run_id / f"{epoch:06d}.npz"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def test_the_actual_training_of_a_run_is_a_branch_from_its_checkpoint(store: Store) -> None:
    run_id = trained(store, LOSSES, strategy="plateau", params={"patience": 3}, base_lr=0.1)
    kept(run_id, 2, 8)
    test = page(run=run_id)
    test.number_input(key="whatif.patience").set_value(2).run()
    assert "A branch that leaves this run after epoch 4. It starts from the checkpoint of " \
        "epoch 2." in words(test)
    test.button(key="truth").click().run()
    (made,) = (run for run in store.runs.listing() if run.run_id != run_id)
    assert (made.parent_id, made.fork_epoch, made.epochs_done) == (run_id, 4, 4)
    (piece,) = made.spec.pieces
    assert (piece.epoch, piece.params["patience"], piece.base_lr) == (4, 2, 0.05)
    assert piece.state == {"best": 0.9, "wait": 0, "cooldown": 0}
    assert [one.epoch for one in CheckpointFolder(home()).of(made.run_id)] == [2]
    assert made.name == "What if patience 2"
    assert test.query_params["truth"] == made.run_id
    finish(store, made.run_id, LOSSES)
    test.run()
    assert "Trained as a branch of the record, which it leaves after epoch 4. The guess was " \
        "right" in words(test)
    test.number_input(key="whatif.patience").set_value(1).run()
    assert "truth" not in test.query_params
    assert "A branch that leaves this run after epoch 3" in words(test)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "This run has no checkpoint from so early"),
        ({"early_stopping": {"patience": 7}}, "restart the patience of early stopping"),
    ],
)
def test_without_a_suitable_branch_the_actual_training_is_a_new_run(
    store: Store, fields: dict, reason: str
) -> None:
    run_id = trained(store, LOSSES, strategy="plateau", params={"patience": 3}, **fields)
    kept(run_id, *([3] if fields else [5, 8]))
    test = page(run=run_id)
    test.number_input(key="whatif.patience").set_value(2).run()
    assert reason in words(test)
    test.button(key="truth").click().run()
    (made,) = (run for run in store.runs.listing() if run.run_id != run_id)
    assert (made.parent_id, made.spec.pieces, made.spec.params["patience"]) == (None, (), 2)


def test_a_difference_at_the_very_end_needs_no_training(store: Store) -> None:
    run_id = trained(store, LOSSES[:4], strategy="plateau", params={"patience": 3})
    test = page(run=run_id)
    test.number_input(key="whatif.patience").set_value(2).run()
    assert "all of this is certain" in words(test)
    assert "truth" not in keys(test)


def test_a_training_that_failed_is_reported_and_can_be_repeated(store: Store) -> None:
    test = page()
    test.number_input(key="whatif.patience").set_value(2).run()
    test.button(key="truth").click().run()
    finish(store, store.runs.listing()[0].run_id, (0.5,), status="failed")
    test.run()
    assert "The last run with these settings ended as failed" in words(test)
    test.button(key="truth").click().run()
    assert len(store.runs.listing()) == 2


def test_a_run_that_still_trains_is_shown_as_far_as_it_is(store: Store, sent: list[dict]) -> None:
    run_id = trained(store, LOSSES, status="running", strategy="plateau")
    test = page(run=run_id)
    assert "still training" in words(test)
    assert len(sent[-1]["moments"]) == len(LOSSES)


@pytest.mark.parametrize(("strategy", "there"), [("plateau", True), ("custom", True),
                                                 ("cosine", False)])
def test_a_finished_run_of_a_callback_links_here(store: Store, strategy: str, there: bool) -> None:
    run_id = trained(store, LOSSES, strategy=strategy)
    test = shown.page("train", run=run_id)
    assert ("Inside the callback" in labels(test)) == there
