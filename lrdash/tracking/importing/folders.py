"""Which event files are one run: by folder, or by their content where there is none.

Keras writes `train` and `validation` below the folder of a run; other programs do the same. Torch's
`add_scalars` writes each of its series into a folder of its own, `Loss_train` for `Loss`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from lrdash.core.errors import InvalidField
from lrdash.tracking.importing.boards import Board, run_of
from lrdash.tracking.importing.flat import grouping, of_validation, together
from lrdash.tracking.importing.found import Found
from lrdash.tracking.importing.names import TRAIN, VALIDATION
from lrdash.tracking.importing.restarts import in_order, without_earlier
from lrdash.tracking.importing.summaries import Scalar, read_scalars


class Place(NamedTuple):
    """Where a file belongs."""

    run: str  # its folder
    role: str = ""  # a word in `TRAIN` or `VALIDATION`
    series: str = ""  # of torch's add_scalars


def read_boards(files: Mapping[str, bytes]) -> tuple[list[Found], list[InvalidField]]:
    """The runs of event files, by their paths below a log folder: each folder is a run.

    Of several files without a folder each is a run, except two that are recognisably one.

    Returns:
        The runs, and why a file or a folder is none; at least one of the two is not empty.
    """
    found: list[Found] = []
    refused: list[InvalidField] = []
    read: dict[str, list[Scalar]] = {}
    remarks: dict[str, list[str]] = {}  # on each file
    for path in sorted(files):
        try:
            scalars, fault = read_scalars(path, files[path])
        except InvalidField as none:
            refused.append(none)
            continue
        ordered, remarks[path] = in_order(scalars)
        if ordered:
            read[path] = ordered
            remarks[path] += [f"{path}: {fault}; everything before it was kept."] if fault else []
        elif why := _empty(path, files[path], fault, scalars):
            refused.append(why)
    places = {path: _place(path, read[path], files) for path in read}
    for name, paths, grouped in _runs(read, places):
        board = Board(remarks=grouped)
        _fill(board, {path: read[path] for path in paths}, places)
        board.remarks += [remark for path in paths for remark in remarks[path]]
        try:
            found.append(run_of(name, board))
        except InvalidField as none:
            refused.append(none)
    if not found and not refused:
        refused = [InvalidField(", ".join(sorted(files)[:3]), "must hold scalars", "none")]
    return found, refused


def _empty(path: str, data: bytes, fault: str, scalars: Sequence[Scalar]) -> InvalidField | None:
    """Why a file without a scalar of a run is left out; None where it may hold something else."""
    if fault:
        problem = f"must be intact; it is damaged before its first scalar ({fault})"
        return InvalidField(path, problem, f"{len(data):,} bytes")
    if scalars:
        return InvalidField(path, "must hold scalars of steps from 0", "negative steps alone")
    # In a folder it may hold graphs or settings.
    return InvalidField(path, "must hold scalars", "none") if _alone(path) else None


def _fill(board: Board, read: Mapping[str, list[Scalar]], places: Mapping[str, Place]) -> None:
    roles = {path: places[path].role or _role(read[path]) for path in read}
    own = {path: _named(read[path], places[path].series) for path in read}
    kept, earlier = without_earlier(own, roles)
    board.remarks += earlier
    for path in read:
        for scalar in kept[path]:
            board.take(scalar, roles[path])


def _named(scalars: Sequence[Scalar], series: str) -> Sequence[Scalar]:
    return [one._replace(tag=f"{one.tag}/{series}") for one in scalars] if series else scalars


def _runs(
    read: Mapping[str, Sequence[Scalar]], places: Mapping[str, Place]
) -> Iterator[tuple[str, Sequence[str], list[str]]]:
    """Name, paths and remarks of each run."""
    alone = [path for path in read if _alone(path)]
    if len(alone) > 1:
        groups = together({path: read[path] for path in alone})
        for number, paths in enumerate(groups, start=1):
            yield f"run {number}" if len(groups) > 1 else "run", paths, [grouping(paths)]
    folders: dict[str, list[str]] = {}
    for path in read:
        if len(alone) == 1 or not _alone(path):
            folders.setdefault(places[path].run, []).append(path)
    for name, inside in folders.items():
        yield name or "run", inside, []


def _role(scalars: Sequence[Scalar]) -> str:
    return "validation" if of_validation(scalars) else ""


def _alone(path: str) -> bool:
    """Whether it has no folder."""
    return "/" not in path


def _place(path: str, scalars: Sequence[Scalar], files: Mapping[str, bytes]) -> Place:
    """Where a file belongs, by its folder and by those above it."""
    folder = PurePosixPath(path).parent
    tags = {one.tag for one in scalars}
    if len(tags) == 1:
        start = f"{tags.pop().replace('/', '_')}_"
        for above in folder.parents:  # a writer that has series of its own has a file, too
            inside = folder.relative_to(above).as_posix()
            if inside.startswith(start) and any(PurePosixPath(one).parent == above
                                                for one in files):
                return Place(_name(above), series=inside.removeprefix(start))
    if folder.name.lower() in (*TRAIN, *VALIDATION):
        return Place(_name(folder.parent), role=folder.name.lower())
    return Place(_name(folder))


def _name(folder: PurePosixPath) -> str:
    return "" if folder == PurePosixPath() else folder.as_posix()
