"""Data of users: datasets made of their files, with ids that follow from the content.

One folder each, `LRDASH_HOME/data/own-<16 digits>`, with `facts.json` (what a form and a model need
to know) and `arrays.npz` (plain numbers, never anything that could be executed). The id is a digest
of the file's bytes and of the choices made, so a run that names it names exactly the data that it
used, in the server, in a worker and in a shell. If runs name deleted data, the facts stay, so that
the runs can still be shown.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import zipfile
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lrdash.core.errors import DatasetUnavailable, LrdashError
from lrdash.core.files import write_whole
from lrdash.core.home import home
from lrdash.core.record import Record, field
from lrdash.datasets.base import Dataset
from lrdash.datasets.scaling import (
    FILLED,
    STANDARDISED,
    STANDARDISED_WITH_TARGET,
    pixels_divided,
)

FOLDER = "data"  # in LRDASH_HOME
FACTS, ARRAYS = "facts.json", "arrays.npz"
FILES = (ARRAYS, FACTS)  # in the order in which they are written
PREFIX = "own-"
ID = re.compile(r"own-[0-9a-f]{16}")
UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, LrdashError)


class Facts(Record):
    """What is known of a user's data without its arrays."""

    prefix = "facts."

    id: str = field(..., label="Id", help="`own-` and 16 hexadecimal digits.")
    name: str = field(..., label="Name", help="Its name in forms and tables.", max_length=100)
    file: str = field(..., label="File", help="The file that it was made from.")
    file_digest: str = field(..., label="Digest of the file", help="SHA-256 of its bytes.")
    file_bytes: int = field(..., label="Size of the file", unit="bytes", help="", ge=0)
    recipe: dict[str, Any] = field(..., label="Choices", help="What was made of the file.")
    task: Literal["classification", "regression"] = field(..., label="Task", help="")
    input_shape: tuple[int, ...] = field(..., label="Shape of an example", help="")
    class_names: tuple[str, ...] = field((), label="Classes", help="Empty for a number.")
    class_counts: tuple[int, ...] = field((), label="Examples a class", help="")
    features: tuple[str, ...] = field((), label="Features", help="Of a table, as encoded.")
    size: int = field(..., label="Examples", help="", ge=1)
    pixel_max: float = field(0.0, label="Largest pixel", help="0: features are standardised.")
    filled: bool = field(False, label="Missing numbers", help="Some are missing and are filled in.")
    notes: tuple[str, ...] = field((), label="Notes", help="What was left out or assumed.")
    arrays_digest: str = field(..., label="Digest of the arrays", help="SHA-256 of arrays.npz.")
    arrays_bytes: int = field(..., label="Size on the disk", unit="bytes", help="", ge=0)
    created: str = field(..., label="Created", help="UTC, ISO 8601.")
    deleted: str = field("", label="Deleted", help="UTC, ISO 8601; empty while it is there.")


def data_folder() -> Path:
    """Where data of users is; the folder may not exist yet."""
    return home() / FOLDER


def find(name: str) -> Dataset | None:
    """The data of this id, deleted or not; None for any other name.

    Raises:
        DatasetUnavailable: if nothing is known of it here, or its facts cannot be read.
    """
    if not ID.fullmatch(name):
        return None
    folder = data_folder() / name
    try:
        state = (folder / FACTS).stat()
        return _dataset(str(folder), state.st_mtime_ns, state.st_size)
    except FileNotFoundError:
        raise DatasetUnavailable(
            f"There is no own data {name} in {data_folder()}. It was deleted, or belongs to "
            "another LRDASH_HOME. Add the same file with the same choices to get the same id."
        ) from None
    except UNREADABLE as fault:
        raise DatasetUnavailable(
            f"{folder / FACTS} cannot be read ({fault}). Delete the folder and add the file again."
        ) from fault


def own_datasets() -> dict[str, Dataset]:
    """All data of users with its examples, by id, the newest first."""
    return {facts.id: dataset for facts in kept() if (dataset := find(facts.id)) is not None}


