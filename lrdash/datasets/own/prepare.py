"""From a file and the choices to the arrays and facts that are saved."""

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
from lrdash.core.wording import is_number, plural
from lrdash.datasets import stored
from lrdash.datasets.base import LEAST
from lrdash.datasets.own import arrays, encode, images, tables
from lrdash.datasets.own.choices import settle
from lrdash.datasets.own.limits import LEAST_ROWS
from lrdash.datasets.own.numerals import LATER
from lrdash.datasets.own.profiles import label_of, profile
from lrdash.datasets.own.records import Profile, Recipe
from lrdash.datasets.split import VALIDATION_OF, split_order

FORMAT = 2  # raised when equal files and choices give other arrays; changes the ids


@dataclass(frozen=True, eq=False)
class Pool:
    """Examples and targets, each target a class name or a number."""

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
    found = profile(raw, file, recipe)
    settled = settle(found, recipe)
    pool = _pool(raw, found, settled)
    kept, y, classes, notes = _targets(pool.y, settled, file)
    x = pool.x[kept]
    _hold_parts(y, classes, settled, file)
    packed = _packed(x, y)
    (folder / stored.ARRAYS).write_bytes(packed)
    facts = stored.Facts(
        id=_id(found, settled), name=name, file=file, file_digest=found.file_digest,
        file_bytes=found.file_bytes, recipe=settled.as_dict(),
        task="classification" if classes else "regression", input_shape=pool.shape,
        class_names=classes, features=pool.features, size=len(y),
        class_counts=tuple(np.bincount(y, minlength=len(classes)).tolist()) if classes else (),
        pixel_max=pool.pixel_max, filled=x.dtype.kind == "f" and bool(np.isnan(x).any()),
        notes=(f"Read as {found.reading}", *found.notes, *pool.notes, *notes),
        arrays_digest=hashlib.sha256(packed).hexdigest(), arrays_bytes=len(packed),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    stored.write_facts(facts, folder)
    stored.dataset_of(facts, folder).load()  # reports a failure now and not in a run
    return facts


def _pool(raw: bytes, found: Profile, recipe: Recipe) -> Pool:
    file = found.file
    if found.kind == "arrays":
        held = arrays.read(raw, file)
        labels = [label_of(value) for value in held.y] if recipe.task == "classification" \
            else held.y.astype(np.float64).tolist()
        return Pool(held.x, labels, held.x.shape[1:], pixel_max=held.pixel_max)
    if found.kind == "images":
        listed = images.read(raw, file)
        made, folders, notes = images.pixels(listed, recipe.side, grey=recipe.grey)
        return Pool(made, folders, made.shape[1:], pixel_max=255.0, notes=tuple(notes))
    read = tables.read_parquet if found.reading == "Parquet" else tables.read_text
    table = read(raw, file, recipe)
    frame = table.frame
    frame = frame[frame[recipe.target].notna()].reset_index(drop=True)
    x, names, notes_of = encode.features(frame, recipe.features, file)
    gaps = found.rows - len(frame)
    dropped = (f"Left out {plural(gaps, 'row')} without {recipe.target}",) if gaps else ()
    left = [c.name for c in found.columns if c.name not in (*recipe.features, recipe.target)]
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
        notes = (f"Left out {plural(gaps, 'example')} without a target",) if gaps else ()
        return known, y[known], (), notes
    labels, counts = np.unique(np.asarray(values, dtype=str), return_counts=True)
    rare = [(str(lb), int(n)) for lb, n in zip(labels, counts, strict=True) if n < recipe.min_class]
    names = _ordered([str(label) for label in labels if str(label) not in dict(rare)])
    if len(names) < 2:
        problem = "only one class remains" if names else "no class remains"
        why = f", since the others have fewer than {recipe.min_class} rows" if rare else ""
        raise DataRefused(file, problem + why, "Classification needs two classes or more.")
    place = {name: number for number, name in enumerate(names)}
    kept = np.array([row for row, value in enumerate(values) if value in place], np.intp)
    y = np.array([place[values[row]] for row in kept], np.int32)
    left = ", ".join(f"{name} ({n})" for name, n in rare[:10])
    notes = (f"Left out classes with fewer than {recipe.min_class} rows: {left}",) if rare else ()
    return kept, y, tuple(names), notes


def _ordered(names: list[str]) -> list[str]:
    """Classes in numerical or alphabetical order."""
    return sorted(names, key=float) if all(map(is_number, names)) else sorted(names)


def _hold_parts(y: NDArray[Any], classes: tuple[str, ...], recipe: Recipe, file: str) -> None:
    """Refuse data that cannot be split so that both parts have enough."""
    if len(y) < LEAST_ROWS:
        problem = f"{plural(len(y), 'usable row')}, and at least {LEAST_ROWS} are needed"
        raise DataRefused(file, problem, "Add rows, or fill in their targets.")
    if not classes:
        if np.ptp(y) == 0:
            problem = f"the target {recipe.target} is {y[0]:g} in every row"
            raise DataRefused(file, problem, "Choose another target.")
        return
    least = max(LEAST, VALIDATION_OF * (len(classes) - 1) + 1)
    if len(y) < least:
        problem = f"{len(y)} rows are too few for {len(classes)} classes"
        other = ", or choose the task regression" if all(map(is_number, classes)) else ""
        raise DataRefused(file, problem, f"Add rows: at least {least} are needed{other}.")
    for part in split_order(y):
        for number in sorted(set(range(len(classes))) - set(y[part].tolist())):
            count = int(np.count_nonzero(y == number))
            only = f"the class {classes[number]!r} of {recipe.target} has only"
            problem = f"{only} {plural(count, 'row')}, too few for both training and validation"
            raise DataRefused(file, problem, _remedy(y, count))


def _remedy(y: NDArray[Any], count: int) -> str:
    """What to do about a class of so few rows."""
    smallest = max(count + 1, VALIDATION_OF)
    if np.count_nonzero(np.bincount(y) >= smallest) >= 2:
        return f"Add rows of it, or set the smallest class to {smallest} to leave out smaller ones."
    return "Add rows of it, or choose another target: fewer than two classes have enough rows."


def _packed(x: NDArray[Any], y: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, x=x, y=y)
    return stream.getvalue()


def _id(found: Profile, recipe: Recipe) -> str:
    """The digest of the file's bytes, of how they were read and of the choices."""
    later = [c.name for c in found.columns if any(words in c.note for words in LATER)]
    values = [FORMAT, found.file_digest, found.reading, recipe.as_dict(), *filter(None, [later])]
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return stored.PREFIX + hashlib.sha256(text.encode()).hexdigest()[:16]
