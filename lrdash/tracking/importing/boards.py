"""From the scalars of event files to a run.

Keras has tags such as `epoch_loss`, whose steps are epochs; what it writes about updates is no
metric of an epoch. Other programs use any tags; remarks say how they were read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import nan

import numpy as np

from lrdash.core.errors import InvalidField
from lrdash.tracking.importing.flat import EPOCH, EVALUATED
from lrdash.tracking.importing.found import MOST_EPOCHS, RATE_NAMES, Found, Rates, make_found
from lrdash.tracking.importing.summaries import Scalar

TRAIN = ("train", "training")
VALIDATION = ("validation", "val", "valid", "eval", "test", "dev")
UPDATES = "rate of each update"  # the series of a tag learning_rate beside epoch_learning_rate
PRIMARY = ("val_loss", "loss")
MOST_BLOCKS = 1000  # records into which a loss of every update is averaged
REPEATED = re.compile(r"(?:val_)?evaluation_(.+)_vs_iterations")  # the results of validation, again

Values = dict[int, Scalar]  # by step


@dataclass
class Board:
    """The scalars of a run by lrdash's name of their tags, and remarks on them."""

    remarks: list[str] = field(default_factory=list)
    epochs: dict[str, list[Scalar]] = field(default_factory=dict)  # whose steps are epochs
    others: dict[str, list[Scalar]] = field(default_factory=dict)
    keras: bool = False  # whether Keras wrote them, which counts epochs from 0

    def take(self, scalar: Scalar, role: str) -> None:
        """One more, of `train`, `validation` or neither."""
        kind = self.epochs if scalar.tag.startswith(EPOCH) else self.others
        kind.setdefault(column(scalar.tag, role), []).append(scalar)
        self.keras = self.keras or bool(EVALUATED.fullmatch(scalar.tag))


def column(tag: str, role: str) -> str:
    """The name of a tag in lrdash.

    >>> column("epoch_loss", "validation"), column("Loss/val", ""), column("lr-SGD", "")
    ('val_loss', 'val_loss', 'learning_rate')
    """
    plain = tag.removeprefix(EPOCH)
    parts = [part for part in re.split(r"[/]", plain) if part]
    for place in (0, -1):
        if len(parts) > 1 and parts[place].lower() in (*TRAIN, *VALIDATION):
            role = "train" if parts.pop(place).lower() in TRAIN else "validation"
    plain = "/".join(parts) or tag
    for word in ("train_", "training_"):
        plain = plain.removeprefix(word)
    if plain.lower() in ("loss", "accuracy", "val_loss", "val_accuracy", *RATE_NAMES):
        plain = plain.lower()
    if plain in RATE_NAMES or re.fullmatch(r"(lr|learning_rate)([-_/].*)?", plain.lower()):
        return "learning_rate" if tag.startswith(EPOCH) else UPDATES
    return f"val_{plain}" if role == "validation" and not plain.startswith("val_") else plain


def run_of(name: str, board: Board) -> Found:
    """The run of a board that holds scalars.

    Raises:
        InvalidField: if none of them is a loss or another metric, or there are too many.
    """
    remarks = board.remarks
    known = {tag: _latest(scalars) for tag, scalars in board.epochs.items()}
    others = {tag: _latest(scalars) for tag, scalars in board.others.items()}
    updates = others.pop(UPDATES, {})
    losses = known.get("loss") or others.get("loss")
    last_loss = losses[max(losses)].value if losses else 0.0
    if known.keys() - RATE_NAMES:
        steps = sorted(set().union(*known.values()))
        first = 1 if steps[0] == 1 and not board.keras else 0
        epochs = [step + 1 - first for step in steps]
        _join(known, others, remarks)
        columns = {
            tag: [values[step].value if step in values else nan for step in steps]
            for tag, values in known.items()
        }
        ends = [max(each[step].at for each in known.values() if step in each) for step in steps]
    elif others:
        epochs, steps, columns, ends = _of_steps({**known, **others}, remarks)
    else:
        raise InvalidField(name, "must hold a loss or another metric", "learning rates alone")
    everything = [*board.epochs.values(), *board.others.values()]
    began = min(scalar.at for scalars in everything for scalar in scalars)
    return make_found(
        name, epochs, columns, remarks=remarks, rates=_rates(updates, steps), last_loss=last_loss,
        seconds=[max(0.0, end - began) for end in ends],
    )


