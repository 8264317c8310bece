"""`lrdash data`: your own tables, arrays and images as datasets."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from lrdash.analysis.words import inputs_in_words
from lrdash.cli.options import AsJson, Force, Yes
from lrdash.cli.output import answer, as_json, print_table
from lrdash.core.errors import InvalidField
from lrdash.core.wording import count, plural
from lrdash.datasets import own
from lrdash.datasets.own import Facts, Recipe
from lrdash.datasets.own.choices import FLAGS
from lrdash.store import open_store

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Add, list, export and delete your own data.",
)
FileName = Annotated[
    Path, typer.Argument(help="CSV, TSV, Parquet, NPZ (x, y), or a ZIP of images in class folders.")
]
DataId = Annotated[str, typer.Argument(help="Id of the data: `own-` and 16 digits.")]
Header = Annotated[
    str,
    typer.Option(metavar="auto|yes|no", help="Whether a table's first line holds column names."),
]
Texts = Annotated[
    list[str] | None,
    typer.Option(
        "--text", help="A numeric column that holds labels, such as postal codes. Repeatable."
    ),
]
Numbers = Annotated[
    list[str] | None,
    typer.Option("--number", help="A text column to read as numbers. Repeatable."),
]
Missing = Annotated[
    list[str] | None,
    typer.Option(help="Words that mark a missing value in a table, e.g. NA,-999."),
]


@app.command()
def look(
    file: FileName, header: Header = "auto", text: Texts = None, number: Numbers = None,
    missing: Missing = None, json_output: AsJson = False,
) -> None:
    """Show what a file holds: columns, kinds, gaps, the likely target. Stores nothing."""
    read_as = _read_as(header, text, number, missing)
    profile = own.look(own.read_file(file), file.name, read_as)
    if json_output:
        as_json(profile.as_dict())
        return
    typer.echo(f"{profile.file}: {plural(profile.rows, 'row')}. {profile.reading}.")
    for note in profile.notes:
        typer.echo(f"{note}.")
    print_table(("column", "kind", "missing", "distinct", "remark"), [
        (column.name, column.kind, count(column.missing), count(column.distinct),
         "; ".join(filter(None, (
             "likely target" if column.name == profile.target else "", FLAGS[column.flag],
             column.note,
         ))))
        for column in profile.columns
    ])


@app.command()
def add(
    file: FileName,
    target: Annotated[
        str, typer.Option(help="Column to predict. Default: the likely target (see `look`).")
    ] = "",
    feature: Annotated[
        list[str] | None,
        typer.Option(help="Column to predict from. Repeatable. Default: every useful one."),
    ] = None,
    task: Annotated[
        str,
        typer.Option(metavar="auto|classification|regression", help="Predict a class or a number."),
    ] = "auto",
    min_class: Annotated[
        int, typer.Option(help="Leave out classes with fewer rows than this.")
    ] = 1,
    side: Annotated[int, typer.Option(help="Side of resized images, in pixels.")] = 32,
    grey: Annotated[bool, typer.Option("--grey", help="Convert images to greyscale.")] = False,
    header: Header = "auto",
    text: Texts = None,
    number: Numbers = None,
    missing: Missing = None,
    name: Annotated[str, typer.Option(help="Name of the dataset. Default: the file name.")] = "",
    json_output: AsJson = False,
) -> None:
    """Make a dataset from a file; prints its id, for `--dataset`."""
    recipe = _read_as(header, text, number, missing).replace(
        target=target, features=feature or [], task=task, min_class=min_class, side=side, grey=grey,
    )
    facts = own.add(own.read_file(file), file.name, recipe, name)
    if json_output:
        as_json(facts.as_dict())
        return
    for note in facts.notes:
        typer.echo(f"{note.rstrip('.')}.")
    typer.echo(f"{_words(facts)}. Added as {facts.name}:")
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
    """List your own data, newest first."""
    found = own.kept()
    if json_output:
        as_json([facts.as_dict() for facts in found])
        return
    if not found:
        typer.echo("No data yet. Add some with `lrdash data add FILE --target COLUMN`.")
        return
    print_table(("id", "name", "what", "MB", "created"), [
        (facts.id, facts.name, _words(facts), f"{facts.arrays_bytes / 2**20:.2f}",
         facts.created[:10])
        for facts in found
    ])


@app.command()
def export(
    data_id: DataId,
    file: Annotated[Path, typer.Argument(help="NPZ file to write: x and y, unscaled.")],
    force: Force = False,
    json_output: AsJson = False,
) -> None:
    """Write the arrays to a file that exported scripts and notebooks can read."""
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
        problem = f"must be writable ({(fault.strerror or str(fault)).lower()})"
        raise InvalidField("FILE", problem, str(file)) from None
    answer({"id": data_id, "file": str(file)}, f"Wrote {file}.", json_output)


@app.command()
def delete(data_id: DataId, yes: Yes = False, json_output: AsJson = False) -> None:
    """Delete data permanently. Shows how many runs use it, and asks first."""
    facts = own.facts_of(data_id)
    with open_store() as store:
        use = store.runs.data_use(data_id)
    if use.active:
        problem = f"must not be in use ({plural(use.active, 'run')} queued or training)"
        raise InvalidField("DATA_ID", problem, data_id)
    if use and not json_output:
        typer.echo(
            f"Used by {plural(len(use.run_ids), 'run')} and {use.others} comparisons or range "
            "tests. They stay readable, but cannot train again unless you add the file again.",
            err=True,
        )
    if not yes:
        words = f"Delete {facts.name} ({facts.size:,} examples) permanently?"
        typer.confirm(words, abort=True, err=True)
    own.remove(data_id, remember=bool(use))
    deleted = {"deleted": data_id, "runs": list(use.run_ids)}
    answer(deleted, f"Deleted {facts.name} ({data_id}).", json_output)


def _words(facts: Facts) -> str:
    target = f"{len(facts.class_names)} classes" if facts.class_names else "regression"
    return f"{facts.size:,} examples, {inputs_in_words(facts.input_shape)}, {target}"
