"""Values as JSON knows them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd


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
