"""How a text table is written: encoding, delimiter, whether its first line holds names.

pandas reads it; here Python's own `csv` counts the fields of each line, so that a line that does
not fit is named.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from lrdash.core.errors import DataRefused
from lrdash.core.wording import is_number, plural
from lrdash.datasets.own.limits import COLUMNS, ROWS

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
SAMPLE = 2**16  # characters from which the delimiter is found
BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
ENCODINGS = {
    "utf-8": "UTF-8", "utf-8-sig": "UTF-8 with a byte order mark", "utf-16": "UTF-16",
    "cp1252": "Windows-1252 (Latin-1)", "latin-1": "Latin-1",
}
SEP = re.compile(r'"?sep=(.)"?', re.IGNORECASE)  # Excel's way to name the delimiter
COMMENTS = 200  # lines above a table that may be comments
NAME = 100  # characters of a column's name
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A text table before its values are read."""

    text: str  # decoded, lines ending in a line feed
    encoding: str
    delimiter: str
    names: tuple[str, ...]
    header: bool  # the first line holds names
    lines: tuple[int, ...]  # the last line of each row, from 1
    notes: tuple[str, ...]

    @property
    def words(self) -> str:
        """In words: `CSV, comma, UTF-8`."""
        kind = "TSV" if self.delimiter == "\t" else "CSV"
        return f"{kind}, {DELIMITERS[self.delimiter]}, {ENCODINGS[self.encoding]}"


def layout(raw: bytes, file: str, names_first: str = "auto") -> Layout:
    """How the table is written.

    Args:
        raw: its bytes.
        file: its name, for messages.
        names_first: whether the first line holds names: `yes`, `no`, or `auto`, by its content.

    Raises:
        DataRefused: if it is no text, has only one column, or a line has too many or few fields.
    """
    text, encoding = _decoded(raw, file)
    if not text.strip():
        raise DataRefused(file, "the file is empty", "A table needs names and rows.")
    given, text, above, comments = _head(text)
    delimiter = given or _delimiter(text, file)
    rows = _rows(text, delimiter, file)
    start, first = next(rows, (0, []))
    COLUMNS.hold(file, len(first))
    header = names_first == "yes" if names_first != "auto" else \
        not all(_is_number(entry) for entry in first)
    lines = [] if header else [above + start]
    longer: list[tuple[int, list[str]]] = []  # by one field
    for line, row in rows:
        if len(row) == len(first) + 1:
            longer.append((above + line, row))
        elif len(row) != len(first):
            _refuse_line(file, above + line, row, first, header)
        lines.append(above + line)
        ROWS.hold(file, len(lines))
    names, notes = _names(first if header else [""] * len(first))
    if header and names_first == "auto" and any(e.strip() and _is_number(e) for e in first):
        notes.append("The first line is read as names, though it holds numbers")
    if not header and names_first == "auto":
        notes = ["The first line holds only numbers, so it is read as a row and not as names"]
    full = next(((line, row) for line, row in longer if row[-1].strip()), None)
    if full and not (header and len(longer) == len(lines) and len(first) > 1):
        _refuse_line(file, *full, first, header)
    if full:
        names, notes = _names(["row", *first])
        notes.append("The first column has no name, as R writes it; it is named row")
    elif longer:
        notes.append("Lines end with a delimiter, which is ignored")
    notes += comments
    if encoding in ("cp1252", "latin-1"):
        notes.append(f"The text is not UTF-8 and was read as {ENCODINGS[encoding]}")
    return Layout(
        text=text, encoding=encoding, delimiter=delimiter, names=tuple(names), header=header,
        lines=tuple(lines), notes=tuple(notes),
    )


def _decoded(raw: bytes, file: str) -> tuple[str, str]:
    marked = next((encoding for bom, encoding in BOMS if raw.startswith(bom)), None)
    for encoding in [marked] if marked else ["utf-8", "cp1252", "latin-1"]:
        try:
            text = raw.decode(encoding)
        except UnicodeError:
            continue
        _hold_text(text, file)
        return text.replace("\r\n", "\n").replace("\r", "\n"), encoding
    remedy = "Save the table again as CSV with the encoding UTF-8."
    problem = f"the text is not the {ENCODINGS[str(marked)]} that its first bytes announce"
    raise DataRefused(file, problem, remedy)


