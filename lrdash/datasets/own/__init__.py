"""Data of users: look at a file, make choices, and save the dataset that results.

Files are read in a process of their own (`apart`, `child`); this process sees only checked records.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from lrdash.core.errors import DataRefused
from lrdash.core.wording import can_be_shown
from lrdash.datasets import stored
from lrdash.datasets.own import apart
from lrdash.datasets.own.apart import ERRORS
from lrdash.datasets.own.child import ANSWER, JOB
from lrdash.datasets.own.child import FILE as UPLOAD
from lrdash.datasets.own.limits import FILE, LIMITS, megabytes
from lrdash.datasets.own.records import Column, Profile, Recipe
from lrdash.datasets.stored import Facts, facts_of, find, kept, remove

__all__ = [
    "LIMITS", "NAME", "Column", "Facts", "Profile", "Recipe", "add", "arrays_file", "facts_of",
    "find", "kept", "look", "read_file", "remove",
]

NAME = 60  # characters


def arrays_file(name: str) -> Path:
    """Where the arrays of an id are, if it has any."""
    return stored.data_folder() / name / stored.ARRAYS


def read_file(path: Path) -> bytes:
    """The bytes of a file, after its size is checked.

    Raises:
        DataRefused: if it is no file, cannot be read or is too large.
    """
    try:
        if not path.is_file():
            raise DataRefused(str(path), "there is no such file", "Check the path.")
        FILE.hold(path.name, megabytes(path.stat().st_size))
        return path.read_bytes()
    except OSError as fault:
        problem = f"it cannot be opened ({(fault.strerror or str(fault)).lower()})"
        raise DataRefused(str(path), problem, "Check the path and its permissions.") from fault


def look(raw: bytes, file: str, recipe: Recipe | None = None) -> Profile:
    """What a file holds.

    Args:
        raw: its bytes.
        file: its name; folders in it are dropped.
        recipe: of which only the choices on how a table is read count.

    Raises:
        DataRefused: if it cannot become a dataset; says what is wrong, where, and how to fix it.
        StoreError: if LRDASH_HOME cannot be written.
    """
    file = _plain(file)
    FILE.hold(file, megabytes(len(raw)))
    job = {"do": "profile", "file": file, "recipe": (recipe or Recipe()).as_dict()}
    with apart.job_folder(raw, job) as folder:
        return Profile(**apart.answer(folder, file)["profile"])


def add(raw: bytes, file: str, recipe: Recipe, name: str = "") -> Facts:
    """Save the dataset of a file and choices, under an id that depends on nothing else.

    A dataset that has this id already stays, and takes the new name.

    Args:
        raw: bytes of the file.
        file: its name.
        recipe: what to make of it.
        name: of the dataset; by default that of the file.

    Raises:
        DataRefused, StoreError: as in `look`.
    """
    file = _plain(file)
    FILE.hold(file, megabytes(len(raw)))
    name = " ".join(name.split())[:NAME] or Path(file).stem[:NAME] or "Own data"
    job = {"do": "prepare", "file": file, "name": name, "recipe": recipe.as_dict()}
    with apart.job_folder(raw, job) as folder:
        facts = Facts(**apart.answer(folder, file)["facts"])
        _place(facts, folder)
    return facts


def _place(facts: Facts, made: Path) -> None:
    """Move a finished folder to its place; a complete one stays there and takes the new name."""
    final = stored.data_folder() / facts.id
    present = stored.find(facts.id) if (final / stored.FACTS).exists() else None
    if present is not None and not present.gone and (final / stored.ARRAYS).exists():
        stored.write_facts(stored.read_facts(final / stored.FACTS).replace(name=facts.name), final)
        return
    for name in (JOB, UPLOAD, ANSWER, ERRORS):
        (made / name).unlink(missing_ok=True)
    if final.exists():  # deleted data comes back: arrays first, so that the facts are never wrong
        for name in stored.FILES:
            (made / name).replace(final / name)
    else:
        shutil.copymode(stored.data_folder(), made)
        try:
            made.rename(final)
        except OSError:
            if not (final / stored.FACTS).exists():  # otherwise another process was faster
                raise


def _plain(file: str) -> str:
    """The name of a file without folders and control characters, at most 100 characters."""
    name = file.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in name if can_be_shown(letter))[-100:] or "file"