def _join(known: dict[str, Values], others: Mapping[str, Values], remarks: list[str]) -> None:
    """Add the tags with the same steps to those of epochs; a remark names the others."""
    steps = set().union(*known.values())
    left = []
    for tag, values in others.items():
        again = REPEATED.fullmatch(tag)
        before = known.get(f"val_{again[1]}", {}) if again else {}
        if tag not in known and values.keys() <= steps:
            known[tag] = values
        elif not _numbers(values) <= _numbers(before):
            left.append(tag)
    _remark_left(left, remarks)


def _numbers(values: Values) -> set[float]:
    return {scalar.value for scalar in values.values()}


def _remark_left(tags: Sequence[str], remarks: list[str]) -> None:
    if tags:
        remarks.append(f"Left out, since the steps are not epochs: {', '.join(sorted(tags))}.")


def _of_steps(
    by_step: dict[str, Values], remarks: list[str]
) -> tuple[list[int], list[int], dict[str, list[float]], list[float]]:
    """Numbers, steps, values and ends of the epochs, where no tag marks its steps as epochs."""
    primary = next((tag for tag in PRIMARY if tag in by_step), max(by_step, key=lambda tag: len(
        by_step[tag])))
    steps = sorted(by_step[primary])
    regular = steps[0] in (0, 1) and steps[-1] - steps[0] == len(steps) - 1
    if regular and len(steps) <= MOST_EPOCHS:
        epochs = [step + 1 - steps[0] for step in steps]
        left = [tag for tag, values in by_step.items() if max(values) > steps[-1]]
        _remark_left(left, remarks)
        by_step = {tag: values for tag, values in by_step.items() if tag not in left}
    else:
        steps = steps if len(steps) <= MOST_BLOCKS else _blocks(steps)
        epochs = list(range(1, len(steps) + 1))
        remarks.append(
            f"The steps are not epochs: {len(steps):,} records of {primary}, up to step "
            f"{steps[-1]:,}, are numbered as epochs. Values between two of them are averaged."
        )
    columns = {tag: _means(values, steps) for tag, values in by_step.items()}
    return epochs, steps, columns, [by_step[primary][step].at for step in steps]


def _latest(scalars: Sequence[Scalar]) -> Values:
    """By step; of several the one written last, as after a restart of the training."""
    return {scalar.step: scalar for scalar in sorted(scalars, key=lambda one: (one.at, one.step))}


def _blocks(steps: Sequence[int]) -> list[int]:
    places = np.linspace(0, len(steps) - 1, MOST_BLOCKS + 1).round().astype(int)[1:]
    return [steps[place] for place in places]


def _means(values: Mapping[int, Scalar], steps: Sequence[int]) -> list[float]:
    """The mean of the values between each step and the one before; NaN for none."""
    count, places = len(steps), np.searchsorted(steps, sorted(values))
    numbers = np.array([values[step].value for step in sorted(values)], np.float64)
    kept = places < count
    sums = np.bincount(places[kept], weights=numbers[kept], minlength=count)
    counts = np.bincount(places[kept], minlength=count)
    return [float(s / n) if n else float("nan") for s, n in zip(sums, counts, strict=True)]


def _rates(updates: Mapping[int, Scalar], steps: Sequence[int]) -> list[Rates] | None:
    """The rates of each record; None where only the column has them."""
    if not updates:
        return None
    numbers = np.array([updates[step].value for step in sorted(updates)], np.float64)
    numbers = numbers[(numbers >= 0) & (numbers <= 1000.0)]
    count = len(steps)
    if len(numbers) > count and len(numbers) % count == 0 and max(updates) > steps[-1]:
        return list(numbers.astype(np.float32).reshape(count, -1))  # numbered by update, from 0
    bounds = np.searchsorted(sorted(updates), steps, side="right")  # places after each record
    if len(updates) != len(numbers):
        return None
    return [
        numbers[first:last].astype(np.float32)
        for first, last in zip([0, *bounds[:-1]], bounds, strict=True)
    ]
