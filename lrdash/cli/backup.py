"""`lrdash runs backup` and `restore`: everything that is remembered, in one file and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrdash.cli.options import json_option
from lrdash.cli.output import as_json

if TYPE_CHECKING:
    from lrdash.api.backup import Backup


def backup(
    file: Annotated[Path, typer.Argument(help="File to write.")],
    checkpoints: Annotated[
        bool,
        typer.Option("--checkpoints", help="Take the checkpoints along, in a ZIP archive."),
    ] = False,
    data: Annotated[
        bool, typer.Option("--data", help="Take your own data along, in a ZIP archive.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    json_output: Annotated[bool, json_option()] = False,
) -> None:
    """Copy the database to one file, while runs go on.

    The copy is one state of the database, checked before the file appears. With --checkpoints,
    runs that were interrupted can go on from it where they were.
    """
    from lrdash.api.backup import backup as make

    made = make(file, checkpoints=checkpoints, data=data, force=force)
    if json_output:
        as_json(made.as_json())
        return
    size = f"{made.size / 1e6:,.1f} MB"
    typer.echo(f"Wrote {_held(made, checkpoints, data)} to {made.file} ({size}).")


def restore(
    file: Annotated[Path, typer.Argument(help="Backup that `lrdash runs backup` wrote.")],
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace the database that is there; it is kept beside it."),
    ] = False,
    json_output: Annotated[bool, json_option()] = False,
) -> None:
    """Put a backup in the place of the database; end the server first.

    The backup is checked as a whole before anything is changed.
    """
    from lrdash.api.backup import restore as put_back

    done = put_back(file, force=force)
    if json_output:
        as_json(done.as_json())
        return
    held = _held(done, bool(done.checkpoints), bool(done.datasets))
    typer.echo(f"Restored {held} from {done.file}.")


def _held(made: Backup, checkpoints: bool, data: bool) -> str:
    parts = [_counted(made.runs, "run")]
    if checkpoints:
        parts.append(_counted(made.checkpoints, "checkpoint"))
    if data:
        parts.append(_counted(made.datasets, "dataset"))
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if parts[1:] else parts[0]


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
