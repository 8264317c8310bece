"""`lrdash bench`: how fast lrdash is on this machine, and compared with what."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lrdash.cli.options import AsJson
from lrdash.cli.output import as_json, print_table
from lrdash.core.errors import UnknownName


def bench(
    parts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PART]...", help="What to measure. Default: some short parts."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Measure every part.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the parts and exit.")] = False,
    json_output: AsJson = False,
) -> None:
    """Measure how fast lrdash is here, as ratios, and compare them with their goals.

    Do not use the machine meanwhile. Exit status 1 if a part could not be measured; a missed goal
    is no error.
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
    """The outcome of a part in two lines."""
    if "fault" in found:
        return f"{found['part']}: not measured: {found['fault']}"
    goal = ""
    if found["goal"] is not None:
        verdict = "reached" if found["reached"] else "not reached"
        goal = f" (goal: {found['bound']} {found['goal']:g}; {verdict})"
    return f"{found['part']}: {found['title']}: {found['ratio']:.3g}{goal}\n  {found['detail']}"


def _list() -> None:
    from lrdash.bench import PARTS, QUICK

    print_table(("part", "what", "goal", "by default"), [
        (name, part.title, "" if part.goal is None else f"{part.bound} {part.goal:g}",
         "yes" if name in QUICK else "")
        for name, part in PARTS.items()
    ])
