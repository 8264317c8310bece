"""What a program counts for each lane during an epoch, and the metrics computed from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Tally:
    """The counts of one lane, in the order of a program's report; floats of float32 precision."""

    loss: float  # sum over the examples trained on, penalties included
    correct: float  # examples
    failed_at: float  # update of the epoch, from 0, after which `loss` was not finite; -1: none
    failed_loss: float  # NaN or infinite
    gradient: float  # norm of the gradient of the epoch's middle update
    ratio: float  # |update| / |weights| there
    val_loss: float  # sum over the validation examples seen, penalties included
    val_correct: float  # examples
    weight: float  # norm of all trainable weights after it

    def metrics(self, examples: int, validated: int, *, classes: bool) -> Mapping[str, float]:
        """The metrics of an epoch that is complete.

        `loss`, `accuracy`, `val_loss` and `val_accuracy` are those of Keras. The others are of the
        middle update of the epoch: `gradient_norm`, `weight_norm` of all trainable weights after
        it, and `update_ratio`, the length of the update over that, weight decay aside.
        """
        hits = {
            "accuracy": _mean(self.correct, examples),
            "val_accuracy": _mean(self.val_correct, validated),
        }
        return {
            "loss": _mean(self.loss, examples),
            "val_loss": _mean(self.val_loss, validated),
            **(hits if classes else {}),
            "weight_norm": self.weight,
            "gradient_norm": self.gradient,
            "update_ratio": self.ratio,
        }


FIELDS = tuple(Tally.__dataclass_fields__)


def blank(lanes: int) -> NDArray[np.float32]:
    """Counts before an epoch [lanes, len(FIELDS)]."""
    counts = np.zeros((lanes, len(FIELDS)), np.float32)
    counts[:, FIELDS.index("failed_at")] = -1
    return counts


def read(report: NDArray[np.float32]) -> list[Tally]:
    """The counts of each lane, from a report [lanes, len(FIELDS)]."""
    return [Tally(**dict(zip(FIELDS, row, strict=True))) for row in report.tolist()]


def _mean(total: float, count: int) -> float:
    """The quotient as float32 arithmetic gives it."""
    return float(np.float32(total / count))
