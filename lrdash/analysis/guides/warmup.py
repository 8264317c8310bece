"""Why warm up: fresh weights, a high peak rate, and a ramp in front of it."""

from __future__ import annotations

import numpy as np

from lrdash.analysis.guides.guide import Evidence, Explained, Floats, Guide
from lrdash.analysis.verdicts import judge as judge_arms
from lrdash.core.spec import RunSpec
from lrdash.core.wording import listed, number, rate
from lrdash.planning.experiment import Arm, Experiment

WITHOUT, WITH = "Without warm-up", "With warm-up"
SHARE = 0.2  # of training, on the way up
GUESSING = 1.0  # squared error of always predicting the mean: the targets have a variance of 1
BROKEN = GUESSING / 2  # a run that ends above has learned little, if anything
MEASURE = (
    f"**Broken** means diverged, or a final validation loss above {number(BROKEN)}, half of the "
    "loss of always predicting the mean."
)


def so_far(found: Evidence) -> str:
    """How many runs at the highest peak are no better than a guess so far."""
    if found.curves.empty:
        return ""
    peak = found.peaks()[-1]
    counted = listed(
        f"{_broken(found.finals(label, peak))} of {len(found.finals(label, peak))} "
        f"{label[0].lower()}{label[1:]}"
        for label in (WITHOUT, WITH)
    )
    return f"At the highest peak, {rate(peak)}, above a loss of {number(BROKEN)} so far: {counted}."


def judge(found: Evidence) -> Explained:
    """Up to which peak rate most seeds survive without and with a warm-up, and at what cost."""
    bare, ramped = (_largest(found, label) for label in (WITHOUT, WITH))
    findings = (
        *(_at(found, peak) for peak in found.peaks()), MEASURE, *_cost(found), _best(found),
    )
    if ramped > bare:
        times = f", {number(ramped / bare)} times as high" if bare else ""
        headline = (
            f"With a warm-up most seeds survive up to a peak rate of {rate(ramped)}"
            + (f"; without one only up to {rate(bare)}" if bare else "; without one at none")
            + f". The ramp allows a higher rate{times}."
        )
        return Explained(outcome="as expected", headline=headline, findings=findings)
    return Explained(
        outcome="otherwise", headline=_otherwise(found, bare, ramped), findings=findings
    )


def _otherwise(found: Evidence, bare: float, ramped: float) -> str:
    peaks = found.peaks()
    if bare > ramped:
        return (
            "The opposite of what was expected: without a warm-up most seeds survived up to "
            f"{rate(bare)}, with it {f'only up to {rate(ramped)}' if ramped else 'at none'}."
        )
    if not bare:
        return "Most seeds failed at every peak rate, with or without a warm-up: all are too high."
    if bare == peaks[-1]:
        return (
            f"Most seeds survived even the highest peak, {rate(bare)}, with and without a warm-up: "
            "it was not needed here."
        )
    return (
        f"This time most seeds survived up to {rate(bare)} with and without a warm-up: it allowed "
        "no higher peak. See below how many broke above it; other seeds may show more."
    )


def _largest(found: Evidence, label: str) -> float:
    """The largest peak up to which more than half of the runs of an arm survive; 0: none.

    Not all of them, since with several seeds one often breaks at a peak that is good enough.
    """
    survived = 0.0
    for peak in found.peaks():
        finals = found.finals(label, peak)
        if 2 * _broken(finals) >= len(finals):
            break
        survived = peak
    return survived


def _broken(finals: Floats) -> int:
    return int((finals > BROKEN).sum())


def _at(found: Evidence, peak: float) -> str:
    parts = []
    for label in (WITHOUT, WITH):
        finals = found.finals(label, peak)
        diverged = int(np.isinf(finals).sum())
        broken = _broken(finals)
        gone = f"{broken} of {len(finals)} runs broken" if broken else "no broken run"
        if diverged:
            gone += f" ({diverged} diverged)"
        median = float(np.median(finals))
        loss = f"median loss {number(median)}" if np.isfinite(median) else "no median loss"
        parts.append(f"{label[0].lower()}{label[1:]} {gone}, {loss}")
    return f"**Peak {rate(peak)}**: {'; '.join(parts)}."


def _cost(found: Evidence) -> tuple[str, ...]:
    """What the ramp costs at the lowest peak, after its first epoch."""
    peak = found.peaks()[0]
    losses = []
    for label in (WITHOUT, WITH):
        rows = found.epochs(label, peak)
        rows = rows[rows["epoch"] == 1]
        if rows.empty or not np.isfinite(rows["loss"]).all():
            return ()
        losses.append(f"{number(float(rows['loss'].mean()))} {label.split()[0].lower()}")
    return (
        f"**The cost**: the ramp starts slowly. Training loss of the first epoch at the lowest "
        f"peak, {rate(peak)}: {listed(losses)} warm-up.",
    )


def _best(found: Evidence) -> str:
    return (
        "**Which is better, each at its own best peak?** A warm-up saves high peaks; it need not "
        f"lower the loss at good ones. {judge_arms(found.arms).sentence}"
    )


GUIDE = Guide(
    id="warmup",
    title="Why warm up?",
    idea="Fresh weights are random, and the valley around them is steep. A high rate throws them "
    "out at once, to a place from which some networks never recover. A **warm-up** raises the "
    f"rate in a straight line over the first {SHARE:.0%} of training; then both fall to 0.",
    expected="At low peak rates the warm-up makes little difference. At high ones it saves runs: "
    "most seeds survive up to a higher peak.",
    watch=(
        "The first epochs: at a high peak the loss jumps up without a ramp, and falls with one.",
        f"Lines that end early, or near {GUESSING:g}, the loss of always predicting the mean.",
    ),
    source="Kalra and Barkeshli 2024, arXiv 2406.09405",
    experiment=Experiment(
        base=RunSpec(
            dataset="noisy_regression", model="mlp", model_params={"widths": [128, 128, 128]},
            batch_size=64, epochs=20,
        ),
        arms=(
            Arm(strategy="linear", label=WITHOUT),
            Arm(strategy="wsd", label=WITH, params={
                "warmup_fraction": SHARE, "decay_fraction": 1 - SHARE, "decay_shape": "linear",
            }),
        ),
        base_lrs=(0.08, 0.18, 0.27), seeds=tuple(range(8)),
    ),
    so_far=so_far, judge=judge,
)
