"""From the scalars of a log folder to runs.

Keras writes `train` and `validation` below a run, with tags such as `epoch_loss` and steps that are
epochs. Other programs write what they like; what is read into their tags is told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np

from lrdash.errors import InvalidField
from lrdash.importing.found import MOST_EPOCHS, RATE_NAMES, Found, Rates, make_found
from lrdash.importing.summaries import Scalar, read_scalars

TRAIN = ("train", "training")
VALIDATION = ("validation", "val", "valid", "eval", "test", "dev")
UPDATES = "rate of each update"  # the series of a tag learning_rate beside epoch_learning_rate
PRIMARY = ("val_loss", "loss")
MOST_BLOCKS = 1000  # records into which a loss of every update is put together

Series = dict[str, list[Scalar]]


def read_boards(files: Mapping[str, bytes]) -> list[Found]:
    """The runs of event files, by their paths below a log folder.

    Raises:
        InvalidField: for a file that is none, and for a run that has no usable scalar.
    """
    series: dict[str, Series] = {}
    faults: dict[str, list[str]] = {}
    for path in sorted(files):
        scalars, fault = read_scalars(path, files[path])
        run, role = _place(PurePosixPath(path))
        faults.setdefault(run, []).extend([fault] if fault else [])
        for scalar in scalars:
            series.setdefault(run, {}).setdefault(column(scalar.tag, role), []).append(scalar)
    if not series:
        told = "; ".join(fault for found in faults.values() for fault in found)
        raise InvalidField(", ".join(sorted(files)[:3]), "must hold scalars", told or "none")
    return [_run(name or "run", tags, faults[name]) for name, tags in series.items()]


def _place(path: PurePosixPath) -> tuple[str, str]:
    """Name of the run, and `train`, `validation` or nothing."""
    folders = list(path.parts[:-1])
    role = ""
    if folders and folders[-1].lower() in (*TRAIN, *VALIDATION):
        role = "train" if folders.pop().lower() in TRAIN else "validation"
    return "/".join(folders), role


def column(tag: str, role: str) -> str:
    """What lrdash calls a tag.

    >>> column("epoch_loss", "validation"), column("Loss/val", ""), column("lr-SGD", "")
    ('val_loss', 'val_loss', 'learning_rate')
    """
    plain = tag.removeprefix("epoch_")
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
        return "learning_rate" if tag.startswith("epoch_") else UPDATES
    return f"val_{plain}" if role == "validation" and not plain.startswith("val_") else plain


def _run(name: str, tags: Series, faults: Sequence[str]) -> Found:
    remarks = list(faults)
    by_step = {tag: _latest(scalars) for tag, scalars in tags.items()}
    updates = by_step.pop(UPDATES, {})
    if not by_step:
        raise InvalidField(name, "must hold a loss or another metric", "learning rates alone")
    primary = next((tag for tag in PRIMARY if tag in by_step), max(by_step, key=lambda tag: len(
        by_step[tag])))
    steps = sorted(by_step[primary])
    regular = steps[0] in (0, 1) and steps[-1] - steps[0] == len(steps) - 1
    if regular and len(steps) <= MOST_EPOCHS:
        epochs = [step + 1 - steps[0] for step in steps]
    else:
        steps = steps if len(steps) <= MOST_BLOCKS else _blocks(steps)
        epochs = list(range(1, len(steps) + 1))
        remarks.append(
            f"Its steps are no epochs: {len(steps):,} records of {primary}, up to step "
            f"{steps[-1]:,}, are numbered as epochs. Between two of them other values are averaged."
        )
    columns = {tag: _means(values, steps) for tag, values in by_step.items()}
    rates = _rates(updates, steps)
    whole = [scalar for scalars in tags.values() for scalar in scalars]
    began = min(scalar.at for scalar in whole)
    ends = _last(by_step[primary], steps)
    return make_found(
        name, epochs, columns, remarks=remarks, rates=rates,
        seconds=[max(0.0, end - began) for end in ends],
    )


def _latest(scalars: Sequence[Scalar]) -> dict[int, Scalar]:
    """By step; of several the one written last, as after a training was begun anew."""
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


def _last(values: Mapping[int, Scalar], steps: Sequence[int]) -> list[float]:
    return [values[step].at for step in steps]


def _rates(updates: Mapping[int, Scalar], steps: Sequence[int]) -> list[Rates] | None:
    """The rates of each record; None where only the column tells them."""
    if not updates:
        return None
    numbers = np.array([updates[step].value for step in sorted(updates)], np.float64)
    numbers = numbers[(numbers >= 0) & (numbers <= 1000.0)]
    count = len(steps)
    if len(numbers) > count and len(numbers) % count == 0 and max(updates) > steps[-1]:
        return list(numbers.astype(np.float32).reshape(count, -1))  # numbered by update, from 0
    bounds = np.searchsorted(sorted(updates), steps, side="right")  # places behind each record
    if len(updates) != len(numbers):
        return None
    return [
        numbers[first:last].astype(np.float32)
        for first, last in zip([0, *bounds[:-1]], bounds, strict=True)
    ]
