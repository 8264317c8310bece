"""Learning-rate strategies: pure NumPy, one file each, found by id in `STRATEGIES`.

To add one: a file here, and its name in `ENTRIES`. Form, command line, preview, scripts, docs and
contract tests follow from it. Other packages bring theirs by entry points of the group
`lrdash.strategies`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lrdash.core.errors import InvalidField
from lrdash.core.registry import Registry, defined_in
from lrdash.core.spec import RunSpec
from lrdash.strategies.base import Rates, Rule, Schedule, Strategy
from lrdash.strategies.program import RateProgram

__all__ = [
    "STRATEGIES", "RateProgram", "Rule", "Schedule", "Strategy", "make", "preview",
    "settings_table",
]

MAX_UPDATES = 100_000_000  # a preview holds 8 bytes for each
ENTRIES = (  # files of this folder, named by the ids; the order is that of every list
    "constant",
    "step",
    "multistep",
    "exponential",
    "inverse_time",
    "inverse_sqrt",
    "polynomial",
    "linear",
    "cosine",
    "cosine_restarts",
    "cyclic",
    "one_cycle",
    "flat_cosine",
    "wsd",
    "points",
    "custom",
    "plateau",
)


def _problem(name: str, entry: Any) -> str:
    if not (isinstance(entry, type) and issubclass(entry, Schedule | Rule)):
        return "is no class made from lrdash.strategies.Schedule or Rule"
    found = getattr(entry, "id", None)
    return "" if found == name else f"has the id {found!r}"


STRATEGIES: Registry[type[Strategy]] = Registry(
    "strategy", group="lrdash.strategies", problem=_problem
)
for _name in ENTRIES:
    STRATEGIES.add(_name, defined_in(f"{__name__}.{_name}", Strategy))


def make(strategy: str, params: Mapping[str, Any] | None = None) -> Strategy:
    """The strategy of this id with these settings; what is not given has its default.

    Raises:
        UnknownName: if there is no such strategy; offers the nearest.
        InvalidField: for a setting that is unknown or has a value that is not allowed.

    >>> make("step", {"factor": 0.1}).sentence()
    'Multiplies the rate by 0.1 after every 10 epochs.'
    """
    kind = STRATEGIES[strategy]
    given = {} if params is None else params
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise InvalidField("params", "must map names of settings to values", params)
    return kind(**given)


def preview(
    strategy: str,
    params: Mapping[str, Any] | None = None,
    *,
    base_lr: float,
    epochs: int,
    steps_per_epoch: int = 1,
    warmup_epochs: float = 0.0,
    warmup_start_factor: float = 0.0,
    monitored: Sequence[float] | None = None,
) -> Rates:
    """The rate that each update will use, without training.

    Args:
        strategy: id, e.g. `cosine`.
        params: the strategy's settings; what is not given has its default.
        base_lr: peak rate.
        epochs: epochs in all, warm-up included.
        steps_per_epoch: updates an epoch.
        warmup_epochs: length of the warm-up, fractions allowed.
        warmup_start_factor: where the warm-up starts, as a share of base_lr.
        monitored: for rules that watch a metric, its value after each epoch. Without it the
            metric is taken to improve always, so that the rate is never cut.

    Returns:
        Rates, float64 [epochs * steps_per_epoch].

    Raises:
        UnknownName: if there is no such strategy.
        InvalidField: for a value that is not allowed.

    >>> preview("linear", base_lr=1.0, epochs=4).tolist()
    [1.0, 0.75, 0.5, 0.25]
    """
    made = make(strategy, params)
    spec = RunSpec(
        strategy=strategy, base_lr=base_lr, epochs=epochs, warmup_epochs=warmup_epochs,
        warmup_start_factor=warmup_start_factor,
    )
    steps = _steps(steps_per_epoch, spec.epochs)
    program = RateProgram(
        made, base_lr=spec.base_lr, epochs=spec.epochs, steps_per_epoch=steps,
        warmup_epochs=spec.warmup_epochs, warmup_start_factor=spec.warmup_start_factor,
    )
    values = _values(monitored, spec.epochs)
    if program.table is not None:
        return program.table
    parts = []
    for epoch in range(spec.epochs):
        parts.append(program.rates(epoch))
        if values is not None:
            program.end_epoch(epoch, {str(program.monitor): values[epoch]})
    return np.concatenate(parts)


def settings_table() -> str:
    """Every setting of every strategy as a table of Markdown."""
    rows = [
        f"| {name} | `{knob.name}` | `{' '.join(str(knob.default).split())}` | {knob.help} |"
        for name, kind in STRATEGIES.items()
        for knob in kind.knobs()
    ]
    head = ["| strategy | setting | default | what it does |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _steps(given: object, epochs: int) -> int:
    most = MAX_UPDATES // epochs
    if isinstance(given, bool | float) or not hasattr(given, "__index__"):
        raise InvalidField("steps_per_epoch", "must be a whole number", given)
    steps = int(given.__index__())
    if not 1 <= steps <= most:
        raise InvalidField("steps_per_epoch", f"must be between 1 and {most:,}", given)
    return steps


def _values(monitored: Sequence[float] | None, epochs: int) -> list[float] | None:
    if monitored is None:
        return None
    try:
        values = [float(value) for value in monitored]
    except (TypeError, ValueError, OverflowError):
        raise InvalidField("monitored", "must be a list of numbers", monitored) from None
    if len(values) != epochs:
        problem = f"must have one value for each of the {epochs} epochs"
        raise InvalidField("monitored", problem, len(values))
    return values
