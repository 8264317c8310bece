"""The same verdicts for one arm, and as a table of all against all."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lrdash.analysis.verdicts.judge import Verdicts
from lrdash.analysis.verdicts.pairs import BETTER, OPEN, WORSE

TURNED = {BETTER: WORSE, WORSE: BETTER, OPEN: OPEN}


def against(verdicts: Verdicts, baseline: str | None = None) -> pd.DataFrame:
    """Every other arm compared with one of them, the best mean first.

    Args:
        verdicts: of a comparison.
        baseline: label; by default the verdicts' own, else the arm with the best mean.

    Columns:
        label (str), difference, low, high (float64, of the arm minus the baseline), p_adjusted,
        effect, improvement, seeds_needed (float64), seeds (int64), verdict (str), as in
        `Verdicts.pairs`.
    """
    fixed = baseline or verdicts.baseline or (verdicts.order[0] if verdicts.order else "")
    pairs = verdicts.pairs
    ahead, behind = pairs[pairs["second"] == fixed], pairs[pairs["first"] == fixed]
    turned = behind.assign(
        label=behind["second"], difference=-behind["difference"], low=-behind["high"],
        high=-behind["low"], effect=-behind["effect"], improvement=1 - behind["improvement"],
        verdict=behind["verdict"].map(TURNED),
    )
    whole = pd.concat([ahead.assign(label=ahead["first"]), turned])
    place = {label: place for place, label in enumerate(verdicts.order)}
    whole = whole.assign(verdict=whole["verdict"].astype("str"), place=whole["label"].map(place))
    columns = [
        "label", "difference", "low", "high", "p_adjusted", "effect", "improvement",
        "seeds_needed", "seeds", "verdict",
    ]
    return whole.sort_values("place")[columns].reset_index(drop=True)


def verdict_matrix(verdicts: Verdicts) -> pd.DataFrame:
    """What each arm (row) is against each other (column), in words; empty on the diagonal.

    Rows and columns are labels, the best mean first.
    """
    order = list(verdicts.order)
    cells = np.full((len(order), len(order)), "", dtype=object)
    for row in verdicts.pairs.itertuples():
        first, second = order.index(str(row.first)), order.index(str(row.second))
        cells[first, second] = row.verdict
        cells[second, first] = TURNED[str(row.verdict)]
    return pd.DataFrame(cells, index=order, columns=order)
