"""The sources of files: paths, folders, uploads, archives. Sizes are limited before reading."""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lrdash.core.errors import InvalidField
from lrdash.core.files import UPLOAD_MB
from lrdash.core.wording import plural
from lrdash.tracking.importing.documents import read_json
from lrdash.tracking.importing.folders import read_boards
from lrdash.tracking.importing.found import Found
from lrdash.tracking.importing.tables import read_csv

MB = 1_000_000
FILE_LIMIT = 256 * MB  # of one file on disk
UPLOAD_LIMIT = UPLOAD_MB * MB  # of all files of an upload, unpacked
MOST_FILES = 1000
MOST_NAMED = 5  # left-out files listed by name
# What zipfile raises for archives that are damaged, encrypted or packed in another way.
BROKEN = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError,
          zlib.error)
EVENTS = "tfevents"  # in the name of every event file
KINDS = "an event file of TensorBoard (*tfevents*), a table of CSVLogger (*.csv, *.tsv, " \
    "*.log), a History as JSON (*.json), or a folder or a ZIP archive of such files"
Report = Callable[[str], object]  # takes a sentence
TABLES = (".csv", ".tsv", ".log")


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file as a browser sends it."""

    name: str  # may hold folders, with `/` between them
    data: bytes


def read_paths(paths: Sequence[str | Path], report: Report = warnings.warn) -> list[Found]:
    """The runs of files and folders; `report` takes a sentence about each file that was left out.

    Raises:
        InvalidField: for a path without runs, or a named file that cannot be read.
    """
    found: list[Found] = []
    for path in map(Path, paths):
        name = path.name or str(path)
        if path.is_dir():
            inside = ((one.relative_to(path).as_posix(), one) for one in sorted(path.rglob("*")))
            files = {inner: one for inner, one in inside if one.is_file() and _wanted(inner)}
            if not files:
                raise InvalidField(str(path), f"must hold {KINDS}", "a folder without any")
            _bound(str(path), len(files))
            read: dict[str, bytes] = {}
            refused: list[InvalidField] = []
            for inner, one in files.items():
                try:
                    read[inner] = _read(one)
                except InvalidField as fault:
                    refused.append(fault)
            found += _runs(read, report, root=name, refused=refused)
        else:
            found += _runs({name: _read(path)}, report)
    return found


def read_uploads(uploads: Iterable[Upload], report: Report = warnings.warn) -> list[Found]:
    """The runs of uploaded files; `report` as in `read_paths`.

    Raises:
        InvalidField: as in `read_paths`, and for more than `UPLOAD_LIMIT`.
    """
    given = list(uploads)
    _bound("The upload", len(given))
    size = sum(len(one.data) for one in given)
    if size > UPLOAD_LIMIT:
        problem = f"must have at most {UPLOAD_LIMIT // MB} MB; use `lrdash import` for more"
        raise InvalidField("The upload", problem, f"{size / MB:.1f} MB")
    return _runs(_numbered(given), report, limit=UPLOAD_LIMIT)


def _numbered(uploads: Iterable[Upload]) -> dict[str, bytes]:
    """The files by name; later ones of the same name get numbers."""
    files: dict[str, bytes] = {}
    for one in uploads:
        path, name, number = PurePosixPath(one.name), one.name, 1
        while name in files:
            number += 1
            name = str(path.with_stem(f"{path.stem} ({number})"))
        files[name] = one.data
    return files


def _runs(
    files: Mapping[str, bytes], report: Report, *, root: str = "", limit: int = FILE_LIMIT,
    refused: Iterable[InvalidField] = (),
) -> list[Found]:
    """The runs of files; below a root (a folder, an archive), files that are no log are left out
    and reported.

    Raises:
        InvalidField: for a file that was named itself (an event file among others is reported
            instead), and if there is no run at all.
    """
    found: list[Found] = []
    boards: dict[str, bytes] = {}
    refused = list(refused)
    for path, data in files.items():
        full = f"{root}/{path}" if root else path
        if EVENTS in path.rsplit("/", 1)[-1]:
            boards[full] = data
            continue
        try:
            found += _of_file(full, data, report, limit)
        except InvalidField as fault:
            if not root:
                raise
            refused.append(fault)
    if boards:
        runs, faults = read_boards(boards)
        found, refused = [*found, *runs], [*refused, *faults]
    if refused and not found:
        raise refused[0]
    for one in refused[:MOST_NAMED]:
        report(f"Left out: {one}")
    if len(refused) > MOST_NAMED:
        report(f"Left out: {plural(len(refused) - MOST_NAMED, 'more file')}.")
    return found


def _of_file(path: str, data: bytes, report: Report, limit: int) -> list[Found]:
    name = path.rsplit("/", 1)[-1]
    if name.lower().endswith(".zip"):
        return _runs(_unpacked(path, data, limit), report, root=name[:-4], limit=limit)
    if name.lower().endswith(".json"):
        return read_json(path, data)
    if name.lower().endswith((*TABLES, ".txt")):
        return read_csv(path, data)
    raise InvalidField(path, f"must be {KINDS}", name)


def _unpacked(name: str, data: bytes, limit: int) -> dict[str, bytes]:
    """The wanted files of an archive, at most `limit` bytes, whatever its directory claims."""
    found: dict[str, bytes] = {}
    left = limit
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            wanted = [one for one in members if _wanted(one.filename)]
            _bound(name, len(wanted))
            for one in wanted:
                with archive.open(one) as file:
                    content = file.read(left + 1)
                left -= len(content)
                if left < 0:
                    problem = f"must have at most {limit // MB} MB when unpacked"
                    raise InvalidField(name, problem, "more")
                found[one.filename] = content
    except BROKEN as fault:
        raise InvalidField(name, f"must be an intact ZIP archive ({fault})", name) from None
    if not found:
        raise InvalidField(name, f"must hold {KINDS}", "an archive without any")
    return found


def _wanted(path: str) -> bool:
    """Whether to read a file of a folder or an archive; skips others and system files (`.DS_Store`,
    `__MACOSX/._log.csv`).
    """
    parts = path.lower().split("/")
    if any(part.startswith((".", "__macosx")) for part in parts):
        return False
    return EVENTS in parts[-1] or parts[-1].endswith((*TABLES, ".json"))


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > FILE_LIMIT:
            problem = f"must have at most {FILE_LIMIT // MB} MB"
            raise InvalidField(str(path), problem, f"{size / MB:.0f} MB")
        return path.read_bytes()
    except OSError as fault:
        problem = f"must be a file that can be read ({fault.strerror or fault})"
        raise InvalidField("path", problem, str(path)) from None


def _bound(name: str, count: int) -> None:
    if count > MOST_FILES:
        raise InvalidField(name, f"must have at most {MOST_FILES:,} files", count)
