"""States of the Data page, drawn by Streamlit's own test runner: no browser, no worker."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lrdash.core.spec import RunSpec
from lrdash.core.wording import escaped
from lrdash.datasets import own, stored
from lrdash.datasets.own import Profile, Recipe
from lrdash.datasets.own.profiles import profile
from lrdash.planning.plan import make
from lrdash.store import DataUse, Store
from lrdash.ui.data import stored as stored_view
from tests.factories import pages as shown
from tests.factories.files import GAPS, csv, keep, npz, packed, pictures
from tests.factories.pages import keys, labels, page
from tests.factories.runs import one_experiment


@pytest.fixture(autouse=True)
def reads_files_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read files in the process of the test."""

    def look(raw: bytes, file: str, recipe: Recipe) -> Profile:
        return profile(raw, file, recipe)

    def add(raw: bytes, file: str, recipe: Recipe, name: str) -> own.Facts:
        return keep(raw, file, **recipe.as_dict())[0]

    monkeypatch.setattr(own, "look", look)
    monkeypatch.setattr(own, "add", add)


def uploaded(raw: bytes | str, file: str) -> AppTest:
    content = raw.encode() if isinstance(raw, str) else raw
    test = page("data")
    test.file_uploader(key="data-file").set_value((file, content, "text/csv")).run()
    return test


def words(test: AppTest) -> str:
    return shown.words(test).replace("\\", "").replace("**", "")


def keyed(test: AppTest, kind: str, end: str) -> Any:
    return next(w for w in getattr(test, kind) if str(w.key).endswith(end))


def test_the_empty_page_says_what_can_be_uploaded_and_how_much(store: Store) -> None:
    test = page("data")
    assert "choose the column to predict" in words(test)
    assert "20 MB" in test.table[0].value["At most"].tolist()
    assert "Data that you save is listed here" in words(test)


def test_a_table_is_described_chosen_and_saved(store: Store) -> None:
    test = uploaded(csv(), "fruit.csv")
    assert "fruit.csv: 40 rows, 4 columns" in words(test)
    assert "kind has 2 classes." in words(test)
    table = next(frame.value for frame in test.dataframe if "use" in frame.value)
    assert table["kind"].tolist() == ["Number", "Number", "Text", "Text"]
    assert table["use"].tolist()[-1] == "target"
    keyed(test, "selectbox", ".target").set_value("city").run()
    assert "city has 2 classes" in words(test)
    test.button(key="data-save").click().run()
    assert "Saved as Mine." in words(test)
    (facts,) = own.kept()
    assert facts.recipe["target"] == "city"
    assert {"Train on it", "Compare on it", "Find LR", "Delete"} <= set(labels(test))


def test_a_wrong_choice_is_reported_and_nothing_typed_is_lost(store: Store) -> None:
    lines = "\n".join(f"{n % 9},{'c' if n == 5 else 'ab'[n % 2]}" for n in range(40))
    test = uploaded(f"x,y\n{lines}\n", "rare.csv")
    assert "uneven" in words(test)
    next(w for w in test.text_input if w.label == "Name").set_value("My rare things")
    test.button(key="data-save").click().run()
    assert "the class 'c' of y has only 1 row" in words(test)
    assert "Your choices are kept" in words(test)
    assert "My rare things" in [w.value for w in test.text_input]
    keyed(test, "number_input", ".min_class").set_value(5).run()
    test.button(key="data-save").click().run()
    assert "Saved as" in words(test)
    assert not test.error


def test_how_a_table_is_read_can_be_chosen(store: Store) -> None:
    lines = "\n".join(f"0{n % 3}1,{n % 9},{('None', 'ab', 'cd')[n % 3]}" for n in range(60))
    test = uploaded(f"code,x,y\n{lines}\n", "codes.csv")
    assert "y has 3 classes" in words(test)
    assert "y: None counts as a value (20 rows)" in words(test)
    next(w for w in test.text_input if w.label == "Words for missing").set_value("None, -").run()
    keyed(test, "multiselect", "texts.auto").set_value(["code"]).run()
    assert "y has 2 classes" in words(test)
    assert "code: read as texts" in words(test)
    assert "code" not in keyed(test, "multiselect", "numbers.auto").options
    test.button(key="data-save").click().run()
    (facts,) = own.kept()
    assert facts.features == ("code = 011", "code = 021", "x")
    assert facts.recipe["missing"] == ["-", "None"]
    keyed(test, "segmented_control", ".header").set_value("no").run()
    assert "column 1" in words(test)


def test_another_target_takes_no_feature_away_and_saved_data_belongs_to_its_choices(
    store: Store,
) -> None:
    test = uploaded(csv(), "fruit.csv")
    for target in ("city", "weight", "kind"):
        keyed(test, "selectbox", ".target").set_value(target).run()
        assert keyed(test, "multiselect", "features").value == ["size", "weight", "city", "kind"]
        test.button(key="data-save").click().run()
        assert "Saved as Mine." in words(test)
        features = {"size", "weight", "city", "kind"} - {target}
        (recipe,) = (one.recipe for one in own.kept() if one.recipe["target"] == target)
        assert set(recipe["features"]) == features
    keyed(test, "multiselect", "features").set_value(["size", "kind"]).run()
    assert "1 of 3 columns are used" in words(test)
    assert "Saved as Mine." not in words(test)
    keyed(test, "multiselect", "texts.auto").set_value(["size"]).run()
    assert keyed(test, "multiselect", "features").value == ["size", "kind"]


