"""What other settings would have done: true to the rule, and shown as far as it is certain."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lrdash.strategies import preview
from lrdash.strategies.plateau import Plateau
from lrdash.teaching import (
    EXAMPLES,
    Recorded,
    cuts_in_words,
    first_difference,
    grid,
    outlook,
    replay,
    verdict,
    walk_plateau,
)

VALUES = (1.0, 0.9, 0.95, 0.92, 0.91, 0.93, 0.94, 0.8, 0.85, 0.86, 0.84)
RECORD = Recorded(values=VALUES, base_lr=0.1)


@pytest.mark.parametrize("rules", ["keras", "torch"])
@pytest.mark.parametrize("patience", [1, 2, 3])
def test_a_replay_gives_the_rates_that_preview_and_walk_give(rules: Any, patience: int) -> None:
    rule = Plateau(patience=patience, cooldown=2, rules=rules)
    shown = replay(rule, RECORD)
    rates = preview(
        "plateau", rule.as_dict(), base_lr=0.1, epochs=len(VALUES), monitored=VALUES
    )
    assert [0.1, *shown.rates[:-1]] == rates.tolist()
    assert shown.cuts == walk_plateau(rule, RECORD).cuts
    assert len(shown.words) == len(shown.cuts)


def test_a_replay_sleeps_through_the_warm_up_as_the_run_did() -> None:
    record = Recorded(values=VALUES, base_lr=0.1, lead=(0.05, 0.1))
    rates = preview(
        "plateau", {"patience": 2}, base_lr=0.1, epochs=len(VALUES), warmup_epochs=2,
        monitored=VALUES,
    )
    shown = replay(Plateau(patience=2), record)
    assert [0.05, *shown.rates[:-1]] == rates.tolist()
    assert shown.cuts[0] > 2


def test_the_first_difference_is_where_a_decision_first_differs() -> None:
    was, would = (replay(Plateau(patience=p), RECORD) for p in (3, 2))
    assert (was.cuts, would.cuts) == ((5, 11), (4, 6, 10))
    assert first_difference(was, would) == 4
    assert first_difference(was, was) is None
    deeper = replay(Plateau(patience=3, factor=0.1), RECORD)
    assert first_difference(was, deeper) == 5


def test_every_cell_of_the_grid_is_the_rule_with_these_settings() -> None:
    rule = Plateau(cooldown=1, rules="torch")
    found = grid(rule, RECORD, patiences=(15,), deltas=(0.02,))
    assert found.patiences == (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15)
    assert found.deltas == (0.0, 1e-5, 1e-4, 1e-3, 1e-2, 0.02, 1e-1)
    assert found.first.shape == found.count.shape == (7, 11)
    for row, delta in enumerate(found.deltas):
        for column, patience in enumerate(found.patiences):
            cuts = replay(rule.replace(patience=patience, min_delta=delta), RECORD).cuts
            assert found.count[row, column] == len(cuts)
            assert found.first[row, column] == (cuts[0] if cuts else 0)


def test_more_patience_never_cuts_earlier_or_more_often_without_a_cooldown() -> None:
    values = EXAMPLES["plateau"].metrics["val_loss"]
    found = grid(Plateau(), Recorded(values=values, base_lr=0.5))
    last = len(values) + 1
    first = np.where(found.first == 0, last, found.first)
    assert (np.diff(first, axis=1) >= 0).all()
    assert (np.diff(found.count, axis=1) <= 0).all()


def test_the_outlook_says_what_changes_and_how_far_it_holds() -> None:
    was, would = (replay(Plateau(patience=p), RECORD) for p in (3, 2))
    assert outlook(was, was, changed="") == (
        "These are the recorded settings: cut after epochs 5 and 11. Change one of them, "
        "for example the patience."
    )
    assert outlook(was, would, changed="patience 2") == (
        "With patience 2 the rate would have been cut after epochs 4, 6 and 10 (recorded: epochs "
        "5 and 11). The decisions are the same before epoch 4, and the one after epoch 4 is "
        "certain."
    )
    assert outlook(was, was, changed="min_delta 0") == (
        "With min_delta 0 nothing would have changed: cut after epochs 5 and 11, as recorded. "
        "That is certain."
    )


def test_the_verdict_compares_the_guess_with_the_trained_run() -> None:
    guess, other = replay(Plateau(patience=2), RECORD), replay(Plateau(patience=3), RECORD)
    right = verdict(VALUES, VALUES, guess, guess, metric="val_loss", differs=4)
    assert right == (
        "Trained: up to epoch 4 the curves of val_loss are the same to the last bit. The guess was "
        "right: cut after epochs 4, 6 and 10."
    )
    rounded = [value + 1e-9 for value in VALUES]
    assert "the same but for rounding" in verdict(
        VALUES, rounded, guess, guess, metric="val_loss", differs=4
    )
    moved = [*VALUES[:3], VALUES[3] + 0.001, 5.0]
    wrong = verdict(VALUES, moved, guess, other, metric="val_loss", differs=4)
    assert wrong == (
        "Trained: up to epoch 4 the curves of val_loss are within 0.001 of each other. The guess "
        "was wrong: cut after epochs 4, 6 and 10 by the guess, cut after epochs 5 and 11 in "
        "training."
    )


@pytest.mark.parametrize(
    ("cuts", "words"),
    [((), "never cut"), ((3,), "cut after epoch 3"),
     (tuple(range(1, 12)), "cut after epochs 1, 2, 3, 4, 5, 6, 7, 8 and 3 more")],
)
def test_cuts_are_listed_in_words(cuts: tuple[int, ...], words: str) -> None:
    assert cuts_in_words(cuts) == words
