"""Files of users: what is read, what is made of it, and every refusal in words."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets
import statsmodels.datasets

from lrdash.core.errors import DataRefused
from lrdash.datasets.own import Profile, Recipe, limits
from lrdash.datasets.own.profiles import profile
from tests import ROOT
from tests.factories.files import csv, keep, npz, packed, picture, pictures

SKLEARN = Path(sklearn.datasets.__file__).parent / "data"
STATSMODELS = Path(statsmodels.datasets.__file__).parent
PUBLIC = sorted([*STATSMODELS.glob("*/*.csv"), *SKLEARN.glob("*.csv")])
TWENTY = np.arange(20) % 2


def looked(raw: bytes | str, file: str = "table.csv") -> Profile:
    return profile(raw.encode() if isinstance(raw, str) else raw, file)


def refused(raw: bytes | str, file: str = "table.csv", **choices: object) -> str:
    with pytest.raises(DataRefused) as caught:
        keep(raw, file, **choices)
    return str(caught.value)


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


def test_latin_1_is_read_and_told() -> None:
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
    assert "1 rows without a value of y were left out" in facts.notes
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


def test_a_text_with_gaps_has_a_feature_that_says_so_and_rare_values_share_one() -> None:
    lines = "\n".join(f"{'' if n < 4 else f'v{n % 70:02}'},{n % 2}" for n in range(280))
    facts, dataset = keep(f"a,y\n{lines}\n", "rare.csv", target="y", features=["a"])
    assert facts.features[-2:] == ("a = any other", "a is missing")
    assert facts.input_shape == (limits.CATEGORIES.most + 2,)
    x, _ = dataset.reader()
    np.testing.assert_array_equal(x.sum(axis=1), 1)


def test_columns_that_say_nothing_are_pointed_out_and_left_out_at_first() -> None:
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


def test_the_id_is_of_bytes_and_choices_whether_these_were_left_open_or_made() -> None:
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
    assert "Several columns are called x" in found.notes[0]


def test_a_table_without_names_is_taken_as_it_is_and_told() -> None:
    lines = "\n".join(f"{n % 3} {n % 5}.5 {n % 2}" for n in range(30))
    found = looked(lines + "\n")
    assert [c.name for c in found.columns] == ["column 1", "column 2", "column 3"]
    assert found.rows == 30
    assert "numbers only" in found.notes[0]


def test_a_column_of_mostly_numbers_names_the_line_that_is_none() -> None:
    lines = "\n".join(f"{'abc' if n == 15 else n},{n % 2}" for n in range(30))
    column = looked(f"x,y\n{lines}\n").columns[0]
    assert column.kind == "text"
    assert "1 are not, the first 'abc' in line 17" in column.note


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
    assert "20 rows without a value of y were left out" in without.notes


def test_words_for_missing_among_numbers_are_told() -> None:
    lines = "\n".join(f"{('NA', 'n/a')[n % 2] if n < 4 else n},{n % 2}" for n in range(40))
    column = looked(f"x,y\n{lines}\n").columns[0]
    assert (column.kind, column.missing) == ("number", 4)
    assert column.note == "read as numbers; NA, n/a are missing"


def test_a_number_may_stand_for_a_missing_value() -> None:
    lines = "\n".join(f"{-999 if n < 4 else n},{n % 2}" for n in range(40))
    text = f"x,y\n{lines}\n"
    assert looked(text).columns[0].missing == 0
    found = profile(text.encode(), "a.csv", Recipe(missing=("-999",))).columns[0]
    assert (found.missing, found.low) == (4, 4.0)


WRITTEN = {
    "by commas": ([f"{n},{n:03}" for n in range(1, 31)], ",", 30_030.0, "parted by commas"),
    "beside a semicolon, with points": (
        [f"{n},234.5" for n in range(1, 31)], ";", 30_234.5, "thousands parted by commas"
    ),
    "decimal commas": ([f"{n},234" for n in range(1, 31)], ";", 30.234, "decimal commas"),
    "by points": (
        [f"{n}.234,5" for n in range(1, 31)], ";", 30_234.5, "thousands parted by points"
    ),
    "by spaces": ([f"{n}\u202f234,5" for n in range(1, 31)], ";", 30_234.5, "parted by spaces"),
    "dollars": ([f"${n}.50" for n in range(1, 31)], ",", 30.5, "$ left out"),
    "euros": ([f"{n},50 €" for n in range(1, 31)], ";", 30.5, "decimal commas, € left out"),
    "per cent": ([f"{n}.5%" for n in range(1, 31)], ",", 30.5, "% left out"),
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
def test_dates_are_told_as_dates(written: str) -> None:
    lines = "\n".join(f"{written.format(n % 28 + 1)},{n % 9},{'ab'[n % 2]}" for n in range(40))
    facts, _ = keep(f"when,x,y\n{lines}\n", "dates.csv")
    assert looked(f"when,x,y\n{lines}\n").columns[0].flag == "dates"
    assert facts.features == ("x",)


def test_whole_numbers_too_long_for_float64_stay_different() -> None:
    lines = "\n".join(f"{2**60 + n % 3},{n % 9}" for n in range(60))
    column = looked(f"y,x\n{lines}\n").columns[0]
    assert (column.kind, column.distinct) == ("text", 3)
    assert "too long to be told apart" in column.note
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
    assert "3 other values count as missing" in found.columns[1].note
    facts, _ = keep(text, "kinds.csv", **read_as.as_dict())
    assert facts.features == ("1 = 001", "1 = 011", "1 = 021", "2", "2 is missing")
    first = profile(b"a,b\n" + b"1,2\n" * 30, "a.csv", Recipe(header="no"))
    assert (first.rows, first.columns[0].name) == (31, "column 1")


def test_choices_on_reading_that_cannot_be_are_told() -> None:
    assert "no column 'sise' to be read otherwise. Did you mean 'size'?" in refused(
        csv(), texts=["sise"]
    )
    both = refused(csv(), texts=["size"], numbers=["size"])
    assert "the column size shall be read as texts and as numbers. Choose one" in both


def test_parquet_is_read_as_one_chooses_too() -> None:
    frame = pd.DataFrame({"x": np.arange(40) % 9, "y": ["-", "b"] * 20})
    found = profile(parquet(frame), "a.parquet", Recipe(texts=("x",), missing=("-",)))
    assert [(c.kind, c.missing) for c in found.columns] == [("text", 0), ("text", 20)]


ABOVE = {
    "sep=;\nx;y\n": ";", "# made by hand\n# in spring, twice\nx,y\n": ",", "#x,y\n": ",",
}


@pytest.mark.parametrize("head", ABOVE)
def test_what_stands_above_a_table_is_left_out(head: str) -> None:
    lines = "".join(f"{n % 9}{ABOVE[head]}{'ab'[n % 2]}\n" for n in range(40))
    found = looked(head + lines)
    assert found.rows == 40
    assert [c.name.strip("#") for c in found.columns] == ["x", "y"]
    assert any("comment" in note for note in found.notes) == head.startswith("# made")
    message = refused(head + lines + f"1{ABOVE[head]}2{ABOVE[head]}3\n")
    assert f"line {head.count(chr(10)) + 41} has 3 fields" in message


def test_a_delimiter_at_the_ends_of_lines_is_left_out_and_rows_may_have_names() -> None:
    lines = "".join(f"{n % 9},{'ab'[n % 2]},\n" for n in range(40))
    found = looked("x,y\n" + lines)
    assert [(c.name, c.distinct) for c in found.columns] == [("x", 9), ("y", 2)]
    assert "Lines end with a delimiter, which is left out" in found.notes
    named = looked("x,y\n" + "".join(f"r{n},{n % 9},{'ab'[n % 2]}\n" for n in range(40)))
    assert [(c.name, c.distinct) for c in named.columns] == [("row", 40), ("x", 9), ("y", 2)]
    assert "as R writes it" in named.notes[0]


FAULTS = {
    "Sales in 2024\nx,y\n1,2\n": "If 'Sales in 2024' is a title",
    "x,y,z\n1,2,3\n# note\n": "It looks like a comment: take it out",
    "x,y\n" + "\n".join(f"{n % 3},{'c' if n == 5 else 'a'}" for n in range(40)):
        "without the rare classes fewer than two are left",
    "a,b,y\n1,2,3\n4,5\n": "line 3 has 2 fields, the line with the names has 3",
    'a,b,y\n1,2,3\n4,"5,6\n7,8,9\n': "has 2 fields, the line with the names has 3",
    "a\n1\n2\n": "only one column was found",
    "": "the file is empty",
    " \n \n": "the file is empty",
    "a,b\n": "there are no rows",
    "a,b\n1,\x002\n": "line 2 holds the control character 0",
    "x,y\n" + "\n".join(f"{n},a" for n in range(30)): "the target y holds only 'a'",
    "x,y\n" + "\n".join(f"{n % 3},{n % 2}" for n in range(9)): "9 rows can be used, and at least",
    "x,y\n" + "\n".join(f"{n % 3},{'c' if n == 5 else 'ab'[n % 2]}" for n in range(40)):
        "the class 'c' of y has only 1 row, too few",
    "x,y\n" + "\n".join(f"{n},{n % 2}" for n in range(40)): "no column but the target y says",
    "x,y\n" + "\n".join(f"{'1e200' if n == 7 else n % 9},{n % 2}" for n in range(40)):
        "column x holds 1e+200 in line 9",
    "x,y\n" + "\n".join(f"{n % 9},v{n}" for n in range(401)): "classes: 401, and at most 200",
    ",".join(f"c{n}" for n in range(501)) + "\n": "columns: 501, and at most 500",
    "\ufeff": "the file is empty",
}


@pytest.mark.parametrize("text", FAULTS, ids=list(FAULTS.values()))
def test_a_fault_names_line_or_column_and_what_to_do(text: str) -> None:
    choices = {"target": "y"} if re.match("[xa],.*y", text) else {}
    message = refused(text.encode("utf-8"), **choices)
    assert message.startswith("table.csv: ")
    assert FAULTS[text] in message
    assert re.search(r"\. [A-Z][^.]*\.?", message)


def test_choices_that_do_not_go_with_the_file_are_told() -> None:
    assert "Did you mean 'kind'?" in refused(csv(), target="kinds")
    assert "no column 'sise' to be the feature" in refused(csv(), features=["sise"])
    assert "target and feature at once" in refused(csv(), target="kind", features=["kind"])
    assert "holds texts such as 'pear'" in refused(csv(), task="regression")


def test_rare_classes_are_left_out_on_demand_and_told() -> None:
    lines = "\n".join(f"{n % 3},{'c' if n == 5 else 'ab'[n % 2]}" for n in range(40))
    facts, _ = keep(f"x,y\n{lines}\n", "rare.csv", min_class=5)
    assert facts.class_names == ("a", "b")
    assert "Classes with fewer than 5 rows were left out: c (1)" in facts.notes


UNFIT = {
    "breast_cancer.csv": "line 2 has 31 fields, the line with the names has 4",
    "wine_data.csv": "line 2 has 14 fields, the line with the names has 5",
    "china_smoking.csv": "8 rows can be used", "cpunish.csv": "17 rows can be used",
    "longley.csv": "16 rows can be used", "elec_equip.csv": "DATE: an id of each row",
    "nile.csv": "year: an id of each row", "sunspots.csv": "YEAR: an id of each row",
}


@pytest.mark.parametrize("path", PUBLIC, ids=lambda path: path.stem)
def test_public_tables_load_right_or_are_refused_in_words(path: Path) -> None:
    raw = path.read_bytes()
    if path.name in UNFIT:
        assert UNFIT[path.name] in refused(raw, path.name)
        return
    facts, dataset = keep(raw, path.name)
    split = dataset.load()
    assert len(split.y_train) + len(split.y_val) == facts.size
    assert np.isfinite(split.x_train).all()
    assert split.x_train.std() == pytest.approx(1, abs=0.4)


def test_public_tables_are_many_and_written_in_several_ways() -> None:
    names = {path.name for path in PUBLIC}
    assert len(PUBLIC) >= 35
    assert {"iris.csv", "fair.csv", "modechoice.csv", "anes96.csv", "randhie.csv"} <= names
    assert "semicolon" in looked((STATSMODELS / "modechoice/modechoice.csv").read_bytes()).reading
    assert "byte order mark" in looked(
        next(STATSMODELS.glob("*/data.csv")).read_bytes(), "data.csv"
    ).reading


# Parquet


def parquet(frame: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.to_parquet(stream)
    return stream.getvalue()


def test_parquet_gives_what_the_same_table_gives_as_text() -> None:
    frame = pd.read_csv(io.StringIO(csv()))
    frame["good"] = frame["size"] > 3
    frame["when"] = pd.Timestamp("2024-02-03") + pd.to_timedelta(frame.index, "D")
    frame["list"] = [[1, 2]] * len(frame)
    frame["kind"] = frame["kind"].astype("category")
    found = looked(parquet(frame), "fruit.parquet")
    assert found.reading == "Parquet"
    assert found.notes == ("Left out, neither numbers nor texts: list",)
    assert found.column("good").values == (("False", 21), ("True", 19))  # type: ignore[union-attr]
    assert found.column("when").flag == "dates"  # type: ignore[union-attr]
    choices = {"target": "kind", "features": ["size", "weight", "city"]}
    _, ours = keep(parquet(frame), "fruit.parquet", **choices)
    _, text = keep(csv(), "fruit.csv")
    np.testing.assert_array_equal(ours.load().x_train, text.load().x_train)


def test_damaged_parquet_is_refused() -> None:
    raw = parquet(pd.read_csv(io.StringIO(csv())))
    assert "cannot be read" in refused(raw[:-200], "cut.parquet")
    assert "this is no PARQUET file" in refused(b"a,b\n1,2\n", "named.parquet")


# Arrays


def test_arrays_become_a_table_or_images() -> None:
    table, _ = keep(npz(x=np.arange(60.0).reshape(20, 3), y=TWENTY), "a.npz")
    assert (table.input_shape, table.class_names) == ((3,), ("0", "1"))
    grey = np.arange(20 * 64, dtype=np.uint8).reshape(20, 8, 8)
    images, dataset = keep(npz(x=grey, y=TWENTY.astype(str), z=TWENTY), "b.npz")
    assert (images.input_shape, images.pixel_max) == ((8, 8, 1), 255.0)
    assert any("Other arrays are left out: z" in note for note in images.notes)
    assert 0 <= dataset.load().x_train.min() <= dataset.load().x_train.max() <= 1
    numbers, _ = keep(npz(x=grey / 255, y=np.linspace(0, 1, 20)[:, None]), "c.npz")
    assert (numbers.task, numbers.pixel_max) == ("regression", 1.0)


def test_arrays_are_told_as_they_stand_in_the_file_and_one_hot_rows_become_classes() -> None:
    raw = npz(x=np.arange(40, dtype=np.int16).reshape(20, 2), y=np.eye(2, dtype=np.float32)[TWENTY])
    found = looked(raw, "a.npz")
    assert found.reading == "NPZ, x int16, y float32"
    facts, dataset = keep(raw, "a.npz")
    assert facts.class_counts == (10, 10)
    assert any("one-hot" in note for note in facts.notes)
    np.testing.assert_array_equal(dataset.reader()[1], TWENTY)


ARRAY_FAULTS = {
    "no array y, only x": npz(x=np.ones((20, 2))),
    "Python objects, which are never read": npz(x=np.array([[{}]] * 20, object), y=TWENTY),
    "y has the shape (5,), and x has 20 examples": npz(x=np.ones((20, 2)), y=np.ones(5)),
    "y holds 3 values an example. One can be learned here": npz(
        x=np.ones((20, 2)), y=np.linspace(0, 1, 60).reshape(20, 3)
    ),
    "not finite, the first at [3, 1]": npz(
        x=np.where(np.arange(40).reshape(20, 2) == 7, np.nan, 1.0), y=TWENTY
    ),
    "x has the shape (20,)": npz(x=np.ones(20), y=TWENTY),
    "with 9 channels": npz(x=np.ones((20, 8, 8, 9)), y=TWENTY),
    "side of an image after resizing: 200": npz(x=np.ones((20, 200, 8, 1), bool), y=TWENTY),
    "x holds values of complex128": npz(x=np.ones((20, 2), complex), y=TWENTY),
}


@pytest.mark.parametrize("words", ARRAY_FAULTS)
def test_arrays_that_do_not_fit_are_refused(words: str) -> None:
    assert words in refused(ARRAY_FAULTS[words], "a.npz")


def test_an_array_that_claims_more_than_it_holds_takes_no_memory() -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (4000000000, 9), }"
    head = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    message = refused(packed({"x.npy": head + b"\0" * 80, "y.npy": head}), "a.npz")
    assert "x should have 288,000,000,000 bytes of values and has 80" in message


# Images


def test_images_in_class_folders_are_cropped_and_resized() -> None:
    raw = packed(pictures())
    found = looked(raw, "shades.zip")
    assert (found.kind, found.rows) == ("images", 24)
    assert found.columns[0].values == (("dark", 12), ("light", 12))
    assert found.notes == ("Left out, no images: all/notes.txt",)
    assert len(found.thumbnails) == 12
    facts, dataset = keep(raw, "shades.zip", side=16)
    assert (facts.input_shape, facts.class_names) == ((16, 16, 3), ("dark", "light"))
    x, y = dataset.reader()
    assert x.dtype == np.uint8
    np.testing.assert_allclose(x[y == 0][0, 0, 0], [10, 10, 245], atol=2)
    grey, _ = keep(raw, "shades.zip", side=8, grey=True)
    assert grey.input_shape == (8, 8, 1)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "I;16"])
def test_images_of_every_mode_become_colours(mode: str) -> None:
    members = {f"{name}/{n}.png": picture(90, mode=mode) for name in "ab" for n in range(10)}
    facts, _ = keep(packed(members), "modes.zip", side=8)
    assert facts.input_shape == (8, 8, 3)


def test_the_class_is_the_first_folder_below_those_that_all_share() -> None:
    made = {
        f"set/{part}\\{name}\\{deep}{n}.png": picture(shade + n)
        for part in ("train", "test") for name, shade in (("cat", 10), ("dog", 200))
        for deep in ("", "more\\") for n in range(6)
    }
    facts, _ = keep(packed({**made, "set\\train\\": b""}), "pets.zip")
    assert (facts.class_names, facts.class_counts) == (("cat", "dog"), (24, 24))
    assert any("folders test, train are taken together" in note for note in facts.notes)
    assert any(note.startswith("24 images lie in folders inside") for note in facts.notes)
    assert not any("no images" in note for note in facts.notes)


def test_a_few_damaged_images_are_left_out_by_name_and_many_are_refused() -> None:
    good = pictures()
    raw = packed({**good, "all/dark/bad.png": good["all/dark/0.png"][:60]})
    facts, _ = keep(raw, "shades.zip", side=8)
    assert facts.size == 24
    assert "Left out, images that cannot be read: all/dark/bad.png" in facts.notes
    raw = packed({name: content[:20] for name, content in good.items()})
    assert "24 of 24 images cannot be read, the first all/dark/0.png" in refused(raw, "shades.zip")


def bomb() -> bytes:
    """400 MB of zeros in a small archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive, \
            archive.open("a/1.png", "w") as member:
        for _ in range(400):
            member.write(bytes(2**20))
    return stream.getvalue()


