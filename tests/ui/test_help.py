"""Words that explain: the help of every setting, the table of them in the docs, the glossary."""

from __future__ import annotations

import re

import pytest

from lrdash.core.record import Knob
from lrdash.core.spec import EarlyStopping, Piece, RunSpec
from lrdash.models import MODELS
from lrdash.planning.experiment import Arm, Experiment
from lrdash.planning.range_test import RangeTestSpec
from lrdash.strategies import STRATEGIES
from lrdash.teaching import GROUPS, SETTINGS, anchor, look_up
from lrdash.ui.components import fields
from tests.docs_table import PAGE, written

RECORDS = {
    **STRATEGIES, **{f"model {name}": model for name, model in MODELS.items()}, "spec": RunSpec,
    "early stopping": EarlyStopping, "piece": Piece, "arm": Arm, "experiment": Experiment,
    "range test": RangeTestSpec,
}
KNOBS = [(f"{name}.{knob.name}", knob) for name, kind in RECORDS.items() for knob in kind.knobs()]
# Words for what a chart of the rate or of the loss shows.
RATE = r"curve|rate|line|flat|fall|drop|steep|peak|wave|triangle|jump"
CURVES = rf"{RATE}|loss|update|epoch"
TERMS = {term: text for terms in GROUPS.values() for term, text in terms.items()}


@pytest.mark.parametrize("knob", [knob for _, knob in KNOBS], ids=[name for name, _ in KNOBS])
def test_the_help_of_a_setting_is_more_than_its_name(knob: Knob) -> None:
    words = set(re.findall(r"[a-z]{3,}", knob.help.lower()))
    assert len(words - set(re.findall(r"[a-z]+", f"{knob.label} {knob.name}".lower()))) >= 4
    assert 25 <= len(knob.help) <= 320
    assert not knob.help[0].islower() or knob.help.split()[0].rstrip(":") in knob.choices
    assert knob.help.endswith(".")


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_help_of_a_strategy_s_setting_says_what_it_does_to_the_rate(name: str) -> None:
    for knob in STRATEGIES[name].knobs():
        assert re.search(RATE, knob.help.lower()), knob.name


@pytest.mark.parametrize("kind", [RunSpec, EarlyStopping], ids=lambda kind: str(kind.__name__))
def test_the_help_of_a_run_s_setting_says_what_it_does_to_loss_or_rate(
    kind: type[RunSpec | EarlyStopping]
) -> None:
    for knob in kind.knobs():
        assert re.search(CURVES, knob.help.lower()), knob.name


def test_every_setting_of_every_strategy_stands_in_the_docs() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert written(text) == text, "make docs"


def test_a_term_is_explained_in_one_or_two_sentences_without_itself_alone() -> None:
    assert len(TERMS) == sum(len(terms) for terms in GROUPS.values()) >= 40
    assert len({anchor(term) for term in TERMS}) == len(TERMS)
    for term, text in TERMS.items():
        assert text.endswith("."), term
        assert 1 <= len(re.findall(r"[a-z\d)N]\.(?= |$)", text)) <= 3, term
        assert 30 <= len(text) <= 240, term


@pytest.mark.parametrize(
    "term",
    ["learning rate", "update", "epoch", "batch", "schedule", "warm-up", "plateau", "patience",
     "cooldown", "min_delta", "peak rate", "bowl", "seed", "paired", "interval", "divergence",
     "horizon", "curvature", "stability limit", "momentum", "validation loss", "overfitting",
     "lane"],
)
def test_a_term_is_found_by_its_name(term: str) -> None:
    found = [name.lower() for terms in look_up(term).values() for name in terms]
    assert any(name.startswith(term) for name in found)


def test_the_search_looks_into_meanings_and_leaves_out_empty_groups() -> None:
    assert look_up("") == {group: dict(terms) for group, terms in GROUPS.items()}
    assert look_up("Smith  rate") == {"The rate": {"Range test": TERMS["Range test"]}}
    assert look_up("zebra") == {}


def test_settings_link_to_terms_that_exist() -> None:
    assert set(SETTINGS.values()) <= set(TERMS)
    names = {knob.name for _, knob in KNOBS}
    assert set(SETTINGS) <= names
    knobs = {knob.name: knob for knob in EarlyStopping.knobs()}
    assert "(glossary#patience)" in fields.helped(knobs["patience"])
    assert fields.helped(knobs["restore_best_weights"]) == knobs["restore_best_weights"].help
