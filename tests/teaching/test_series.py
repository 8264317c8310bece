"""A typed or pasted metric: read as it was meant, or refused with the place named."""

from __future__ import annotations

import math

import pytest

from lrdash.core.errors import InvalidField
from lrdash.teaching import MOST, read_series


@pytest.mark.parametrize(
    "text",
    ["0.7, 0.5, 0.45", "0.7 0.5 0.45", "[0.7, 0.5, 0.45]", "0.7;0.5;0.45", "0.7\n0.5\r\n0.45\n",
     "\t0.7\t0.5\t4.5e-1", "(0.7, 0.5,\n 0.45,)"],
)
def test_commas_spaces_lines_and_brackets_separate(text: str) -> None:
    assert read_series(text) == (0.7, 0.5, 0.45)


def test_nan_and_infinity_are_values_that_a_metric_can_have() -> None:
    first, second, third = read_series("nan, inf, -inf")
    assert math.isnan(first)
    assert (second, third) == (math.inf, -math.inf)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.7, 0.5\n0.4, O.3", "series must be a number at position 4 (line 2), got 'O.3'."),
        ("0.7, 0.5, None", "series must be a number at position 3 (line 1), got 'None'."),
        ("0.7, 1_0", "series must be a number at position 2 (line 1), got '1_0'."),
        ("val_loss\n0.7\n0.5", "series must be a number at position 1 (line 1), got 'val_loss'."),
        ("0.7 1e999", "series must be a number below 1.8e308 at position 2 (line 1), got '1e999'."),
        ("0,71\n0,52", "series must use a decimal point, not a comma, at position 1 (line 1), "
                       "got '0,71'."),
        ("", "series must have 2 to 2,000 values, one an epoch, got 0."),
        ("0.7", "series must have 2 to 2,000 values, one an epoch, got 1."),
        ("1 " * (MOST + 1), "series must have 2 to 2,000 values, one an epoch, got 2001."),
    ],
)
def test_what_cannot_be_read_is_reported_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InvalidField) as fault:
        read_series(text)
    assert str(fault.value) == message


def test_whole_numbers_with_commas_are_not_taken_for_decimals() -> None:
    assert read_series("3,2,1") == (3.0, 2.0, 1.0)
    assert read_series("3, 2, 1") == (3.0, 2.0, 1.0)