def _hold_text(text: str, file: str) -> None:
    found = CONTROL.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        problem = f"line {line} holds the control character {ord(found[0])}, so this is no text"
        raise DataRefused(file, problem, "If it is a table, save it again as CSV (UTF-8).")


def _head(text: str) -> tuple[str, str, int, list[str]]:
    """Read the lines above the table: Excel's `sep=;`, and comments.

    A line with `#` above a row of as many fields, of which one is a number, holds the names.

    Returns:
        The delimiter if it is named, the text below, how many lines are above it, and notes.
    """
    given, above, notes = "", 0, []
    lines = text.split("\n", COMMENTS)
    named = SEP.fullmatch(lines[0])
    if named and named[1] in DELIMITERS:
        given, above = named[1], 1
    first = above
    while above < len(lines) - 1 and lines[above].startswith("#"):
        if _heads(lines[above], lines[above + 1]):
            break
        above += 1
    if above > first:
        notes.append(f"{plural(above - first, 'comment line')} above the table ignored")
    return given, "\n".join(lines[above:]), above, notes


def _heads(line: str, below: str) -> bool:
    """Whether a line holds the names of the columns in the next."""
    return any(
        0 < line.count(sign) == below.count(sign) and any(map(_is_number, below.split(sign)))
        for sign in ",;\t|"
    )


def _delimiter(text: str, file: str) -> str:
    """The delimiter under which most lines have as many fields as the first, at least two.

    Of equally good ones, the one under which most fields are numbers: `4,37;82,9`.
    """
    sample = text[:SAMPLE]
    if len(text) > SAMPLE:
        sample = sample[: sample.rfind("\n") + 1] or sample
    judged = []
    for place, delimiter in enumerate(DELIMITERS):
        try:
            rows = [row for _, row in _rows(sample, delimiter, file)]
        except DataRefused:  # a quoted text that the sample truncates
            continue
        widths = [len(row) for row in rows]
        if widths and max(widths) > 1:
            width, times = Counter(widths).most_common(1)[0]
            like_first = widths.count(widths[0]) / len(widths)
            like_first = like_first if widths[0] > 1 and like_first >= 0.5 else 0.0
            even = times / len(widths) if width > 1 else 0.0
            entries = [entry for row in rows for entry in row]
            numbers = sum(map(_is_number, entries)) / len(entries)
            fits = (round(like_first, 1), round(even, 1), round(numbers, 1))
            judged.append((*fits, -place, delimiter))
    if not judged:
        problem = "only one column was found"
        remedy = "A table needs a target and a feature, separated by commas, semicolons or tabs."
        raise DataRefused(file, problem, remedy)
    return max(judged)[-1]


def _rows(text: str, delimiter: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with its last line."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            remedy = "Look for a quotation mark that is never closed."
            raise DataRefused(file, f"line {reader.line_num} cannot be read ({fault})", remedy) \
                from fault
        if any(entry.strip() for entry in row) or len(row) > 1:
            yield reader.line_num, row


def _names(first: list[str]) -> tuple[list[str], list[str]]:
    """A unique name for each column, and notes about the changed ones."""
    names: list[str] = []
    for place, entry in enumerate(first, start=1):
        called = " ".join(entry.split())[:NAME] or f"column {place}"
        name, again = called, 2
        while name in names:
            name, again = f"{called} ({again})", again + 1
        names.append(name)
    twice = sorted(name for name, times in Counter(first).items() if times > 1 and name)
    notes = [f"Several columns are named {', '.join(twice)}; they were numbered"] if twice else []
    return names, notes


def _refuse_line(
    file: str, line: int, row: list[str], first: list[str], header: bool
) -> NoReturn:
    head = "the line with the names" if header else "the first line"
    problem = f"line {line} has {plural(len(row), 'field')}, {head} has {len(first)}"
    remedy = "Fix that line; a text that holds the delimiter needs quotation marks."
    if row[0].startswith("#"):
        remedy = "It looks like a comment: remove it."
    elif len(first) == 1:
        remedy = f"If {first[0][:NAME]!r} is a title and no column name, remove that line."
    raise DataRefused(file, problem, remedy)


def _is_number(entry: str) -> bool:
    return is_number(entry.strip().replace(",", ".") or "0")
