"""`lrdash doctor`: is everything in place?"""

from __future__ import annotations

from typing import Annotated

import typer

from lrdash.cli import checks
from lrdash.cli.options import AsJson
from lrdash.cli.output import as_json, print_table

SIGNS = {"ok": "ok", "note": "note", "wrong": "WRONG"}


def doctor(
    port: Annotated[
        int, typer.Option(envvar="PORT", min=1, max=65_535, help="Port that the app would use.")
    ] = 8501,
    json_output: AsJson = False,
) -> None:
    """Check Python, libraries, home folder, database, disk, TensorFlow, datasets and port.

    Exit status 1 if there is a problem; notes do not count.
    """
    findings = [finding for check in checks.CHECKS for finding in check()]
    findings.extend(checks.address("127.0.0.1", port))
    healthy = all(finding.state != "wrong" for finding in findings)
    if json_output:
        as_json({"ok": healthy, "checks": [finding.as_dict() for finding in findings]})
    else:
        print_table(("check", "", "finding"), [
            (finding.name, SIGNS[finding.state], finding.detail) for finding in findings
        ])
        typer.echo("Everything works." if healthy else "There is a problem; see WRONG above.")
    if not healthy:
        raise typer.Exit(1)