def encrypted() -> bytes:
    raw = bytearray(packed({"a/1.png": b"x"}))
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    return bytes(raw)


def huge() -> bytes:
    """The head of an image of 60,000 x 60,000 pixels."""
    raw = bytearray(picture(1))
    raw[16:24] = struct.pack(">II", 60_000, 60_000)
    return bytes(raw)


ARCHIVE_FAULTS = {
    "size when unpacked: 400 MB, and at most 300 MB": bomb,
    "a/1.png is encrypted": encrypted,
    "1.png lies in no class folder": lambda: packed({"1.png": picture(1)}),
    "none of 1 files is an image": lambda: packed({"a/1.txt": b"x"}),
    "1 of 1 images cannot be read, the first a/1.png": lambda: packed({"a/1.png": huge()}),
    "files in the archive: 20,001": lambda: packed({f"a/{n}": b"" for n in range(20_001)}),
    "the target folder holds only 'a'": lambda: packed(
        {f"a/{n}.png": picture(n) for n in range(30)}
    ),
    "this is an Excel file": lambda: packed({"xl/workbook.xml": b"<x/>"}),
    "this is a Keras model": lambda: packed({"config.json": b"{}", "model.weights.h5": b"x"}),
    "the archive cannot be read": lambda: packed({"a/1.png": b"x"})[:-30],
}


