"""`lrdash hindsight`: which schedule would have been near best, and how far others are from it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from lrdash.analysis.hindsight import expected_seconds
from lrdash.cli.options import json_option, spec_options
from lrdash.cli.output import as_json, console, hushed, silent_stdout
from lrdash.core.errors import InvalidField
from lrdash.core.wording import duration, number
from lrdash.jobs import hindsight as job
from lrdash.planning.hindsight import BEAM, FACTORS, FRESH, POINTS, RIVALS, Search
from lrdash.store import Store, known_paces

if TYPE_CHECKING:
    from lrdash.api import Hindsight

HISTORY = 200  # earlier runs that an estimate looks at
LISTED = "a list with commas between"


@spec_options()
def hindsight(
    fields: dict[str, Any],
    run_id: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN_ID]",
            help="Id of a finished run. Without one the options below say what is trained first.",
        ),
    ] = None,
    points: Annotated[
        str,
        typer.Option(
            metavar="N|A,B,...", help="How many decision points, or at which epochs: N, or "
            f"{LISTED} (a single one ends in a comma).",
        ),
    ] = str(POINTS),
    factors: Annotated[
        str, typer.Option(help=f"Factors on the rate to try at each point: {LISTED}.")
    ] = ",".join(f"{factor:g}" for factor in FACTORS),
    beam: Annotated[int, typer.Option(help="Branches kept at each point.")] = BEAM,
    ahead: Annotated[
        str,
        typer.Option(
            metavar="end|next",
            help="Where branches are judged: at the end of the run, or at the next point.",
        ),
    ] = "end",
    strategies: Annotated[
        str, typer.Option(help=f"Strategies to compare with, at the run's peak rate: {LISTED}.")
    ] = ",".join(RIVALS),
    seeds: Annotated[
        str, typer.Option(metavar="N|A,B,...", help="How many fresh seeds, or which.")
    ] = str(FRESH),
    engine: Annotated[str, typer.Option(help="auto, lanes or keras.")] = "auto",
    show: Annotated[
        str | None, typer.Option("--show", metavar="ID", help="Show an earlier one, train nothing.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option("--continue", metavar="ID", help="Go on with an interrupted one.")
    ] = None,
    json_output: Annotated[bool, json_option()] = False,
) -> None:
    """Find the schedule that would have been near best for a run.

    A beam search: at each decision point every branch kept is forked over the factors. What is
    found is then trained anew with fresh seeds beside the strategies, which tells how optimistic
    the search was. Exit status 0: it finished; 1: it did not; 2: wrong input, nothing was trained.
    """
    if show or resume:
        found = _load(show) if show else _continue(str(resume), json_output)
    else:
        from lrdash.api import define_hindsight

        search, base = define_hindsight(
            run_id, points=_numbers("points", points, int, single=True),
            factors=_numbers("factors", factors, float), beam=beam, ahead=ahead,  # type: ignore[arg-type]
            strategies=[name.strip() for name in strategies.split(",") if name.strip()],
            seeds=_numbers("seeds", seeds, int, single=True), engine=engine, **fields,
        )
        found = _search(search, base, json_output)
    if json_output:
        as_json(found.as_json())
    else:
        _tell(found)
    if found.status != "finished":
        raise typer.Exit(1)


def _search(search: Search, run_id: str | None, json_output: bool) -> Hindsight:
    stages = job.check(search)
    store = Store()
    try:
        seconds = expected_seconds(stages, store.runs.listing(limit=HISTORY), known_paces())
    finally:
        store.close()
    time = f", about {duration(max(1.0, seconds))}" if seconds is not None else ""
    number_of = sum(map(len, stages)) + (run_id is None)
    typer.echo(f"{number_of} runs at most{time}.", err=json_output)

    def begin() -> Hindsight:
        from lrdash import api

        return api.run_hindsight(search, run_id)

    return _trained(begin, json_output)


def _continue(hindsight_id: str, json_output: bool) -> Hindsight:
    def begin() -> Hindsight:
        from lrdash import api

        return api.continue_hindsight(hindsight_id)

    return _trained(begin, json_output)


def _trained(begin: Any, json_output: bool) -> Hindsight:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with hushed():  # TensorFlow's remarks about missing GPUs
        import lrdash.training.keras.engine  # noqa: F401 (the seconds that it takes)
    if not json_output:
        return begin()  # type: ignore[no-any-return]
    with silent_stdout():
        return begin()  # type: ignore[no-any-return]


def _load(hindsight_id: str) -> Hindsight:
    from lrdash.api import load_hindsight

    store = Store()
    try:
        return load_hindsight(hindsight_id, store)
    finally:
        store.close()


def _tell(found: Hindsight) -> None:
    frame = found.summary()
    if len(frame):
        table = Table(box=None, pad_edge=False)
        titles = ("Schedule", "Validation loss", "Gap", "Fresh seeds", "Gap there", "95% interval")
        for title in titles:
            table.add_column(title, justify="left" if title == "Schedule" else "right")
        for row in frame.to_dict(orient="records"):
            low, high = number(row["low"]), number(row["high"])
            table.add_row(
                row["label"], number(row["val_loss"]), number(row["gap"]),
                number(row["fresh_val_loss"]), number(row["fresh_gap"]),
                f"{low} to {high}" if row["high"] > row["low"] else "",
            )
        console().print(table)
    typer.echo(found.headline())
    where = f", run {found.run.run_id}" if found.runs else ""
    typer.echo(f"Hindsight {found.hindsight_id} {found.status}{where}.")
    if found.reason:
        typer.echo(f"{found.status.capitalize()}: {found.reason}", err=True)


def _numbers(name: str, text: str, kind: Any, *, single: bool = False) -> Any:
    try:
        values = [kind(part) for part in text.split(",") if part.strip()]
    except ValueError:
        problem = "must be numbers with commas between them"
        raise InvalidField(name, problem, text) from None
    return values[0] if single and len(values) == 1 and "," not in text else values
