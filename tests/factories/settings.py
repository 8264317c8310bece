"""Random settings within the bounds that the strategies declare, for property tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from lrdash.core.record import Knob
from lrdash.core.spec import DataShape
from lrdash.strategies import STRATEGIES
from lrdash.strategies.plateau import Plateau

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


VARIANTS: tuple[tuple[str, dict[str, Any]], ...] = (
    *((name, {"milestones": [2, 4.5]} if name == "multistep" else {})
      for name, kind in STRATEGIES.items() if kind.kind == "schedule" and name != "custom"),
    ("step", {"drop_every": 1.5, "factor": 0.3}),
    ("step", {"drop_every": 0.1, "factor": 0.999}),
    ("exponential", {"decay_rate": 0.37, "decay_every": 0.5, "staircase": True}),
    ("exponential", {"decay_rate": 0.9997, "decay_every": 0.01}),
    ("inverse_time", {"decay_rate": 30, "staircase": True}),
    ("polynomial", {"power": 0.3, "end_factor": 0.2}),
    ("polynomial", {"power": 7.5, "end_factor": 0.01}),
    ("cosine", {"alpha": 0.3}),
    ("cosine_restarts", {"first_cycle": 1, "t_mul": 2, "m_mul": 0.7, "alpha": 0.1}),
    ("cosine_restarts", {"first_cycle": 0.9, "t_mul": 1.37, "m_mul": 0.6}),
    ("cosine_restarts", {"first_cycle": 0.3, "t_mul": 1, "alpha": 0.1}),
    ("cosine_restarts", {"first_cycle": 0.9, "t_mul": 1}),
    ("cyclic", {"half_cycle": 1.3, "mode": "triangular2", "min_factor": 0}),
    ("cyclic", {"half_cycle": 1.3, "mode": "exp_range", "gamma": 0.98}),
    ("one_cycle", {"anneal_strategy": "linear", "pct_start": 0.4, "three_phase": True}),
    ("one_cycle", {"pct_start": 0, "three_phase": True}),
    ("one_cycle", {"pct_start": 1}),
    ("flat_cosine", {"pct_start": 1}),
    ("flat_cosine", {"pct_start": 0, "end_factor": 0.5}),
    ("wsd", {"decay_shape": "linear", "warmup_from_zero": True}),
    ("wsd", {"decay_shape": "cosine", "decay_fraction": 0.9}),
    ("wsd", {"warmup_fraction": 0, "decay_fraction": 0}),
    ("points", {"points": [[0, 0.2], [0.3, 1], [0.31, 0.1], [1, 0.5]]}),
    ("points", {"points": [[0, 0.2], [0.3, 1], [1, 0]], "interpolation": "cosine"}),
)


CALLBACKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("custom", {"expression": "lr * 0.7 if epoch % 2 == 1 else lr - step * base_lr / 1000"}),
    ("plateau", {"patience": 1, "min_delta": 10}),
    ("plateau", {"patience": 0, "min_delta": 10, "rules": "torch", "cooldown": 1}),
)


WARMUPS = ({}, {"warmup_epochs": 1.4, "warmup_start_factor": 0.1}, {"warmup_epochs": 2})


def series(random: np.random.Generator) -> list[float]:
    """A metric's way: falling, flat, tied, jumping, sometimes NaN or infinite."""
    count = int(random.integers(2, 19))
    kind = random.integers(5)
    if kind == 0:
        values = np.round(random.random(count), 1)
    elif kind == 1:
        values = np.full(count, random.random())
    elif kind == 2:
        values = np.float32(np.cumsum(random.normal(0, 1e-4, count)) + random.random())
    elif kind == 3:
        values = np.float32(np.exp(-0.3 * np.arange(count)) + random.normal(0, 0.05, count))
    else:
        values = np.repeat(random.random(count), random.integers(1, 4, count))[:count]
    if random.random() < 0.15:
        values[random.integers(count)] = random.choice([np.nan, np.inf, -np.inf])
    return [float(v) for v in values]


def any_rule(random: np.random.Generator) -> Plateau:
    return Plateau(
        monitor=random.choice(["val_loss", "loss", "val_accuracy", "accuracy"]),
        mode=random.choice(["auto", "min", "max"]),
        factor=float(random.choice([0.1, 0.5, 0.9, random.uniform(0.05, 0.95)])),
        patience=int(random.integers(0, 5)),
        min_delta=float(random.choice([0.0, 1e-4, 0.1, 0.05])),
        cooldown=int(random.integers(0, 5)),
        min_lr=float(random.choice([0.0, 1e-12, 1e-3, 0.01, 0.05, 0.1])),
    )


DIGITS = DataShape(task="classification", input_shape=(8, 8, 1), num_classes=10)


IMAGE = [
    {"kind": "conv2d", "size": 4, "kernel": 3, "activation": "relu"},
    {"kind": "batch_norm"},
    {"kind": "max_pooling", "size": 2},
    {"kind": "residual", "size": 8, "strides": 2},
    {"kind": "residual", "size": 8},
    {"kind": "average_pooling", "size": 1},
    {"kind": "layer_norm"},
    {"kind": "activation", "activation": "tanh"},
    {"kind": "global_average_pooling"},
    {"kind": "dropout", "rate": 0.1},
    {"kind": "dense", "size": 6, "activation": "gelu"},
]
