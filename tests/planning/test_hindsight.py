"""The beam search on made-up losses, its sentences and its charts: no training."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lrdash import analysis, figures
from lrdash.analysis import hindsight
from lrdash.core.errors import InvalidField
from lrdash.core.spec import RunSpec
from lrdash.planning.hindsight import (
    FOUND,
    ITSELF,
    Moves,
    Rival,
    Search,
    Tried,
    best,
    check_of,
    lengths,
    round_of,
    spread,
    survivors,
)
from lrdash.planning.plan import make
from lrdash.strategies import preview

BASE = make(RunSpec(epochs=12, base_lr=0.1)).spec


def search(**given: Any) -> Search:
    return Search(**{
        "base": BASE, "points": (4, 8), "factors": (0.5, 2.0), "beam": 2, "seeds": (1, 2, 3),
        "rivals": (Rival(strategy="cosine"), Rival(strategy="constant")), **given,
    })


def made_up(moves: Moves) -> float:
    """Lowest, 1, where the rate is doubled at 4 and halved at 8; each other step costs."""
    rates = dict(moves)
    return 1.0 + abs(math.log2(rates.get(4, 1.0)) - 1) + abs(math.log2(rates.get(8, 1.0)) + 1)


def tried(number: int, stage: int, moves: Moves = (), **given: Any) -> Tried:
    return Tried(**{
        "run_id": f"run{number}", "stage": stage, "role": "branch" if stage else "base",
        "label": "" if stage else ITSELF, "seed": 0, "moves": moves, "val_loss": made_up(moves),
        "epochs": 12, **given,
    })


def all_of(what: Search) -> list[Tried]:
    """Goes through the rounds with the made-up loss."""
    known = [tried(0, 0)]
    for stage in range(1, what.rounds + 1):
        known += [
            tried(len(known) + place, stage, one.moves, epochs=what.until(stage))
            for place, one in enumerate(round_of(what, known, stage))
        ]
    return known


def test_the_beam_finds_the_best_of_a_made_up_loss() -> None:
    what = search()
    known = all_of(what)
    # 1st round: as it was 3, halved at 4 costs 4, doubled at 4 costs 2.
    assert [one.moves for one in survivors(what, known, 1)] == [((4, 2.0),), ()]
    assert [one.val_loss for one in known] == [3.0, 4.0, 2.0, 1.0, 3.0, 2.0, 4.0]
    found = best(what, known)
    assert found is not None
    assert found.moves == ((4, 2.0), (8, 0.5))
    spec = what.spec(found.moves)
    assert [(piece.epoch, piece.factor) for piece in spec.pieces] == [(4, 2.0), (8, 0.5)]
    rates = make(spec).program().table
    assert rates is not None
    steps = make(spec).steps_per_epoch
    assert rates[::steps].tolist() == [0.1] * 4 + [0.2] * 4 + [0.1] * 4


def test_judged_at_the_next_point_every_branch_is_trained_on_and_going_on_is_one() -> None:
    what = search(ahead="next")
    first = round_of(what, [tried(0, 0)], 1)
    assert [(one.moves, one.spec.epochs, one.epoch) for one in first] == [
        ((), 8, 4), (((4, 0.5),), 8, 4), (((4, 2.0),), 8, 4),
    ]
    assert first[0].spec.horizon == 12
    known = all_of(what)
    assert len(known) == 1 + 3 + 2 * 3
    assert {one.epochs for one in known if one.stage == 2} == {12}
    found = best(what, known)
    assert found is not None
    assert found.moves == ((4, 2.0), (8, 0.5))


def test_lost_branches_are_never_kept_and_of_equals_the_simpler_one_stays() -> None:
    what = search(beam=3)
    known = [
        tried(0, 0, val_loss=1.0), tried(1, 1, ((4, 0.5),), val_loss=1.0),
        tried(2, 1, ((4, 2.0),), val_loss=math.inf),
    ]
    assert [one.run_id for one in survivors(what, known, 1)] == ["run0", "run1"]
    lost = [tried(0, 0, val_loss=math.inf), tried(1, 1, ((4, 0.5),), val_loss=math.inf)]
    assert best(what, lost) is None
    words = hindsight.result_in_words(what, lost)
    assert words == "Nothing was found: every branch failed or diverged."
    assert hindsight.standings(what, lost).empty


def test_a_branch_that_stopped_early_is_not_forked_but_stays() -> None:
    known = [tried(0, 0, epochs=6, val_loss=0.5)]
    assert round_of(search(), known, 2) == []
    what = search(ahead="next")
    known += [tried(1, 1, (), epochs=6, val_loss=0.6), tried(2, 1, ((4, 0.5),), epochs=8)]
    assert {one.run_id for one in survivors(what, known, 2)} == {"run1"}
    assert {one.parent for one in round_of(what, known, 2)} == {"run2"}


def test_the_check_trains_everything_with_every_fresh_seed() -> None:
    what = search()
    found = best(what, all_of(what))
    assert found is not None
    wanted = check_of(what, found)
    # The rival constant is the run itself.
    assert list(what.contestants()) == [ITSELF, "Cosine decay"]
    assert [(one.role, one.label, one.spec.seed) for one in wanted] == [
        ("rival", "Cosine decay", 0),
        *[("fresh", label, seed) for label in (FOUND, ITSELF, "Cosine decay")
          for seed in (1, 2, 3)],
    ]
    assert wanted[1].spec == what.spec(found.moves).replace(seed=1)
    nothing = check_of(what, tried(0, 0))
    assert FOUND not in [one.label for one in nothing]


@pytest.mark.parametrize("ahead", ["end", "next"])
def test_the_number_of_runs_is_reported_beforehand(ahead: str) -> None:
    what = search(ahead=ahead)
    known = all_of(what)
    by_stage = [[one for one in known if one.stage == stage] for stage in (1, 2)]
    expected = lengths(what)
    assert [len(stage) for stage in expected[:2]] == [len(stage) for stage in by_stage]
    found = best(what, known)
    assert found is not None
    assert expected[2] == [12] * len(check_of(what, found))
    assert set(expected[0]) == ({12} if ahead == "end" else {4})


def test_the_pieces_of_the_run_stay_and_are_no_points() -> None:
    base = make(BASE.replace(pieces=[{"epoch": 6, "factor": 0.5}])).spec
    what = search(base=base)
    spec = what.spec(((4, 2.0),))
    assert [(piece.epoch, piece.factor) for piece in spec.pieces] == [(4, 2.0), (6, 0.5)]
    assert [piece.epoch for piece in what.spec(((4, 2.0),), 6).pieces] == [4]
    assert what.contestants()["Cosine decay"].pieces == ()
    with pytest.raises(InvalidField, match="rate of the run changes already"):
        search(base=base, points=(6,))


def test_points_are_spread_evenly_as_far_as_there_is_room() -> None:
    assert spread(30, 4) == (6, 12, 18, 24)
    assert spread(4, 10) == (1, 2, 3)
    assert spread(30, 4, taken=[12]) == (6, 18, 24)
    assert spread(1, 3) == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"points": ()}, "points must be a list of 1 to 20 different epochs"),
        ({"points": (4, 4)}, "points must be a list"),
        ({"points": (4, 12)}, "must be below 12, the epochs of the run"),
        ({"factors": (1.0,)}, "must hold one that is not 1"),
        ({"factors": (0.0,)}, "factors must be a list of 1 to 20 different numbers above 0"),
        ({"seeds": (0, 1)}, "must be fresh: the run itself uses this seed"),
        ({"seeds": ()}, "seeds must be a list of 1 to 50"),
        ({"beam": 0}, "beam must be"),
        ({"ahead": "never"}, "ahead must be one of end, next"),
    ],
)
def test_what_is_not_allowed_is_reported(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidField, match=message):
        search(**given)


def test_a_search_is_the_same_after_a_round_trip() -> None:
    what = search(factors=(3.0, 0.1), points=(8, 4))
    assert (what.points, what.factors) == ((4, 8), (0.1, 3.0))
    assert Search.from_json(what.to_json()) == what
    with pytest.raises(InvalidField, match="must be a JSON object"):
        Search.from_json("[]")


def test_rivals_of_one_strategy_are_distinguished() -> None:
    what = search(rivals=(
        Rival(strategy="cosine"), Rival(strategy="cosine", base_lr=0.3),
        Rival(strategy="linear", label="Hindsight"),
    ))
    assert list(what.contestants()) == [
        ITSELF, "Cosine decay at 0.1", "Cosine decay at 0.3", "Hindsight 2",
    ]


def judged(found: list[float], itself: list[float], cosine: float, fresh: list[float]) -> Any:
    """Standings where the search found 0.8, the run ended at 1.0, and the check gave these."""
    what = search()
    known = [
        tried(0, 0, val_loss=1.0), tried(1, 1, ((4, 2.0),), val_loss=0.8),
        tried(2, 3, role="rival", label="Cosine decay", val_loss=cosine),
    ]
    for label, losses in ((FOUND, found), (ITSELF, itself), ("Cosine decay", fresh)):
        known += [
            tried(len(known) + place, 3, role="fresh", label=label, seed=place + 1, val_loss=loss)
            for place, loss in enumerate(losses)
        ]
    return hindsight.standings(what, known), hindsight.result_in_words(what, known)


def test_the_gaps_on_both_kinds_of_seeds_stand_side_by_side() -> None:
    frame, words = judged([0.9, 1.0, 1.1], [1.0, 1.0, 1.3], 0.9, [1.0, 1.2, 1.1])
    assert frame["label"].tolist() == [FOUND, "Cosine decay", ITSELF]
    assert frame["gap"].tolist() == pytest.approx([0.0, 0.1, 0.2])
    assert frame["fresh_gap"].tolist() == pytest.approx([0.0, 0.1, 0.1])
    # Differences 0.1, 0.2, 0.0: mean 0.1, deviation 0.1, t(0.975, 2) = 4.3027.
    assert frame["high"][1] == pytest.approx(0.1 + 4.30265 * 0.1 / math.sqrt(3), abs=1e-4)
    assert frame["low"][1] == pytest.approx(0.1 - 4.30265 * 0.1 / math.sqrt(3), abs=1e-4)
    # Mean lead 0.15 on the seed searched, 0.1 on fresh ones: a third was optimism.
    assert hindsight.optimism(frame) == pytest.approx(0.05)
    assert "times 2 after epoch 4. On the searched seed it ends at 0.800, 11.1% below" in words
    assert "Trained again with 3 fresh seeds, it ends at 1.00 on average" in words
    assert "which includes 0" in words
    assert "its lead was 0.150 on the searched seed and is 0.100 on fresh ones: 33.3% of" in words


def test_a_lead_that_is_gone_or_grown_is_said_to_be() -> None:
    _, gone = judged([1.2, 1.4, 1.3], [1.0, 1.1, 1.0], 0.9, [1.1, 1.2, 1.3])
    assert "above the run as it was, the nearest there" in gone
    assert "all of it was optimism" in gone
    _, grown = judged([0.5, 0.5, 0.6], [1.0, 1.1, 1.2], 0.9, [1.1, 1.2, 1.3])
    assert "the search shows no optimism here" in grown
    _, lost = judged([math.inf, 0.5, 0.6], [1.0, 1.1, 1.2], 0.9, [1.1, 1.2, 1.3])
    assert "Trained again with 3 fresh seeds, 1 run diverged or failed" in lost


def test_a_rival_that_lost_a_run_has_an_infinite_gap_and_no_interval() -> None:
    frame, words = judged([0.9, 0.9, 0.9], [1.0, 1.1, 1.2], 0.9, [math.inf, 1.0, 1.0])
    row = frame[frame["label"] == "Cosine decay"].iloc[0]
    assert row["fresh_gap"] == math.inf
    assert math.isnan(row["low"])
    assert row["lost"] == 1
    # Only the run as it was counts: 0.2 on the seed searched, 0.2 on fresh ones.
    assert "its lead was 0.200 on the searched seed and is 0.200 on fresh ones" in words


def test_before_the_check_is_over_there_is_no_word_about_optimism() -> None:
    frame, words = judged([], [], math.nan, [])
    assert frame["seeds"].tolist() == [0, 0, 0]
    assert math.isnan(hindsight.optimism(frame))
    assert "The check on fresh seeds is not finished yet." in words


def test_if_nothing_was_better_the_run_itself_is_the_answer() -> None:
    what = search()
    known = [tried(0, 0, val_loss=0.5), tried(1, 1, ((4, 2.0),), val_loss=0.8)]
    known += [
        tried(9 + seed, 3, role="fresh", label=label, seed=seed, val_loss=loss)
        for label, loss in ((ITSELF, 0.6), ("Cosine decay", 0.7)) for seed in (1, 2)
    ]
    words = hindsight.result_in_words(what, known)
    assert "No change of the rate ended lower than the run itself, at 0.500" in words
    assert hindsight.standings(what, known)["fresh_gap"].tolist()[:2] == [0.0, 0.0]


@pytest.mark.parametrize("kind", ["steps", "cosine", "cosine in steps"])
def test_rates_become_points_that_give_the_same_rates(kind: str) -> None:
    time = np.arange(600) / 600
    steps = np.where(time < 0.4, 1.0, np.where(time < 0.7, 3.0, 0.3))
    wave = (1 + np.cos(np.pi * time)) / 2
    used = 0.1 * {"steps": steps, "cosine": wave, "cosine in steps": steps * wave}[kind]
    drawn = analysis.as_points(used)
    table = preview("points", drawn["params"], base_lr=drawn["base_lr"], epochs=600)
    far = np.abs(table - used).max() / drawn["base_lr"]
    assert far == pytest.approx(drawn["largest_difference"], abs=1e-7)
    assert far < (1e-6 if kind == "steps" else 2e-3)


def test_the_schedule_found_is_drawn_last_and_wide_over_the_others() -> None:
    names = {FOUND: "constant", ITSELF: "cosine", "Cosine decay": "cosine"}
    curves = pd.DataFrame([
        {"label": label, "epoch": epoch, "val_loss": 1 / epoch}
        for label in names for epoch in (1, 2, 3)
    ])
    shared: dict[str, Any] = {"found": FOUND, "points": (1, 2), "epochs": 3}
    figure = figures.hindsight_losses(curves, names, **shared)
    assert [trace.name for trace in figure.data] == [ITSELF, "Cosine decay", FOUND]
    widths = [trace.line.width for trace in figure.data]
    assert widths[2] > widths[0] == widths[1]
    assert len({(trace.line.color, trace.line.dash) for trace in figure.data}) == 3
    assert [shape.x0 for shape in figure.layout.shapes] == [1, 2]
    rates = {
        label: pd.DataFrame({"epoch": [0.0, 1.0, 2.0], "learning_rate": [0.1, 0.1, 0.01]})
        for label in names
    }
    drawn = figures.hindsight_rates(rates, names, **shared)
    assert drawn.layout.yaxis.type == "log"
    assert {trace.line.shape for trace in drawn.data} == {"hv"}
    empty = figures.hindsight_losses(curves.iloc[:0], {}, **shared)
    assert not empty.data
    assert not figures.hindsight_rates({}, {}, **shared).data