def kept() -> list[Facts]:
    """The facts of all data of users with its examples, the newest first; skips unreadable ones."""
    found = []
    for path in data_folder().glob(f"{PREFIX}*/{FACTS}"):
        try:
            facts = read_facts(path)
        except UNREADABLE:
            continue
        if not facts.deleted and ID.fullmatch(path.parent.name):
            found.append(facts)
    return sorted(found, key=lambda facts: (facts.created, facts.id), reverse=True)


def facts_of(name: str) -> Facts:
    """The facts behind an id, also of deleted data.

    Raises:
        DatasetUnavailable: as in `find`, or if it is no id of own data.
    """
    if find(name) is None:
        raise DatasetUnavailable(
            f"{name} is not the id of own data (`own-` and 16 digits). "
            "`lrdash data list` shows all."
        )
    return read_facts(data_folder() / name / FACTS)


def read_facts(path: Path) -> Facts:
    """Facts from their file; raises what UNREADABLE names."""
    values = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(values, dict):
        raise ValueError("it is no JSON object")
    return Facts(**values)


def write_facts(facts: Facts, folder: Path) -> None:
    """Write the facts, whole or not at all."""
    text = json.dumps(facts.as_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(folder / FACTS, text.encode())


def remove(name: str, *, remember: bool) -> None:
    """Delete data permanently.

    Args:
        name: its id.
        remember: keep the facts without the examples, since runs name it.

    Raises:
        DatasetUnavailable: as in `facts_of`.
    """
    facts, folder = facts_of(name), data_folder() / name
    if remember:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        write_facts(facts.replace(deleted=facts.deleted or now), folder)
        (folder / ARRAYS).unlink(missing_ok=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)


@lru_cache(maxsize=64)
def _dataset(folder: str, _changed: int, _size: int) -> Dataset:
    """One object for each state of the facts, since splits are cached by object."""
    path = Path(folder)
    return dataset_of(read_facts(path / FACTS), path)


def dataset_of(facts: Facts, folder: Path) -> Dataset:
    """A dataset of facts and the folder that holds the arrays.

    Raises:
        InvalidField: if the facts contradict each other.
    """
    return Dataset(
        id=facts.id, label=facts.name, description=_description(facts), task=facts.task,
        input_shape=facts.input_shape, num_classes=len(facts.class_names),
        class_names=facts.class_names, size=facts.size, default_examples=facts.size,
        licence="your own data", source=f"{facts.file}, SHA-256 {facts.file_digest[:16]}…",
        scaling=_scaling(facts), reader=partial(_read, facts, folder), pixel_max=facts.pixel_max,
        filled=facts.filled, gone=_gone(facts),
    )


def _description(facts: Facts) -> str:
    made = f"Made from your file {facts.file}."
    return " ".join([made, *(note if note.endswith(".") else f"{note}." for note in facts.notes)])


def _scaling(facts: Facts) -> str:
    if facts.pixel_max:
        return pixels_divided(int(facts.pixel_max))
    scaled = STANDARDISED if facts.class_names else STANDARDISED_WITH_TARGET
    return scaled + FILLED * facts.filled


def _gone(facts: Facts) -> str:
    if not facts.deleted:
        return ""
    return (
        f"The data {facts.name} ({facts.id}) was deleted on {facts.deleted[:10]}. To train on it "
        f"again, add {facts.file} with the same choices on the Data page or with `lrdash data add`."
    )


def _read(facts: Facts, folder: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """Examples and targets, checked against the digest in the facts."""
    path = folder / ARRAYS
    try:
        raw = path.read_bytes()
        if hashlib.sha256(raw).hexdigest() != facts.arrays_digest:
            raise ValueError("its content has changed")
        with np.load(io.BytesIO(raw), allow_pickle=False) as held:
            return held["x"], held["y"]
    except UNREADABLE as fault:
        cause = getattr(fault, "strerror", None) or str(fault)
        raise DatasetUnavailable(
            f"The examples of {facts.name} cannot be read from {path}: {cause}. "
            f"Delete {facts.id} and add {facts.file} again."
        ) from fault
