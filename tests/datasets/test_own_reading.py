"""Tables written in less usual ways: escapes, padding, end marks, minus signs, groups of digits."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from lrdash.datasets.own import Column, Profile, Recipe
from lrdash.datasets.own.numerals import is_written
from lrdash.datasets.own.profiles import profile
from tests.factories.files import keep, looked, refused

ROWS = range(40)


def table(row: Callable[[int], str], head: str = "") -> str:
    """A table of 40 lines, below its names if it has any."""
    return "\n".join([head, *map(row, ROWS)] if head else map(row, ROWS)) + "\n"


def kinds(found: Profile) -> list[tuple[str, str]]:
    return [(column.name, column.kind) for column in found.columns]


def first_column(text: str) -> Column:
    return looked(text).columns[0]


# Blanks and delimiters


@pytest.mark.parametrize("blank", ["   \n", " \n", "\t\n", " \t \n", "\n \n\n"])
@pytest.mark.parametrize("delimiter", [" ", "\t", ",", ";"])
def test_lines_of_blanks_are_no_rows(delimiter: str, blank: str) -> None:
    lines = table(lambda n: delimiter.join(map(str, (n % 7, n, n % 2))), delimiter.join("xzy"))
    found = looked(lines + blank)
    assert (found.rows, [c.missing for c in found.columns]) == (40, [0, 0, 0])
    inside = looked(lines.replace("\n", "\n" + blank, 9))
    assert (inside.rows, [c.missing for c in inside.columns]) == (40, [0, 0, 0])


def test_a_line_of_delimiters_that_are_no_blanks_is_a_row_without_values() -> None:
    found = looked(table(lambda n: f"{n % 7},{n % 2}", "x,y") + ",\n")
    assert (found.rows, found.columns[0].missing) == (41, 1)


PADDED = {
    "a tab in every line": lambda n: f"{n:<5}{n * 2:<5}{n * 3}\t{n % 2}",
    "a tab in one line": lambda n: f"{n:<5}{n * 2:<5}{n * 3:<4}{chr(9) if n == 3 else ' '}{n % 2}",
    "tabs and blanks": lambda n: f"{n}\t  {n * 2} \t{n * 3}  {n % 2}",
    "blanks at both ends": lambda n: f"  {n:>4} {n * 2:>4} {n * 3:>4}  {n % 2}   ",
}


@pytest.mark.parametrize("head", ["a    b\tc    y", ""])
@pytest.mark.parametrize("written", PADDED)
def test_padded_columns_are_columns_of_their_own_with_and_without_tabs(
    written: str, head: str
) -> None:
    found = looked(table(PADDED[written], head))
    assert [column.kind for column in found.columns] == ["number"] * 4
    assert [column.high for column in found.columns] == [39, 78, 117, 1]


def test_padding_shows_that_texts_beside_a_tab_are_several_columns() -> None:
    found = looked(table(lambda n: f"{('red', 'green')[n % 2]:<8}{'ab'[n % 2]}\t{'yn'[n % 2]}"))
    assert [column.distinct for column in found.columns] == [2, 2, 2]
    quoted = looked(table(lambda n: f'"Ghent  BE"   {n}\t{n % 2}', "city x y"))
    assert quoted.columns[0].values[0][0] == "Ghent  BE"


def test_blanks_in_the_texts_of_a_table_of_tabs_stay() -> None:
    found = looked(table(lambda n: f"Ann Lee {n % 3}\t{n}\t{n % 2}", "full name\tx\ty"))
    assert kinds(found) == [("full name", "text"), ("x", "number"), ("y", "number")]
    assert found.columns[0].values[0][0] == "Ann Lee 0"
    gaps = looked(table(lambda n: f"{n}\t\t{n % 2}", "x\tz\ty"))
    assert gaps.columns[1].kind == "empty"


def test_another_delimiter_that_fits_is_noted_and_can_be_chosen() -> None:
    text = table(PADDED["a tab in every line"], "a    b    c\ty")
    assert (
        "The delimiter is a space; with a tab, there would be 2 columns. A first line sep= and the "
        "delimiter chooses it"
    ) in looked(text).notes
    assert len(looked("sep=\t\n" + text).columns) == 2
    assert not looked(table(lambda n: f"{n}\t{n % 3}\t{n % 2}", "x\tz\ty")).notes


# Quotation marks


ESCAPED = {
    "quotes": (lambda n: f'"He said \\"hi\\", {n}",{n},{n % 2}', 'He said "hi", 0'),
    "quotes alone": (lambda n: f'"\\"hi\\" {n}",{n},{n % 2}', '"hi" 0'),
    "quotes at the end": (lambda n: f'"{n} says \\"hi\\"",{n},{n % 2}', '0 says "hi"'),
    "delimiters": (lambda n: f"Ghent\\, BE {n},{n},{n % 2}", "Ghent, BE 0"),
    "backslashes": (lambda n: f'"C:\\\\dir \\"{n}\\"",{n},{n % 2}', 'C:\\dir "0"'),
    "other letters": (lambda n: f'"\\d \\"{n}\\"",{n},{n % 2}', '\\d "0"'),
}


@pytest.mark.parametrize("written", ESCAPED)
def test_backslashes_before_quotation_marks_and_delimiters_are_escapes(written: str) -> None:
    row, value = ESCAPED[written]
    found = looked(table(row, "name,x,y"))
    assert kinds(found) == [("name", "text"), ("x", "number"), ("y", "number")]
    assert value in [shown for shown, _ in found.columns[0].values]
    assert found.reading == "CSV, comma, UTF-8, backslash escapes"
    assert "Backslashes before quotation marks and delimiters are read as escapes" in found.notes


def test_escapes_may_stand_below_names_as_r_writes_them() -> None:
    found = looked(table(lambda n: f'"r{n}" "a \\"b\\" {n % 3}" {n} {n % 2}', '"name" "x" "y"'))
    assert [column.name for column in found.columns] == ["row", "name", "x", "y"]
    assert 'a "b" 0' in [value for value, _ in found.columns[1].values]
    assert any("the names are shifted" in note for note in found.notes)


def test_a_backslash_at_the_end_of_a_quoted_text_is_none() -> None:
    found = looked(table(lambda n: f'"C:\\data{n % 3}\\",{n},{n % 2}', "path,x,y"))
    assert found.columns[0].values[0][0] == "C:\\data0\\"
    assert found.reading == "CSV, comma, UTF-8"


# The end, and the first line


@pytest.mark.parametrize("end", ["\x1a", "\r\n\x1a", "\x1a\r\n", "\n\x1a\x1a\0\0"])
def test_an_end_mark_of_dos_is_ignored(end: str) -> None:
    text = table(lambda n: f"{n % 7},{'ab'[n % 2]}", "x,y").rstrip("\n")
    assert looked(text + end).columns == looked(text).columns
    assert "control character 26" in refused(text.replace("3,b", "3\x1a,b") + "\n")
    assert "the file is empty" in refused(end)


@pytest.mark.parametrize(
    "first", ["?", "NA", "n/a", "-", "#N/A", "\u22121.5", "(1.5)", "1'234.5", "$5", "12%", "1,5"]
)
def test_a_first_line_of_numbers_and_words_for_missing_is_a_row(first: str) -> None:
    found = looked(table(lambda n: f"{n if n else first};{n * 2};{n % 2}"))
    assert [column.name for column in found.columns] == ["column 1", "column 2", "column 3"]
    assert found.rows == 40
    assert "you can choose to read it as names" in found.notes[0]
    raw = table(lambda n: f"{n or first};{n};{n % 2}").encode()
    named = profile(raw, "a.csv", Recipe(header="yes"))
    assert named.columns[0].name == first


def test_a_first_line_with_a_word_for_missing_and_texts_of_other_lines_is_a_row() -> None:
    found = looked(table(lambda n: f"{n or '?'},{n},{('pear', 'plum')[n % 2]}"))
    assert (found.rows, found.columns[2].values) == (40, (("pear", 20), ("plum", 20)))
    assert found.notes[0].startswith("The first line holds numbers and ?, and its texts are in")
    named = looked(table(lambda n: f"{n},{n},{('pear', 'plum')[n % 2]}", "?,2,kind"))
    assert (named.rows, named.columns[2].name) == (40, "kind")


@pytest.mark.parametrize("head", ["?,-,NA", "a?,1,2", "none,b,1", "x1,x2,y"])
def test_a_first_line_with_a_name_or_without_a_number_holds_names(head: str) -> None:
    found = looked(table(lambda n: f"{n},{n * 2},{n % 2}", head))
    assert [column.name for column in found.columns] == head.split(",")


# Numbers


MINUS = {
    "parentheses": ("({})", "parentheses as minus signs"),
    "parentheses and a unit inside": ("(${})", "$ ignored, parentheses as minus signs"),
    "a unit and parentheses": ("$({})", "$ ignored, parentheses as minus signs"),
    "parentheses and per cent": ("({}%)", "% ignored, parentheses as minus signs"),
    "minus": ("\u2212{}", "dashes as minus signs"),
    "minus and a blank": ("\u2212 {}", "dashes as minus signs"),
    "a unit and minus": ("€\u2212{}", "€ ignored, dashes as minus signs"),
    "en dash": ("–{}", "dashes as minus signs"),
    "full width": ("\uff0d{}", "dashes as minus signs"),
    "behind": ("{}-", "minus signs behind the numbers"),
}


@pytest.mark.parametrize("written", MINUS)
def test_a_minus_is_read_however_it_is_written(written: str) -> None:
    form, note = MINUS[written]
    above = re.sub("[()\u2212\u2013\uff0d -]", "", form)
    text = table(lambda n: f"{(above if n % 3 == 0 else form).format(n + 0.5)};{n % 2}", "x;y")
    column = first_column(text)
    assert (column.kind, column.low, column.high) == ("number", -38.5, 39.5)
    assert column.note == f"read as numbers; {note}"


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_thousands_and_parentheses_go_together(delimiter: str) -> None:
    text = table(lambda n: f'"({n + 1},234.5)"{delimiter}{n % 2}', f"x{delimiter}y")
    assert (first_column(text).low, first_column(text).high) == (-40_234.5, -1234.5)


@pytest.mark.parametrize("word", ["(a)", "(1", "1)", "5-a", "1-5", "--5", "(-5)", "a-"])
def test_parentheses_and_dashes_around_other_texts_stay(word: str) -> None:
    assert first_column(table(lambda n: f"{word if n % 2 else n};{n % 3}", "x;y")).kind == "text"


GROUPS = {
    "lakh": (lambda n: f"{n + 1},11,101.50", 4_011_101.5, "lakh"),
    "crore": (lambda n: f"{n + 1},23,45,678", 402_345_678.0, "lakh"),
    "lakh and less": (lambda n: ("999", "9,999", f"{n},11,101")[n % 3], 3_811_101.0, "lakh"),
    "apostrophes": (lambda n: f"{n + 1}'234.5", 40_234.5, "apostrophes"),
    "curved apostrophes": (lambda n: f"{n + 1}\u2019234.5", 40_234.5, "apostrophes"),
    "both apostrophes": (lambda n: f"{n + 1}{chr(39) if n % 2 else chr(8217)}234.5", 40_234.5,
                         "apostrophes"),
    "millions by apostrophes": (lambda n: f"{n + 1}'234'567", 40_234_567.0, "apostrophes"),
    "apostrophes, decimal commas": (lambda n: f"{n + 1}'234,5", 40_234.5, "apostrophes"),
    "spaces": (lambda n: f"{n + 1} 234.5", 40_234.5, "thousands separated by spaces"),
}


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("written", GROUPS)
def test_digits_are_grouped_in_many_ways(written: str, delimiter: str) -> None:
    row, high, words = GROUPS[written]
    column = first_column(table(lambda n: f'"{row(n)}"{delimiter}{n % 2}', f"x{delimiter}y"))
    assert (column.kind, column.high) == ("number", high)
    assert words in column.note


def test_lakh_and_thousands_are_not_mixed() -> None:
    mixed = table(lambda n: f"{('1,11,101', '111,101')[n % 2]};{n % 3}", "x;y")
    assert first_column(mixed).kind == "text"
    assert "lakh" not in first_column(table(lambda n: f"{n + 1},234,567;{n % 2}", "x;y")).note


@pytest.mark.parametrize(
    ("value", "delimiter", "doubt"),
    [
        ("5,234", ";", "x: 5,234 is read as 5.234 and could also be 5234"),
        ("5,234", ",", "x: 5,234 is read as 5234 and could also be 5.234"),
        ("-5.234", ";", "x: -5.234 is read as -5.234 and could also be -5234"),
    ],
)
def test_numbers_that_could_also_be_others_are_noted(
    value: str, delimiter: str, doubt: str
) -> None:
    text = table(lambda n: f'"{value}"{delimiter}{n % 2}{n}', f"x{delimiter}y")
    assert doubt in looked(text).notes
    facts, _ = keep(text.replace('"\n', '"', 1), "doubt.csv", target="y", features=["x"],
                    task="regression")
    assert doubt in facts.notes


def test_few_columns_in_doubt_are_named() -> None:
    text = table(lambda n: f"{';'.join(['5,234'] * 6)};{n % 2}", "a;b;c;d;e;f;y")
    notes = looked(text).notes
    assert [note[0] for note in notes] == ["a", "b", "c", "L"]
    assert notes[-1] == "Likewise in 3 more columns"


def test_numbers_that_can_be_read_in_one_way_only_are_in_no_doubt() -> None:
    for value in ("1,234,567", "1,23", "0,234", "1,234.5", "12", "1.5"):
        assert not looked(table(lambda n, v=value: f"{v};{n % 2}", "x;y")).notes  # type: ignore[misc]


def test_ids_change_only_where_earlier_versions_read_texts() -> None:
    plain, _ = keep(table(lambda n: f"{n},{n % 2}", "x,y"), "a.csv", target="y", features=["x"])
    assert plain.id == "own-b1c51cf5d4d07f4d"
    minus, _ = keep(table(lambda n: f"({n % 7}),{n % 2}", "x,y"), "a.csv", target="y")
    assert minus.features == ("x",)
    assert minus.id != "own-8427317bdf002d9d"  # of x = (0), x = (1) and so on


def test_a_number_is_recognised_in_any_of_these_ways() -> None:
    numbers = ["1", "-1.5e3", "1,5", "1,234.5", "1.234,5", "1 234", "(5)", "\u22125", "5-", "$5"]
    assert all(map(is_written, numbers))
    texts = ["", "a", "1a", "?", "2024-01-02", "1-5", "(a)", "$", "1.2.3"]
    assert not any(map(is_written, texts))
