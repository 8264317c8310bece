"""Why runs end before their last epoch, in the same words from every engine."""

from __future__ import annotations

import math

from lrdash.core.spec import EarlyStopping
from lrdash.core.wording import plural


def diverged(name: str, value: float, *, epoch: int, update: int, rate: float) -> str:
    """A loss that is no longer a finite number.

    Args:
        name: of the loss, as a phrase.
        value: NaN or infinite.
        epoch: of the loss, from 1.
        update: updates done.
        rate: of the last of them.
    """
    became = "NaN" if math.isnan(value) else "infinite"
    return f"{name} became {became} in epoch {epoch} (update {update}), at rate {rate:g}"


def stopped_early(wanted: EarlyStopping, epoch: int) -> str:
    """Early stopping after this many epochs."""
    margin = f" by more than {wanted.min_delta:g}" if wanted.min_delta else ""
    patience = plural(wanted.patience, "epoch")
    return (
        f"early stopping after epoch {epoch}: "
        f"{wanted.monitor} had not improved{margin} for {patience}"
    )
