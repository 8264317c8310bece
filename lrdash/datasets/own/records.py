"""What passes between the page and the process that reads files: a profile and the choices."""

from __future__ import annotations

from typing import Literal

from lrdash.core.record import Record, field
from lrdash.datasets.own.limits import LEAST_SIDE, SIDE

Task = Literal["classification", "regression"]
READING = ("header", "texts", "numbers", "missing")  # choices on how a table is read
Flag = Literal["", "constant", "id", "many", "dates", "empty"]


class Column(Record):
    """One column of a table, the target of arrays, or the folders of an archive of images."""

    prefix = "column."

    name: str = field(..., label="Column", help="")
    kind: Literal["number", "text", "empty"] = field(..., label="Kind", help="")
    missing: int = field(0, label="Missing", help="Rows without a value.", ge=0)
    distinct: int = field(0, label="Distinct", help="Distinct values.", ge=0)
    low: float | None = field(None, label="Lowest", help="Of a number.")
    high: float | None = field(None, label="Highest", help="Of a number.")
    mean: float | None = field(None, label="Mean", help="Of a number.")
    values: tuple[tuple[str, int], ...] = field(
        (), label="Values", help="The most frequent values with their rows; all if there are few."
    )
    flag: Flag = field("", label="Flag", help="Why it is no feature by default.")
    note: str = field("", label="Note", help="What is odd about it.")
    task: Task | Literal[""] = field("", label="Task", help="As a target; empty if unfit.")


class Profile(Record):
    """What a file holds, before anything is chosen."""

    prefix = "profile."

    kind: Literal["table", "arrays", "images"] = field(..., label="Kind", help="")
    file: str = field(..., label="File", help="")
    file_digest: str = field(..., label="Digest", help="SHA-256 of the bytes.")
    file_bytes: int = field(..., label="Size", unit="bytes", help="", ge=0)
    reading: str = field(..., label="Read as", help="Format, delimiter, encoding.")
    rows: int = field(..., label="Rows", help="Rows, examples or images.", ge=0)
    columns: tuple[Column, ...] = field(..., label="Columns", help="")
    head: tuple[tuple[str, ...], ...] = field((), label="First rows", help="Cut to a few words.")
    shape: tuple[int, ...] = field((), label="Shape", help="Of one example, for arrays.")
    thumbnails: tuple[tuple[str, str], ...] = field(
        (), label="First images", help="Class, and THUMB x THUMB x 3 bytes in base 64."
    )
    notes: tuple[str, ...] = field((), label="Notes", help="What was assumed or left out.")
    target: str = field("", label="Target", help="The likely column to predict.")

    def column(self, name: str) -> Column | None:
        """The column of this name, if there is one."""
        return next((column for column in self.columns if column.name == name), None)


class Recipe(Record):
    """What to make of a file."""

    prefix = ""

    target: str = field("", label="Target", help="The column to predict. Empty: the likely one.")
    features: tuple[str, ...] = field(
        (), label="Features", help="The columns to predict it from. Empty: all informative ones."
    )
    task: Literal["auto", "classification", "regression"] = field(
        "auto", label="Task",
        help="Classification predicts a class, regression a number. Automatic: texts and few "
        "distinct whole numbers are classes.",
    )
    min_class: int = field(
        1, label="Smallest class", unit="rows", ge=1, le=10_000, step=1,
        help="Leaves out classes with fewer rows.",
    )
    side: int = field(
        32, label="Image size", unit="pixels", ge=LEAST_SIDE, le=SIDE.most, step=8,
        help="Images are cropped to a square around their centre and resized to this side.",
    )
    header: Literal["auto", "yes", "no"] = field(
        "auto", label="Names in the first line",
        help="Automatic: the first line holds column names unless it holds only numbers and words "
        "for missing.",
    )
    texts: tuple[str, ...] = field(
        (), label="Read as texts",
        help="Columns whose numbers are names, e.g. postal codes: each value becomes a category.",
    )
    numbers: tuple[str, ...] = field(
        (), label="Read as numbers",
        help="Columns of texts that are numbers; all other texts in them count as missing.",
    )
    missing: tuple[str, ...] = field(
        (), label="Words for missing", help="Words for a missing value in any column, e.g. NA. In "
        "columns of numbers the usual ones are recognised.",
    )
    grey: bool = field(False, label="Greyscale", help="One channel instead of three colours.")