@pytest.mark.parametrize("words", ARCHIVE_FAULTS)
def test_archives_that_do_not_fit_are_refused(words: str) -> None:
    assert words in refused(ARCHIVE_FAULTS[words](), "images.zip")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"\x80\x04\x95\x10", "Pickles can run programs"),
        (b"\x89HDF\r\n\x1a\n", "Model files are never read"),
        (b"\x1f\x8b\x08\x00", "Unpack it first"),
        (b"\x93NUMPY\x01\x00", "Save x and y together"),
        (b"%PDF-1.7", "Save the table as CSV"),
    ],
)
def test_files_of_other_sorts_are_recognised_by_their_bytes(raw: bytes, words: str) -> None:
    assert words in refused(raw, "data.csv")


def test_the_limits_stand_in_the_docs() -> None:
    text = (ROOT / "docs/own-data.md").read_text(encoding="utf-8")
    for limit in limits.LIMITS:
        assert re.search(rf"\| {re.escape(limit.words)} *\|", text), limit.what
    config = (ROOT / ".streamlit/config.toml").read_text(encoding="utf-8")
    assert f"maxUploadSize = {limits.FILE.most}" in config


def test_thousands_parted_by_points_are_told_by_the_decimal_commas_beside_them() -> None:
    lines = "\n".join(
        f"{('6.411', '950', '8.061')[n % 3]};{n},5;{'ab'[n % 2]}" for n in range(30)
    )
    column = looked(f"x;z;y\n{lines}\n").columns[0]
    assert (column.low, column.high) == (950.0, 8061.0)
    assert column.note == "read as numbers; thousands parted by points, decimal commas"
    alone = looked(f"x;y\n{lines}\n".replace(",5;", ";").replace("x;y", "x;z;y")).columns[0]
    assert alone.high == 950.0


