"""The Export menu of a comparison and of a run, drawn by Streamlit's own test runner."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from lrdash.export import FORMATS
from lrdash.store import Store
from tests.factories.pages import page
from tests.factories.runs import one_experiment, one_run

ALL = ["Report", *(kind.label for kind in FORMATS.values())]


def offered(test: AppTest, key: str) -> list[str]:
    return [button.proto.label for button in test.get("download_button")
            if key in button.proto.id]


def captions(test: AppTest) -> str:
    return "\n".join(str(caption.value) for caption in test.caption)


def test_a_comparison_can_be_taken_away_in_every_format(store: Store) -> None:
    test = page("compare", experiment=one_experiment(store))
    assert offered(test, "experiment-") == ALL
    for kind in FORMATS.values():
        assert kind.good_for in captions(test)


def test_without_a_finished_run_there_is_no_recipe_to_take_away(store: Store) -> None:
    test = page("compare", experiment=one_experiment(store, diverging=0.0))
    assert offered(test, "experiment-") == [
        label for label in ALL if label not in ("Script", "Notebook")
    ]
    assert "Script and notebook become available after the first finished run." in captions(test)


def test_a_run_can_be_taken_away_in_every_format(store: Store) -> None:
    test = page("train", run=one_run(store))
    details = next(group for group in test.button_group if group.key == "details")
    details.set_value("Export").run()
    assert offered(test, "run-") == ALL
