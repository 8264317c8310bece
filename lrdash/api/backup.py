"""Backups: the database, with or without checkpoints and own data, in one file, and back again.

The database alone is a SQLite file. With more it is a ZIP archive, uncompressed since checkpoints
do not compress: `manifest.json`, the database, `checkpoints/RUN_ID/EPOCH.npz`, and of own data
`data/ID/facts.json` and `arrays.npz`. Only files named in the manifest are read from the archive;
each name must look like one of these, and size and SHA-256 must match.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from lrdash.checkpoints import FOLDER, CheckpointFolder
from lrdash.core.errors import InvalidField, StoreError
from lrdash.core.events import now
from lrdash.core.files import sync
from lrdash.datasets import stored
from lrdash.store import home
from lrdash.store.copies import check_copy, copy_to, database_path, replacing

FORMAT = 1
DATABASE, MANIFEST = "lrdash.db", "manifest.json"
CHECKPOINT = re.compile(rf"{FOLDER}/[a-z0-9]{{12}}/[0-9]{{1,9}}\.npz")
DATA = re.compile(
    rf"{stored.FOLDER}/{stored.ID.pattern}/({'|'.join(map(re.escape, stored.FILES))})"
)
LARGEST_MANIFEST = 50_000_000  # bytes
SQLITE = b"SQLite format 3\0"  # how its files begin
BLOCK = 1 << 20  # bytes read at a time
DAMAGED = (
    zipfile.BadZipFile, zlib.error, ValueError, KeyError, TypeError, EOFError, RuntimeError,
)


@dataclass(frozen=True, kw_only=True)
class Backup:
    """What a backup holds."""

    file: str
    size: int  # bytes
    runs: int
    checkpoints: int  # files
    datasets: int = 0  # of the user's own

    def as_json(self) -> dict[str, Any]:
        """As JSON types."""
        return {"file": self.file, "bytes": self.size, "runs": self.runs,
                "checkpoints": self.checkpoints, "datasets": self.datasets}


def backup(
    file: str | Path, *, checkpoints: bool = False, data: bool = False, force: bool = False
) -> Backup:
    """Write the database to a file, also while runs train.

    The file appears only when it is whole and checked.

    Args:
        file: to write.
        checkpoints: include them, so that interrupted runs can be resumed.
        data: include own data, so that it can be trained on after a restore.
        force: replace an existing file.

    Raises:
        InvalidField: if the file exists or cannot be written.
        StoreError: if the database cannot be read, is damaged, or is no SQLite database.
    """
    target, source = Path(file).expanduser().absolute(), database_path()
    _refuse_target(target, source, force=force)
    if not source.exists():
        raise StoreError(f"There is no database {source} yet, so there is nothing to back up.")
    try:
        with tempfile.TemporaryDirectory(prefix=".lrdash-backup-", dir=target.parent) as folder:
            made = Path(folder) / DATABASE
            names = (_checkpoints() if checkpoints else []) + (_own_data() if data else [])
            files = _set_aside(names, Path(folder))
            copy_to(source, made)  # after the checkpoints, so that their epochs are recorded
            check_copy(made, f"The database {source}")
            runs = _count(made)
            if checkpoints or data:
                made = _archive(Path(folder) / "archive.zip", {DATABASE: made, **files})
            size = made.stat().st_size
            made.replace(target)
            sync(target)
    except OSError as fault:
        problem = f"must be a file that can be written ({fault.strerror})"
        raise InvalidField("FILE", problem, str(target)) from fault
    return _described(target, size, runs, files)


def restore(file: str | Path, *, force: bool = False) -> Backup:
    """Replace the database with a backup; its checkpoints and own data are added.

    An existing database is kept beside it, under a name that ends in the time.

    Args:
        file: as `backup` wrote it.
        force: replace an existing database.

    Raises:
        InvalidField: if there is no such file, or a database exists and `force` is not given.
        StoreError: if the backup is damaged, of a newer lrdash or of another program, or if the
            database is in use. Then nothing was changed.
    """
    source, target = Path(file).expanduser().absolute(), database_path()
    if not source.is_file():
        raise InvalidField("FILE", "must be a backup that `lrdash runs backup` wrote", str(file))
    if target.exists() and not force:
        raise InvalidField(
            "FILE", f"would replace the database {target}; say --force to do so (the present one "
            "is kept beside it)", str(file),
        )
    place = home()
    try:
        with tempfile.TemporaryDirectory(prefix=".restoring-", dir=place) as folder:
            if _is_database(source):
                files = {DATABASE: Path(folder) / DATABASE}
                shutil.copyfile(source, files[DATABASE])
            else:
                files = _unpack(source, Path(folder))
            made = files.pop(DATABASE)
            check_copy(made, f"The backup {source.name}")
            runs = _count(made)
            with replacing(target) as beside:
                shutil.move(made, beside)
                sync(beside)
            _place(files, place)
    except OSError as fault:
        raise StoreError(
            f"The backup {source} cannot be restored into {place}: {fault.strerror}. Check that "
            "the folder can be written and its disk has room."
        ) from fault
    return _described(source, source.stat().st_size, runs, files)


def _described(file: Path, size: int, runs: int, names: Iterable[str]) -> Backup:
    checkpoints = sum(bool(CHECKPOINT.fullmatch(name)) for name in names)
    datasets = len({Path(name).parent for name in names if DATA.fullmatch(name)})
    return Backup(
        file=str(file), size=size, runs=runs, checkpoints=checkpoints, datasets=datasets
    )


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(SQLITE)) == SQLITE


def _refuse_target(target: Path, source: Path, *, force: bool) -> None:
    if target.is_dir() or not target.parent.is_dir():
        raise InvalidField("FILE", "must be a file in a folder that exists", str(target))
    if target == source:
        raise InvalidField("FILE", "must not be the database itself", str(target))
    if target.exists() and not force:
        raise InvalidField("FILE", "must not exist yet (--force replaces it)", str(target))


def _checkpoints() -> list[str]:
    folder = CheckpointFolder(home())
    return [
        f"{FOLDER}/{run_id}/{kept.epoch:06d}.npz"
        for run_id in folder.runs() for kept in folder.of(run_id)
    ]


def _own_data() -> list[str]:
    """Of deleted data that runs still name, only the facts exist."""
    folders = sorted(path.name for path in stored.data_folder().glob(f"{stored.PREFIX}*"))
    return [
        f"{stored.FOLDER}/{folder}/{file}"
        for folder in folders if stored.ID.fullmatch(folder) for file in stored.FILES
    ]


def _set_aside(names: Iterable[str], folder: Path) -> dict[str, Path]:
    """Links to these files, or copies, by their names in the archive: they may be removed while the
    archive is written.
    """
    found: dict[str, Path] = {}
    for name in names:
        aside = folder / name.replace("/", "-")
        with suppress(FileNotFoundError):  # removed in this moment
            _link_or_copy(home() / name, aside)
            found[name] = aside
    return found


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another disk, or a file system without links
        shutil.copyfile(source, target)


def _archive(path: Path, files: dict[str, Path]) -> Path:
    about = {
        name: {"bytes": file.stat().st_size, "sha256": _digest(file)}
        for name, file in files.items()
    }
    manifest = {"format": FORMAT, "made_at": now().isoformat(), "files": about}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(MANIFEST, json.dumps(manifest))
        for name, file in files.items():
            archive.write(file, name)
    sync(path)
    return path


def _unpack(source: Path, folder: Path) -> dict[str, Path]:
    """The files of an archive, each checked, by their names in it."""
    try:
        with zipfile.ZipFile(source) as archive:
            if archive.getinfo(MANIFEST).file_size > LARGEST_MANIFEST:
                raise ValueError("its table of contents is too long")
            manifest = json.loads(archive.read(MANIFEST))
            if manifest["format"] > FORMAT:
                raise StoreError(
                    f"The backup {source.name} was made by a newer lrdash. Update lrdash, then "
                    "restore it."
                )
            names = list(manifest["files"])
            if DATABASE not in names:
                raise ValueError("it holds no database")
            found = {}
            for place, name in enumerate(names):
                if name != DATABASE and not (CHECKPOINT.fullmatch(name) or DATA.fullmatch(name)):
                    raise ValueError(f"it holds a file of the name {name[:80]!r}")
                found[name] = folder / str(place)
                with archive.open(name) as packed:
                    _extract(packed, found[name], manifest["files"][name])
    except DAMAGED as fault:
        raise StoreError(
            f"The backup {source.name} is damaged or was not written by lrdash: "
            f"{str(fault) or type(fault).__name__}. Nothing was changed."
        ) from fault
    return found


def _extract(packed: IO[bytes], target: Path, about: dict[str, Any]) -> None:
    """Write one file of the archive; no more of it than the manifest says."""
    left, digest = int(about["bytes"]), hashlib.sha256()
    with target.open("wb") as file:
        while block := packed.read(BLOCK):
            left -= len(block)
            if left < 0:
                break
            digest.update(block)
            file.write(block)
    if left or digest.hexdigest() != about["sha256"]:
        raise ValueError("a file in it differs from the one that was packed")


def _place(files: dict[str, Path], place: Path) -> None:
    here = {name for name in files if DATA.fullmatch(name)
            and (place / name).with_name(stored.ARRAYS).exists()}  # an id identifies the content
    for name, file in files.items():
        if name in here:
            continue
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file, target)
        sync(target)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])
