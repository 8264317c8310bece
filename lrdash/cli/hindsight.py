"""`lrdash hindsight`: the schedule that would have been near best, and how far others are off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrdash.analysis.hindsight import expected_seconds
from lrdash.cli.options import AsJson, Engine, count_or_list, names, numbers, spec_options
from lrdash.cli.output import as_json, print_table, training
from lrdash.core.wording import duration, number, plural
from lrdash.jobs import hindsight as job
from lrdash.planning.hindsight import BEAM, FACTORS, FRESH, POINTS, RIVALS, Search
from lrdash.store import known_paces, open_store

if TYPE_CHECKING:
    from lrdash.api import Hindsight

HISTORY = 200  # earlier runs that an estimate considers
LISTED = "separated by commas"


@spec_options()
def hindsight(
    fields: dict[str, Any],
    run_id: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN_ID]",
            help="Id of a finished run. Without one, lrdash first trains a run with the options "
            "below.",
        ),
    ] = None,
    points: Annotated[
        str,
        typer.Option(
            metavar="N|A,B,...", help=f"How many decision points, or their epochs {LISTED} (a "
            "single epoch ends in a comma).",
        ),
    ] = str(POINTS),
    factors: Annotated[
        str, typer.Option(help=f"Factors on the rate to try at each point, {LISTED}.")
    ] = ",".join(f"{factor:g}" for factor in FACTORS),
    beam: Annotated[int, typer.Option(help="Branches kept at each point.")] = BEAM,
    ahead: Annotated[
        str,
        typer.Option(
            metavar="end|next",
            help="When branches are judged: at the end of the run, or at the next point.",
        ),
    ] = "end",
    strategies: Annotated[
        str, typer.Option(help=f"Strategies to compare with, at the run's peak rate, {LISTED}.")
    ] = ",".join(RIVALS),
    seeds: Annotated[
        str, typer.Option(metavar="N|A,B,...", help="How many fresh seeds, or which ones.")
    ] = str(FRESH),
    engine: Engine = "auto",
    show: Annotated[
        str | None,
        typer.Option("--show", metavar="ID", help="Show an earlier search, train nothing."),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option("--continue", metavar="ID", help="Resume an interrupted search."),
    ] = None,
    json_output: AsJson = False,
) -> None:
    """Find the schedule that would have been near best for a run.

    A beam search: at each decision point, every branch kept is forked once for each factor. The
    schedule found then trains with fresh seeds beside the strategies, which shows how optimistic
    the search was. Exit status 0: it finished; 1: it did not; 2: wrong input, nothing trained.
    """
    from lrdash import api

    if show:
        with open_store() as store:
            found = api.load_hindsight(show, store)
    elif resume:
        with training(json_output):
            found = api.continue_hindsight(resume)
    else:
        search, base = api.define_hindsight(
            run_id, points=count_or_list("points", points), factors=numbers("factors", factors),
            beam=beam, ahead=ahead,  # type: ignore[arg-type]
            strategies=names(strategies), seeds=count_or_list("seeds", seeds), engine=engine,
            **fields,
        )
        typer.echo(_estimate(search, base), err=json_output)
        with training(json_output):
            found = api.run_hindsight(search, base)
    if json_output:
        as_json(found.as_json())
    else:
        _show(found)
    if found.status != "finished":
        raise typer.Exit(1)


def _estimate(search: Search, run_id: str | None) -> str:
    stages = job.check(search)
    with open_store() as store:
        seconds = expected_seconds(stages, store.runs.listing(limit=HISTORY), known_paces())
    time = f", about {duration(max(1.0, seconds))}" if seconds is not None else ""
    return f"At most {plural(sum(map(len, stages)) + (run_id is None), 'run')}{time}."


def _show(found: Hindsight) -> None:
    rows = [
        (row["label"], number(row["val_loss"]), number(row["gap"]), number(row["fresh_val_loss"]),
         number(row["fresh_gap"]),
         f"{number(row['low'])} to {number(row['high'])}" if row["high"] > row["low"] else "")
        for row in found.summary().to_dict(orient="records")
    ]
    if rows:
        print_table(
            ("Schedule", "Validation loss", "Gap", "Fresh seeds", "Fresh gap", "95% interval"),
            rows, texts=1,
        )
    typer.echo(found.headline())
    where = f", run {found.run.run_id}" if found.runs else ""
    typer.echo(f"Hindsight {found.hindsight_id} {found.status}{where}.")
    if found.reason:
        typer.echo(f"{found.status.capitalize()}: {found.reason}", err=True)
