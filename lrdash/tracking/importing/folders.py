"""Which event files are one run: by folder, or by their content where there is none.

Keras writes `train` and `validation` below the folder of a run; other programs do the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from lrdash.core.errors import InvalidField
from lrdash.tracking.importing.boards import TRAIN, VALIDATION, Board, run_of
from lrdash.tracking.importing.flat import grouping, of_validation, together
from lrdash.tracking.importing.found import Found
from lrdash.tracking.importing.restarts import without_earlier
from lrdash.tracking.importing.summaries import Scalar, read_scalars


def read_boards(files: Mapping[str, bytes]) -> tuple[list[Found], list[InvalidField]]:
    """The runs of event files, by their paths below a log folder: each folder is a run.

    Of several files without a folder each is a run, except two that are recognisably one.

    Returns:
        The runs, and why a file or a folder is none; at least one of the two is not empty.
    """
    found: list[Found] = []
    refused: list[InvalidField] = []
    read: dict[str, list[Scalar]] = {}
    damage: dict[str, str] = {}  # of what was read in part
    for path in sorted(files):
        try:
            read[path], fault = read_scalars(path, files[path])
            damage |= {path: fault} if fault else {}
        except InvalidField as none:
            refused.append(none)
    for path in [path for path, scalars in read.items() if not scalars]:
        del read[path]
        if path in damage:
            problem = f"must be intact; it is damaged before its first scalar ({damage[path]})"
            refused.append(InvalidField(path, problem, f"{len(files[path]):,} bytes"))
        elif _alone(path):  # in a folder it may hold graphs or settings
            refused.append(InvalidField(path, "must hold scalars", "none"))
    for name, paths, remarks in _runs(read):
        roles = {path: _role(path, read[path]) for path in paths}
        kept, earlier = without_earlier({path: read[path] for path in paths}, roles)
        faults = [
            f"{path}: {damage[path]}; everything before it was kept."
            for path in paths if path in damage
        ]
        board = Board(remarks=[*remarks, *earlier, *faults])
        for path in paths:
            for scalar in kept[path]:
                board.take(scalar, roles[path])
        try:
            found.append(run_of(name, board))
        except InvalidField as none:
            refused.append(none)
    if not found and not refused:
        refused = [InvalidField(", ".join(sorted(files)[:3]), "must hold scalars", "none")]
    return found, refused


def _runs(read: Mapping[str, Sequence[Scalar]]) -> Iterator[tuple[str, Sequence[str], list[str]]]:
    """Name, paths and remarks of each run."""
    alone = [path for path in read if _alone(path)]
    if len(alone) > 1:
        groups = together({path: read[path] for path in alone})
        for number, paths in enumerate(groups, start=1):
            yield f"run {number}" if len(groups) > 1 else "run", paths, [grouping(paths)]
    folders: dict[str, list[str]] = {}
    for path in read:
        if len(alone) == 1 or not _alone(path):
            folders.setdefault(_place(path)[0], []).append(path)
    for name, inside in folders.items():
        yield name or "run", inside, []


def _role(path: str, scalars: Sequence[Scalar]) -> str:
    return _place(path)[1] or ("validation" if of_validation(scalars) else "")


def _alone(path: str) -> bool:
    """Whether it has no folder."""
    return "/" not in path


def _place(path: str) -> tuple[str, str]:
    """Name of the run, and `train`, `validation` or nothing."""
    folders = list(PurePosixPath(path).parts[:-1])
    role = ""
    if folders and folders[-1].lower() in (*TRAIN, *VALIDATION):
        role = "train" if folders.pop().lower() in TRAIN else "validation"
    return "/".join(folders), role
