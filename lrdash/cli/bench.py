"""`lrdash bench`: how fast this is here, against what."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from lrdash.cli.options import json_option
from lrdash.cli.output import as_json, console
from lrdash.core.errors import UnknownName


def bench(
    parts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PART]...", help="What to measure; some short ones by default."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Measure every part.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the parts and leave.")] = False,
    json_output: Annotated[bool, json_option()] = False,
) -> None:
    """Measure ratios on this machine, each in one run, and hold them against their goals.

    Leave the machine alone meanwhile. Exit status 1 if a part could not be measured; a goal that is
    not reached is no fault.
    """
    from lrdash.bench import PARTS, QUICK, machine

    if listing:
        _list()
        return
    chosen = list(dict.fromkeys(parts or (PARTS if everything else QUICK)))
    for name in chosen:
        if name not in PARTS:
            raise UnknownName("part", name, list(PARTS))
    where = machine()
    if not json_output:
        typer.echo(" · ".join(f"{name} {value}" for name, value in where.items()))
    found = [_measure(name, quiet=json_output) for name in chosen]
    if json_output:
        as_json({"machine": where, "parts": found})
    if any("fault" in one for one in found):
        raise typer.Exit(1)


def _measure(name: str, *, quiet: bool) -> dict[str, Any]:
    from lrdash.bench import PARTS
    from lrdash.bench.parts import measured
    from lrdash.core.errors import LrdashError

    part = PARTS[name]
    try:
        found = measured(part)
    except LrdashError as fault:
        found = {"part": name, "title": part.title, "fault": str(fault)}
    if not quiet:
        typer.echo(in_words(found))
    return found


def in_words(found: dict[str, Any]) -> str:
    """A part's outcome in two lines."""
    if "fault" in found:
        return f"{found['part']}: not measured: {found['fault']}"
    goal = ""
    if found["goal"] is not None:
        verdict = "reached" if found["reached"] else "not reached"
        goal = f" (goal: {found['bound']} {found['goal']:g}; {verdict})"
    return f"{found['part']}: {found['title']}: {found['ratio']:.3g}{goal}\n  {found['detail']}"


def _list() -> None:
    from lrdash.bench import PARTS, QUICK

    table = Table("part", "what", "goal", "by default", box=None)
    for name, part in PARTS.items():
        goal = "" if part.goal is None else f"{part.bound} {part.goal:g}"
        table.add_row(name, part.title, goal, "yes" if name in QUICK else "")
    console().print(table)
