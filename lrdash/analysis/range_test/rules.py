"""Rules that read a rate off a range test, each a function of rates and smoothed losses.

Four are those that fastai offers (https://docs.fast.ai/callback.schedule.html, section
"Suggestion methods"), implemented from their descriptions there. All of them get the usable part
of a curve: without the start, where nothing has been smoothed yet, and without everything beyond
the divergence edge.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST = 4  # points of a curve that a rule can work with
SAFETY = 10.0  # what the lowest loss's rate is divided by
EARLY, LATE = 0.25, 0.9  # shares of the fall between which `descent` takes the middle
CAUTION = 3.0  # what that middle is divided by
APART = 15  # updates between the two slopes that `slide` compares
STEADY = 0.005  # difference of these slopes, per unit of loss spanned, that counts as steady

Curve = NDArray[np.float64]
Pick = Callable[[Curve, Curve], float]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A way to read a rate off a curve."""

    id: str
    label: str
    idea: str  # in a sentence
    source: str
    pick: Pick  # (rates, smoothed losses), both [points], to a rate; NaN where there is none


def steepest(rates: Curve, losses: Curve) -> float:
    """The rate at which the loss falls fastest.

    The slope is that of the loss over the logarithm of the rate, (L[i + 1] - L[i]) / (ln r[i + 1] -
    ln r[i]); NaN if it never falls.
    """
    if len(losses) < LEAST:
        return float("nan")
    slopes = np.diff(losses) / np.diff(np.log(rates))
    best = int(np.argmin(slopes))
    return float(rates[best]) if slopes[best] < 0 else float("nan")


def valley(rates: Curve, losses: Curve) -> float:
    """The middle of the longest descent.

    The longest descent is the longest subsequence of strictly falling losses; with n points and its
    last one at place b, the rate is that of place b - n / 2. NaN if the loss never falls.

    Reference: ESRI's rule, contributed to fastai as `valley`.
    """
    if len(losses) < LEAST:
        return float("nan")
    length = _descents(losses)
    end = int(np.argmax(length))
    return float(rates[end - length[end] // 2]) if length[end] > 1 else float("nan")


def minimum(rates: Curve, losses: Curve) -> float:
    """A tenth of the rate at which the loss is lowest: at the bottom it already begins to rise."""
    if len(losses) < LEAST:
        return float("nan")
    return float(rates[int(np.argmin(losses))] / SAFETY)


def slide(rates: Curve, losses: Curve) -> float:
    """The rate left of the last stretch in which the slope still changes.

    From the right end two places, `APART` updates from each other, slide to the left together; they
    stop where their slopes differ by no more than `STEADY`, and the left one's rate is
    taken. fastai compares the slopes as they are; here they are divided by what the curve spans, so
    that a loss in other units gives the same rate. NaN for a curve shorter than both need.

    Reference: novetta's rule, contributed to fastai as `slide`.
    """
    span = float(np.ptp(losses)) if len(losses) else 0.0
    if len(losses) <= APART + 1 or span == 0:
        return float("nan")
    slopes = np.gradient(losses) / span
    right = len(losses) - 1
    left = right - APART
    while left > 0 and abs(slopes[right] - slopes[left]) > STEADY:
        right, left = right - 1, left - 1
    return float(rates[left])


def descent(rates: Curve, losses: Curve) -> float:
    """A third of the middle of the descent.

    The middle is the geometric mean of the two rates at which a quarter and nine tenths of the fall
    are done: two places on the slope are steadier than the bottom, which is flat, and than the
    slope's steepest point. The fall is one of the loss's logarithm, so that a loss that falls by
    decades is not done with the first of them; of the loss itself where that reaches 0 or below.
    A training stays at its rate for long, a test does not, hence a third. NaN if the loss never
    falls.
    """
    if len(losses) < LEAST:
        return float("nan")
    height = np.log(losses) if losses.min() > 0 else losses
    fall = height[0] - height.min()
    if not fall > 0:
        return float("nan")
    early, late = (rates[np.argmax(height <= height[0] - share * fall)] for share in (EARLY, LATE))
    return float(np.sqrt(early * late) / CAUTION)


def _descents(losses: Curve) -> NDArray[np.int64]:
    """Points of the longest strictly falling subsequence that ends at each place.

    `least[n]` is the negative of the highest loss at which a descent of n + 1 points can end so
    far; it grows, so a place's longest descent is found by bisection.
    """
    least: list[float] = []
    length = np.ones(len(losses), dtype=np.int64)
    for place, loss in enumerate(losses.tolist()):
        before = bisect_left(least, -loss)
        least[before : before + 1] = [-loss]
        length[place] = before + 1
    return length


RULES: Mapping[str, Rule] = {rule.id: rule for rule in (
    Rule(
        id="steepest", label="Steepest", pick=steepest,
        idea="The rate at which the loss falls fastest.",
        source="fastai, `steep`",
    ),
    Rule(
        id="valley", label="Valley", pick=valley,
        idea="The middle of the longest descent.",
        source="fastai, `valley`",
    ),
    Rule(
        id="minimum", label="Minimum / 10", pick=minimum,
        idea="A tenth of the rate at which the loss is lowest.",
        source="fastai, `minimum`",
    ),
    Rule(
        id="slide", label="Slide", pick=slide,
        idea="Left of the last stretch in which the slope still changes.",
        source="fastai, `slide`",
    ),
    Rule(
        id="descent", label="Descent / 3", pick=descent,
        idea="A third of the middle between a quarter and nine tenths of the fall.",
        source="lrdash",
    ),
)}
