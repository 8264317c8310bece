"""Whether a test shows where its loss falls and rises again, and better rates to test if not.

All rules look for a place on the way down. Where the rates end before the loss rises, or begin
after it has fallen, what they find is the end of the range and no property of the model. Judged
by the losses, however the curves are smoothed for display.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from lrdash.analysis.compare.smoothing import smooth
from lrdash.analysis.range_test.curves import SMOOTHING, noise_of, start_of, usable
from lrdash.analysis.range_test.rules import LEAST
from lrdash.core.spec import MAX_RATE
from lrdash.core.wording import rate

WIDER = 100.0  # factor by which better rates reach further
CLEAR = 3.0  # standard deviations by which a loss has to fall
RISEN = 0.1  # share of its fall that a loss has to regain at higher rates
ZERO = 0.01  # share of its start up to which a loss that never rises again counts as 0
NOTHING = 1e-7  # a loss from which float32 sees no way down
FEWEST = 30  # updates of a test at least

Lack = Literal["", "zero", "learned", "late", "flat", "falling"]
REASONS = {
    "zero": "The loss is 0 from the start, so no rate can lower it.",
    "learned": "The loss reaches 0, so higher rates neither lower nor raise it: the model has "
    "learned all its examples.",
    "late": "The loss rises before it has fallen.",
    "flat": "The loss does not fall clearly.",
    "falling": "The loss is still at its lowest where the range ends.",
}


@dataclass(frozen=True, kw_only=True)
class Advice:
    """Why a test suggests no rate, and what to test instead, where that would help."""

    reason: str  # a sentence
    lowest: float | None = None
    highest: float | None = None
    updates: int | None = None  # None: as many as before

    def __str__(self) -> str:
        if self.lowest is None or self.highest is None:
            return self.reason
        less = f" in {self.updates} updates" if self.updates else ""
        return f"{self.reason} Test rates from {rate(self.lowest)} to {rate(self.highest)}{less}."


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What the curve of a seed shows."""

    lack: Lack
    half: float  # rate at which half of the fall is done
    end: float  # rate at which it diverges, or the highest tried


def advice(frame: pd.DataFrame) -> Advice | None:
    """Why a `range_frame` suggests nothing; None where at least half of the seeds show a rate."""
    seen = [_seen(part) for _, part in frame.groupby("seed", sort=False)]
    lack = _common(seen)
    if not lack:
        return None
    tried, own = frame["learning_rate"], [one for one in seen if one.lack == lack]
    lowest, highest = float(tried.min()), float(tried.max())
    if lack == "learned":
        lowest = float(np.median([one.half for one in own]))
        highest, fewer = max(highest, WIDER * lowest), (int(frame["update"].max()) + 1) // 2
        return _advice(lack, lowest, highest, max(FEWEST, fewer))
    if lack == "late":
        return _advice(lack, lowest / WIDER, float(np.median([one.end for one in own])))
    return _advice(lack, lowest, highest if lack == "zero" else WIDER * highest)


def readable(frame: pd.DataFrame) -> list[pd.DataFrame]:
    """The rows of each seed that the rules can read; none where there is `advice` instead."""
    parts = [part for _, part in frame.groupby("seed", sort=False)]
    seen = [_seen(part) for part in parts]
    if _common(seen):
        return []
    return [part for part, one in zip(parts, seen, strict=True) if not one.lack]


def _common(seen: Sequence[_Seen]) -> Lack:
    """What most often keeps the seeds from showing a rate; empty if at least half of them do."""
    lacking = Counter(one.lack for one in seen if one.lack)
    return lacking.most_common(1)[0][0] if 2 * lacking.total() > len(seen) else ""


def _advice(lack: Lack, lowest: float, highest: float, updates: int | None = None) -> Advice:
    """With rates to two digits, as one types them; without, where no better ones are allowed."""
    if lack == "zero" or (lack in ("flat", "falling") and highest >= WIDER * MAX_RATE):
        return Advice(reason=REASONS[lack])
    low, high = (float(f"{min(value, MAX_RATE):.2g}") for value in (lowest, highest))
    return Advice(reason=REASONS[lack], lowest=low, highest=high, updates=updates)


def _seen(part: pd.DataFrame) -> _Seen:
    raw, rates = (part[name].to_numpy(dtype=np.float64) for name in ("loss", "learning_rate"))
    soft, noise = smooth(raw, SMOOTHING), noise_of(raw, SMOOTHING)
    used = usable(soft, noise)
    curve, diverged = soft[used], used.stop < len(soft)
    end = float(rates[min(used.stop, len(rates) - 1)])
    if len(curve) < LEAST:
        return _Seen(lack="late", half=end, end=end)
    first, bottom = start_of(soft), int(np.argmin(curve))
    fall = first - float(curve[bottom])
    half = float(rates[used][np.argmax(curve <= first - fall / 2)])
    risen = diverged or float(np.max(curve[bottom:]) - curve[bottom]) >= RISEN * fall
    lack = _lack(first, fall, clear=fall > CLEAR * noise, risen=risen, diverged=diverged)
    return _Seen(lack=lack, half=half, end=end)


def _lack(first: float, fall: float, *, clear: bool, risen: bool, diverged: bool) -> Lack:
    if not clear:
        return "zero" if first <= NOTHING else "late" if diverged else "flat"
    if risen:
        return ""
    return "learned" if first - fall <= ZERO * first else "falling"
