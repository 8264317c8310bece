"""The command line: the same jobs as in the app, from a shell.

Exit status: 0 done; 1 the run did not finish (failed, diverged, stopped, interrupted) or `doctor`
found a problem; 2 wrong input or an unusable database, reported in one line on standard error. With
`--json`, standard output holds one JSON document and nothing else.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lrdash.cli import (
    bench,
    compare,
    data,
    doctor,
    find_lr,
    hindsight,
    imports,
    preview,
    runs,
    serve,
    train,
)
from lrdash.core.errors import LrdashError
from lrdash.datasets import DATASETS
from lrdash.models import MODELS
from lrdash.strategies import STRATEGIES


class Explaining(TyperGroup):
    """Commands that report wrong input in one line, without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; exit status 2 for what `lrdash.core.errors` explains."""
        try:
            return super().invoke(ctx)
        except LrdashError as fault:
            typer.echo(f"Error: {fault}", err=True)
            raise typer.Exit(2) from None


app = typer.Typer(
    name="lrdash", cls=Explaining, no_args_is_help=True, rich_markup_mode=None,
    pretty_exceptions_enable=False, add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find out which learning-rate strategy, at which rate, suits your model and data.",
    epilog="Exit status: 0 done, 1 the run did not finish, 2 wrong input.",
)


def version(show: bool) -> None:
    """Print the version and exit."""
    if show:
        from lrdash.core import __version__

        typer.echo(f"lrdash {__version__}")
        raise typer.Exit


USING = ("preview", "train", "compare", "find-lr", "hindsight", "serve")


@app.callback()
def common(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Options before the command; commands that use plugins warn about broken ones."""
    if context.invoked_subcommand in USING:
        for registry in (DATASETS, MODELS, STRATEGIES):
            for reason in registry.broken.values():
                typer.echo(f"Warning: The {registry.kind} {reason}", err=True)


app.command("preview")(preview.preview)
app.command("train")(train.train)
app.command("compare")(compare.compare)
app.command("find-lr")(find_lr.find_lr)
app.command("hindsight")(hindsight.hindsight)
app.add_typer(runs.app, name="runs")
app.add_typer(data.app, name="data")
app.command("import")(imports.import_)
app.command("serve")(serve.serve)
app.command("bench")(bench.bench)
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Entry of the `lrdash` command."""
    app()
