"""Tables of users: gaps, texts, kinds of columns, and how numbers are written."""

from __future__ import annotations

import numpy as np
import pytest

from lrdash.datasets.own import Recipe, limits
from lrdash.datasets.own.profiles import profile
from tests.factories.files import (
    csv,
    keep,
    looked,
    refused,
)

# Tables of text


@pytest.mark.parametrize(
    ("delimiter", "end", "encoding"),
    [
        (",", "\n", "utf-8"), (";", "\r\n", "utf-8"), ("\t", "\r", "utf-8-sig"),
        ("|", "\r\n", "utf-8-sig"), ("\t", "\r\n", "utf-16"), (",", "\r\n", "utf-8-sig"),
    ],
)
def test_a_table_is_read_alike_however_it_is_written(
    delimiter: str, end: str, encoding: str
) -> None:
    found = looked(csv(delimiter=delimiter, end=end).encode(encoding))
    assert [(c.name, c.kind, c.task) for c in found.columns] == [
        ("size", "number", "regression"), ("weight", "number", "regression"),
        ("city", "text", "classification"), ("kind", "text", "classification"),
    ]
    assert found.rows == 40
    assert found.target == "kind"
    assert found.column("city").values == (("Ghent, BE", 26), ("Riga", 14))  # type: ignore[union-attr]
    assert found.head[1] == ("2", "0.125", "Ghent, BE", "plum")


