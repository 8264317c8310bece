"""A table as a run: a row an epoch, or rows with gaps that share epochs.

Lightning's `metrics.csv` and Hugging Face's `log_history` have a row for each time that something
was logged. Such rows are read as an event file is, by their step and epoch.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

from lrdash.tracking.importing.axis import Axis
from lrdash.tracking.importing.boards import Board, run_of
from lrdash.tracking.importing.found import Found
from lrdash.tracking.importing.names import COUNTERS, column
from lrdash.tracking.importing.restarts import in_order
from lrdash.tracking.importing.summaries import Scalar

EPOCH = "epoch"
LOSSES = ("loss", "val_loss")
USUAL = (*LOSSES, "accuracy", "val_accuracy", "acc", "val_acc")
FROM_ZERO = "The first epoch is {:g}, so epochs were read as counted from 0, as Keras does."

MOST = 2**53  # whole numbers below are exact

Cells = Sequence[float | None]  # of one column; None where nothing was recorded


def of_columns(
    name: str, columns: Mapping[str, Cells], remarks: Iterable[str] = (), *,
    first: int | None = None,
) -> Found:
    """The run of a table.

    Args:
        name: of the run.
        columns: by label, all of one length; `epoch` and `step` say which rows are which.
        remarks: so far.
        first: from which number epochs are counted; by default from 1 if they begin there.

    Raises:
        InvalidField: for a table without an epoch or with too many.
    """
    board = Board(remarks=list(remarks), table=True)
    given, steps = _whole(columns, (EPOCH,)), _whole(columns, COUNTERS)
    epochs = numbers(given, first, board.remarks)
    rows = [] if epochs else _by_step(columns, given, steps)
    if rows:
        rows, said = in_order(rows)
        board.remarks += said
    else:
        rows, board.axis = _by_epoch(columns, epochs, board.remarks)
    for scalar in rows:
        board.take(scalar)
    return run_of(name, board)


def numbers(given: Sequence[float], first: int | None, remarks: list[str]) -> list[int]:
    """Epochs from 1, from those of a table, which may count from 0; none if they do not ascend."""
    if not given or not all(map(_counts, given)) or not _ascend(given, strictly=True):
        return []
    if first is None:
        first = 1 if given[0] == 1 else 0
        if given[0] > 1:
            remarks.append(FROM_ZERO.format(given[0]))
    return [int(one) + 1 - first for one in given]


def _by_step(
    columns: Mapping[str, Cells], given: Sequence[float], steps: Sequence[float]
) -> list[Scalar]:
    """The rows by their step, or by their place if their epochs ascend; none without both."""
    places: Sequence[float] = steps if all(map(_counts, steps)) else ()
    if not places and given and _ascend(given):
        places = range(len(given))
    return [
        Scalar(label, int(step), 0.0, value)
        for place, step in enumerate(places)
        for label, cells in columns.items() if label.lower() not in COUNTERS or not steps
        if (value := cells[place]) is not None
    ]


def _by_epoch(
    columns: Mapping[str, Cells], epochs: Sequence[int], remarks: list[str]
) -> tuple[list[Scalar], Axis]:
    """The rows by their epoch, numbered where it is not known."""
    if not epochs:
        if any(label.lower() == EPOCH for label in columns):
            remarks.append("The epochs do not ascend, so the lines were numbered.")
        epochs = range(1, len(next(iter(columns.values()))) + 1)
    scalars = [
        Scalar(label, epoch, 0.0, value)
        for label, cells in columns.items() if label.lower() != EPOCH
        for epoch, value in zip(epochs, cells, strict=True) if value is not None
    ]
    return scalars, Axis(epochs=epochs, ends=epochs)


def tells_epochs(labels: Iterable[str]) -> bool:
    """Whether one of the columns says which epoch or step a row belongs to."""
    return any(label.lower() in (EPOCH, *COUNTERS) for label in labels)


def is_log(labels: Iterable[str]) -> bool:
    """Whether columns can be those of a training."""
    return any(label.lower() == EPOCH or column(label) in USUAL for label in labels)


def _whole(cells: Mapping[str, Cells], wanted: Sequence[str]) -> list[float]:
    """The values of the first of these columns; none if it lacks one."""
    found = next((own for label, own in cells.items() if label.lower() in wanted), ())
    known = [one for one in found if one is not None]
    return known if len(known) == len(found) else []


def _counts(value: float) -> bool:
    """Whether it can be the number of an epoch or a step."""
    return 0 <= value < MOST and float(value).is_integer()


def _ascend(given: Sequence[float], *, strictly: bool = False) -> bool:
    return all(a < b or (a == b and not strictly) for a, b in itertools.pairwise(given))
