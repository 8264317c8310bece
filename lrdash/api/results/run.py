"""A run as a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pandas as pd

from lrdash import analysis
from lrdash.analysis import frames
from lrdash.api.results.base import Result
from lrdash.core import wording
from lrdash.core.errors import InvalidField
from lrdash.core.events import RateDecided
from lrdash.core.spec import RunSpec
from lrdash.jobs import branches
from lrdash.store import EpochRow, RunRow, Store, open_store

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, kw_only=True, repr=False)
class Run(Result):
    """A run with all its epochs and decisions."""

    kind: ClassVar[str] = "Run"
    id_field: ClassVar[str] = "run_id"

    row: RunRow
    epochs: tuple[EpochRow, ...]
    decided: tuple[RateDecided, ...]

    @property
    def run_id(self) -> str:
        """Its id in the store, in the app and in the shell."""
        return self.row.run_id

    @property
    def spec(self) -> RunSpec:
        """What was trained, complete."""
        return self.row.spec

    @property
    def seconds(self) -> float:
        """Seconds of training."""
        return self.row.seconds

    def notes(self) -> tuple[str, ...]:
        """Remarks about its data and optimizer, and why this engine trained it."""
        return analysis.notes_of(self.row)

    def frame(self) -> pd.DataFrame:
        """One row an epoch; see `lrdash.analysis.frames.epochs_frame`."""
        return frames.epochs_frame(self.epochs, frames.own_metrics([self.row]))

    def rates(self) -> pd.DataFrame:
        """One row an update: the rate that it used; see `lrdash.analysis.frames.rates_frame`."""
        return frames.rates_frame(self.epochs)

    def decisions(self) -> pd.DataFrame:
        """One row a decision about the rate; see `lrdash.analysis.frames.decisions_frame`."""
        return frames.decisions_frame(self.decided)

    def summary(self) -> dict[str, Any]:
        """Best and final values; see `lrdash.analysis.summary`."""
        return analysis.summary(self.frame(), self.spec)

    def changes(self) -> tuple[analysis.RateChange, ...]:
        """Where the rate changed and why."""
        marks = self.row.plan.program().marks()
        used = self.rates()["learning_rate"].to_numpy()
        sizes = [len(row.rates) for row in self.epochs] or self.row.steps_per_epoch
        before = self.epochs[0].epoch - 1 if self.epochs else 0
        return analysis.rate_changes(used, sizes, self.decided, marks, before=before)

    def steer(
        self, *, rate: float | None = None, factor: float | None = None, back: bool = False
    ) -> int:
        """Change its rate while it trains; see `lrdash.steer`."""
        with open_store() as store:
            return branches.steer(self.run_id, store, rate=rate, factor=factor, back=back)

    def figure(self, metric: Literal["loss", "accuracy"] = "loss") -> go.Figure:
        """Loss (or `accuracy`) above, learning rate below.

        Raises:
            InvalidField: if the run does not have the metric.
        """
        from lrdash.figures import training_figure

        if metric == "accuracy" and "accuracy" not in self.row.plan.metrics:
            raise InvalidField("metric", "must be loss for a dataset of numbers", metric)
        if metric not in ("loss", "accuracy"):
            raise InvalidField("metric", "must be one of loss, accuracy", metric)
        return training_figure(
            self.frame(), self.rates(), self.changes(),
            strategy=self.spec.strategy, epochs_total=self.spec.epochs, metric=metric,
            exact=analysis.exact_curves({self.run_id: self.spec}),
        )

    def _report(self) -> str:
        from lrdash.export.report import run_report

        return run_report(self.row, self.epochs, self.decided)

    def as_json(self) -> dict[str, Any]:
        """JSON types only; see `lrdash.analysis.frames.run_as_json`."""
        return frames.run_as_json(self.row, self.epochs)

    def table(self) -> list[dict[str, str]]:
        """One row an epoch, in words."""
        frame = self.frame().drop(columns="run_id")
        return [
            {
                str(name).replace("val_", "validation ").replace("_", " ").capitalize():
                wording.percent(value) if "accuracy" in str(name) else
                str(value) if name == "epoch" else wording.number(value)
                for name, value in row.items()
            }
            for row in frame.to_dict(orient="records")
        ]

    def _shown(self) -> list[dict[str, str]]:
        return []  # the headline says it all

    def headline(self) -> str:
        """How it went, in one line."""
        found = self.summary()
        words = f"{self.status} after {found['epochs_done']} of {found['epochs']} epochs"
        words += f" in {wording.duration(self.seconds)}"
        if found["best_epoch"] is not None:
            words += f", best validation loss {wording.number(found['best_val_loss'])}"
            words += f" at epoch {found['best_epoch']}"
        if found.get("final_val_accuracy") is not None:
            words += f", final validation accuracy {wording.percent(found['final_val_accuracy'])}"
        return words

    def _title(self) -> str:
        return self.row.name or f"Run {self.run_id}"

    def _settings(self) -> str:
        return analysis.settings_in_words(self.spec)


def load_run(run_id: str, store: Store) -> Run:
    """A run as the store has it.

    Raises:
        NotFound: if there is none of this id.
        StoreError: if the database cannot be read.
    """
    return Run(
        row=store.runs.one(run_id), epochs=tuple(store.runs.epochs(run_id)),
        decided=tuple(store.runs.decisions(run_id)),
    )