def test_a_text_target_and_a_text_feature_become_classes_and_columns() -> None:
    facts, dataset = keep(csv(), "fruit.csv")
    assert (facts.task, facts.class_names, facts.class_counts) == (
        "classification", ("pear", "plum"), (20, 20)
    )
    assert facts.features == ("size", "weight", "city = Ghent, BE", "city = Riga")
    split = dataset.load()
    assert split.x_train.shape == (32, 4)
    assert split.y_train.dtype == np.int32
    np.testing.assert_allclose(split.x_train.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(split.x_train.std(axis=0), 1, atol=1e-5)


def test_latin_1_is_read_with_a_note() -> None:
    raw = csv().replace("Riga", "Málaga").encode("latin-1")
    found = looked(raw)
    assert "Windows-1252 (Latin-1)" in found.reading
    assert "not UTF-8" in found.notes[0]
    assert ("Málaga", 14) in found.column("city").values  # type: ignore[union-attr]


def test_decimal_commas_are_numbers_beside_semicolons() -> None:
    lines = "\n".join(f"{n},5;{n % 3};{'ab'[n % 2]}" for n in range(30))
    found = looked(f"x;z;y\n{lines}\n")
    column = found.column("x")
    assert column is not None
    assert (column.kind, column.low, column.high) == ("number", 0.5, 29.5)


def test_placeholders_and_gaps_are_missing_and_filled_by_the_training_median() -> None:
    lines = "\n".join(
        f"{'?' if n % 10 == 3 else n},{'' if n % 8 == 1 else n % 4},{'' if n == 0 else n % 2}"
        for n in range(60)
    )
    text = f"a,b,y\n{lines}\n"
    found = looked(text)
    assert [c.missing for c in found.columns] == [6, 8, 1]
    assert found.columns[0].note == "read as numbers; ? is missing"
    facts, dataset = keep(text, "gaps.csv", target="y")
    assert facts.size == 59
    assert "Left out 1 row without y" in facts.notes
    assert facts.features == ("a", "a is missing", "b", "b is missing")
    raw, _ = dataset.reader()
    split = dataset.load()
    assert np.isfinite(split.x_train).all()
    assert np.isfinite(split.x_val).all()
    missing = split.x_train[:, 1] > 0
    values = split.x_train[~missing][:, 0]
    assert np.unique(split.x_train[missing][:, 0]).size == 1
    assert np.isnan(raw).any()
    assert split.x_train[missing][0, 0] == pytest.approx(np.median(values), abs=1e-6)


def test_a_text_with_gaps_has_a_feature_for_them_and_rare_values_share_one() -> None:
    lines = "\n".join(f"{'' if n < 4 else f'v{n % 70:02}'},{n % 2}" for n in range(280))
    facts, dataset = keep(f"a,y\n{lines}\n", "rare.csv", target="y", features=["a"])
    assert facts.features[-2:] == ("a = any other", "a is missing")
    assert facts.input_shape == (limits.CATEGORIES.most + 2,)
    x, _ = dataset.reader()
    np.testing.assert_array_equal(x.sum(axis=1), 1)


def test_uninformative_columns_are_reported_and_left_out_by_default() -> None:
    lines = "\n".join(f"{n},C{n},nl,,{n % 5 + n % 2},{'yn'[n % 2]}" for n in range(40))
    text = f"id,code,land,empty,x,y\n{lines}\n"
    assert [c.flag for c in looked(text).columns] == ["id", "id", "constant", "empty", "", ""]
    facts, _ = keep(text, "flags.csv")
    assert facts.features == ("x",)
    assert "Columns not used: id, code, land, empty" in facts.notes
    chosen, _ = keep(text, "flags.csv", features=["x", "id"])
    assert chosen.features == ("id", "x")
    assert chosen.id != facts.id


def test_a_number_can_be_classes_or_a_quantity() -> None:
    lines = "\n".join(f"{n % 9 + n / 100},{n % 3 + 8}" for n in range(60))
    text = f"x,grade\n{lines}\n"
    classes, _ = keep(text, "grades.csv")
    assert classes.class_names == ("8", "9", "10")  # by number and not by letter
    amount, dataset = keep(text, "grades.csv", task="regression")
    assert (amount.task, amount.class_names) == ("regression", ())
    assert dataset.load().y_train.std() == pytest.approx(1, abs=1e-5)


def test_the_id_is_of_bytes_and_choices_whether_default_or_made() -> None:
    left_open, _ = keep(csv(), "a.csv")
    made = {"target": "kind", "features": ["weight", "city", "size"], "task": "classification"}
    assert keep(csv(), "b.csv", **made)[0].id == left_open.id
    others = [keep(csv(), "a.csv", target="city")[0], keep(csv(41), "a.csv")[0]]
    assert len({left_open.id, *(facts.id for facts in others)}) == 3


def test_a_hundred_columns_are_read() -> None:
    names = ",".join(f"c{n}" for n in range(99))
    lines = "\n".join(
        f"{','.join(str((row * n) % 11) for n in range(99))},{'ab'[row % 2]}" for row in range(60)
    )
    facts, dataset = keep(f"{names},y\n{lines}\n", "wide.csv")
    assert facts.input_shape == (90,)  # every eleventh column is 0 in every row
    assert dataset.load().x_train.shape == (48, 90)


def test_names_that_are_empty_or_alike_are_made_different() -> None:
    lines = "\n".join(f"{n % 3},{n % 5},{n % 7},{n % 2}" for n in range(30))
    found = looked(f",x,x,y\n{lines}\n")
    assert [c.name for c in found.columns] == ["column 1", "x", "x (2)", "y"]
    assert "Several columns are named x" in found.notes[0]


def test_a_table_without_names_is_read_as_it_is_with_a_note() -> None:
    lines = "\n".join(f"{n % 3} {n % 5}.5 {n % 2}" for n in range(30))
    found = looked(lines + "\n")
    assert [c.name for c in found.columns] == ["column 1", "column 2", "column 3"]
    assert found.rows == 30
    assert "only numbers" in found.notes[0]


def test_a_column_of_mostly_numbers_names_the_line_that_is_none() -> None:
    lines = "\n".join(f"{'abc' if n == 15 else n},{n % 2}" for n in range(30))
    column = looked(f"x,y\n{lines}\n").columns[0]
    assert column.kind == "text"
    assert "1 are not, the first is 'abc' in line 17" in column.note


@pytest.mark.parametrize("word", ["None", "NA", "null", "nan", "N/A"])
def test_a_class_may_be_called_like_a_word_for_missing(word: str) -> None:
    lines = "\n".join(f"{n % 9},{(word, 'ab', 'cd')[n % 3]}" for n in range(60))
    text = f"x,y\n{lines}\n"
    column = looked(text).columns[1]
    assert (column.missing, column.distinct) == (0, 3)
    assert column.note.startswith(f"{word} counts as a value (20 rows)")
    facts, _ = keep(text, "words.csv", target="y")
    assert facts.class_counts == (20, 20, 20)
    assert word in facts.class_names
    without, _ = keep(text, "words.csv", target="y", missing=[word])
    assert without.class_names == ("ab", "cd")
    assert "Left out 20 rows without y" in without.notes


def test_words_for_missing_among_numbers_are_noted() -> None:
    lines = "\n".join(f"{('NA', 'n/a')[n % 2] if n < 4 else n},{n % 2}" for n in range(40))
    column = looked(f"x,y\n{lines}\n").columns[0]
    assert (column.kind, column.missing) == ("number", 4)
    assert column.note == "read as numbers; NA, n/a are missing"


def test_a_number_may_mean_a_missing_value() -> None:
    lines = "\n".join(f"{-999 if n < 4 else n},{n % 2}" for n in range(40))
    text = f"x,y\n{lines}\n"
    assert looked(text).columns[0].missing == 0
    found = profile(text.encode(), "a.csv", Recipe(missing=("-999",))).columns[0]
    assert (found.missing, found.low) == (4, 4.0)
WRITTEN = {
    "by commas": ([f"{n},{n:03}" for n in range(1, 31)], ",", 30_030.0, "separated by commas"),
    "beside a semicolon, with points": (
        [f"{n},234.5" for n in range(1, 31)], ";", 30_234.5, "thousands separated by commas"
    ),
    "decimal commas": ([f"{n},234" for n in range(1, 31)], ";", 30.234, "decimal commas"),
    "by points": (
        [f"{n}.234,5" for n in range(1, 31)], ";", 30_234.5, "thousands separated by points"
    ),
    "by spaces": ([f"{n}\u202f234,5" for n in range(1, 31)], ";", 30_234.5, "separated by spaces"),
    "dollars": ([f"${n}.50" for n in range(1, 31)], ",", 30.5, "$ ignored"),
    "euros": ([f"{n},50 €" for n in range(1, 31)], ";", 30.5, "decimal commas, € ignored"),
    "per cent": ([f"{n}.5%" for n in range(1, 31)], ",", 30.5, "% ignored"),
}


@pytest.mark.parametrize("written", WRITTEN)
def test_numbers_are_read_however_people_write_them(written: str) -> None:
    values, delimiter, high, words = WRITTEN[written]
    quoted = (f'"{value}"' if delimiter == "," else value for value in values)
    lines = "\n".join(f"{value}{delimiter}{'ab'[n % 2]}" for n, value in enumerate(quoted))
    column = looked(f"x{delimiter}y\n{lines}\n").columns[0]
    assert (column.kind, column.high, column.flag) == ("number", high, "")
    assert words in column.note


def test_minus_stands_before_or_behind_the_currency() -> None:
    lines = "\n".join(f"{('-$', '$-', '$')[n % 3]}{n + 1},{'ab'[n % 2]}" for n in range(30))
    column = looked(f"x,y\n{lines}\n").columns[0]
    assert (column.low, column.high) == (-29.0, 30.0)


def test_mixed_units_are_no_numbers() -> None:
    lines = "\n".join(f"{'$€'[n % 2]}{n % 7},{'ab'[n % 2]}" for n in range(40))
    assert looked(f"x,y\n{lines}\n").columns[0].kind == "text"


@pytest.mark.parametrize(
    "written", ["2024-03-{:02}", "{:02}/03/2024", "{}.3.24", "2024-03-{:02} 12:30:00Z"]
)
def test_dates_are_recognised(written: str) -> None:
    lines = "\n".join(f"{written.format(n % 28 + 1)},{n % 9},{'ab'[n % 2]}" for n in range(40))
    facts, _ = keep(f"when,x,y\n{lines}\n", "dates.csv")
    assert looked(f"when,x,y\n{lines}\n").columns[0].flag == "dates"
    assert facts.features == ("x",)


def test_whole_numbers_too_long_for_float64_stay_different() -> None:
    lines = "\n".join(f"{2**60 + n % 3},{n % 9}" for n in range(60))
    column = looked(f"y,x\n{lines}\n").columns[0]
    assert (column.kind, column.distinct) == ("text", 3)
    assert "too long to stay distinct" in column.note
    facts, _ = keep(f"y,x\n{lines}\n", "long.csv", target="y")
    assert facts.class_names == tuple(str(2**60 + n) for n in range(3))


def test_the_kind_of_a_column_and_the_line_of_names_can_be_chosen() -> None:
    lines = "\n".join(f"0{n % 3}1,{('abc', n % 9)[n > 2]},{'yn'[n % 2]}" for n in range(40))
    text = f"1,2,3\n{lines}\n"
    plain = looked(text)
    assert [c.name for c in plain.columns] == ["column 1", "column 2", "column 3"]
    read_as = Recipe(header="yes", texts=("1",), numbers=("2",))
    found = profile(text.encode(), "a.csv", read_as)
    assert [(c.name, c.kind, c.missing) for c in found.columns] == [
        ("1", "text", 0), ("2", "number", 3), ("3", "text", 0)
    ]
    assert found.rows == 40
    assert found.column("1").values[0][0] == "001"  # type: ignore[union-attr]
    assert "3 other values read as missing" in found.columns[1].note
    facts, _ = keep(text, "kinds.csv", **read_as.as_dict())
    assert facts.features == ("1 = 001", "1 = 011", "1 = 021", "2", "2 is missing")
    first = profile(b"a,b\n" + b"1,2\n" * 30, "a.csv", Recipe(header="no"))
    assert (first.rows, first.columns[0].name) == (31, "column 1")


def test_impossible_choices_on_reading_are_explained() -> None:
    assert "no column 'sise', whose reading was chosen. Did you mean 'size'?" in refused(
        csv(), texts=["sise"]
    )
    both = refused(csv(), texts=["size"], numbers=["size"])
    assert "the column size was chosen as texts and as numbers. Choose one" in both
