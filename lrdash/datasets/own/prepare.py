"""From a file and the choices to the arrays and facts that are kept."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrdash.core.errors import DataRefused
from lrdash.datasets import stored
from lrdash.datasets.base import LEAST
from lrdash.datasets.own import arrays, encode, images, tables
from lrdash.datasets.own.choices import settle
from lrdash.datasets.own.limits import LEAST_ROWS
from lrdash.datasets.own.profiles import label_of, profile
from lrdash.datasets.own.records import Profile, Recipe
from lrdash.datasets.split import VALIDATION_OF, split_order

FORMAT = 2  # of what is made of equal files and choices; a change gives other ids


@dataclass(frozen=True, eq=False)
class Pool:
    """Examples and targets, each target still as its class is called or as a number."""

    x: NDArray[Any]
    y: Sequence[Any]  # None or NaN where it is missing
    shape: tuple[int, ...]
    features: tuple[str, ...] = ()
    pixel_max: float = 0.0
    notes: tuple[str, ...] = ()


def prepare(raw: bytes, file: str, recipe: Recipe, name: str, folder: Path) -> stored.Facts:
    """Write arrays and facts into a folder.

    Raises:
        DataRefused: if file and choices give no dataset.
    """
    told = profile(raw, file, recipe)
    settled = settle(told, recipe)
    pool = _pool(raw, told, settled)
    kept, y, classes, notes = _targets(pool.y, settled, file)
    x = pool.x[kept]
    _hold_parts(y, classes, settled, file)
    packed = _packed(x, y)
    (folder / stored.ARRAYS).write_bytes(packed)
    facts = stored.Facts(
        id=_id(told, settled), name=name, file=file, file_digest=told.file_digest,
        file_bytes=told.file_bytes, recipe=settled.as_dict(),
        task="classification" if classes else "regression", input_shape=pool.shape,
        class_names=classes, features=pool.features, size=len(y),
        class_counts=tuple(np.bincount(y, minlength=len(classes)).tolist()) if classes else (),
        pixel_max=pool.pixel_max, filled=x.dtype.kind == "f" and bool(np.isnan(x).any()),
        notes=(f"Read as {told.reading}", *told.notes, *pool.notes, *notes),
        arrays_digest=hashlib.sha256(packed).hexdigest(), arrays_bytes=len(packed),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    stored.write_facts(facts, folder)
    stored.dataset_of(facts, folder).load()  # what cannot be loaded is told now and not in a run
    return facts


def _pool(raw: bytes, told: Profile, recipe: Recipe) -> Pool:
    file = told.file
    if told.kind == "arrays":
        held = arrays.read(raw, file)
        labels = [label_of(value) for value in held.y] if recipe.task == "classification" \
            else held.y.astype(np.float64).tolist()
        return Pool(held.x, labels, held.x.shape[1:], pixel_max=held.pixel_max)
    if told.kind == "images":
        listed = images.read(raw, file)
        made, folders, notes = images.pixels(listed, recipe.side, grey=recipe.grey)
        return Pool(made, folders, made.shape[1:], pixel_max=255.0, notes=tuple(notes))
    read = tables.read_parquet if told.reading == "Parquet" else tables.read_text
    table = read(raw, file, recipe)
    frame = table.frame
    frame = frame[frame[recipe.target].notna()].reset_index(drop=True)
    x, names, notes_of = encode.features(frame, recipe.features, file)
    gaps = told.rows - len(frame)
    dropped = (f"{gaps:,} rows without a value of {recipe.target} were left out",) if gaps else ()
    left = [c.name for c in told.columns if c.name not in (*recipe.features, recipe.target)]
    odd = (f"{name}: {table.odd[name]}" for name in (recipe.target, *recipe.features)
           if name in table.odd)
    unused = (f"Columns not used: {', '.join(left)}",) if left else ()
    target = frame[recipe.target]
    values = [label_of(v) for v in target] if recipe.task == "classification" else target.tolist()
    return Pool(x, values, (len(names),), names, notes=(*dropped, *unused, *odd, *notes_of))


def _targets(
    values: Sequence[Any], recipe: Recipe, file: str
) -> tuple[NDArray[np.intp], NDArray[Any], tuple[str, ...], tuple[str, ...]]:
    """Which examples stay, their targets, the classes, and notes."""
    if recipe.task == "regression":
        y = np.asarray(values, np.float64)
        known = np.flatnonzero(np.isfinite(y))
        gaps = len(y) - len(known)
        notes = (f"{gaps:,} examples without a target were left out",) if gaps else ()
        return known, y[known], (), notes
    labels, counts = np.unique(np.asarray(values, dtype=str), return_counts=True)
    rare = [(str(lb), int(n)) for lb, n in zip(labels, counts, strict=True) if n < recipe.min_class]
    names = _ordered([str(label) for label in labels if str(label) not in dict(rare)])
    if len(names) < 2:
        problem = f"{len(names)} class is left" if names else "no class is left"
        why = f", since the others have fewer than {recipe.min_class} rows" if rare else ""
        raise DataRefused(file, problem + why, "Classification needs two classes or more.")
    place = {name: number for number, name in enumerate(names)}
    kept = np.array([row for row, value in enumerate(values) if value in place], np.intp)
    y = np.array([place[values[row]] for row in kept], np.int32)
    told = ", ".join(f"{name} ({n})" for name, n in rare[:10])
    notes = (f"Classes with fewer than {recipe.min_class} rows were left out: {told}",) if rare \
        else ()
    return kept, y, tuple(names), notes


def _ordered(names: list[str]) -> list[str]:
    """Classes in the order of their numbers, or of the alphabet."""
    return sorted(names, key=float) if all(map(_is_number, names)) else sorted(names)


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def _hold_parts(y: NDArray[Any], classes: tuple[str, ...], recipe: Recipe, file: str) -> None:
    """Refuse what cannot be split so that either part has enough."""
    if len(y) < LEAST_ROWS:
        problem = f"{len(y)} rows can be used, and at least {LEAST_ROWS} are needed"
        raise DataRefused(file, problem, "Add rows, or fill in their targets.")
    if not classes:
        if np.ptp(y) == 0:
            problem = f"the target {recipe.target} is {y[0]:g} in every row"
            raise DataRefused(file, problem, "Choose another target.")
        return
    least = max(LEAST, VALIDATION_OF * (len(classes) - 1) + 1)
    if len(y) < least:
        problem = f"{len(y)} rows are too few for {len(classes)} classes"
        other = ", or choose the task regression" if all(map(_is_number, classes)) else ""
        raise DataRefused(file, problem, f"Add rows: at least {least} are needed{other}.")
    for part in split_order(y):
        for number in sorted(set(range(len(classes))) - set(y[part].tolist())):
            count = int(np.count_nonzero(y == number))
            problem = (
                f"the class {classes[number]!r} of {recipe.target} has only {count} "
                f"{'row' if count == 1 else 'rows'}, too few to be in training and in validation"
            )
            raise DataRefused(file, problem, _remedy(y, count))


def _remedy(y: NDArray[Any], count: int) -> str:
    """What to do about a class of so few rows."""
    smallest = max(count + 1, VALIDATION_OF)
    if np.count_nonzero(np.bincount(y) >= smallest) >= 2:
        return f"Add rows of it, or set the smallest class to {smallest}: smaller ones are then " \
            "left out."
    return "Add rows of it, or choose another target: without the rare classes fewer than two " \
        "are left."


def _packed(x: NDArray[Any], y: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, x=x, y=y)
    return stream.getvalue()


def _id(told: Profile, recipe: Recipe) -> str:
    """The digest of the file's bytes, of how they were read and of the choices."""
    values = [FORMAT, told.file_digest, told.reading, recipe.as_dict()]
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return stored.PREFIX + hashlib.sha256(text.encode()).hexdigest()[:16]
