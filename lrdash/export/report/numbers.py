"""The numbers of a comparison as tables of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lrdash.core.wording import NOTHING, duration, number, percent, rate
from lrdash.export.report.html import table

Line = Mapping[Any, Any]  # a row of a frame
UNBROKEN = "\N{NO-BREAK SPACE}"
SAMPLED = 12  # most epochs in a table of curves


def interval(mean: float, low: float, high: float) -> str:
    """A mean, with its interval if it has one."""
    ends = np.isfinite([low, high]).any()
    return number(mean) + (f" ({number(low)} to {number(high)})" if ends else "")


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
        "Each strategy at its best peak rate: mean final validation loss with its 95% interval "
        "over the seeds. Bowl width: largest divided by smallest peak rate within 10% of the best "
        "loss."
    )
    if target is not None:
        caption += f" Target: a validation loss of {number(target)}; the median over the seeds."
    return table(list(columns), list(zip(*columns.values(), strict=True)), caption=caption)


def pairs_table(pairs: pd.DataFrame) -> str:
    """A row for each pair of strategies."""
    rows = [
        (
            f"{line['first']} against {line['second']}", line["verdict"].replace(" ", UNBROKEN),
            interval(line["difference"], line["low"], line["high"]), number(line["p_adjusted"]),
            number(line["effect"]), percent(line["improvement"]), str(line["seeds"]),
            _seeds(line["seeds_needed"]),
        )
        for line in pairs.to_dict(orient="records")
    ]
    columns = (
        "Pair", "Verdict", "Difference (interval)", "p, by Holm", "Effect (d)",
        "Seeds won", "Seeds", "Seeds needed",
    )
    caption = (
        "Difference: final validation loss of the first strategy minus that of the second, paired "
        "by seed; below 0, the first is better. Its interval excludes 0 where the pair is decided; "
        "with too few seeds, there is none. Effect: in standard deviations; above 0, the first "
        "is better."
    )
    return table(columns, rows, caption=caption, texts=2)


def curve_table(band: pd.DataFrame, *, caption: str, rates: bool = False) -> str:
    """Some epochs of each arm, including the first and the last: rates, or means and intervals."""
    epochs = np.sort(band["epoch"].unique())
    kept = epochs[np.unique(np.linspace(0, len(epochs) - 1, SAMPLED).round().astype(int))]
    cell = (lambda line: rate(line["mean"])) if rates else _mean
    return _by_arm(band, "epoch", kept, ("Epoch", "{:g}".format), cell, caption)


def bowl_table(bowl: pd.DataFrame, *, caption: str) -> str:
    """Each arm at each peak rate."""
    return _by_arm(
        bowl, "base_lr", sorted(bowl["base_lr"].unique()), ("Peak rate", rate), _loss, caption
    )


def _by_arm(
    frame: pd.DataFrame, by: str, kept: Iterable[float], first: tuple[str, Callable[[float], str]],
    cell: Callable[[Line], str], caption: str,
) -> str:
    """A row for each value kept of a column, and a column for each arm."""
    title, shown = first
    labels = list(frame["label"].unique())
    lines = {(line[by], line["label"]): line for line in frame.to_dict(orient="records")}
    rows = [
        (shown(value), *(
            cell(lines[value, label]) if (value, label) in lines else NOTHING for label in labels
        ))
        for value in kept
    ]
    return table((title, *labels), rows, caption=caption)


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


def _mean(line: Line) -> str:
    several = line["runs"] > 1
    return interval(line["mean"], *((line["low"], line["high"]) if several else (np.nan, np.nan)))


def _seeds(needed: float) -> str:
    if np.isnan(needed):
        return NOTHING
    return f"{needed:,.0f}" if np.isfinite(needed) else "over 1,000"


def _loss(line: Line) -> str:
    if np.isinf(line["mean"]):
        return f"{line['diverged'] + line['failed']} of {line['runs']} diverged or failed"
    return interval(line["mean"], line["low"], line["high"])


def _reached(line: Line) -> str:
    many = f"({line['reached']} of {line['seeds']} seeds)"
    if np.isfinite(line["epochs_to_target"]):
        return f"{line['epochs_to_target']:g} {many}"
    return f"not reached {many}"


def _width(line: Line) -> str:
    if not np.isfinite(line["bowl_width"]):
        return NOTHING
    return f"{'at least ' if line['bowl_open'] else ''}{line['bowl_width']:.3g}"
