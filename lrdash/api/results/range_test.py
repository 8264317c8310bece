"""A range test as a result."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrdash import analysis
from lrdash.analysis import range_test as analyzed
from lrdash.api.plain import plain, rows
from lrdash.api.results.base import Result
from lrdash.core import wording
from lrdash.core.errors import InvalidField
from lrdash.planning.range_test import RangeTestSpec
from lrdash.store import RangeTestRow, Store

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, kw_only=True, repr=False)
class RangeTest(Result):
    """A range test with all its losses."""

    kind: ClassVar[str] = "Range test"
    id_field: ClassVar[str] = "range_test_id"

    row: RangeTestRow

    @property
    def range_test_id(self) -> str:
        """Its id in the store and in the app."""
        return self.row.range_test_id

    @property
    def spec(self) -> RangeTestSpec:
        """What was tested, complete."""
        return RangeTestSpec.from_json(self.row.definition)

    @property
    def seconds(self) -> float:
        """Seconds from its start to its end."""
        return self.row.seconds

    @property
    def rates(self) -> NDArray[np.float32]:
        """The rate of each update [updates]."""
        return self.row.rates

    @property
    def losses(self) -> NDArray[np.float32]:
        """The loss of each batch before its update [seeds, updates]; NaN where there was none."""
        return self.row.losses

    @property
    def suggestion(self) -> float:
        """The rate that the preferred rule suggests, to two digits; NaN if there is none."""
        return analyzed.suggested(self.summary())

    @property
    def advice(self) -> analyzed.Advice | None:
        """Why there is no suggestion, and better rates to test; None where seeds show a rate."""
        return analyzed.advice(self.frame())

    def frame(self, smoothing: float = analyzed.SMOOTHING) -> pd.DataFrame:
        """One row an update of each seed; see `lrdash.analysis.range_test.range_frame`."""
        return analyzed.range_frame(self.rates, self.losses, self.spec.seeds, smoothing)

    def summary(self, smoothing: float = analyzed.SMOOTHING) -> pd.DataFrame:
        """One row a rule: its suggestion, the lowest and the highest over the seeds; see
        `lrdash.analysis.range_test.suggestions`.
        """
        return analyzed.suggestions(self.frame(smoothing))

    def table(self) -> list[dict[str, str]]:
        """One row a rule: the rate that it suggests, and its spread over the seeds."""
        return [
            {
                "Rule": row["label"], "Suggestion": wording.rate(row["suggestion"]),
                "Lowest": wording.rate(row["low"]), "Highest": wording.rate(row["high"]),
                "Seeds": f"{row['found']} of {row['seeds']}",
            }
            for row in self.summary().to_dict(orient="records")
        ]

    def figure(self, smoothing: float = analyzed.SMOOTHING) -> go.Figure:
        """Loss over rate: every batch, the smoothed curve of each seed, and the suggestions."""
        from lrdash.figures import range_figure

        frame = self.frame(smoothing)
        return range_figure(frame, analyzed.suggestions(frame))

    def as_json(self) -> dict[str, Any]:
        """JSON types only, None for what is not finite or was not made.

        Returns:
            range_test_id, status, reason, seconds, spec, suggestion, advice (None, or an object:
            reason, lowest, highest, updates), rules (one object a rule: rule, label, suggestion,
            low, high, found, seeds), edges (by seed, the rate at which it diverged), rates (one an
            update) and losses (a list a seed).
        """
        frame = self.frame()
        edges = analyzed.edge_rates(frame)
        return {
            "range_test_id": self.range_test_id, "status": self.status, "reason": self.reason,
            "seconds": self.seconds, "spec": self.spec.as_dict(),
            "suggestion": plain(self.suggestion),
            "advice": None if (better := analyzed.advice(frame)) is None else asdict(better),
            "rules": rows(analyzed.suggestions(frame)),
            "edges": {str(seed): plain(value) for seed, value in edges.items()},
            "rates": [float(rate) for rate in self.rates],
            "losses": [[plain(float(loss)) for loss in curve] for curve in self.losses],
        }

    def headline(self) -> str:
        """The suggestion, in a sentence or two."""
        if self.status == "failed" or not self.row.update:
            return f"{self.status.capitalize()}: {self.reason}." if self.reason else self.status
        frame = self.frame()
        return analyzed.headline(frame, analyzed.suggestions(frame))

    def _settings(self) -> str:
        return analysis.data_and_model(self.spec.base)


def load_range_test(range_test_id: str, store: Store) -> RangeTest:
    """A range test as the store has it.

    Raises:
        NotFound: if there is none of this id.
        StoreError: if the database cannot be read.
    """
    return RangeTest(row=store.range_tests.one(range_test_id))


def agreement(test: RangeTest, arms: pd.DataFrame) -> pd.DataFrame:
    """How well the suggestions of a test do; see `lrdash.analysis.range_test.agreement`.

    Args:
        test: the test.
        arms: the `Comparison.frame()` of a sweep of one strategy over peak rates.

    Raises:
        InvalidField: if the sweep has several strategies.
    """
    if arms["label"].nunique() > 1:
        raise InvalidField("arms", "must be of one strategy", list(arms["label"].unique()))
    return analyzed.agreement(test.summary(), analysis.bowl(arms))
