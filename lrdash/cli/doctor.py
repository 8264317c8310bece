"""`lrdash doctor`: is everything in place?"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from lrdash.cli import checks
from lrdash.cli.options import json_option
from lrdash.cli.output import as_json, console

SIGNS = {"ok": "ok", "note": "note", "wrong": "WRONG"}


def doctor(
    port: Annotated[
        int, typer.Option(envvar="PORT", min=1, max=65_535, help="Port that the app would use.")
    ] = 8501,
    json_output: Annotated[bool, json_option()] = False,
) -> None:
    """Check Python, libraries, home folder, database, disk, TensorFlow, datasets and port.

    Exit status 1 if something is wrong; a note is not.
    """
    findings = [finding for check in checks.CHECKS for finding in check()]
    findings.extend(checks.address("127.0.0.1", port))
    healthy = all(finding.state != "wrong" for finding in findings)
    if json_output:
        as_json({"ok": healthy, "checks": [finding.as_dict() for finding in findings]})
    else:
        table = Table("check", "", "finding", box=None)
        for finding in findings:
            table.add_row(finding.name, SIGNS[finding.state], finding.detail)
        console().print(table)
        typer.echo("All is well." if healthy else "Something is wrong; see above.")
    if not healthy:
        raise typer.Exit(1)
