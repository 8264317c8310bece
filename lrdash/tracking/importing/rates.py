"""The rates of a run: which of several is shown, and those of each epoch.

A run of lrdash has one rate. Where a log has one for each group of parameters, the first is shown
and the others are kept as metrics.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from lrdash.core.spec import MAX_RATE
from lrdash.core.wording import plural
from lrdash.tracking.importing.axis import Axis, Values
from lrdash.tracking.importing.found import Rates
from lrdash.tracking.importing.names import RATE, listed

PLAIN = (RATE, "lr")


def by_preference(labels: Iterable[str]) -> list[str]:
    """Labels of rates, the one to show first: a plain name, or the first group of parameters.

    >>> by_preference(["lr/pg10", "lr/pg2", "lr"])
    ['lr', 'lr/pg2', 'lr/pg10']
    """
    return sorted(labels, key=lambda one: (one.lower() not in PLAIN, _natural(one)))


def remark_others(shown: str, others: Sequence[str], remarks: list[str]) -> None:
    """Name the rate that is shown, if there are others."""
    if others:
        kept = listed(others) + (" are kept as metrics" if others[1:] else " is kept as a metric")
        remarks.append(f"Several learning rates were recorded: {shown} is shown, {kept}.")


def of_steps(label: str, values: Values, axis: Axis, remarks: list[str]) -> list[Rates] | None:
    """The rates of each epoch; None, with a remark, where their steps do not show which."""
    steps = sorted(values)
    numbers = np.array([values[step].value for step in steps], np.float64)
    count, each = len(axis.ends), len(steps) // len(axis.ends)
    places = axis.places(steps)
    if not axis.numbered and _by_update(steps, axis):
        places = np.arange(len(steps)) // each
    elif not axis.updates and steps[-1] > axis.ends[-1]:
        remarks.append(f"Left out, since the steps are not epochs: {label}.")
        return None
    outside = (places < 0) | (places >= count)
    if outside.any():
        remarks.append(f"Left out, before the first or after the last epoch shown: "
                       f"{int(outside.sum())} of {len(steps)} learning rates.")
    good = _good(numbers, remarks) & ~outside
    bounds = np.searchsorted(places[good], np.arange(1, count))  # places ascend as steps do
    return np.split(numbers[good].astype(np.float32), bounds)


def are_sampled(values: Values, axis: Axis, remarks: list[str]) -> bool:
    """Whether the rates of some updates are missing, with a remark."""
    last = max(values)
    if not axis.updates or len(values) > last:
        return False
    remarks.append(f"The learning rate was recorded at {plural(len(values), 'step')}, up to step "
                   f"{last:,}; rates in between are not known.")
    return True


def at_ends(rates: Sequence[Rates]) -> list[float]:
    """The last rate of each epoch, as a metric has it; NaN where none is known."""
    return [float(part[-1]) if part.size else float("nan") for part in rates]


def _by_update(steps: Sequence[int], axis: Axis) -> bool:
    """Whether they number all updates from 0, as many in each epoch."""
    count, number = len(steps), len(axis.ends)
    if count % number or steps[-1] - steps[0] != count - 1:
        return False
    each = count // number
    whole = axis.epochs[-1] - axis.epochs[0] == number - 1
    return whole and steps[0] == (axis.epochs[0] - 1) * each and (
        each == 1 or steps[-1] > axis.ends[-1])


def _good(numbers: NDArray[np.float64], remarks: list[str]) -> NDArray[np.bool_]:
    good = (numbers >= 0) & (numbers <= MAX_RATE)
    if wrong := int((~good & ~np.isnan(numbers)).sum()):
        remarks.append(
            f"{wrong} of {len(numbers)} learning rates were left out: they are "
            f"not between 0 and {MAX_RATE:g}.")
    return good


def _natural(label: str) -> list[tuple[int, str]]:
    """A key that sorts numbers in a label by their size."""
    return [(int(part), "") if part.isdigit() else (-1, part)
            for part in re.split(r"(\d+)", label)]


