"""Why decay to zero: the noise floor of a constant rate."""

from __future__ import annotations

import itertools

import numpy as np

from lrdash.analysis.guides.guide import Evidence, Explained, Guide
from lrdash.analysis.verdicts import judge as judge_arms
from lrdash.core.spec import RunSpec
from lrdash.core.wording import listed, number, rate
from lrdash.planning.experiment import Arm, Experiment

CONSTANT, LINEAR = "Constant", "Linear to zero"
LAST = 0.25  # share of the epochs over which a floor is averaged
CLOSE = 1.5  # factor within which the floor follows the rate


def so_far(found: Evidence) -> str:
    """Where both are now at the highest peak."""
    if found.curves.empty:
        return ""
    peak = found.peaks()[-1]
    now = {label: _last(found, label, peak) for label in (CONSTANT, LINEAR)}
    if not all(map(np.isfinite, now.values())):
        return ""
    means = ", ".join(f"{label} {number(loss)}" for label, loss in now.items())
    return f"Validation loss at peak rate {rate(peak)} so far: {means} (means over the seeds)."


def judge(found: Evidence) -> Explained:
    """The noise floor of a constant rate at each peak, and how far below it decay ends."""
    peaks = found.peaks()
    floors = [_floor(found, peak) for peak in peaks]
    ends = [float(np.mean(found.finals(LINEAR, peak))) for peak in peaks]
    faults = _faults(peaks, floors, ends)
    findings = (
        *(_at(*three) for three in zip(peaks, floors, ends, strict=True)),
        *_growth(peaks, floors), judge_arms(found.arms).sentence,
    )
    if faults:
        headline = f"Not quite as expected: {listed(faults)}."
        return Explained(outcome="otherwise", headline=headline, findings=findings)
    gaps = [floor / end for floor, end in zip(floors, ends, strict=True)]
    headline = (
        "A constant rate stays on a noise floor that is about proportional to the rate. Decay to "
        f"zero falls through it, here to a loss {number(min(gaps))} to {number(max(gaps))} "
        "times lower."
    )
    return Explained(outcome="as expected", headline=headline, findings=findings)


def _floor(found: Evidence, peak: float) -> float:
    """Mean loss over the last epochs of all seeds; infinite where a run diverged."""
    if not np.isfinite(found.finals(CONSTANT, peak)).all():
        return float("inf")
    rows = found.epochs(CONSTANT, peak)
    late = rows[rows["epoch"] > (1 - LAST) * rows["epoch"].max()]
    return float(late["val_loss"].mean())


def _last(found: Evidence, label: str, peak: float) -> float:
    values = found.arm(label, peak)["final_val_loss"].to_numpy(dtype=np.float64)
    return float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else np.nan


def _faults(peaks: list[float], floors: list[float], ends: list[float]) -> list[str]:
    """What was expected and did not happen."""
    faults = []
    gone = [rate(peak) for peak, floor in zip(peaks, floors, strict=True) if np.isinf(floor)]
    if gone:
        faults.append(f"the constant rate diverged at {listed(gone)}, so it has no floor there")
    above = [
        rate(peak) for peak, floor, end in zip(peaks, floors, ends, strict=True)
        if not end < floor
    ]
    if above:
        faults.append(
            f"decay to zero did not end below the constant rate at {listed(above)}: its rate fell "
            "before the loss was near the bottom"
        )
    growth = [high / low * a / b for a, b, low, high in _neighbours(peaks, floors)]
    if any(not 1 / CLOSE < one < CLOSE for one in growth):
        faults.append(
            "the floor did not grow in step with the rate: where it grew less, the run had not "
            "settled, and where it grew more, the rate is near the stability limit"
        )
    return faults


def _at(peak: float, floor: float, end: float) -> str:
    if np.isinf(floor):
        stays = "the constant rate **diverged** with at least one seed"
    else:
        stays = f"the constant rate settled at {number(floor)} (mean of the last quarter)"
    if np.isinf(end):
        return f"**Rate {rate(peak)}**: {stays}; decay to zero **diverged** with at least one seed."
    found = f"**Rate {rate(peak)}**: {stays}; decay from there to zero ended at {number(end)}"
    if np.isinf(floor):
        return f"{found}."
    return f"{found}, {f'{number(floor / end)} times lower' if end < floor else 'no lower'}."


def _growth(peaks: list[float], floors: list[float]) -> tuple[str, ...]:
    factors = [
        f"{number(high / low)} times for {number(b / a)} times the rate ({rate(a)} to {rate(b)})"
        for a, b, low, high in _neighbours(peaks, floors)
    ]
    if not factors:
        return ()
    return (
        f"**The floor** grew {listed(factors)}. In theory, for small rates, both factors are the "
        "same: each update scatters the weights by the rate times the noise of its batch.",
    )


def _neighbours(
    peaks: list[float], floors: list[float]
) -> list[tuple[float, float, float, float]]:
    """Each two neighbouring rates with the floors under them, where both have one."""
    pairs = itertools.pairwise(zip(peaks, floors, strict=True))
    return [
        (a, b, low, high) for (a, low), (b, high) in pairs if np.isfinite([low, high]).all()
    ]


GUIDE = Guide(
    id="decay",
    title="Why let the rate fall to zero?",
    idea="Each batch shows the slope with some noise. At a **constant** rate that noise keeps "
    "scattering the weights: the loss falls fast and then stays on a floor. A lower rate has a "
    "lower floor, but takes longer. A **linear** decay is fast at first and settles at the end.",
    expected="The floor of the constant rate is about proportional to the rate, and decay to zero "
    "ends below it from every peak.",
    watch=(
        "The lines of the constant rate flatten and jitter: the higher the rate, the higher up.",
        "The lines of the decay continue to fall, mostly near the end.",
    ),
    source="Zhang et al. 2019, arXiv 1907.04164; Defazio et al. 2023, arXiv 2310.07831",
    experiment=Experiment(
        base=RunSpec(
            dataset="noisy_quadratic", model="noisy_quadratic", model_params={"dimensions": 20},
            momentum=0.0, epochs=20,
        ),
        arms=(
            Arm(strategy="constant", label=CONSTANT), Arm(strategy="linear", label=LINEAR),
        ),
        base_lrs=(0.1, 0.2, 0.4), seeds=(0, 1, 2, 3, 4, 5),
    ),
    so_far=so_far, judge=judge,
)