def test_a_zero_is_no_thousand() -> None:
    lines = "\n".join(f'"0,{334 + n}",{"ab"[n % 2]}' for n in range(30))
    column = looked(f"x,y\n{lines}\n").columns[0]
    assert (column.low, column.high) == (0.334, 0.363)


@pytest.mark.parametrize("head", ["", "Length, cm;Width, cm;kind\n"])
def test_decimal_commas_do_not_part_a_table_of_semicolons(head: str) -> None:
    lines = "\n".join(f"{n % 7},37;{n % 9},9;{n % 2}" for n in range(60))
    found = looked(f"{head}{lines}\n")
    assert found.rows == 60
    assert [c.kind for c in found.columns] == ["number"] * 3
    assert found.columns[0].low == 0.37


def test_a_first_line_with_numbers_that_is_taken_for_names_is_pointed_out() -> None:
    lines = "\n".join(f"2024-01-{n % 28 + 1:02},{n % 9},{'yn'[n % 2]}" for n in range(40))
    assert "taken for names, though it holds numbers" in looked(lines).notes[0]


def test_numbers_that_are_forced_keep_all_that_are_numbers() -> None:
    lines = "\n".join(
        f'{"call 5" if n == 7 else f"${n},50"!r},"{"ca. 300" if n % 10 == 3 else f"{n + 1},234"}",'
        f"{'ab'[n % 2]}".replace("'", '"') for n in range(40)
    )
    text = f"cost,amount,y\n{lines}\n"
    found = profile(text.encode(), "a.csv", Recipe(numbers=("cost", "amount")))
    assert [(c.missing, c.low) for c in found.columns[:2]] == [(1, 0.5), (4, 1234.0)]
    facts, _ = keep(text, "forced.csv", numbers=["cost", "amount"])
    assert "cost: read as numbers; decimal commas, $ left out; 1 other value counts as missing" in \
        facts.notes


