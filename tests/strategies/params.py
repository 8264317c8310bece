"""Random settings within the bounds that the strategies declare, for property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from lrdash.core.record import Knob
from lrdash.strategies import STRATEGIES

OPEN_LOOP = tuple(name for name, kind in STRATEGIES.items() if kind.kind == "schedule")
EXPRESSIONS = ("lr", "lr * 0.9", "base_lr / (1 + epoch)", "base_lr * exp(-step / 50)",
               "lr if epoch < epochs / 2 else lr / 2")


@st.composite
def settings_of(draw: st.DrawFn, name: str, epochs: int) -> dict[str, Any]:
    """Settings of the strategy `name` that it accepts over this many epochs."""
    drawn = {knob.name: draw(_value(knob, epochs)) for knob in STRATEGIES[name].knobs()}
    if drawn.get("three_phase"):
        drawn["pct_start"] = min(drawn["pct_start"], 0.5)
    if name == "wsd":
        drawn["decay_fraction"] = min(drawn["decay_fraction"], 1 - drawn["warmup_fraction"])
    return drawn


def _value(knob: Knob, epochs: int) -> st.SearchStrategy[Any]:
    if knob.kind == "number":
        return st.floats(knob.low, knob.high, exclude_min=knob.low_open, exclude_max=knob.high_open)
    if knob.kind == "integer":
        return st.integers(int(knob.low or 0), int(knob.high or 0))
    if knob.kind == "switch":
        return st.booleans()
    if knob.kind == "choice":
        return st.sampled_from(knob.choices)
    if knob.name == "milestones":
        return st.lists(st.floats(0.01, epochs), min_size=1, max_size=9, unique=True).map(sorted)
    if knob.name == "points":
        inner = st.lists(st.floats(0.001, 0.999), max_size=6, unique=True).map(sorted)
        factors = st.lists(st.floats(0, 10), min_size=8, max_size=8)
        return st.tuples(inner, factors).map(
            lambda both: list(zip([0.0, *both[0], 1.0], both[1], strict=False))
        )
    return st.sampled_from(EXPRESSIONS)
