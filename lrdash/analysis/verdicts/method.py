"""How verdicts were reached, with the numbers of the comparison."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lrdash.analysis.verdicts.effects import ALPHA, POWER, fewest_seeds
from lrdash.analysis.verdicts.flips import DRAWS, EXACT
from lrdash.analysis.verdicts.metrics import Metric
from lrdash.analysis.verdicts.pairs import OPEN
from lrdash.core.wording import count, number, percent, plural

# From tests/soak/test_statistics.py; docs/statistics.md has all figures.
SIMULATED = (
    "In simulations whose answer is known, at most 3.6% of the comparisons of equal strategies "
    "raised a false alarm, and 95 to 100% of the 95% intervals contained the true difference."
)


def method(metric: Metric, pairs: pd.DataFrame, peaks: pd.DataFrame, *, provisional: bool) -> str:
    """Markdown: what was compared, by which test, and its limits; arguments as in `Verdicts`."""
    parts = [
        f"**What is compared.** The {metric.title}, seed by seed: with the same seed all "
        "strategies start from the same weights and see the same batches, so what they share "
        "cancels.",
        f"**Each strategy at its own peak rate, chosen on other seeds.** {_chosen(peaks)}",
        _test(len(pairs), int(pairs["seeds"].max()) if len(pairs) else 0),
        _interval(int((pairs["verdict"] == OPEN).sum())),
        "**Seeds needed.** So many would show the difference seen so far with a chance of "
        f"{100 * POWER:.0f}%, at the level left to the open pairs. The number is rough, since few "
        "seeds measure an effect only roughly, and fewer than 3 not at all. Adding seeds and "
        "judging again is a second chance for a false alarm: decide on the number before you look.",
        "**Diverged or failed runs** count as worse than any that finished, and as equal to each "
        "other. A pair with such runs is judged by signed ranks instead of values, since an "
        "infinite loss has no mean.",
    ]
    if metric.kind == "time":
        parts.append(
            "**Target not reached.** A finished run that did not reach the target counts as slower "
            "than all that did. An unfinished one counts as slower only than those that needed "
            "fewer epochs than it has run so far."
        )
    if metric.kind == "area":
        parts.append(
            "**Area.** The area under the curve divided by the number of epochs. A run that early "
            "stopping ended keeps its last value."
        )
    if provisional:
        parts.append(
            "**Unfinished runs** count with their values so far, so the result is provisional "
            "and has no intervals yet."
        )
    return "\n\n".join(parts)


def _chosen(peaks: pd.DataFrame) -> str:
    words = (
        "Losses that picked a rate are optimistic about it. So the difference takes each seed at "
        "the rate that was best on all the other seeds; if that leads out of any interval, all are "
        "taken at the best rates of the leaderboard. The test looks for a rate of one strategy "
        "that is better than each rate of the other, and accounts for that search."
    )
    flattery = peaks["flattery"].to_numpy(dtype=np.float64)
    flattery = flattery[np.isfinite(flattery)]
    if (flattery > 0).any():
        words += (
            " Picking on all seeds at once would make a mean look better by up to "
            f"{number(float(flattery.max()))}."
        )
    return words


def _interval(open_pairs: int) -> str:
    level = ALPHA / max(1, open_pairs)
    return (
        "**The interval of a difference** holds all differences that this test does not reject, at "
        f"the level left to the open pairs: it is an interval at {percent(1 - level)}. So it "
        "excludes 0 exactly where the verdict is better or worse. With too few seeds for a "
        "verdict, there is no interval."
    )


def _test(pairs: int, seeds: int) -> str:
    least = fewest_seeds(ALPHA / max(1, pairs))
    judged = plural(pairs, "pair")
    words = (
        "**The test.** If two strategies were equally good, each seed's difference could just as "
        "well have the other sign. The p-value is the share of all choices of signs with a result "
        f"at least as extreme as the one seen (all up to {EXACT} seeds, {count(DRAWS)} random ones "
        f"beyond), adjusted by Holm's method for {judged}: the chance of any false alarm is at "
        f"most {100 * ALPHA:.0f}%. {SIMULATED} No evidence does not mean equal."
    )
    if 0 < seeds < least:
        words += (
            f" {seeds} {'seed allows' if seeds == 1 else 'seeds allow'} no p-value below "
            f"{number(2 / 2**seeds)}, so none of {judged} can be decided with fewer than {least}."
        )
    return words
