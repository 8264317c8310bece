"""How verdicts were reached, told with the numbers at hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lrdash.analysis.verdicts.effects import ALPHA, POWER, fewest_seeds
from lrdash.analysis.verdicts.flips import DRAWS, EXACT
from lrdash.analysis.verdicts.metrics import Metric
from lrdash.core.wording import count, number

# From tests/soak/test_statistics.py; docs/statistics.md has all figures.
SIMULATED = (
    "In simulations whose answer is known, at most 3.6% of the comparisons of equal strategies "
    "raised a false alarm, and the 95% intervals held the truth in 94 to 99%."
)


def method(metric: Metric, pairs: pd.DataFrame, peaks: pd.DataFrame, *, provisional: bool) -> str:
    """Markdown: what was compared, by which test, and what that cannot tell.

    Args:
        metric: what was judged.
        pairs: `Verdicts.pairs`.
        peaks: `Verdicts.peaks`.
        provisional: some runs are unfinished.
    """
    parts = [
        f"**What is compared.** The {metric.title}, seed by seed: with one seed all strategies "
        "start from the same weights and see the same batches, so what all of them share cancels.",
        f"**Each strategy at its own peak rate, chosen on other seeds.** {_chosen(peaks)}",
        _test(len(pairs), int(pairs["seeds"].max()) if len(pairs) else 0),
        "**Seeds needed.** What would show the difference seen so far with a chance of "
        f"{100 * POWER:.0f}%, at the level that is left to the open pairs. It rests on an effect "
        "that few seeds know only roughly. Adding seeds and judging again is a second chance for a "
        "false alarm: decide on the number before you look.",
        "**Lost runs.** A run that diverged or failed counts as worse than any that came through, "
        "and two lost ones as equal. A pair with lost runs is judged by signed ranks in place of "
        "the values, since no mean holds an infinite loss.",
    ]
    if metric.kind == "time":
        parts.append(
            "**Never there.** A run that is over and did not reach the target counts as slower "
            "than all that did. One that is unfinished counts as slower only than those that were "
            "faster than it has run so far."
        )
    if metric.kind == "area":
        parts.append(
            "**Area.** The area under the curve divided by the number of epochs. A run that early "
            "stopping has ended keeps its last value."
        )
    if provisional:
        parts.append(
            "**Unfinished runs** count as they stand, so all this is provisional until they end."
        )
    return "\n\n".join(parts)


def _chosen(peaks: pd.DataFrame) -> str:
    told = (
        "A rate picked by the losses that judge it is flattered by luck. So the difference is told "
        "with each seed at the rate that was best on all the other seeds; its interval allows for "
        "every rate that might be the best; and the test asks for some rate of the one strategy "
        "that is better than each rate of the other, with the search for it counted in."
    )
    flattery = peaks["flattery"].to_numpy(dtype=np.float64)
    flattery = flattery[np.isfinite(flattery)]
    if (flattery > 0).any():
        told += (
            " Picking on all seeds at once would make a mean look better by up to "
            f"{number(float(flattery.max()))}."
        )
    return told


def _test(pairs: int, seeds: int) -> str:
    least = fewest_seeds(ALPHA / max(1, pairs))
    noun = f"{pairs} {'pair' if pairs == 1 else 'pairs'}"
    told = (
        "**The test.** If two strategies did equally well, each seed's difference could as well "
        "have had the other sign. The p-value is the share of all choices of signs that speak as "
        f"loudly as what was seen (all of them up to {EXACT} seeds, {count(DRAWS)} random ones "
        f"beyond), adjusted by Holm's method for {noun}: the chance of any false alarm is at most "
        f"{100 * ALPHA:.0f}%. {SIMULATED} No evidence does not mean equal."
    )
    if 0 < seeds < least:
        told += (
            f" {seeds} {'seed allows' if seeds == 1 else 'seeds allow'} no p-value below "
            f"{number(2 / 2**seeds)}, so none of {noun} can be decided with fewer than {least}."
        )
    return told
