"""A search in hindsight as a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from lrdash import analysis
from lrdash.analysis import frames
from lrdash.analysis import hindsight as analyzed
from lrdash.api.plain import plain, rows
from lrdash.api.results.base import Result
from lrdash.api.results.run import Run, load_run
from lrdash.core import wording
from lrdash.core.errors import InvalidField
from lrdash.core.spec import RunSpec
from lrdash.jobs import hindsight
from lrdash.planning.hindsight import FOUND, Moves, Search, Tried, best
from lrdash.store import HindsightRow, Store

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, kw_only=True, repr=False)
class Hindsight(Result):
    """A search for the schedule that would have been best, as far as it got."""

    kind: ClassVar[str] = "Hindsight"
    id_field: ClassVar[str] = "hindsight_id"

    row: HindsightRow
    tried: tuple[Tried, ...]  # all runs of the search, in their order
    runs: dict[str, Run]  # of the search's seed: the schedule found and the strategies

    @property
    def hindsight_id(self) -> str:
        """Its id in the store, in the app and in the shell."""
        return self.row.hindsight_id

    @property
    def search(self) -> Search:
        """What was searched."""
        return Search.from_json(self.row.definition)

    @property
    def run(self) -> Run:
        """The run of the schedule found, with the seed of the search.

        Raises:
            InvalidField: if nothing was found.
        """
        if FOUND not in self.runs:
            problem = "does not exist: every branch failed or diverged"
            raise InvalidField("run", problem, self.status)
        return self.runs[FOUND]

    @property
    def spec(self) -> RunSpec:
        """The spec of the schedule found: trained, it uses the same rates to the bit.

        Raises:
            InvalidField: if nothing was found.
        """
        return self.run.spec

    @property
    def moves(self) -> Moves:
        """Where the schedule found changes the rate: epochs done, and the factor from there."""
        found = best(self.search, self.tried)
        return found.moves if found else ()

    @property
    def optimism(self) -> float:
        """How much larger the lead over the nearest strategy is on the seed of the search than on
        fresh ones; see `lrdash.analysis.hindsight.optimism`.
        """
        return analyzed.optimism(self.summary())

    def points(self) -> dict[str, Any]:
        """The schedule found as a strategy `points`; see `lrdash.analysis.as_points`."""
        return analysis.as_points(self.run.rates()["learning_rate"].to_numpy())

    def summary(self) -> pd.DataFrame:
        """One row a strategy; see `lrdash.analysis.hindsight.standings`."""
        return analyzed.standings(self.search, self.tried)

    def frame(self) -> pd.DataFrame:
        """One row an epoch of each strategy with the seed of the search: label (str), then those of
        `lrdash.analysis.frames.epochs_frame`.
        """
        parts = [run.frame().assign(label=label) for label, run in self.runs.items()]
        both = pd.concat(parts, ignore_index=True) if parts else frames.epochs_frame([]).assign(
            label=pd.Series(dtype="str")
        )
        return both[["label", *(name for name in both if name != "label")]]

    def table(self) -> list[dict[str, str]]:
        """One row a strategy: its loss, and how far behind the schedule found it is."""
        return [
            {
                "Strategy": row["label"], "Validation loss": wording.number(row["val_loss"]),
                "Behind": wording.number(row["gap"]),
                "With fresh seeds": wording.number(row["fresh_val_loss"]),
                "Behind there": wording.number(row["fresh_gap"]),
            }
            for row in self.summary().to_dict(orient="records")
        ]

    def figure(self, what: str = "loss") -> go.Figure:
        """The curves over each other, the schedule found on top: `loss` or `rate`.

        Raises:
            InvalidField: for anything else.
        """
        from lrdash.figures import hindsight_losses, hindsight_rates

        search = self.search
        shared: dict[str, Any] = {
            "found": FOUND, "points": search.points, "epochs": search.base.epochs,
        }
        names = {label: run.spec.strategy for label, run in self.runs.items()}
        if what == "loss":
            return hindsight_losses(self.frame(), names, **shared)
        if what == "rate":
            rates = {label: run.rates() for label, run in self.runs.items()}
            return hindsight_rates(rates, names, **shared)
        raise InvalidField("what", "must be one of loss, rate", what)

    def as_json(self) -> dict[str, Any]:
        """JSON types only, None for what is not finite or not known.

        Returns:
            hindsight_id, status, reason, `told` (the headline), run_id and spec (of the schedule
            found), moves, points (as `points`), optimism, strategies (one object a row of
            `summary`), runs (one object a run of the search) and search.
        """
        found = FOUND in self.runs
        return {
            "hindsight_id": self.hindsight_id, "status": self.status, "reason": self.reason,
            "told": self.headline(), "run_id": self.run.run_id if found else None,
            "spec": self.spec.as_dict() if found else None,
            "moves": [list(move) for move in self.moves],
            "points": self.points() if found else None, "optimism": plain(self.optimism),
            "strategies": rows(self.summary()),
            "runs": [
                {
                    "run_id": one.run_id, "stage": one.stage, "role": one.role, "label": one.label,
                    "seed": one.seed, "moves": [list(move) for move in one.moves],
                    "val_loss": plain(one.val_loss),
                }
                for one in self.tried
            ],
            "search": self.search.as_dict(),
        }

    def headline(self) -> str:
        """What the search found, in sentences computed from its numbers."""
        if self.status != "finished" and FOUND not in self.runs:
            return f"{self.status.capitalize()}: {self.reason}." if self.reason else self.status
        return analyzed.result_in_words(self.search, self.tried)

    def _settings(self) -> str:
        return analysis.settings_in_words(self.search.base)


def load_hindsight(hindsight_id: str, store: Store) -> Hindsight:
    """A search as the store has it.

    Raises:
        NotFound: if there is none of this id.
        StoreError: if the database cannot be read.
    """
    row = store.hindsights.one(hindsight_id)
    tried = tuple(hindsight.tried(store.hindsights.runs(hindsight_id)))
    shown = analyzed.standings(Search.from_json(row.definition), tried)
    ids = {line["label"]: line["run_id"] for line in shown.to_dict(orient="records")}
    runs = {label: load_run(run_id, store) for label, run_id in ids.items() if run_id}
    return Hindsight(row=row, tried=tried, runs=runs)
