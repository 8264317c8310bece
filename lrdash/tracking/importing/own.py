"""Tables that lrdash itself exported: a row for each epoch of each run, then its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import get_args

from lrdash.core.events import ACTIVE, Status
from lrdash.tracking.importing.columns import Cells, of_columns
from lrdash.tracking.importing.found import Found, of_file

MEASURED = ("run_id", "epoch", "learning_rate", "seconds")
SETTINGS = ("name", "label", "status", "engine")  # the first of them
LEFT = "Its settings were left out: imported runs cannot be trained again."

Columns = tuple[Mapping[str, Cells], list[str]]  # and remarks


def is_own(names: Sequence[str]) -> bool:
    """Whether these are the columns of an export; see `lrdash.export.tables.epochs_table`."""
    return {*MEASURED, *SETTINGS} <= {*names}


def own_runs(
    name: str, names: Sequence[str], rows: Sequence[Sequence[str]],
    columns: Callable[[Sequence[str], Sequence[Sequence[str]]], Columns],
) -> list[Found]:
    """The runs of an exported table.

    Args:
        name: of the file.
        names: of all columns.
        rows: their cells.
        columns: reads the cells of some columns as numbers.
    """
    end = names.index(SETTINGS[0])
    run, title, status = (names.index(one) for one in ("run_id", "name", "status"))
    lines: dict[str, list[Sequence[str]]] = {}
    for row in rows:
        lines.setdefault(row[run], []).append(row)
    found = []
    for run_id, own in lines.items():
        kept = [place for place in range(end) if place != run]
        cells, remarks = columns(
            [names[place] for place in kept], [[row[place] for place in kept] for row in own])
        made = of_export(name, cells, [*remarks, LEFT], own[0][status])
        again = f"{made.name} {run_id}" if len(lines) > 1 else made.name
        found.append(replace(made, name=own[0][title] or again))
    return found


def of_export(
    name: str, columns: Mapping[str, Cells], remarks: Sequence[str], status: str, reason: str = ""
) -> Found:
    """One exported run; lrdash counts epochs from 1."""
    given = {label: cells for label, cells in columns.items() if label != "seconds"}
    made = of_file(name, of_columns(name, given, remarks, first=1))
    seconds = [one or 0.0 for one in columns.get("seconds", ())]
    final = next((one for one in get_args(Status) if one == status and one not in ACTIVE), None)
    return replace(
        made, seconds=tuple(seconds), status=final or made.status, reason=reason or made.reason)
