"""Guided experiments: what they say about expected results, and about others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lrdash.analysis.frames import decisions_frame
from lrdash.analysis.guides import GUIDES, Evidence, Explained, by_peak, guide_of
from lrdash.analysis.guides.decay import CONSTANT, LINEAR
from lrdash.analysis.guides.lowering import PLATEAU, STEP
from lrdash.analysis.guides.warmup import WITH, WITHOUT
from lrdash.planning.experiment import Arm, plan_all

LOWERING, WARMUP, DECAY = (GUIDES[name] for name in ("lowering", "warmup", "decay"))
EPOCHS = 20


def run(
    label: str, peak: float, seed: int, losses: Sequence[float], rates: Sequence[float] = (),
    status: str = "finished",
) -> dict[str, Any]:
    """One run: its row of the arms and its epochs."""
    run_id = f"{label} {peak:g} {seed}"
    final = losses[-1] if len(losses) else np.nan
    arm = {
        "run_id": run_id, "label": label, "strategy": label.lower(), "base_lr": peak, "seed": seed,
        "status": status, "final_val_loss": final, "best_val_loss": final,
        "epochs_done": len(losses), "seconds": 1.0,
    }
    curve = pd.DataFrame({
        "run_id": run_id, "label": label, "strategy": label.lower(), "base_lr": peak, "seed": seed,
        "epoch": np.arange(1, len(losses) + 1), "val_loss": losses, "loss": losses,
        "learning_rate": rates if len(rates) else np.full(len(losses), peak),
    })
    return {"arm": arm, "curve": curve}


def evidence(runs: list[dict[str, Any]], decisions: pd.DataFrame | None = None) -> Evidence:
    empty = decisions_frame([]).assign(run_id=pd.Series([], dtype="str"))
    return Evidence(
        arms=pd.DataFrame([one["arm"] for one in runs]),
        curves=pd.concat([one["curve"] for one in runs], ignore_index=True),
        decisions=empty if decisions is None else decisions,
    )


def stairs(*places: int) -> list[float]:
    """A rate of 0.1 that is halved after these epochs."""
    return [0.1 * 0.5 ** sum(place <= epoch for place in places) for epoch in range(EPOCHS)]


def falling(*places: int, step: float = 0.8) -> list[float]:
    """A loss of 1 that changes by a factor at each of these epochs, and stays otherwise."""
    return [step ** sum(place <= epoch for place in places) for epoch in range(EPOCHS)]


def lowering(
    plateau: Sequence[Sequence[int]] = ((6, 13), (8, 15)), step: float = 0.8
) -> list[dict[str, Any]]:
    planned = [run(STEP, 0.1, seed, falling(10), stairs(10)) for seed in range(len(plateau))]
    return planned + [
        run(PLATEAU, 0.1, seed, falling(*places, step=step), stairs(*places))
        for seed, places in enumerate(plateau)
    ]


def warmup(bare: Sequence[float], ramped: Sequence[float], seeds: int = 3) -> Evidence:
    """Final losses of both arms at each peak; infinite: diverged."""
    return evidence([
        run(label, peak, seed, [1.0, loss + seed / 1000],
            status="finished" if np.isfinite(loss) else "diverged")
        for label, losses in ((WITHOUT, bare), (WITH, ramped))
        for peak, loss in zip((0.1, 0.2, 0.4), losses, strict=True)
        for seed in range(seeds)
    ])


def decay(floors: Sequence[float], ends: Sequence[float]) -> Evidence:
    """A constant rate that rests at these floors, and decay that ends at these losses."""
    return evidence([
        run(label, peak, seed, [1.0] * 10 + [loss * (1 + seed / 100)] * 10,
            status="finished" if np.isfinite(loss) else "diverged")
        for label, losses in ((CONSTANT, floors), (LINEAR, ends))
        for peak, loss in zip((0.1, 0.2, 0.4), losses, strict=True)
        for seed in range(2)
    ])


def words(shown: Explained) -> str:
    return "\n".join([shown.headline, *shown.findings])


def test_plateau_that_waits_and_helps_is_as_expected_with_epochs_and_losses() -> None:
    decided = decisions_frame([]).reindex([0]).assign(
        run_id=f"{PLATEAU} 0.1 0", epoch=6, decision="1 is not below best 1: wait 3 of 3"
    )
    shown = LOWERING.explain(evidence(lowering(), decided))
    assert shown.outcome == "as expected"
    said = words(shown)
    assert "**Step** cut after epoch 10 with every seed" in said
    assert "seed 0: 6, 13; seed 1: 8, 15" in said
    assert "“1 is not below best 1: wait 3 of 3”" in said
    assert "**After 4 of 4 cuts of Plateau** the validation loss was lower" in said
    assert "from rate 0.1 to 0.05, moved it from 1.00 to 0.800, 20.0% lower" in said
    assert "Mean final validation loss: 0.800 with Step and 0.640 with Plateau" in said
    assert "no evidence" in said  # with two seeds


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        (lowering(((), (8,))), "Plateau never cut in 1 of 2 runs"),
        (lowering(((), ())), "had no reason to cut"),
        (lowering(((10,), (8,))), "Plateau cut at exactly the epochs of Step in some run"),
        (lowering(step=1.1), "lower after only 0 of the 4 cuts of Plateau"),
        (lowering(step=1.1), "10.0% higher"),
        (
            [*lowering()[1:], run(STEP, 0.1, 0, [1.0, np.nan], [0.1, 0.1], "diverged")],
            "1 run diverged",
        ),
        (
            [*lowering()[1:], run(STEP, 0.1, 0, falling(9), stairs(9))],
            "Step did not cut at the same epochs in all runs",
        ),
    ],
)
def test_plateau_that_does_something_else_is_reported_with_the_numbers(
    runs: list[dict[str, Any]], message: str
) -> None:
    shown = LOWERING.explain(evidence(runs))
    assert shown.outcome == "otherwise"
    assert message in words(shown)


def test_a_ramp_that_allows_a_higher_peak_is_as_expected() -> None:
    shown = WARMUP.explain(warmup((0.05, 0.06, np.inf), (0.06, 0.05, 0.05)))
    assert shown.outcome == "as expected"
    assert "up to a peak rate of 0.4; without one only up to 0.2" in shown.headline
    assert "2.00 times as high" in shown.headline
    assert "without warm-up 3 of 3 runs broken (3 diverged), no median loss; with" in words(shown)
    one = warmup((0.05, 0.9, 0.9), (0.06, 0.05, 0.05))
    first = one.arms["run_id"] == f"{WITH} 0.2 0"
    lost = replace(one, arms=one.arms.assign(status=one.arms["status"].mask(first, "diverged")))
    assert "most seeds survive up to a peak rate of 0.4" in WARMUP.explain(lost).headline
    assert "with warm-up 1 of 3 runs broken (1 diverged)" in words(WARMUP.explain(lost))
    none = WARMUP.explain(warmup((np.inf, 2.0, np.inf), (0.06, 2.0, 2.0)))
    assert "up to a peak rate of 0.1; without one at none" in none.headline


@pytest.mark.parametrize(
    ("bare", "ramped", "message"),
    [
        ((0.1, 0.1, 0.1), (0.1, 0.1, 0.1), "Most seeds survived even the highest peak, 0.4"),
        ((0.1, 0.1, 0.9), (0.1, 0.1, 0.9), "This time most seeds survived up to 0.2 with and"),
        ((0.1, 0.1, 0.9), (0.1, 0.9, 0.9), "The opposite of what was expected"),
        ((0.1, 0.1, 0.9), (0.9, 0.9, 0.9), "with it at none"),
        ((0.9, 0.9, np.inf), (0.9, 0.9, 0.9), "all are too high"),
    ],
)
def test_a_ramp_that_saves_nothing_is_reported_with_the_numbers(
    bare: Sequence[float], ramped: Sequence[float], message: str
) -> None:
    shown = WARMUP.explain(warmup(bare, ramped))
    assert shown.outcome == "otherwise"
    assert message in shown.headline


def test_a_floor_in_step_with_the_rate_and_decay_below_it_are_as_expected() -> None:
    shown = DECAY.explain(decay((0.01, 0.02, 0.04), (0.005, 0.005, 0.005)))
    assert shown.outcome == "as expected"
    assert "2.00 to 8.00 times lower" in shown.headline
    assert "**The floor** grew 2.00 times for 2.00 times the rate (0.1 to 0.2)" in words(shown)


@pytest.mark.parametrize(
    ("floors", "ends", "message"),
    [
        ((0.01, 0.02, 0.04), (0.05, 0.005, 0.005), "did not end below the constant rate at 0.1"),
        ((0.04, 0.04, 0.04), (0.01, 0.01, 0.01), "did not grow in step with the rate"),
        ((0.01, 0.02, np.inf), (0.005, 0.005, 0.005), "diverged at 0.4, so it has no floor there"),
        ((0.01, 0.02, np.inf), (0.005, 0.005, np.inf), "decay to zero **diverged** with"),
    ],
)
def test_a_floor_or_a_decay_that_goes_otherwise_is_reported_with_the_numbers(
    floors: Sequence[float], ends: Sequence[float], message: str
) -> None:
    shown = DECAY.explain(decay(floors, ends))
    assert shown.outcome == "otherwise"
    assert message in words(shown)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("stopped", "3 of 4 runs finished or diverged: 1 stopped."),
        ("failed", "1 failed (the Runs page says why)"),
        ("interrupted", "1 interrupted"),
    ],
)
def test_what_ended_half_way_gets_no_answer_but_what_is_known(status: str, message: str) -> None:
    runs = [*lowering()[1:], run(STEP, 0.1, 0, falling(10)[:12], stairs(10)[:12], status)]
    shown = LOWERING.explain(evidence(runs))
    assert shown.outcome == "open"
    assert message in shown.headline
    assert shown.findings == (
        "So far Step has made 2 cuts and Plateau 4 cuts, in 2 of 2 runs.",
    )


def test_what_was_deleted_is_missed() -> None:
    for runs in (lowering()[:2], lowering()[2:]):
        shown = LOWERING.explain(evidence(runs))
        assert (shown.outcome, shown.findings) == ("open", ())
        assert "deleted" in shown.headline


@pytest.mark.parametrize(
    ("guide", "found", "message"),
    [
        (LOWERING, lambda: evidence(lowering(((), (8,)))), "Plateau 1 cut, in 1 of 2 runs"),
        (WARMUP, lambda: warmup((0.1, 0.1, 2.0), (0.1, 0.1, 0.1)), "3 of 3 without warm-up and 0"),
        (DECAY, lambda: decay((0.1, 0.1, 0.2), (0.1, 0.1, 0.1)), "at peak rate 0.4 so far: Const"),
    ],
)
def test_while_it_trains_one_sentence_tells_how_it_stands(
    guide: Any, found: Callable[[], Evidence], message: str
) -> None:
    assert message in guide.so_far(found())
    nothing = evidence([run(STEP, 0.1, 0, [], status="queued")])
    assert guide.so_far(nothing) == ""
    assert guide.explain(nothing).outcome == "open"


@pytest.mark.parametrize("guide", GUIDES.values(), ids=GUIDES)
def test_a_guided_experiment_can_be_trained_as_it_stands_and_is_known_again(guide: Any) -> None:
    planned = plan_all(guide.experiment)
    assert len(planned) == guide.experiment.size
    assert sum(run.plan.updates for run in planned) < 100_000  # well under a minute on 2 cores
    assert guide_of(guide.experiment) is guide
    larger = guide.experiment.extended(seeds=[77], arms=[Arm(strategy="cosine")])
    assert guide_of(larger) is guide
    other = guide.experiment.replace(base={**guide.experiment.base.as_dict(), "epochs": 7})
    assert guide_of(other) is None


def test_each_arm_gets_a_line_at_each_of_its_peaks() -> None:
    found = decay((0.1, 0.1, 0.2), (0.1, 0.1, 0.1))
    assert len(by_peak(found.arms)["label"].unique()) == 6
    assert by_peak(found.curves)["label"].iloc[0] == "Constant, 0.1"
    assert found.arms["label"].nunique() == 2  # the input stays as it is
    assert set(by_peak(evidence(lowering()).arms)["label"]) == {STEP, PLATEAU}
