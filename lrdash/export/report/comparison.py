"""The report of a comparison: question, answer, charts, verdicts, settings, how to repeat it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrdash import analysis
from lrdash.analysis import frames
from lrdash.analysis.verdicts import Verdicts
from lrdash.core import wording
from lrdash.export.report import facts, html, numbers
from lrdash.export.report.command import compare_command, engine_of
from lrdash.export.report.drawings import comparison_charts
from lrdash.export.report.page import page
from lrdash.planning import plan as planning
from lrdash.planning.experiment import VARIED, Experiment
from lrdash.planning.plan import Plan
from lrdash.store.rows import ExperimentRow, RunRow


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a comparison shows, computed once."""

    row: ExperimentRow
    experiment: Experiment
    runs: Sequence[RunRow]
    plan: Plan  # of its first run
    arms: pd.DataFrame
    curves: pd.DataFrame
    board: pd.DataFrame
    verdicts: Verdicts

    @property
    def ranked(self) -> pd.DataFrame:
        """The lines of the leaderboard that have a final validation loss."""
        return self.board.dropna(subset="final_val_loss")


def comparison_report(
    row: ExperimentRow, runs: Sequence[RunRow], columns: Mapping[str, NDArray[Any]]
) -> str:
    """A complete HTML document of about 2 MB that needs no other file and no network.

    Args:
        row: the experiment.
        runs: its runs, in the order of their creation.
        columns: their epochs, from `Experiments.curves`.

    Raises:
        InvalidField: if this version of lrdash cannot read the stored experiment.
    """
    found = _found(row, runs, columns)
    title = row.name or ", ".join(found.experiment.labels())
    made = [
        html.header(title, _line(found)),
        html.section("Question", html.paragraph(_question(found))),
        html.section("Answer", _answer(found)),
        html.section("Leaderboard", numbers.board_table(found.board, row.target)),
        html.section("Charts", *_charts(found)),
        html.section("Verdicts", _verdicts(found.verdicts)),
        html.section("How this was judged", html.marked(found.verdicts.method)),
        html.section("Settings", *_settings(found)),
        html.section("Repeat it", *_repeat(found)),
        html.section("Runs", _runs(found)),
    ]
    return page(title, "".join(made))


def _found(
    row: ExperimentRow, runs: Sequence[RunRow], columns: Mapping[str, NDArray[Any]]
) -> Found:
    experiment = Experiment.from_json(row.definition)
    curves = frames.curves_frame(columns, runs)
    arms = frames.arms_frame(runs, curves)
    return Found(
        row=row, experiment=experiment, runs=runs, arms=arms, curves=curves,
        plan=runs[0].plan if runs else planning.make(experiment.specs()[0][1]),
        board=analysis.leaderboard(arms, curves, row.target),
        verdicts=analysis.judge(arms, curves),
    )


def _line(found: Found) -> str:
    counts = found.row.counts
    ends = [f"{number} {status}" for status, number in counts.items() if number]
    over = [run.ended_at for run in found.runs if run.ended_at]
    made: datetime = max(over, default=found.row.created_at)
    return (
        f"{wording.plural(found.row.runs, 'run')} ({', '.join(ends)}) of "
        f"{wording.plural(found.experiment.base.epochs, 'epoch')}, "
        f"{made:%Y-%m-%d %H:%M} UTC. Comparison {found.row.experiment_id}."
    )


def _question(found: Found) -> str:
    experiment, plan = found.experiment, found.plan
    rates = wording.listed(map(wording.rate, experiment.base_lrs))
    name = plan.model.label.lower() if experiment.base.trainable_here else plan.model.label
    many = wording.plural(
        len(experiment.arms), "learning-rate strategy", "learning-rate strategies"
    )
    return (
        f"Which of {many}, at which peak rate, gives the {name} on {plan.dataset.label} the lowest "
        f"validation loss after {wording.plural(plan.spec.epochs, 'epoch')}? Each strategy trained "
        f"at peak rates {rates}, with {wording.plural(len(experiment.seeds), 'seed')} each."
    )


def _answer(found: Found) -> str:
    unfinished = "Some runs are not finished, so this result is provisional."
    note = html.paragraph(unfinished) if found.verdicts.provisional else ""
    sentence = f'<div class="answer">\n{html.marked(found.verdicts.sentence)}{note}</div>\n'
    if found.ranked.empty:
        return sentence
    best = found.ranked.iloc[0]
    tiles = {
        "Lowest mean": str(best["label"]), "Best peak rate": wording.rate(best["best_base_lr"]),
        "Validation loss": numbers.interval(best["final_val_loss"], best["low"], best["high"]),
        "Validation accuracy": wording.percent(best["final_val_accuracy"]),
    }
    if not np.isfinite(best["final_val_accuracy"]):
        del tiles["Validation accuracy"]
    note = str(best["edge_note"])
    edge = html.paragraph(f"{note[:1].upper()}{note[1:]}." if note else "")
    return sentence + html.tiles(tiles) + edge


def _charts(found: Found) -> list[str]:
    if found.curves.empty:
        return [html.paragraph("No run has finished an epoch yet, so there is nothing to draw.")]
    return comparison_charts(
        found.arms, found.curves, epochs=found.experiment.base.epochs, target=found.row.target
    )


def _verdicts(verdicts: Verdicts) -> str:
    if verdicts.pairs.empty:
        return html.paragraph("With one strategy, there are no pairs to judge.")
    return numbers.pairs_table(verdicts.pairs)


def _settings(found: Found) -> list[str]:
    experiment = found.experiment
    notes = dict.fromkeys(note for run in found.runs for note in analysis.notes_of(run))
    rows = [
        ("Peak rates", ", ".join(f"{rate:g}" for rate in experiment.base_lrs)),
        ("Seeds", ", ".join(map(str, experiment.seeds))),
        ("Target validation loss", facts.in_words(found.row.target)),
    ]
    return [
        facts.arms_table(experiment),
        html.table(("Setting", "Values"), rows, caption="What varies", texts=2),
        facts.settings_table(found.plan, without=VARIED), facts.data_table(found.plan),
        *map(html.paragraph, notes),
    ]


def _repeat(found: Found) -> list[str]:
    recipe, title = None, ""
    if not found.ranked.empty:
        best, arms = found.ranked.iloc[0], found.arms
        own = arms[(arms["label"] == best["label"]) & (arms["base_lr"] == best["best_base_lr"])]
        recipe = next(run for run in found.runs if run.run_id == own["run_id"].iloc[0])
        title = f"{best['label']} at {wording.rate(best['best_base_lr'])} as a Keras script"
    return facts.how_to_repeat(
        found.experiment.base,
        lambda: compare_command(
            found.experiment, name=found.row.name, engine=engine_of(found.runs)
        ),
        found.runs, recipe=recipe, title=title,
    )


def _runs(found: Found) -> str:
    listed = numbers.runs_table(found.arms, [run.reason for run in found.runs])
    return html.folded_if_long("runs", len(found.runs), listed)
