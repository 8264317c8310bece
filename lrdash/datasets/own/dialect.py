"""How a text table is written: encoding, delimiter, whether its first line holds names.

Python's own `csv` reads it, so that a line that does not fit is named.
"""

from __future__ import annotations

import csv
import io
import re
import string
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from lrdash.core.errors import DataRefused
from lrdash.core.wording import listed, plural
from lrdash.datasets.own.limits import COLUMNS, ROWS
from lrdash.datasets.own.numerals import PLACEHOLDERS, is_written

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
END = "\x1a"  # Ctrl-Z, which DOS writes at the end of a text
BLANK = f"{string.whitespace}\0"
# A quoted text; blanks at the ends of a line; blanks between its fields.
PADDING = re.compile(r'(?m)((?:^|(?<=[ \t]))"(?:[^"]|"")*")|(^[ \t]+|[ \t]+$)|[ \t]+')
PADDED = re.compile(r"\S(?:\t| [ \t])\s*\S")  # a field that is probably several


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A text table before its values are read."""

    rows: tuple[tuple[str | None, ...], ...]  # the fields of each; None where one is blank
    encoding: str
    delimiter: str
    escaped: bool  # a backslash stands before quotation marks and delimiters in texts
    names: tuple[str, ...]
    header: bool  # the first line holds names
    lines: tuple[int, ...]  # the last line of each row, from 1
    notes: tuple[str, ...]

    @property
    def words(self) -> str:
        """In words: `CSV, comma, UTF-8`."""
        kind = "TSV" if self.delimiter == "\t" else "CSV"
        escaped = ", backslash escapes" if self.escaped else ""
        return f"{kind}, {DELIMITERS[self.delimiter]}, {ENCODINGS[self.encoding]}{escaped}"


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
    delimiter, others = (given, []) if given else _delimiter(text, file)
    escaped = _is_escaped(text, delimiter)
    lines = _rows(text, delimiter, file, escaped=escaped)
    start, first = next(lines, (0, []))
    COLUMNS.hold(file, len(first))
    header = names_first == "yes" if names_first != "auto" else not _is_row(first)
    rows: list[tuple[int, list[str]]] = []
    longer: list[tuple[int, list[str]]] = []  # by one field
    for line, row in lines:
        if len(row) == len(first) + 1:
            longer.append((above + line, row))
        elif len(row) != len(first):
            _refuse_line(file, above + line, row, first, header)
        rows.append((above + line, row))
        ROWS.hold(file, len(rows))
    header = header and not (names_first == "auto" and _is_like(first, rows))
    rows = rows if header else [(above + start, first), *rows]
    ROWS.hold(file, len(rows))
    names, notes = _names(first if header else [""] * len(first))
    notes = [*notes, *([] if names_first != "auto" else _on_names(first, header))]
    full = next(((line, row) for line, row in longer if row[-1].strip()), None)
    if full and not (header and len(longer) == len(rows) and len(first) > 1):
        _refuse_line(file, *full, first, header)
    if full:
        names, notes = _names(["row", *first])
        notes.append(
            "The first column has no name, as R writes it; it is named row. If a text holds a "
            "delimiter without quotation marks, the names are shifted"
        )
    elif longer:
        notes.append("Lines end with a delimiter, which is ignored")
    notes += comments
    if encoding in ("cp1252", "latin-1"):
        notes.append(f"The text is not UTF-8 and was read as {ENCODINGS[encoding]}")
    if escaped:
        notes.append("Backslashes before quotation marks and delimiters are read as escapes")
    return Layout(
        rows=tuple(tuple(entry or None for entry in row[: len(names)]) for _, row in rows),
        encoding=encoding, delimiter=delimiter, escaped=escaped, names=tuple(names), header=header,
        lines=tuple(line for line, _ in rows), notes=(*notes, *others),
    )


def _on_names(first: list[str], header: bool) -> list[str]:
    """A note where the first line may hold names or be a row."""
    if header and any(entry.strip() and _is_number(entry) for entry in first):
        return ["The first line is read as names, though it holds numbers; you can choose to read "
                "it as a row"]
    if header:
        return []
    words = listed(["numbers", *dict.fromkeys(entry.strip() for entry in first if _is_word(entry))])
    only = f"only {words}" if _is_row(first) else f"{words}, and its texts are in other lines, too"
    return [f"The first line holds {only}, so it is read as a row and not as names; you can choose "
            "to read it as names"]


def _decoded(raw: bytes, file: str) -> tuple[str, str]:
    marked = next((encoding for bom, encoding in BOMS if raw.startswith(bom)), None)
    for encoding in [marked] if marked else ["utf-8", "cp1252", "latin-1"]:
        try:
            text = raw.decode(encoding)
        except UnicodeError:
            continue
        text = _without_end(text)
        _hold_text(text, file)
        return text.replace("\r\n", "\n").replace("\r", "\n"), encoding
    remedy = "Save the table again as CSV with the encoding UTF-8."
    problem = f"the text is not the {ENCODINGS[str(marked)]} that its first bytes announce"
    raise DataRefused(file, problem, remedy)


def _without_end(text: str) -> str:
    """The text without an end mark of DOS and the blanks around it."""
    body = text.rstrip(BLANK + END)
    return body if END in text[len(body) :] else text


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


def _delimiter(text: str, file: str) -> tuple[str, list[str]]:
    """The delimiter under which most lines have as many fields as the first, at least two.

    Of equally good ones, the one under which the fewest fields hold padding, then the one under
    which most are numbers: `4,37;82,9`.

    Returns:
        The delimiter, and notes on others under which all lines have equally many fields.
    """
    sample = text[:SAMPLE]
    if len(text) > SAMPLE:
        sample = sample[: sample.rfind("\n") + 1] or sample
    judged: list[tuple[tuple[float, ...], int, str]] = []
    even: dict[str, int] = {}
    for place, delimiter in enumerate(DELIMITERS):
        try:
            escaped = _is_escaped(sample, delimiter)
            rows = [row for _, row in _rows(sample, delimiter, file, escaped=escaped)]
        except DataRefused:  # a quoted text that the sample truncates
            continue
        widths = [len(row) for row in rows]
        if widths and max(widths) > 1:
            judged.append((_fit(rows, widths), -place, delimiter))
            if len(set(widths)) == 1:
                even[delimiter] = widths[0]
    if not judged:
        problem = "only one column was found"
        remedy = "A table needs a target and a feature, separated by commas, semicolons or tabs."
        raise DataRefused(file, problem, remedy)
    best = max(judged)[-1]
    return best, [
        f"The delimiter is a {DELIMITERS[best]}; with a {DELIMITERS[other]}, there would be "
        f"{plural(width, 'column')}. A first line sep= and the delimiter chooses it"
        for other, width in even.items() if width != even.get(best, width)
    ]


def _fit(rows: list[list[str]], widths: list[int]) -> tuple[float, ...]:
    """How well a delimiter fits, the most important first: shares of lines, then of fields."""
    width, times = Counter(widths).most_common(1)[0]
    like_first = widths.count(widths[0]) / len(widths)
    like_first = like_first if widths[0] > 1 and like_first >= 0.5 else 0.0
    even = times / len(widths) if width > 1 else 0.0
    entries = [entry for row in rows for entry in row]
    single = sum(not PADDED.search(entry) for entry in entries) / len(entries)
    numbers = sum(map(_is_number, entries)) / len(entries)
    return tuple(round(share, 1) for share in (like_first, even, single, numbers))


def _is_escaped(text: str, delimiter: str) -> bool:
    """Whether backslashes are escapes: only so do all lines have equally many fields."""
    if '\\"' not in text and f"\\{delimiter}" not in text:
        return False
    plain = set(_widths(text, delimiter, escaped=False))
    first, *others = _widths(text, delimiter, escaped=True) or [0]
    return len(plain) != 1 and len(set(others)) == 1 and others[0] - first in (0, 1)


def _widths(text: str, delimiter: str, *, escaped: bool) -> list[int]:
    """How many fields each line has; none where quotation marks are out of place."""
    try:
        rows = _rows(text, delimiter, "", escaped=escaped, strict=True)
        return [len(row) for _, row in rows]
    except DataRefused:
        return []


def _rows(
    text: str, delimiter: str, file: str, *, escaped: bool, strict: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with its last line.

    Spaces as the delimiter may be several, or tabs, as in columns that are padded.
    """
    if delimiter == " ":
        text = PADDING.sub(lambda found: found[1] or ("" if found[2] else " "), text)
    if escaped:  # other backslashes stay
        text = re.sub(rf'(\\["\\{delimiter}])|\\', lambda found: found[1] or r"\\", text)
    reader = csv.reader(
        io.StringIO(text), delimiter=delimiter, skipinitialspace=True, strict=strict,
        escapechar="\\" if escaped else None,
    )
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            remedy = "Look for a quotation mark that is never closed."
            raise DataRefused(file, f"line {reader.line_num} cannot be read ({fault})", remedy) \
                from fault
        if any(entry.strip() for entry in row) or (len(row) > 1 and not delimiter.isspace()):
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


def _is_row(first: list[str]) -> bool:
    """Whether a line holds only numbers, or words for missing ones beside them."""
    entries = [entry for entry in first if entry.strip()]
    numbers = [entry for entry in entries if _is_number(entry)]
    return all(_is_number(entry) or _is_word(entry) for entry in first) and \
        bool(numbers or not entries)


def _is_like(first: list[str], rows: list[tuple[int, list[str]]]) -> bool:
    """Whether a line holds numbers, words for missing, and otherwise only texts of its columns."""
    if not any(map(_is_word, first)) or not any(e.strip() and _is_number(e) for e in first):
        return False
    texts = [p for p, e in enumerate(first) if not _is_number(e) and not _is_word(e)]
    return all(any(row[place] == first[place] for _, row in rows) for place in texts)


def _is_word(entry: str) -> bool:
    """Whether a field holds a word for a missing number."""
    return entry.strip().lower() in PLACEHOLDERS and not _is_number(entry)


def _is_number(entry: str) -> bool:
    return not entry.strip() or is_written(entry)
