"""How far each strategy is from hindsight, and how much of that gap is the luck of the search.

The validation loss of a run is optimistic about a schedule that it chose, in two ways: the schedule
fits what this run's seed (weights, batches, dropout) happened to do, and it is judged by the same
examples that chose it. The first part is measured: everything is trained again with seeds that the
search has not seen, in pairs, since runs of one seed start from the same weights and see the same
batches. The second part is not: all seeds share the validation data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lrdash.analysis.compare.intervals import half_width
from lrdash.analysis.estimate import expected_group_seconds
from lrdash.core.wording import number, percent, plural, rate
from lrdash.planning.hindsight import FOUND, ITSELF, Moves, Search, Tried, best
from lrdash.planning.plan import Plan
from lrdash.store.rows import RunRow

COLUMNS = {
    "label": "str", "strategy": "str", "base_lr": "float64", "run_id": "str",
    "val_loss": "float64", "gap": "float64", "fresh_val_loss": "float64", "fresh_gap": "float64",
    "low": "float64", "high": "float64", "seeds": "int64", "lost": "int64",
}


def standings(search: Search, tried: Sequence[Tried]) -> pd.DataFrame:
    """One row a strategy, the schedule found first, then those nearest to it.

    Args:
        search: what was searched.
        tried: its runs; the check may still be under way.

    Columns:
        label, strategy (str), base_lr (float64), run_id (str, the run with the seed searched),
        val_loss (float64, of that run at its end; infinite if it broke off, NaN if not known),
        gap (float64, how far above that of the schedule found), fresh_val_loss (float64, mean over
        the fresh seeds that are known), fresh_gap (float64, mean of the differences seed by seed;
        infinite if a run diverged or failed), low, high (float64, its 95% interval, NaN below 2
        seeds),
        seeds (int64, fresh ones known of both), lost (int64, of them, runs of this strategy that
        failed or diverged).
    """
    found = best(search, tried)
    if found is None:
        return pd.DataFrame(columns=list(COLUMNS)).astype(COLUMNS)
    searched = {one.label: one for one in tried if one.role in ("base", "rival")}
    base = {**search.contestants(), FOUND: search.base}
    own = _fresh(tried, FOUND) or _fresh(tried, next(iter(search.contestants())))
    rows = []
    for label in (FOUND, *search.contestants()):
        run = found if label == FOUND else searched.get(label)
        fresh = own if label == FOUND else _fresh(tried, label)
        loss = run.val_loss if run else math.nan
        rows.append({
            "label": label, "strategy": base[label].strategy, "base_lr": base[label].base_lr,
            "run_id": run.run_id if run else "", "val_loss": loss, "gap": loss - found.val_loss,
            **_paired(fresh, own),
        })
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    rivals = frame.iloc[1:].sort_values("val_loss", kind="stable", na_position="last")
    return pd.concat([frame.iloc[:1], rivals], ignore_index=True)


def expected_seconds(
    stages: Sequence[Sequence[Plan]], history: Sequence[RunRow], paces: Mapping[str, float]
) -> float | None:
    """Seconds that a search takes, one stage of plans after another; None if nothing is known.

    History and paces as in `expected_group_seconds`.
    """
    seconds = [expected_group_seconds(stage, history, paces) for stage in stages]
    known = [one for one in seconds if one is not None]
    return sum(known) if len(known) == len(stages) else None


def optimism(frame: pd.DataFrame) -> float:
    """How much of the lead of the schedule found, in `standings`, is due to the seed searched on.

    The lead is the mean over the strategies, since the lead over the nearest one alone depends much
    on which strategy was lucky with that seed.

    Returns:
        The lead on the searched seed less that on fresh seeds, in units of the loss; below 0 where
        it grew, NaN where it is not known.
    """
    before, after = _leads(frame)
    return before - after


def moves_in_words(moves: Moves) -> str:
    """Where the schedule found changes the rate: `times 0.3 after epoch 12, ...`."""
    return ", ".join(f"times {rate(factor)} after epoch {at}" for at, factor in moves)


def result_in_words(search: Search, tried: Sequence[Tried]) -> str:
    """What the search found, in sentences computed from its numbers."""
    frame, found = standings(search, tried), best(search, tried)
    if found is None:
        return "Nothing was found: every branch failed or diverged."
    loss = number(found.val_loss)
    if not found.moves:
        first = f"No change of the rate ended lower than the run itself, at {loss}."
    else:
        near = _nearest(frame, "gap")
        place = f", {_lead(near['gap'], near['val_loss'])} {_name(near)}, the nearest" if near \
            else ""
        first = (
            f"Best in hindsight: {moves_in_words(found.moves)}. On the searched seed it ends at "
            f"{loss}{place}."
        )
    return f"{first} {_on_fresh_seeds(frame)}"


def _on_fresh_seeds(frame: pd.DataFrame) -> str:
    """What is left of the lead where the search could not look, and so how optimistic it was."""
    own = frame.iloc[0]
    near = _nearest(frame, "fresh_gap")
    if not own["seeds"] or near is None:
        return "The check on fresh seeds is not finished yet."
    seeds = plural(own["seeds"], "fresh seed")
    if own["lost"]:
        return (
            f"Trained again with {seeds}, {plural(own['lost'], 'run')} diverged or failed: the "
            "schedule does not work for other seeds."
        )
    words = (
        f"Trained again with {seeds}, it ends at {number(own['fresh_val_loss'])} on average, "
        f"{_lead(near['fresh_gap'], near['fresh_val_loss'])} {_name(near)}, the nearest there"
        f"{_interval(near)}."
    )
    return f"{words} {_optimism_in_words(frame)}"


def _optimism_in_words(frame: pd.DataFrame) -> str:
    before, after = _leads(frame)
    if math.isnan(before - after) or before <= 0:
        return "It had no lead over the strategies."
    words = (
        "Averaged over the strategies, its lead was "
        f"{number(before)} on the searched seed and is {number(after)} on fresh ones: "
    )
    if after <= 0:
        return f"{words}all of it was optimism, since the same loss chose and judged the schedule."
    if after >= before:
        return f"{words}the search shows no optimism here."
    return (
        f"{words}{percent(1 - after / before)} of it was optimism, since the same loss chose and "
        "judged the schedule."
    )


def _leads(frame: pd.DataFrame) -> tuple[float, float]:
    """Mean lead over the strategies whose runs finished: on the searched seed, on fresh ones."""
    both = frame.iloc[1:][["gap", "fresh_gap"]].to_numpy(dtype=np.float64)
    both = both[np.isfinite(both).all(axis=1)]
    if frame.empty or not len(both):
        return math.nan, math.nan
    before, after = both.mean(axis=0)
    return float(before), float(after)


def _lead(gap: float, loss: float) -> str:
    """`12% below`, of a loss that is the gap above; the difference itself where it is larger."""
    if math.isinf(gap):
        return "below" if gap > 0 else "above"
    if gap == 0:
        return "equal to"
    way = "below" if gap > 0 else "above"
    share = abs(gap) / abs(loss) if loss else math.inf
    return f"{number(abs(gap)) if share >= 1 else percent(share)} {way}"


def _name(line: dict[str, Any]) -> str:
    return "the run as it was" if line["label"] == ITSELF else str(line["label"])


def _interval(near: dict[str, Any]) -> str:
    if not math.isfinite(near["low"]):
        return ""
    span = f"95% interval of the lead {number(near['low'])} to {number(near['high'])}"
    open_ = near["low"] <= 0 <= near["high"]
    return f" ({span}, which includes 0)" if open_ else f" ({span})"


def _nearest(frame: pd.DataFrame, column: str) -> dict[str, Any] | None:
    """The strategy of the smallest gap, other than the schedule found."""
    known = frame.iloc[1:].dropna(subset=[column]).sort_values(column, kind="stable")
    rows: list[dict[Any, Any]] = known.head(1).to_dict(orient="records")
    return rows[0] if rows else None


def _fresh(tried: Sequence[Tried], label: str) -> dict[int, float]:
    """Losses at the end by fresh seed, as far as they are known."""
    return {
        one.seed: one.val_loss
        for one in tried
        if one.role == "fresh" and one.label == label and not math.isnan(one.val_loss)
    }


def _paired(theirs: dict[int, float], own: dict[int, float]) -> dict[str, float]:
    seeds = sorted(theirs.keys() & own.keys())
    if not seeds:
        unknown = ("fresh_val_loss", "fresh_gap", "low", "high")
        return {**dict.fromkeys(unknown, math.nan), "seeds": 0, "lost": 0}
    losses, best = (np.array([of[seed] for seed in seeds]) for of in (theirs, own))
    with np.errstate(invalid="ignore"):
        gaps = np.where(np.isinf(losses) & np.isinf(best), 0.0, losses - best)
        mean, middle = float(losses.mean()), float(gaps.mean())
    wide = math.nan
    if len(seeds) > 1 and np.isfinite(gaps).all():
        wide = float(half_width(gaps.std(ddof=1), len(seeds)))
    return {
        "fresh_val_loss": mean, "fresh_gap": middle, "low": middle - wide, "high": middle + wide,
        "seeds": len(seeds), "lost": int(np.isinf(losses).sum()),
    }