def test_leading_zeros_are_pointed_out() -> None:
    lines = "\n".join(f"0{1605 + n % 5},{'ab'[n % 2]}" for n in range(40))
    assert "leading zeros are lost" in looked(f"zip,y\n{lines}\n").columns[0].note


def test_choices_on_reading_are_for_tables_only() -> None:
    raw = npz(x=np.ones((20, 2)), y=TWENTY)
    assert "texts can be chosen for tables only" in refused(raw, "a.npz", texts=["y"])


def test_durations_are_left_out_and_dates_are_no_likely_target() -> None:
    frame = pd.DataFrame({
        "y": ["a", "b"] * 20, "x": np.arange(40) % 9,
        "when": pd.Timestamp("2024-02-03") + pd.to_timedelta(np.arange(40) % 7, "D"),
        "long": pd.to_timedelta(np.arange(40), "D"),
    })
    found = looked(parquet(frame), "a.parquet")
    assert (found.target, [c.name for c in found.columns]) == ("y", ["y", "x", "when"])
    assert "Left out, neither numbers nor texts: long" in found.notes


def test_a_number_with_too_many_values_to_be_classes_is_told_to_be_a_regression() -> None:
    lines = "\n".join(f"{n * 3},{n % 9}" for n in range(120))
    told = refused(f"price,x\n{lines}\n", target="price", task="classification")
    assert told.endswith("are needed, or choose the task regression.")
