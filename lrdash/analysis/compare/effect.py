"""Whether the rate has an effect on what was trained."""

from __future__ import annotations

import pandas as pd

NO_EFFECT = (
    "Runs of one seed have equal losses, to the bit, although their rates differ: the rate has no "
    "effect on what is trained, and more seeds would not change that."
)


def without_effect(curves: pd.DataFrame) -> tuple[str, ...]:
    """A note where no loss depends on the rate; none where a single one does.

    Args:
        curves: see `lrdash.analysis.frames.curves_frame`.
    """
    by_epoch = curves.groupby(["seed", "epoch"])
    found = by_epoch[["learning_rate", "loss", "val_loss"]].nunique()
    varied = found[found["learning_rate"] > 1]
    equal = (varied["loss"] <= 1) & (varied["val_loss"] == 1)
    return (NO_EFFECT,) if len(varied) and equal.all() else ()
