"""`lrdash data`: your own tables, arrays and images as datasets."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from lrdash.analysis.words import inputs_in_words
from lrdash.cli.options import json_option
from lrdash.cli.output import as_json, console
from lrdash.core.errors import InvalidField
from lrdash.datasets import own
from lrdash.datasets.own import Facts, Recipe
from lrdash.datasets.own.choices import FLAGS
from lrdash.store import Store

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None,
    help="Add your own data, list it, take it out or delete it.",
)
FileName = Annotated[
    Path, typer.Argument(help="CSV, TSV, Parquet, NPZ (x, y), or a ZIP of images in class folders.")
]
DataId = Annotated[str, typer.Argument(help="Id of the data: `own-` and 16 digits.")]
AsJson = Annotated[bool, json_option()]
Header = Annotated[
    str, typer.Option(metavar="auto|yes|no", help="Whether names stand in a table's first line.")
]
Texts = Annotated[
    list[str] | None,
    typer.Option("--text", help="Column of numbers that are names, once for each: postal codes."),
]
Numbers = Annotated[
    list[str] | None,
    typer.Option("--number", help="Column of texts to read as numbers, once for each."),
]
Missing = Annotated[
    list[str] | None,
    typer.Option(help="Words that stand for a missing value in a table: NA,-999."),
]


@app.command()
def look(
    file: FileName, header: Header = "auto", text: Texts = None, number: Numbers = None,
    missing: Missing = None, json_output: AsJson = False,
) -> None:
    """Show what a file holds: columns, kinds, gaps, the likely target. Nothing is kept."""
    read_as = _read_as(header, text, number, missing)
    profile = own.look(own.read_file(file), file.name, read_as)
    if json_output:
        as_json(profile.as_dict())
        return
    typer.echo(f"{profile.file}: {profile.rows:,} rows. {profile.reading}.")
    for note in profile.notes:
        typer.echo(f"{note}.")
    table = Table("column", "kind", "missing", "different", "remark", box=None)
    for column in profile.columns:
        remarks = [
            "likely target" if column.name == profile.target else "", FLAGS[column.flag],
            column.note,
        ]
        table.add_row(
            column.name, column.kind, f"{column.missing:,}", f"{column.distinct:,}",
            "; ".join(filter(None, remarks)),
        )
    console().print(table)


@app.command()
def add(
    file: FileName,
    target: Annotated[
        str, typer.Option(help="Column to predict. Default: the likely one (see `look`).")
    ] = "",
    feature: Annotated[
        list[str] | None,
        typer.Option(help="Column to predict it from, once for each. Default: all of some use."),
    ] = None,
    task: Annotated[
        str, typer.Option(metavar="auto|classification|regression", help="Which class or how much.")
    ] = "auto",
    min_class: Annotated[
        int, typer.Option(help="Leave out rows of classes that have fewer than so many.")
    ] = 1,
    side: Annotated[int, typer.Option(help="Side of images after resizing, in pixels.")] = 32,
    grey: Annotated[bool, typer.Option("--grey", help="Images in grey.")] = False,
    header: Header = "auto",
    text: Texts = None,
    number: Numbers = None,
    missing: Missing = None,
    name: Annotated[str, typer.Option(help="What to call it. Default: as the file.")] = "",
    json_output: AsJson = False,
) -> None:
    """Make a dataset of a file and keep it; prints its id, for `--dataset`."""
    recipe = _read_as(header, text, number, missing).replace(
        target=target, features=feature or [], task=task, min_class=min_class, side=side, grey=grey,
    )
    facts = own.add(own.read_file(file), file.name, recipe, name)
    if json_output:
        as_json(facts.as_dict())
        return
    for note in facts.notes:
        typer.echo(f"{note.rstrip('.')}.")
    typer.echo(f"{_words(facts)}. Kept as {facts.name}:")
    typer.echo(facts.id)


def _read_as(
    header: str, texts: list[str] | None, numbers: list[str] | None, missing: list[str] | None
) -> Recipe:
    words = sorted({word.strip() for one in missing or [] for word in one.split(",")} - {""})
    return Recipe().replace(
        header=header, texts=texts or [], numbers=numbers or [], missing=words,
    )


@app.command("list")
def list_data(json_output: AsJson = False) -> None:
    """List what is kept, the newest first."""
    found = own.kept()
    if json_output:
        as_json([facts.as_dict() for facts in found])
        return
    if not found:
        typer.echo("No data is kept yet: `lrdash data add FILE --target COLUMN`.")
        return
    table = Table("id", "name", "what", "MB", "created", box=None)
    for facts in found:
        table.add_row(
            facts.id, facts.name, _words(facts), f"{facts.arrays_bytes / 2**20:.2f}",
            facts.created[:10],
        )
    console().print(table)


@app.command()
def export(
    data_id: DataId,
    file: Annotated[Path, typer.Argument(help="NPZ file to write: x and y, unscaled.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    json_output: AsJson = False,
) -> None:
    """Write the arrays to a file, as exported scripts and notebooks read it."""
    dataset = own.find(data_id)
    if dataset is None:
        own.facts_of(data_id)  # says what an id looks like
        return
    dataset.require()
    if file.exists() and not force:
        raise InvalidField("FILE", "must not exist yet (--force replaces it)", str(file))
    try:
        shutil.copyfile(own.arrays_file(data_id), file)
    except OSError as fault:
        problem = f"must be one that can be written ({(fault.strerror or str(fault)).lower()})"
        raise InvalidField("FILE", problem, str(file)) from None
    if json_output:
        as_json({"id": data_id, "file": str(file)})
        return
    typer.echo(f"Wrote {file}.")


@app.command()
def delete(
    data_id: DataId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json_output: AsJson = False,
) -> None:
    """Delete data for good. Says which runs name it, and asks first."""
    facts, store = own.facts_of(data_id), Store()
    use = store.runs.data_use(data_id)
    store.close()
    if use.active:
        problem = f"must not be in use ({use.active} of its runs are queued or training)"
        raise InvalidField("DATA_ID", problem, data_id)
    if use and not json_output:
        typer.echo(
            f"Named by {len(use.run_ids)} runs and {use.others} comparisons or range tests. They "
            "stay and can be looked at, but not trained again until the file is added anew.",
            err=True,
        )
    if not yes:
        words = f"Delete {facts.name} ({facts.size:,} examples) for good?"
        typer.confirm(words, abort=True, err=True)
    own.remove(data_id, remember=bool(use))
    if json_output:
        as_json({"deleted": data_id, "runs": list(use.run_ids)})
    else:
        typer.echo(f"Deleted {facts.name} ({data_id}).")


def _words(facts: Facts) -> str:
    target = f"{len(facts.class_names)} classes" if facts.class_names else "regression"
    return f"{facts.size:,} examples, {inputs_in_words(facts.input_shape)}, {target}"
