"""From scalars by step to a run, whether they come from event files or from the rows of a table.

Keras has tags such as `epoch_loss`, whose steps are epochs; what it writes about updates is no
metric of an epoch. Other programs use any tags; remarks say how they were read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from lrdash.core.errors import InvalidField
from lrdash.core.wording import plural
from lrdash.tracking.importing import axis as axes
from lrdash.tracking.importing import names, rates
from lrdash.tracking.importing.axis import Axis, Values
from lrdash.tracking.importing.flat import EVALUATED
from lrdash.tracking.importing.found import Found, Rates, make_found
from lrdash.tracking.importing.names import column
from lrdash.tracking.importing.summaries import Scalar

REPEATED = re.compile(r"(?:val_)?evaluation_(.+)_vs_iterations")  # the results of validation, again
NO_METRIC = "must hold a loss or another metric"
LATE = "The learning rates are approximate: Keras' TensorBoard callback reads the rate when an " \
    "epoch is over. Under a schedule, or after a cut by ReduceLROnPlateau, that is the rate of " \
    "the next epoch."


@dataclass
class Board:
    """The scalars of a run by their tags, and remarks on them."""

    remarks: list[str] = field(default_factory=list)
    series: dict[str, list[Scalar]] = field(default_factory=dict)  # by tag, after its role
    marked: set[str] = field(default_factory=set)  # of these, what names its steps epochs
    keras: bool = False  # whether Keras wrote them, which counts epochs from 0
    table: bool = False  # whether they come from a table, where nothing is known of their times
    axis: Axis | None = None  # where the epochs are known
    sampled: bool = False  # whether the rates are those of some updates only

    def take(self, scalar: Scalar, role: str = "") -> None:
        """One more, of a folder with this role."""
        label = f"{role}/{scalar.tag}" if role else scalar.tag
        self.series.setdefault(label, []).append(scalar)
        if scalar.tag.startswith(names.EPOCH) and not self.table:
            self.marked.add(label)
        self.keras = self.keras or bool(EVALUATED.fullmatch(scalar.tag))


@dataclass
class Read:
    """The values of a board by what they are."""

    metrics: dict[str, Values]  # by name
    marked: set[str]  # metrics whose steps are epochs, as their tags say
    tests: set[str]  # metrics of a test, as their tags say
    rates: dict[str, Values]  # by label
    late: dict[str, Values]  # rates once an epoch, by label
    clock: Values  # the epoch at each step; empty if unknown


def run_of(name: str, board: Board) -> Found:
    """The run of a board that holds scalars.

    Raises:
        InvalidField: if none of them is a loss or another metric, or there are too many.
    """
    read, remarks = _read(board), board.remarks
    losses = read.metrics.get("loss")
    axis = _axis(name, read, board)
    used, others = _rates(read, axis, board)
    _report(read.metrics, axis, remarks)
    columns = {
        metric: axis.column(values, last=_last(metric))
        for metric, values in read.metrics.items()
    }
    return make_found(
        name, axis.epochs, {**columns, **others}, remarks=remarks, rates=used,
        sampled=board.sampled, last_loss=losses[max(losses)].value if losses else 0.0,
        seconds=_seconds(board, read, axis) if not board.table else (),
    )


def _read(board: Board) -> Read:
    """What each tag is; of those that would have one name, one gets it."""
    tags = names.of_pairs(board.series)
    whole = names.of_whole_run(tags)
    wanted = {label: label if label in whole else column(tag) for label, tag in tags.items()}
    latest = {label: _latest(board.series[label]) for label in tags}
    clocks = {label for label in tags if names.is_epoch(label)}
    rated = {label for label in tags if wanted[label] == names.RATE}
    measured = {label: wanted[label] for label in tags if label not in clocks | rated}
    own = names.distinct(measured, {
        label: (label not in board.marked, name != label, *names.order(label), -len(latest[label]))
        for label, name in measured.items()
    }, board.remarks)
    return Read(
        metrics={name: latest[label] for label, name in own.items()},
        marked={name for label, name in own.items() if label in board.marked},
        tests={name for label, name in own.items() if names.is_test(label)},
        rates={label: latest[label] for label in sorted(rated - board.marked)},
        late={label: latest[label] for label in sorted(rated & board.marked)},
        clock={step: one for label in sorted(clocks) for step, one in latest[label].items()},
    )


def _axis(name: str, read: Read, board: Board) -> Axis:
    """The epochs; leaves out metrics whose steps are none, and reports them."""
    if not read.metrics:
        given = "learning rates alone" if read.rates or read.late else "none"
        raise InvalidField(name, NO_METRIC, given)
    if board.axis:
        return board.axis
    if read.marked and not read.clock:
        steps = _steps(read, read.marked)
        _join(read, steps, board.remarks)
        return axes.of_epochs(steps, from_zero=board.keras)
    by_step = {metric: values for metric, values in read.metrics.items()
               if not names.UPDATES.fullmatch(metric)}
    if not by_step:
        given = f"{names.listed(list(read.metrics))} of single updates"
        raise InvalidField(name, NO_METRIC, given)
    axis = axes.of_clock(
        read.clock, _steps(read, [name for name in read.metrics if name not in read.tests]),
        _steps(read, read.tests))
    if axis and (axis.current or not axis.several(by_step[axes.decisive(by_step)])):
        return axis
    if read.clock:
        read.metrics["epoch"] = read.clock
    axis = axes.of_records(by_step, board.remarks)
    if not axis.updates:
        _leave(read, [metric for metric, values in read.metrics.items()
                      if max(values) > axis.ends[-1]], board.remarks)
    return axis


def _steps(read: Read, metrics: Iterable[str]) -> set[int]:
    chosen = [read.metrics[name] for name in metrics]
    return {step for values in chosen for step in values}


def _join(read: Read, steps: set[int], remarks: list[str]) -> None:
    """Leave out the tags with steps beside those of epochs, repeated results in silence."""
    left: list[str] = []
    again: list[str] = []
    for metric, values in read.metrics.items():
        if metric in read.marked or values.keys() <= steps:
            continue
        twice = REPEATED.fullmatch(metric)
        before = read.metrics.get(f"val_{twice[1]}", {}) if twice else {}
        (again if _numbers(values) <= _numbers(before) else left).append(metric)
    _leave(read, left, remarks)
    for metric in again:
        del read.metrics[metric]


def _leave(read: Read, left: Sequence[str], remarks: list[str]) -> None:
    for metric in left:
        del read.metrics[metric]
    _remark_left(left, remarks)


def _remark_left(tags: Sequence[str], remarks: list[str]) -> None:
    if tags:
        remarks.append(f"Left out, since the steps are not epochs: {', '.join(sorted(tags))}.")


def _rates(
    read: Read, axis: Axis, board: Board
) -> tuple[Sequence[Rates], dict[str, list[float]]]:
    """The rates of the epochs, and those of further groups of parameters as metrics."""
    late = {label.replace(names.EPOCH, "", 1): values for label, values in read.late.items()}
    found: dict[str, list[Rates]] = {}
    sources: dict[str, Values] = {}
    for label in rates.by_preference({*read.rates, *late}):
        for values in (group[label] for group in (read.rates, late) if label in group):
            used = rates.of_steps(label, values, axis, board.remarks)
            if used is not None and label not in found:  # those of each update, if both are there
                found[label], sources[label] = used, values
    if not found:
        return (), {}
    shown, *others = found
    rates.remark_others(shown, others, board.remarks)
    board.sampled = rates.are_sampled(sources[shown], axis, board.remarks)
    if sources[shown] is late.get(shown) and _keras_read_late(found[shown], axis):
        board.remarks.append(LATE)
    return found[shown], {label: rates.at_ends(found[label]) for label in others}


def _keras_read_late(used: Sequence[Rates], axis: Axis) -> bool:
    """Whether a rate that Keras read after each epoch may be that of the next one."""
    counted_from_zero = axis.epochs[0] == axis.ends[0] + 1
    return counted_from_zero and (len(used) == 1 or len(set(np.concatenate(used).tolist())) > 1)


def _report(metrics: dict[str, Values], axis: Axis, remarks: list[str]) -> None:
    """Name what belongs to no epoch, and epochs of several values."""
    outside = {name: count for name, values in metrics.items() if (count := axis.outside(values))}
    for name in [name for name, count in outside.items() if count == len(metrics[name])]:
        del metrics[name]
    if outside:
        each = ", ".join(f"{name} ({plural(count, 'value')})" for name, count in outside.items())
        remarks.append(f"Left out, before the first or after the last epoch shown: {each}.")
    several = [name for name, values in metrics.items() if name != "epoch" and axis.several(values)]
    means = [name for name in several if not _last(name) and not axis.numbered]
    for shown, words in ((means, "the mean"), ([*filter(_last, several)], "the last")):
        if shown:
            remarks.append(f"Each epoch shows {words} of its values: {', '.join(shown)}.")


def _last(metric: str) -> bool:
    """Whether the last value of an epoch stands for it: what is measured at a moment."""
    return metric == "epoch" or metric.startswith("val_")


def _seconds(board: Board, read: Read, axis: Axis) -> list[float]:
    """When each epoch ended, since the first record."""
    began = min(one.at for scalars in board.series.values() for one in scalars)
    ends = np.zeros(len(axis.ends))
    for values in read.metrics.values():
        for one, place in zip(values.values(), axis.places(values), strict=True):
            if 0 <= place < len(ends):
                ends[place] = max(ends[place], one.at - began)
    return [float(end) for end in np.maximum.accumulate(ends)]


def _latest(scalars: Sequence[Scalar]) -> dict[int, Scalar]:
    """By step; of several the one written last."""
    return {scalar.step: scalar for scalar in sorted(scalars, key=lambda one: (one.at, one.step))}


def _numbers(values: Values) -> set[float]:
    return {scalar.value for scalar in values.values()}
