"""`lrdash runs backup` and `restore`: everything lrdash keeps, in one file and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrdash.cli.options import AsJson, Force
from lrdash.cli.output import answer
from lrdash.core.wording import listed, plural

if TYPE_CHECKING:
    from lrdash.api.backup import Backup


def backup(
    file: Annotated[Path, typer.Argument(help="File to write.")],
    checkpoints: Annotated[
        bool,
        typer.Option("--checkpoints", help="Include the checkpoints; the file is a ZIP archive."),
    ] = False,
    data: Annotated[
        bool, typer.Option("--data", help="Include your own data; the file is a ZIP archive.")
    ] = False,
    force: Force = False,
    json_output: AsJson = False,
) -> None:
    """Copy the database to one file, even while runs train.

    The copy is one consistent state, checked before the file appears. With --checkpoints,
    interrupted runs can resume from it where they were.
    """
    from lrdash.api.backup import backup as make

    made = make(file, checkpoints=checkpoints, data=data, force=force)
    held = _held(made, checkpoints, data)
    words = f"Wrote {held} to {made.file} ({made.size / 1e6:,.1f} MB)."
    answer(made.as_json(), words, json_output)


def restore(
    file: Annotated[Path, typer.Argument(help="Backup written by `lrdash runs backup`.")],
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace the current database; it is kept under a new name."),
    ] = False,
    json_output: AsJson = False,
) -> None:
    """Replace the database with a backup. Stop the server first.

    The whole backup is checked before anything changes.
    """
    from lrdash.api.backup import restore as put_back

    done = put_back(file, force=force)
    held = _held(done, bool(done.checkpoints), bool(done.datasets))
    answer(done.as_json(), f"Restored {held} from {done.file}.", json_output)


def _held(made: Backup, checkpoints: bool, data: bool) -> str:
    return listed(
        [plural(made.runs, "run")]
        + [plural(made.checkpoints, "checkpoint")] * checkpoints
        + [plural(made.datasets, "dataset")] * data
    )
