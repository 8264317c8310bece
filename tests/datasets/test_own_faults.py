"""Tables of users that are unusual or wrong, and the public ones."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets
import statsmodels.datasets

from lrdash.datasets.own import Recipe
from lrdash.datasets.own.profiles import profile
from tests.factories.files import (
    TWENTY,
    csv,
    keep,
    looked,
    npz,
    parquet,
    refused,
)

SKLEARN = Path(sklearn.datasets.__file__).parent / "data"
STATSMODELS = Path(statsmodels.datasets.__file__).parent
PUBLIC = sorted([*STATSMODELS.glob("*/*.csv"), *SKLEARN.glob("*.csv")])


def test_parquet_is_read_as_chosen_too() -> None:
    frame = pd.DataFrame({"x": np.arange(40) % 9, "y": ["-", "b"] * 20})
    found = profile(parquet(frame), "a.parquet", Recipe(texts=("x",), missing=("-",)))
    assert [(c.kind, c.missing) for c in found.columns] == [("text", 0), ("text", 20)]
ABOVE = {
    "sep=;\nx;y\n": ";", "# made by hand\n# in spring, twice\nx,y\n": ",", "#x,y\n": ",",
}


@pytest.mark.parametrize("head", ABOVE)
def test_lines_above_a_table_are_ignored(head: str) -> None:
    lines = "".join(f"{n % 9}{ABOVE[head]}{'ab'[n % 2]}\n" for n in range(40))
    found = looked(head + lines)
    assert found.rows == 40
    assert [c.name.strip("#") for c in found.columns] == ["x", "y"]
    assert any("comment" in note for note in found.notes) == head.startswith("# made")
    message = refused(head + lines + f"1{ABOVE[head]}2{ABOVE[head]}3\n")
    assert f"line {head.count(chr(10)) + 41} has 3 fields" in message


def test_a_delimiter_at_the_ends_of_lines_is_ignored_and_rows_may_have_names() -> None:
    lines = "".join(f"{n % 9},{'ab'[n % 2]},\n" for n in range(40))
    found = looked("x,y\n" + lines)
    assert [(c.name, c.distinct) for c in found.columns] == [("x", 9), ("y", 2)]
    assert "Lines end with a delimiter, which is ignored" in found.notes
    named = looked("x,y\n" + "".join(f"r{n},{n % 9},{'ab'[n % 2]}\n" for n in range(40)))
    assert [(c.name, c.distinct) for c in named.columns] == [("row", 40), ("x", 9), ("y", 2)]
    assert "as R writes it" in named.notes[0]
FAULTS = {
    "Sales in 2024\nx,y\n1,2\n": "If 'Sales in 2024' is a title",
    "x,y,z\n1,2,3\n# note\n": "It looks like a comment: remove it",
    "x,y\n" + "\n".join(f"{n % 3},{'c' if n == 5 else 'a'}" for n in range(40)):
        "fewer than two classes have enough rows",
    "a,b,y\n1,2,3\n4,5\n": "line 3 has 2 fields, the line with the names has 3",
    'a,b,y\n1,2,3\n4,"5,6\n7,8,9\n': "has 2 fields, the line with the names has 3",
    "a\n1\n2\n": "only one column was found",
    "": "the file is empty",
    " \n \n": "the file is empty",
    "a,b\n": "there are no rows",
    "a,b\n1,\x002\n": "line 2 holds the control character 0",
    "x,y\n" + "\n".join(f"{n},a" for n in range(30)): "the target y holds only 'a'",
    "x,y\n" + "\n".join(f"{n % 3},{n % 2}" for n in range(9)): "9 usable rows, and at least",
    "x,y\n" + "\n".join(f"{n % 3},{'c' if n == 5 else 'ab'[n % 2]}" for n in range(40)):
        "the class 'c' of y has only 1 row, too few",
    "x,y\n" + "\n".join(f"{n},{n % 2}" for n in range(40)):
        "no informative column besides the target y",
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


def test_choices_that_do_not_fit_the_file_are_explained() -> None:
    assert "Did you mean 'kind'?" in refused(csv(), target="kinds")
    assert "no column 'sise' to use as feature" in refused(csv(), features=["sise"])
    assert "both target and feature" in refused(csv(), target="kind", features=["kind"])
    assert "holds texts such as 'pear'" in refused(csv(), task="regression")


def test_rare_classes_are_left_out_on_request_with_a_note() -> None:
    lines = "\n".join(f"{n % 3},{'c' if n == 5 else 'ab'[n % 2]}" for n in range(40))
    facts, _ = keep(f"x,y\n{lines}\n", "rare.csv", min_class=5)
    assert facts.class_names == ("a", "b")
    assert "Left out classes with fewer than 5 rows: c (1)" in facts.notes
UNFIT = {
    "breast_cancer.csv": "line 2 has 31 fields, the line with the names has 4",
    "wine_data.csv": "line 2 has 14 fields, the line with the names has 5",
    "china_smoking.csv": "8 usable rows", "cpunish.csv": "17 usable rows",
    "longley.csv": "16 usable rows", "elec_equip.csv": "DATE: an id of each row",
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


def test_decimal_commas_in_a_table_show_that_points_separate_thousands() -> None:
    lines = "\n".join(
        f"{('6.411', '950', '8.061')[n % 3]};{n},5;{'ab'[n % 2]}" for n in range(30)
    )
    column = looked(f"x;z;y\n{lines}\n").columns[0]
    assert (column.low, column.high) == (950.0, 8061.0)
    assert column.note == "read as numbers; thousands separated by points, decimal commas"
    alone = looked(f"x;y\n{lines}\n".replace(",5;", ";").replace("x;y", "x;z;y")).columns[0]
    assert alone.high == 950.0


def test_a_zero_is_no_thousand() -> None:
    lines = "\n".join(f'"0,{334 + n}",{"ab"[n % 2]}' for n in range(30))
    column = looked(f"x,y\n{lines}\n").columns[0]
    assert (column.low, column.high) == (0.334, 0.363)


@pytest.mark.parametrize("head", ["", "Length, cm;Width, cm;kind\n"])
def test_decimal_commas_do_not_split_a_table_of_semicolons(head: str) -> None:
    lines = "\n".join(f"{n % 7},37;{n % 9},9;{n % 2}" for n in range(60))
    found = looked(f"{head}{lines}\n")
    assert found.rows == 60
    assert [c.kind for c in found.columns] == ["number"] * 3
    assert found.columns[0].low == 0.37


def test_a_first_line_with_numbers_that_is_read_as_names_is_noted() -> None:
    lines = "\n".join(f"2024-01-{n % 28 + 1:02},{n % 9},{'yn'[n % 2]}" for n in range(40))
    assert "read as names, though it holds numbers" in looked(lines).notes[0]


def test_numbers_that_are_forced_keep_all_that_are_numbers() -> None:
    lines = "\n".join(
        f'{"call 5" if n == 7 else f"${n},50"!r},"{"ca. 300" if n % 10 == 3 else f"{n + 1},234"}",'
        f"{'ab'[n % 2]}".replace("'", '"') for n in range(40)
    )
    text = f"cost,amount,y\n{lines}\n"
    found = profile(text.encode(), "a.csv", Recipe(numbers=("cost", "amount")))
    assert [(c.missing, c.low) for c in found.columns[:2]] == [(1, 0.5), (4, 1234.0)]
    facts, _ = keep(text, "forced.csv", numbers=["cost", "amount"])
    assert "cost: read as numbers; decimal commas, $ ignored; 1 other value read as missing" in \
        facts.notes


def test_leading_zeros_are_reported() -> None:
    lines = "\n".join(f"0{1605 + n % 5},{'ab'[n % 2]}" for n in range(40))
    assert "leading zeros are dropped" in looked(f"zip,y\n{lines}\n").columns[0].note


def test_choices_on_reading_are_for_tables_only() -> None:
    raw = npz(x=np.ones((20, 2)), y=TWENTY)
    assert "texts can be chosen only for tables" in refused(raw, "a.npz", texts=["y"])


def test_durations_are_left_out_and_dates_are_no_likely_target() -> None:
    frame = pd.DataFrame({
        "y": ["a", "b"] * 20, "x": np.arange(40) % 9,
        "when": pd.Timestamp("2024-02-03") + pd.to_timedelta(np.arange(40) % 7, "D"),
        "long": pd.to_timedelta(np.arange(40), "D"),
    })
    found = looked(parquet(frame), "a.parquet")
    assert (found.target, [c.name for c in found.columns]) == ("y", ["y", "x", "when"])
    assert "Left out, neither numbers nor texts: long" in found.notes


def test_a_number_with_too_many_values_for_classes_suggests_regression() -> None:
    lines = "\n".join(f"{n * 3},{n % 9}" for n in range(120))
    message = refused(f"price,x\n{lines}\n", target="price", task="classification")
    assert message.endswith("are needed, or choose the task regression.")
