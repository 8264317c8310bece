"""The numbers of a comparison as tables and tiles of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from lrdash.core.wording import NOTHING, duration, number, percent, rate
from lrdash.export.report.html import table

KEPT = "\N{NO-BREAK SPACE}"
SAMPLED = 12  # epochs in a table of curves, at most


def tiles(values: Mapping[str, str]) -> str:
    """A few large numbers with their names."""
    parts = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>\n"
        for name, value in values.items()
    )
    return f'<dl class="facts">\n{parts}</dl>\n'


def interval(mean: float, low: float, high: float) -> str:
    """A mean and its interval, if it has one."""
    return number(mean) + (f" ({number(low)} to {number(high)})" if np.isfinite(low) else "")


def board_table(board: pd.DataFrame, target: float | None) -> str:
    """The leaderboard."""
    lines = board.to_dict(orient="records")
    columns: dict[str, list[str]] = {
        "Strategy": [str(line["label"]) for line in lines],
        "Best peak rate": [rate(line["best_base_lr"]) + " (edge)" * line["at_edge"]
                           for line in lines],
        "Validation loss": [interval(line["final_val_loss"], line["low"], line["high"])
                            for line in lines],
        "Accuracy": [percent(line["final_val_accuracy"]) for line in lines],
        "Epochs to target": [_reached(line) for line in lines],
        "Bowl width": [_width(line) for line in lines],
        "Runs": [str(line["runs"]) for line in lines],
        "Diverged": [str(line["diverged"]) for line in lines],
    }
    if target is None:
        del columns["Epochs to target"]
    if all(value == NOTHING for value in columns["Accuracy"]):
        del columns["Accuracy"]
    caption = (
        "Each strategy at its own best peak rate: mean final validation loss with its 95% "
        "interval over the seeds. Bowl width: largest over smallest peak rate within 10% of the "
        "best loss."
    )
    if target is not None:
        caption += f" Target: a validation loss of {number(target)}; the median over the seeds."
    return table(list(columns), list(zip(*columns.values(), strict=True)), caption=caption)


def pairs_table(pairs: pd.DataFrame) -> str:
    """Each two strategies."""
    rows = [
        (
            f"{line['first']} against {line['second']}", line["verdict"].replace(" ", KEPT),
            interval(line["difference"], line["low"], line["high"]), number(line["p_adjusted"]),
            number(line["effect"]), percent(line["improvement"]), str(line["seeds"]),
            _seeds(line["seeds_needed"]),
        )
        for line in pairs.to_dict(orient="records")
    ]
    columns = (
        "Pair", "Verdict", "Difference (95% interval)", "p, by Holm", "Effect (d)",
        "Seeds won", "Seeds", "Seeds needed",
    )
    caption = (
        "Difference: the first strategy's final validation loss minus the second's, seed by seed; "
        "below 0 the first is better. Effect: in standard deviations, above 0 the first is better."
    )
    return table(columns, rows, caption=caption, texts=2)


def curve_table(band: pd.DataFrame, *, caption: str, intervals: bool, rates: bool = False) -> str:
    """Some epochs of each arm, the first and the last among them."""
    epochs = np.sort(band["epoch"].unique())
    kept = epochs[np.unique(np.linspace(0, len(epochs) - 1, SAMPLED).round().astype(int))]
    labels = list(band["label"].unique())
    lines = {(line["epoch"], line["label"]): line for line in band.to_dict(orient="records")}
    rows = [
        (f"{epoch:g}", *(_cell(lines.get((epoch, label)), intervals, rates) for label in labels))
        for epoch in kept
    ]
    return table(("Epoch", *labels), rows, caption=caption)


def bowl_table(bowl: pd.DataFrame, *, caption: str) -> str:
    """Each arm at each peak rate."""
    rates, labels = sorted(bowl["base_lr"].unique()), list(bowl["label"].unique())
    lines = {(line["label"], line["base_lr"]): line for line in bowl.to_dict(orient="records")}
    rows = [
        (rate(value), *(_loss(lines.get((label, value))) for label in labels)) for value in rates
    ]
    return table(("Peak rate", *labels), rows, caption=caption)


def runs_table(arms: pd.DataFrame, reasons: Sequence[str]) -> str:
    """Every run."""
    rows = [
        (
            str(line["run_id"]), str(line["label"]),
            f"{line['status']}: {reason}" if reason else str(line["status"]),
            rate(line["base_lr"]), str(line["seed"]), number(line["final_val_loss"]),
            number(line["best_val_loss"]), percent(line["final_val_accuracy"]),
            str(line["epochs_done"]), duration(line["seconds"]),
        )
        for line, reason in zip(arms.to_dict(orient="records"), reasons, strict=True)
    ]
    columns = (
        "Run", "Strategy", "End", "Peak rate", "Seed", "Final val loss", "Best val loss",
        "Final val accuracy", "Epochs", "Time",
    )
    return table(columns, rows, caption="Every run", texts=3)


def _cell(line: Mapping[Any, Any] | None, intervals: bool, rates: bool) -> str:
    if line is None:
        return NOTHING
    if rates:
        return rate(float(line["mean"]))
    several = intervals and line["runs"] > 1
    low, high = (line["low"], line["high"]) if several else (np.nan, np.nan)
    return interval(float(line["mean"]), float(low), float(high))


def _seeds(needed: float) -> str:
    return f"{needed:,.0f}" if np.isfinite(needed) else "over 1,000"


def _loss(line: Mapping[Any, Any] | None) -> str:
    if line is None:
        return NOTHING
    if np.isinf(line["mean"]):
        return f"{line['diverged'] + line['failed']} of {line['runs']} lost"
    return interval(line["mean"], line["low"], line["high"])


def _reached(line: Mapping[Any, Any]) -> str:
    many = f"({line['reached']} of {line['seeds']} seeds)"
    if np.isfinite(line["epochs_to_target"]):
        return f"{line['epochs_to_target']:g} {many}"
    return f"not reached {many}"


def _width(line: Mapping[Any, Any]) -> str:
    if not np.isfinite(line["bowl_width"]):
        return NOTHING
    return f"{'at least ' if line['bowl_open'] else ''}{line['bowl_width']:.3g}"
