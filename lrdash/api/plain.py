"""Values as plain Python and JSON types."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from lrdash.core.errors import InvalidField


def plain(value: Any) -> Any:
    """A value of Python; None for a number that is not finite."""
    item = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(item, float) and not math.isfinite(item) else item


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """One object a row, its values as `plain` gives them."""
    return [
        {str(name): plain(value) for name, value in row.items()}
        for row in frame.to_dict(orient="records")
    ]


def listed(values: Any) -> Any:
    """Generators and arrays as lists of Python numbers; anything else as it is, to be checked."""
    if not isinstance(values, Iterable) or isinstance(values, str):
        return values
    return [one.item() if isinstance(one, np.generic) else one for one in values]


def seeds_of(given: Any, most: int) -> Any:
    """So many seeds from 0 on, or those listed.

    Raises:
        InvalidField: for a number that is not between 1 and `most`.
    """
    alone = isinstance(given, np.generic | np.ndarray) and given.ndim == 0
    number = given.item() if alone else given
    if not isinstance(number, int):
        return listed(number)
    if isinstance(number, bool) or not 1 <= number <= most:
        problem = f"must be a number of seeds between 1 and {most}, or a list of seeds"
        raise InvalidField("seeds", problem, number)
    return tuple(range(number))
