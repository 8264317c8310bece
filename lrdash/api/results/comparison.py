"""A comparison as a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrdash import analysis
from lrdash.analysis import frames
from lrdash.api.plain import rows
from lrdash.api.results.base import Result
from lrdash.core import wording
from lrdash.core.errors import InvalidField
from lrdash.core.events import Status
from lrdash.planning.experiment import Experiment
from lrdash.store import ExperimentRow, RunRow, Store

if TYPE_CHECKING:
    import plotly.graph_objects as go

Kind = Literal["loss", "rates", "bowl", "heatmap"]
KINDS = ("loss", "rates", "bowl", "heatmap")
ORDER: tuple[Status, ...] = ("running", "queued", "failed", "interrupted", "stopped")


@dataclass(frozen=True, kw_only=True, repr=False)
class Comparison(Result):
    """A comparison with all its runs."""

    kind: ClassVar[str] = "Experiment"
    id_field: ClassVar[str] = "experiment_id"

    row: ExperimentRow
    rows: tuple[RunRow, ...]  # in the order in which they were made
    columns: Mapping[str, NDArray[Any]]  # see `Experiments.curves`

    @property
    def status(self) -> Status:
        """`running` or `queued` while any run is; `finished` where all runs finished or diverged;
        else that of the runs that failed, were interrupted or stopped.
        """
        of_runs = {status for status, number in self.row.counts.items() if number}
        return next((one for one in ORDER if one in of_runs), "finished")

    @property
    def reason(self) -> str:
        """Why it ended so: that of the first run that ended so; may be empty."""
        if self.status == "finished":
            return ""
        return next((row.reason for row in self.rows if row.status == self.status), "")

    @property
    def experiment_id(self) -> str:
        """Its id in the store and in the app."""
        return self.row.experiment_id

    @property
    def experiment(self) -> Experiment:
        """What was compared.

        Raises:
            InvalidField: if it was stored by a version of lrdash that this one cannot read.
        """
        return Experiment.from_json(self.row.definition)

    @property
    def seconds(self) -> float:
        """Seconds from the start of the first run to the end of the last, 0 before that."""
        begun = [row.started_at for row in self.rows if row.started_at]
        over = [row.ended_at for row in self.rows if row.ended_at]
        return max(0.0, (max(over) - min(begun)).total_seconds()) if begun and over else 0.0

    def notes(self) -> tuple[str, ...]:
        """Remarks about the data and optimizer of the runs, why this engine trained them, and
        whether the rate has any effect.
        """
        of_runs = (note for row in self.rows for note in analysis.notes_of(row))
        return (*dict.fromkeys(of_runs), *analysis.without_effect(self.curves()))

    def frame(self) -> pd.DataFrame:
        """One row a run; see `lrdash.analysis.frames.arms_frame`."""
        return frames.arms_frame(self.rows, self.curves(), frames.own_metrics(self.rows))

    def curves(self) -> pd.DataFrame:
        """One row an epoch of each run; see `lrdash.analysis.frames.curves_frame`."""
        return frames.curves_frame(self.columns, self.rows)

    def summary(self, target: float | None = None) -> pd.DataFrame:
        """One row a strategy, each at its own best peak rate, the best one first; see
        `lrdash.analysis.leaderboard`.

        Args:
            target: a validation loss to reach; by default that of the experiment.
        """
        wanted = self.row.target if target is None else target
        return analysis.leaderboard(self.frame(), self.curves(), wanted)

    def verdicts(
        self,
        metric: str = "final_val_loss",
        *,
        baseline: str | None = None,
        target: float | None = None,
        mode: Literal["auto", "min", "max"] = "auto",
    ) -> analysis.Verdicts:
        """Which strategies are better than which, and where that may be seed noise; see
        `lrdash.analysis.judge`.

        Args:
            metric: one of `lrdash.analysis.METRICS`, or `final_`, `best_` or `area_` before the
                name of a metric of your own, e.g. `final_val_auc`.
            baseline: label of a strategy that the sentence compares all others with.
            target: a validation loss to reach; by default that of the experiment.
            mode: of a metric of your own: `min` or `max` says what is better; `auto` reads it from
                the name.

        Raises:
            UnknownName, InvalidField: as there.
        """
        wanted = self.row.target if target is None else target
        return analysis.judge(
            self.frame(), self.curves(), metric=metric, baseline=baseline, target=wanted, mode=mode
        )

    def figure(self, kind: Kind = "loss", *, metric: str = "val_loss") -> go.Figure:
        """The comparison drawn.

        Args:
            kind: `loss`: mean validation loss of each strategy at its best peak rate, and the exact
                one where it is known; `rates`: the rates that those used; `bowl`: final validation
                loss against peak rate; `heatmap`: the same as a table of colours.
            metric: drawn by the kind `loss` in place of the validation loss: loss, accuracy,
                val_accuracy, or one of your own.

        Raises:
            InvalidField: for another kind or metric.
        """
        from lrdash import figures

        self._check_figure(kind, metric)
        arms = self.frame()
        if kind == "heatmap":
            return figures.heatmap_figure(analysis.bowl(arms))
        styles = figures.arm_styles(arms)
        if kind == "bowl":
            return figures.bowl_figure(analysis.bowl(arms), styles)
        if kind == "rates":
            rates = analysis.band(self.curves(), arms, metric="learning_rate")
            return figures.compare_rates_figure(rates, styles)
        band = analysis.band(self.curves(), arms, metric=metric)
        exact = analysis.exact_curves(analysis.at_best_peaks(self.experiment, arms))
        target = self.row.target if metric == "val_loss" else None
        return figures.compare_loss_figure(
            band, styles, metric=metric, target=target, exact=exact
        )

    def _check_figure(self, kind: str, metric: str) -> None:
        if kind not in KINDS:
            raise InvalidField("kind", f"must be one of {', '.join(KINDS)}", kind)
        if kind != "loss" and metric != "val_loss":
            raise InvalidField("metric", f"must be left out for the kind {kind}", metric)
        curves = self.curves()
        usual = [name for name in ("loss", "val_loss", "accuracy", "val_accuracy")
                 if curves[name].notna().any()]
        names = [*usual, *frames.own_metrics(self.rows)]
        if metric not in (*names, "val_loss"):
            raise InvalidField("metric", f"must be one of {', '.join(names)}", metric)

    def _report(self) -> str:
        from lrdash.export.report import comparison_report

        return comparison_report(self.row, self.rows, self.columns)

    def as_json(self) -> dict[str, Any]:
        """JSON types only, None for what is not finite or does not apply.

        Returns:
            experiment_id, name, arms (one object a run, in the order arms x base_lrs x seeds:
            label, strategy, base_lr, seed, run_id, status, reason, the final and best validation
            loss and accuracy, the final values of own metrics, epochs_done, seconds), summary (one
            object a strategy, the best first: strategy, label, best_base_lr, at_edge,
            mean_final_val_loss, interval_low and interval_high at 95%, mean_final_val_accuracy,
            all at that rate, then runs, diverged and failed of all its rates, epochs_to_target,
            reached, bowl_width), verdicts (one object for each two strategies, see
            `lrdash.analysis.Verdicts`), sentence (those in words) and seconds.
        """
        arms = self.frame().assign(reason=[row.reason for row in self.rows])
        board = self.summary().rename(columns={
            "final_val_loss": "mean_final_val_loss", "low": "interval_low", "high": "interval_high",
            "final_val_accuracy": "mean_final_val_accuracy",
        })
        verdicts = self.verdicts()
        return {
            "experiment_id": self.experiment_id,
            "name": self.row.name,
            "arms": rows(arms),
            "summary": rows(board.drop(columns=["sparkline"])),
            "verdicts": rows(verdicts.pairs),
            "sentence": analysis.without_markdown(verdicts.sentence),
            "seconds": self.seconds,
        }

    def headline(self) -> str:
        """How it went, in one line."""
        counts = [f"{number} {status}" for status, number in self.row.counts.items() if number]
        words = f"{self.row.runs} runs ({', '.join(counts)}) in {wording.duration(self.seconds)}"
        board = self.summary()
        if len(board) and np.isfinite(board["final_val_loss"].iloc[0]):
            best = board.iloc[0]
            words += (
                f"; lowest validation loss {wording.number(best['final_val_loss'])}: "
                f"{best['label']} at peak rate {wording.rate(best['best_base_lr'])}"
            )
        return words

    def table(self) -> list[dict[str, str]]:
        """The summary in words: one row a strategy, its columns by title."""
        arms, own = self.frame(), frames.own_metrics(self.rows)
        shown = [name for name in own if name.startswith("val_") or f"val_{name}" not in own]
        return [
            _in_words(row) | {name: _mean_at_peak(arms, row, name) for name in shown}
            for row in self.summary().to_dict(orient="records")
        ]

    def _title(self) -> str:
        return self.row.name or f"Experiment {self.id}"


def load_comparison(experiment_id: str, store: Store) -> Comparison:
    """An experiment as the store has it.

    Raises:
        NotFound: if there is none of this id.
        StoreError: if the database cannot be read.
    """
    row = store.experiments.one(experiment_id)
    rows = tuple(store.runs.of_experiment(experiment_id))
    metrics = (*frames.METRICS, *frames.own_metrics(rows))
    columns = store.experiments.curves(experiment_id=experiment_id, metrics=metrics)
    return Comparison(row=row, rows=rows, columns=columns)


def _mean_at_peak(arms: pd.DataFrame, row: Mapping[Any, Any], metric: str) -> str:
    """The mean last value of an own metric at an arm's best peak rate, in words."""
    if not np.isfinite(row["final_val_loss"]):  # without those that diverged it looks too good
        return wording.number(None)
    there = (arms["label"] == row["label"]) & (arms["base_lr"] == row["best_base_lr"])
    return wording.number(float(arms.loc[there, f"final_{metric}"].mean()))


def _in_words(row: Mapping[Any, Any]) -> dict[str, str]:
    loss = wording.number(row["final_val_loss"])
    if np.isfinite(row["low"]):
        loss += f" ({wording.number(row['low'])} to {wording.number(row['high'])})"
    words = {
        "Strategy": str(row["label"]),
        "Best peak rate": wording.rate(row["best_base_lr"]) + (" (edge)" * row["at_edge"]),
        "Validation loss": loss,
        "Accuracy": wording.percent(row["final_val_accuracy"]),
        "Runs": str(row["runs"]),
        "Diverged": str(row["diverged"]),
    }
    if np.isfinite(row["epochs_to_target"]):
        words["Epochs to target"] = wording.number(row["epochs_to_target"])
    return words
