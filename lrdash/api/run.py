"""A run as Python sees it: numbers, frames and figures, all from what the store holds."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from lrdash import analysis
from lrdash.analysis import frames
from lrdash.api.files import write_text
from lrdash.core import wording
from lrdash.core.errors import InvalidField
from lrdash.core.events import RateDecided, Status
from lrdash.core.spec import RunSpec
from lrdash.planning.plan import make
from lrdash.store import EpochRow, RunRow, Store

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run that is over, with all that it said."""

    row: RunRow
    epochs: tuple[EpochRow, ...]
    decided: tuple[RateDecided, ...]

    @property
    def run_id(self) -> str:
        """Its id in the store, in the app and in the shell."""
        return self.row.run_id

    @property
    def status(self) -> Status:
        """`finished`, `stopped`, `failed`, `diverged` or `interrupted`."""
        return self.row.status

    @property
    def reason(self) -> str:
        """Why it ended so, in words; may be empty."""
        return self.row.reason

    @property
    def spec(self) -> RunSpec:
        """What was trained, complete."""
        return self.row.spec

    @property
    def seconds(self) -> float:
        """Seconds of training."""
        return self.row.seconds

    def notes(self) -> tuple[str, ...]:
        """What belongs to the run: about its data and optimizer, and why this engine."""
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
        marks = make(self.spec).program().marks()
        used = self.rates()["learning_rate"].to_numpy()
        sizes = [len(row.rates) for row in self.epochs] or self.row.steps_per_epoch
        before = self.epochs[0].epoch - 1 if self.epochs else 0
        return analysis.rate_changes(used, sizes, self.decided, marks, before=before)

    def steer(
        self, *, rate: float | None = None, factor: float | None = None, back: bool = False
    ) -> int:
        """Change its rate while it trains; see `lrdash.steer`."""
        from lrdash.api.branches import steer

        return steer(self.run_id, rate=rate, factor=factor, back=back)

    def figure(self, metric: Literal["loss", "accuracy"] = "loss") -> go.Figure:
        """Loss (or `accuracy`) above, learning rate below.

        Raises:
            InvalidField: if the run does not have the metric.
        """
        from lrdash.figures import training_figure

        if metric == "accuracy" and "accuracy" not in make(self.spec).metrics:
            raise InvalidField("metric", "must be loss for a dataset of numbers", metric)
        if metric not in ("loss", "accuracy"):
            raise InvalidField("metric", "must be one of loss, accuracy", metric)
        return training_figure(
            self.frame(), self.rates(), self.changes(),
            strategy=self.spec.strategy, epochs_total=self.spec.epochs, metric=metric,
            exact=analysis.exact_curves({self.run_id: self.spec}),
        )

    def report(self, path: str | PathLike[str]) -> Path:
        """Write the report: one HTML file that needs nothing else; see `lrdash.export.report`.

        Args:
            path: of the file; one that exists is replaced.

        Returns:
            The path.

        Raises:
            InvalidField: if the file cannot be written.
        """
        from lrdash.export.report import run_report

        return write_text(path, run_report(self.row, self.epochs, self.decided))

    def as_json(self) -> dict[str, Any]:
        """JSON types only; see `lrdash.analysis.frames.run_as_json`."""
        return frames.run_as_json(self.row, self.epochs)

    def headline(self) -> str:
        """How it went, in one line."""
        told = self.summary()
        words = f"{self.status} after {told['epochs_done']} of {told['epochs']} epochs"
        words += f" in {wording.duration(self.seconds)}"
        if told["best_epoch"] is not None:
            words += f", best validation loss {wording.number(told['best_val_loss'])}"
            words += f" at epoch {told['best_epoch']}"
        if told.get("final_val_accuracy") is not None:
            words += f", final validation accuracy {wording.percent(told['final_val_accuracy'])}"
        return words

    def __repr__(self) -> str:
        return f"<Run {self.run_id}: {analysis.settings_in_words(self.spec)}; {self.headline()}>"

    def _repr_html_(self) -> str:
        lines = (
            self.row.name or f"Run {self.run_id}", analysis.settings_in_words(self.spec),
            self.headline(), self.reason, *self.notes(),
        )
        strong, *rest = (escape(line) for line in lines)
        return f"<div><strong>{strong}</strong><br>{'<br>'.join(filter(None, rest))}</div>"


def load(run_id: str, store: Store) -> Run:
    """A run as the store has it.

    Raises:
        RunNotFound: if there is none of this id.
        StoreError: if the database cannot be read.
    """
    row = store.run(run_id)
    return Run(
        row=row, epochs=tuple(store.epochs(run_id)), decided=tuple(store.decisions(run_id))
    )