def test_a_small_table_begins_with_batches_that_fit_it(store: Store) -> None:
    facts, _ = keep(csv(24), "few.csv")
    test = page("train", data=facts.id)
    assert not test.error
    assert test.number_input(key="batch_size").value == 8


def test_a_broken_file_is_reported_with_its_line(store: Store) -> None:
    test = uploaded("a,b\n1,2\n3\n", "odd_*name*.csv")
    assert test.error[0].value.startswith("odd\\_\\*name\\*.csv")
    assert "line 3 has 1 field" in words(test)
    assert "data-save" not in keys(test)


def test_regressions_arrays_and_images_have_their_own_choices(store: Store) -> None:
    test = uploaded(GAPS, "gaps.csv")
    assert "y ranges from 0 to 9" in words(test)
    assert "min_class" not in str([w.key for w in test.number_input])
    test = uploaded(npz(x=[[0.0, 1.0]] * 20, y=[0, 1] * 10), "pairs.npz")
    assert "20 examples of 2" in words(test)
    assert not test.multiselect
    test = uploaded(packed(pictures()), "shades.zip")
    assert "24 images" in words(test)
    assert keyed(test, "number_input", ".side").value == 32
    test.button(key="data-save").click().run()
    assert own.kept()[0].input_shape == (32, 32, 3)


def test_the_forms_offer_own_data_by_name(store: Store) -> None:
    facts, _ = keep(csv(), "fruit.csv")
    for name in ("train", "compare", "find_lr"):
        test = page(name, data=facts.id)
        assert test.selectbox(key="dataset").value == facts.id
        assert "4 inputs, 2 classes; 32 training and 8 validation examples" in words(test)
    stored.write_facts(facts.replace(name="Digits"), stored.data_folder() / facts.id)
    options = page("train").selectbox(key="dataset").options
    assert options[0] == f"Digits ({facts.id[4:8]})"
    assert "Digits" in options


def test_settings_of_a_run_whose_data_is_gone_say_what_is_missing(store: Store) -> None:
    facts, _ = keep(csv(), "fruit.csv")
    plan = make(RunSpec(dataset=facts.id))
    run_id = store.runs.add(plan)
    store.runs.request_stop(run_id)
    stored.remove(facts.id, remember=True)
    shown = page("train", run=run_id)
    assert "Mine" in shown.header[0].value
    test = page("train", **{"from": run_id})
    assert "To train on it again, add fruit.csv" in test.error[0].value
    assert "start" not in keys(test)
    test.selectbox(key="dataset").set_value("wine").run()
    assert not test.error


def test_the_form_reports_data_of_another_home(store: Store) -> None:
    test = page("train", data="own-0000000000000000")
    assert "There is no own data own-0000000000000000" in test.error[0].value
    assert test.selectbox(key="dataset").value == "digits"


def test_what_deleting_means_is_shown() -> None:
    assert "2 of its runs" in stored_view.warning(DataUse(run_ids=("a", "b"), active=2, others=0))
    many = stored_view.warning(DataUse(run_ids=tuple("abcdefghij"), active=0, others=0))
    assert many.startswith("Used by 10 runs (a, b, c, d, e, f, g, h and 2 more)")
    assert "range test" in stored_view.warning(DataUse(run_ids=(), active=0, others=1))


def test_saved_data_is_listed_in_pages_and_deleted_after_a_question(store: Store) -> None:
    for rows in range(40, 51):
        keep(csv(rows), f"fruit{rows}.csv")
    test = page("data")
    deletes = [button for button in test.button if button.label == "Delete"]
    assert len(deletes) == stored_view.SHOWN
    deletes[0].click().run()
    assert "permanently" in words(test)
    assert len(own.kept()) == 11


def test_words_of_users_are_shown_letter_by_letter() -> None:
    assert escaped("a_*b* [x](y) :red[z] $1 <b>") == (
        r"a\_\*b\* \[x\]\(y\) \:red\[z\] \$1 \<b\>"
    )


def test_a_comparison_on_own_data_names_it_as_its_user_does(store: Store) -> None:
    facts, _ = keep(csv(), "fruit.csv")
    made = one_experiment(store, dataset=facts.id, base_lrs=(0.1,), seeds=1)
    test = page("compare", experiment=made)
    assert "Mine · Multilayer perceptron" in words(test)
    assert facts.id not in words(test)
    listed = next(frame.value for frame in page("compare").dataframe if "data" in frame.value)
    assert listed["data"].tolist() == ["Mine · Multilayer perceptron"]


def test_one_input_is_in_the_singular(store: Store) -> None:
    facts, _ = keep(csv(), "fruit.csv", features=["size"])
    assert "1 input, 2 classes" in words(page("data"))
    assert "1 input, 2 classes" in words(page("train", data=facts.id))
