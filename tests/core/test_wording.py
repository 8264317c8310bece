"""Numbers, counts, lists and escapes, as all texts write them."""

from __future__ import annotations

import pytest

from lrdash.core import wording


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0213456, "0.0213"), (1.0, "1.00"), (12.345, "12.3"), (123.4, "123"), (1234.0, "1,234"),
        (9.999, "10.0"), (0.99999, "1.00"), (0.0, "0"), (1.234e-5, "1.23e-5"), (2e7, "2e7"),
        (-0.5, "-0.500"), (None, "\N{EN DASH}"), (float("nan"), "\N{EN DASH}"),
        (float("inf"), "∞"), (float("-inf"), "-∞"),
    ],
)
def test_numbers_have_three_significant_digits(value: float | None, text: str) -> None:
    assert wording.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.9694, "96.9%"), (1.0, "100%"), (0.9999, "100%"), (0.05, "5.0%"), (0.0, "0.0%")],
)
def test_shares_are_reported_in_percent(value: float, text: str) -> None:
    assert wording.percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.025, "0.025"), (0.00015, "1.5e-4"), (0.1, "0.1"), (1e-12, "1e-12"), (0.0, "0"),
     (0.001, "0.001"), (10.0, "10"), (1000.0, "1,000")],
)
def test_rates_are_reported_in_their_shortest_form(value: float, text: str) -> None:
    assert wording.rate(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.42, "0.4 s"), (12.3, "12 s"), (99.4, "99 s"), (180.0, "3 min"), (4800.0, "80 min"),
     (7200.0, "2 h"), (8400.0, "2 h 20 min"), (9.96, "10 s"), (-1.0, "0.0 s")],
)
def test_times_are_written_as_people_read_them(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.01, "0.01"), (2.5, "2.5"), (12345, "12,345"), (250_000, "250,000"), (1e9, "1e+09")],
)
def test_settings_are_written_in_full_up_to_four_digits(value: float, text: str) -> None:
    assert wording.setting(value) == text


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0 runs"), (1, "1 run"), (2, "2 runs"), (2.5, "2.5 runs"), (12000, "12,000 runs")],
)
def test_only_one_is_singular(value: float, words: str) -> None:
    assert wording.plural(value, "run") == words


def test_an_irregular_plural_is_given() -> None:
    assert wording.plural(3, "entry", "entries") == "3 entries"
    assert wording.plural(1, "entry", "entries") == "1 entry"


@pytest.mark.parametrize(
    ("words", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), ([1, 2, 3], "1, 2 and 3")],
)
def test_a_list_has_one_and_before_its_last_word(words: list[object], text: str) -> None:
    assert wording.listed(words) == text


def test_a_list_of_choices_has_or_and_any_iterable_will_do() -> None:
    assert wording.listed((word for word in ("a", "b", "c")), "or") == "a, b or c"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a_b *c* [d](e)", r"a\_b \*c\* \[d\]\(e\)"), ("$x$ <b>", r"\$x\$ \<b\>"), ("plain", "plain")],
)
def test_what_markdown_reads_as_a_mark_is_escaped(text: str, shown: str) -> None:
    assert wording.escaped(text) == shown
