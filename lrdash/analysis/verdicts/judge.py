"""Which strategies differ, which do not, and what would decide it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lrdash.analysis.verdicts.crossfit import Judged, at_best, cross_fitted
from lrdash.analysis.verdicts.method import method
from lrdash.analysis.verdicts.metrics import METRICS, metric_named
from lrdash.analysis.verdicts.pairs import fewest, judged_pairs
from lrdash.analysis.verdicts.scores import SETTLED, none_reached, scores
from lrdash.analysis.verdicts.sentence import (
    in_focus,
    more_seeds,
    nothing_reached,
    sentence,
    standing,
)
from lrdash.core.errors import UnknownName


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """What a comparison says about each pair of its arms.

    `pairs` has one row for each pair of arms, in their order. Columns:

    - first, second (str): the labels.
    - seeds (int64): those with which both were judged.
    - difference (float64): mean of first minus second in the metric's own unit. Infinite where
      runs of one of them diverged or failed, NaN where they did in both with different seeds, or
      with all.
    - low, high (float64): the interval of the difference, that is all differences that the test of
      the verdict does not reject; it excludes 0 exactly where the verdict is better or worse.
      Infinite with too few seeds for a verdict, NaN where the difference is no number.
    - p, p_adjusted (float64): of the sign-flip test, and by Holm over all pairs.
    - effect (float64): paired d, above 0 where the first is better; of signed ranks where runs
      diverged or failed; NaN with fewer than 3 seeds.
    - improvement (float64): share of the seeds in which the first is better, equal ones half.
    - verdict (str): "better", "worse" or "no evidence", of first against second. Better is a lower
      loss, a higher accuracy, fewer epochs.
    - seeds_needed (float64): seeds in all that would probably decide it; those there are if it is
      decided; infinite where 1,000 would not be enough, NaN with fewer than 3 seeds.
    """

    pairs: pd.DataFrame
    sentence: str  # Markdown, one or two sentences
    method: str  # Markdown, how this was judged
    more_seeds: int  # would probably decide what is open; 0: nothing is open, or 50 would not;
    # with fewer than 3 seeds only the fewest that can
    baseline: str | None  # the arm that the sentence compares all others with
    provisional: bool  # some runs are unfinished
    metric: str  # what was judged
    order: tuple[str, ...]  # labels, the best mean first, as in the leaderboard
    peaks: pd.DataFrame  # label, low, high: the peak rates chosen; flattery: in the metric's unit


def judge(
    arms: pd.DataFrame,
    curves: pd.DataFrame | None = None,
    *,
    metric: str = "final_val_loss",
    baseline: str | None = None,
    target: float | None = None,
    mode: str = "auto",
) -> Verdicts:
    """Judge each pair of arms over their common seeds, each arm at its own peak rate.

    Args:
        arms: an `arms_frame`.
        curves: the `curves_frame` of the same runs, for areas and for epochs to a target.
        metric: one of `METRICS`, or `final_`, `best_` or `area_` before the name of an own metric,
            e.g. `final_val_auc`.
        baseline: label of an arm that the sentence compares all others with.
        target: validation loss to reach, for `epochs_to_target`.
        mode: of an own metric: `min` or `max` says what is better; `auto` reads it from the name
            (accuracy, AUC, score: higher; loss, error, MAE: lower).

    Raises:
        UnknownName: for another metric, or a baseline that is not among the arms.
        InvalidField: if something that the metric needs is missing, or for another mode.
    """
    final = [str(name) for name in arms if str(name).startswith("final_")]
    own = [name.removeprefix("final_") for name in final if name not in METRICS]
    kind = metric_named(metric, mode, own)
    labels = [str(label) for label in arms["label"].unique()]
    if baseline is not None and baseline not in labels:
        raise UnknownName("baseline", baseline, labels)
    found, _ = scores(arms, curves, kind, target)
    judged = {label: cross_fitted(arm) for label, arm in found.items()}
    provisional = bool((~arms["status"].isin(SETTLED)).any())
    pairs = judged_pairs(found, kind.sign, provisional=provisional)
    order = sorted(found, key=lambda label: _rank(at_best(found[label])))
    known = standing(pairs, order, fewest(found))
    if len(order) > 1 and none_reached(found) and not provisional:
        words = nothing_reached(kind)
    else:
        words = sentence(known, baseline, kind.title, provisional=provisional)
    peaks = _peaks(judged)
    return Verdicts(
        pairs=pairs, metric=metric, baseline=baseline, provisional=provisional, order=tuple(order),
        sentence=words,
        method=method(kind, pairs, peaks, provisional=provisional),
        more_seeds=more_seeds(known, in_focus(known, baseline)), peaks=peaks,
    )


def _rank(arm: Judged) -> tuple[float, float]:
    """The fewest diverged or failed runs first, then the lowest mean of the others."""
    value = arm.value[~np.isnan(arm.value)]
    kept = value[np.isfinite(value)]
    broken = 1 - len(kept) / len(value) if len(value) else 1.0
    return broken, float(kept.mean()) if len(kept) else np.inf


def _peaks(judged: Mapping[str, Judged]) -> pd.DataFrame:
    rates = [arm.rate[~np.isnan(arm.rate)] for arm in judged.values()]
    return pd.DataFrame(
        {
            "label": pd.Series(list(judged), dtype="str"),
            "low": [float(rate.min()) if len(rate) else np.nan for rate in rates],
            "high": [float(rate.max()) if len(rate) else np.nan for rate in rates],
            "flattery": [arm.flattery for arm in judged.values()],
        }
    )
