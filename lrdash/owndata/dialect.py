"""How a text table is written: encoding, delimiter, whether names stand in its first line.

Reading it is pandas' task; here the fields of each line are counted by Python's own `csv`, so that
a line that does not fit is named.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from lrdash.errors import DataRefused
from lrdash.owndata.limits import COLUMNS, ROWS

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
SAMPLE = 2**16  # characters from which the delimiter is told
BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
ENCODINGS = {
    "utf-8": "UTF-8", "utf-8-sig": "UTF-8 with a byte order mark", "utf-16": "UTF-16",
    "cp1252": "Windows-1252 (Latin-1)", "latin-1": "Latin-1",
}
NAME = 100  # characters of a column's name
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A text table before its values are read."""

    text: str  # decoded, lines ending in a line feed
    encoding: str
    delimiter: str
    names: tuple[str, ...]
    header: bool  # names stand in the first line
    lines: tuple[int, ...]  # the last line of each row, from 1
    notes: tuple[str, ...]

    @property
    def words(self) -> str:
        """In words: `CSV, comma, UTF-8`."""
        kind = "TSV" if self.delimiter == "\t" else "CSV"
        return f"{kind}, {DELIMITERS[self.delimiter]}, {ENCODINGS[self.encoding]}"


def layout(raw: bytes, file: str) -> Layout:
    """How the table is written.

    Raises:
        DataRefused: if it is no text, has one column only, or a line has too many or few fields.
    """
    text, encoding = _decoded(raw, file)
    if not text.strip():
        raise DataRefused(file, "the file is empty", "A table needs names and rows.")
    delimiter = _delimiter(text, file)
    rows = _rows(text, delimiter, file)
    _, first = next(rows, (0, []))
    COLUMNS.hold(file, len(first))
    header = not all(_is_number(entry) for entry in first)
    lines = [] if header else [1]
    for line, row in rows:
        if len(row) != len(first):
            _refuse_line(file, line, len(row), len(first), header)
        lines.append(line)
        ROWS.hold(file, len(lines))
    names, notes = _names(first if header else [""] * len(first))
    if not header:
        notes = ["The first line holds numbers only, so it is taken as a row and not as names"]
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
    remedy = "Save the table anew as CSV with the encoding UTF-8."
    raise DataRefused(file, f"the text is not the {ENCODINGS[str(marked)]} it says", remedy)


def _hold_text(text: str, file: str) -> None:
    found = CONTROL.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        problem = f"line {line} holds the control character {ord(found[0])}, as no text does"
        raise DataRefused(file, problem, "If it is a table, save it anew as CSV (UTF-8).")


def _delimiter(text: str, file: str) -> str:
    """The delimiter under which most lines have as many fields as the first, at least two."""
    sample = text[:SAMPLE]
    if len(text) > SAMPLE:
        sample = sample[: sample.rfind("\n") + 1] or sample
    judged = []
    for place, delimiter in enumerate(DELIMITERS):
        try:
            widths = [len(row) for _, row in _rows(sample, delimiter, file)]
        except DataRefused:  # a quote that is cut off with the sample
            continue
        if widths and max(widths) > 1:
            usual, times = Counter(widths).most_common(1)[0]
            like_first = widths.count(widths[0]) / len(widths) if widths[0] > 1 else 0.0
            even = times / len(widths) if usual > 1 else 0.0
            judged.append((round(like_first, 1), round(even, 1), -place, delimiter))
    if not judged:
        problem = "only one column was found"
        remedy = "A table needs a target and a feature, parted by commas, semicolons or tabs."
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
    """A name of its own for each column, and notes about those that were changed."""
    names: list[str] = []
    for place, entry in enumerate(first, start=1):
        called = " ".join(entry.split())[:NAME] or f"column {place}"
        name, again = called, 2
        while name in names:
            name, again = f"{called} ({again})", again + 1
        names.append(name)
    twice = sorted(name for name, times in Counter(first).items() if times > 1 and name)
    notes = [f"Several columns are called {', '.join(twice)}; they were numbered"] if twice else []
    return names, notes


def _refuse_line(file: str, line: int, fields: int, expected: int, header: bool) -> None:
    head = "the line with the names" if header else "the first line"
    problem = f"line {line} has {fields} fields, {head} has {expected}"
    remedy = "Mend that line; a text that holds the delimiter must stand in quotation marks."
    raise DataRefused(file, problem, remedy)


def _is_number(entry: str) -> bool:
    try:
        float(entry.strip().replace(",", ".") or "0")
    except ValueError:
        return False
    return True
