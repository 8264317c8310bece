"""Each strategy's formula as lines of NumPy, for scripts that stand without lrdash.

The lines use `BASE_LR`, `STEPS` (updates an epoch), `UPDATES` (all after warm-up) and `t`, and
leave `rates`. They do the same operations in the same order as the strategies themselves, so that
the numbers are the same to the last bit; the tests hold every strategy to that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lrdash.core.errors import InvalidField
from lrdash.strategies.base import Horizon, Strategy
from lrdash.strategies.custom import NAMES
from lrdash.strategies.expression import CONSTANTS, FUNCTIONS, Expression, parse

PYTHON = ("min", "max", "abs")  # functions of an expression that need no import
Lines = list[str]
Formula = Callable[[Any, Horizon], Lines]


def rate_lines(strategy: Strategy, horizon: Horizon) -> Lines:
    """The lines that leave the rate of every update after warm-up in `rates`, float64 [UPDATES].

    Raises:
        InvalidField: for a strategy whose formula is not written here.
    """
    if strategy.id not in FORMULAS:
        known = ", ".join(FORMULAS)
        problem = f"must be one that can be written as a script ({known})"
        raise InvalidField("strategy", problem, strategy.id)
    return FORMULAS[strategy.id](strategy, horizon)


def math_imports(strategy: Strategy) -> tuple[str, ...]:
    """Names of the module `math` that the lines use."""
    if strategy.id != "custom":
        return ()
    used = _read(strategy).used
    return tuple(sorted(used.intersection((*CONSTANTS, *FUNCTIONS)).difference(PYTHON)))


def _constant(_strategy: Any, _horizon: Horizon) -> Lines:
    return ["rates = np.full(UPDATES, BASE_LR)"]


def _step(strategy: Any, horizon: Horizon) -> Lines:
    gap = horizon.steps(strategy.drop_every)
    return [
        f"drops = np.floor(t / {gap})  # one after every {gap} updates",
        f"rates = BASE_LR * {strategy.factor!r}**drops",
    ]


def _multistep(strategy: Any, horizon: Horizon) -> Lines:
    updates = [horizon.steps(milestone) for milestone in strategy.milestones]
    return [
        f"milestones = {updates}  # updates",
        'passed = np.searchsorted(milestones, t, side="right")',
        f"rates = BASE_LR * {strategy.factor!r} ** passed.astype(np.float64)",
    ]


def _exponential(strategy: Any, horizon: Horizon) -> Lines:
    power = f"t / {horizon.steps(strategy.decay_every)}"
    return [
        f"power = {f'np.floor({power})' if strategy.staircase else power}",
        f"rates = BASE_LR * {strategy.decay_rate!r}**power",
    ]


def _inverse_time(strategy: Any, horizon: Horizon) -> Lines:
    decays = f"t / {horizon.steps(strategy.decay_every)}"
    return [
        f"decays = {f'np.floor({decays})' if strategy.staircase else decays}",
        f"rates = BASE_LR / (1.0 + {strategy.decay_rate!r} * decays)",
    ]


def _inverse_sqrt(strategy: Any, _horizon: Horizon) -> Lines:
    scale = float(strategy.timescale_steps)
    return [f"rates = BASE_LR / np.sqrt((t + {scale!r}) / {scale!r})"]


def _polynomial(strategy: Any, _horizon: Horizon) -> Lines:
    power = getattr(strategy, "power", 1.0)
    return [
        f"end = {strategy.end_factor!r} * BASE_LR",
        "left = (UPDATES - t) / UPDATES",
        f"rates = (BASE_LR - end) * left**{power!r} + end",
    ]


def _cosine(strategy: Any, _horizon: Horizon) -> Lines:
    return [
        "wave = (1.0 + np.cos(np.pi * t / UPDATES)) / 2.0",
        f"alpha = {strategy.alpha!r}  # share of the peak rate that stays",
        "rates = BASE_LR * (alpha + (1.0 - alpha) * wave)",
    ]


def _cosine_restarts(strategy: Any, horizon: Horizon) -> Lines:
    first = horizon.steps(strategy.first_cycle)
    return [
        f"t_mul, m_mul, alpha = {strategy.t_mul!r}, {strategy.m_mul!r}, {strategy.alpha!r}",
        f"starts, length = [0.0], {float(first)!r}  # of the cycles, in updates",
        "while np.ceil(round(starts[-1] + length, 6)) < UPDATES:",
        "    starts.append(round(starts[-1] + length, 6))",
        "    length *= t_mul",
        "starts = np.array(starts)",
        'cycle = np.searchsorted(starts, t, side="right") - 1',
        "power = cycle.astype(np.float64)",
        f"length = {first} * t_mul**power",
        "wave = m_mul**power * (1.0 + np.cos(np.pi * (t - starts[cycle]) / length)) / 2.0",
        "rates = BASE_LR * (alpha + (1.0 - alpha) * wave)",
    ]


def _cyclic(strategy: Any, horizon: Horizon) -> Lines:
    half = horizon.steps(strategy.half_cycle)
    scale = {
        "triangular": "1.0", "triangular2": "0.5 ** np.floor(t / (2 * half))",
        "exp_range": f"{strategy.gamma!r}**t",
    }[strategy.mode]
    return [
        f"half = {half}  # updates of half a cycle",
        f"low = {strategy.min_factor!r} * BASE_LR",
        "triangle = 1.0 - np.abs(np.mod(t, 2 * half) / half - 1.0)",
        f"scale = {scale}",
        "rates = low + (BASE_LR - low) * triangle * scale",
    ]


def _one_cycle(strategy: Any, horizon: Horizon) -> Lines:
    lines = ["phases = [  # (last update, length, rate before, rate after)"]
    for phase in strategy._phases(horizon):
        values = (phase.end, phase.length, phase.before, phase.after)
        lines.append(f"    ({', '.join(map(_literal, values))}),")
    wave = ["    left = (1.0 - np.cos(np.pi * left)) / 2.0"]
    return [
        *lines, "]", "rates, begin = np.empty(UPDATES), 0",
        "for end, length, before, after in phases:",
        "    stop = min(max(begin, int(np.floor(end)) + 1), UPDATES)",
        "    left = (end - t[begin:stop]) / length",
        *(wave if strategy.anneal_strategy == "cos" else []),
        "    rates[begin:stop] = after + (before - after) * left",
        "    begin = stop",
    ]


def _flat_cosine(strategy: Any, horizon: Horizon) -> Lines:
    if strategy.pct_start == 1:
        return _constant(strategy, horizon)
    return [
        f"start = {strategy.pct_start!r} * UPDATES",
        "done = np.maximum(0.0, (t - start) / (UPDATES - start))",
        f"end = {strategy.end_factor!r} * BASE_LR",
        "rates = end + (BASE_LR - end) * (1.0 + np.cos(np.pi * done)) / 2.0",
    ]


def _wsd(strategy: Any, horizon: Horizon) -> Lines:
    warmup, decay = strategy._lengths(horizon)
    down = {
        "linear": "1.0 - done", "cosine": "(1.0 + np.cos(np.pi * done)) / 2.0",
        "1-sqrt": "1.0 - np.sqrt(done)",
    }[strategy.decay_shape]
    first = 0 if strategy.warmup_from_zero else 1
    return [
        f"warmup, decay = {warmup}, {decay}  # updates",
        f"up = np.minimum(1.0, (t + {first}) / max(1, warmup))",
        "up[warmup:] = 1.0",
        "done = np.maximum(0.0, (t - (UPDATES - decay)) / max(1, decay))",
        f"rates = BASE_LR * up * ({down})",
    ]


def _points(strategy: Any, _horizon: Horizon) -> Lines:
    pairs = ", ".join(f"({_literal(x)}, {_literal(factor)})" for x, factor in strategy.points)
    lines = [
        f"points = [{pairs}]  # (share of training, factor of the peak rate)",
        "shares, factors = np.array(points).T",
        "share = t / UPDATES",
    ]
    if strategy.interpolation == "linear":
        return [*lines, "rates = BASE_LR * np.interp(share, shares, factors)"]
    return [
        *lines, 'i = np.searchsorted(shares, share, side="right") - 1',
        "done = (share - shares[i]) / (shares[i + 1] - shares[i])",
        "wave = (1.0 - np.cos(np.pi * done)) / 2.0",
        "rates = BASE_LR * (factors[i] * (1.0 - wave) + factors[i + 1] * wave)",
    ]


def _custom(strategy: Any, horizon: Horizon) -> Lines:
    read = _read(strategy)
    given = {
        "step": f"{horizon.lead}.0 + epoch * {horizon.steps_per_epoch}.0",
        "base_lr": "BASE_LR", "epochs": f"{float(horizon.whole_epochs)!r}",
    }
    return [
        f"base = np.full({horizon.lead}, BASE_LR)  # the rest of the epoch in which warm-up ends",
        "values, lr = [], BASE_LR",
        f"for epoch in map(float, range({horizon.whole_epochs})):",
        *(f"    {name} = {text}" for name, text in given.items() if name in read.used),
        f"    lr = float({read.python})",
        "    values.append(lr)",
        "rates = np.concatenate([base, np.repeat(values, STEPS)])[:UPDATES]",
    ]


def _read(strategy: Any) -> Expression:
    return parse(strategy.expression, field="custom.expression", names=NAMES)


def _literal(value: float) -> str:
    return repr(float(value))


FORMULAS: dict[str, Formula] = {
    "constant": _constant, "step": _step, "multistep": _multistep, "exponential": _exponential,
    "inverse_time": _inverse_time, "inverse_sqrt": _inverse_sqrt, "polynomial": _polynomial,
    "linear": _polynomial, "cosine": _cosine, "cosine_restarts": _cosine_restarts,
    "cyclic": _cyclic, "one_cycle": _one_cycle, "flat_cosine": _flat_cosine, "wsd": _wsd,
    "points": _points, "custom": _custom,
}
