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
from lrdash.core.errors import LrdashError
from lrdash.export import program
from lrdash.export.report import facts, html, numbers
from lrdash.export.report.command import VARIED, compare_command, engine_of
from lrdash.export.report.drawings import comparison_charts
from lrdash.export.report.page import page
from lrdash.planning import external
from lrdash.planning import plan as planning
from lrdash.planning.experiment import Experiment
from lrdash.planning.plan import Plan
from lrdash.store.rows import ExperimentRow, RunRow

FOLD = 40  # runs; a longer table is folded away


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is known of a comparison, computed once."""

    row: ExperimentRow
    experiment: Experiment
    runs: Sequence[RunRow]
    plan: Plan  # of its first run
    arms: pd.DataFrame
    curves: pd.DataFrame
    board: pd.DataFrame
    verdicts: Verdicts


def comparison_report(
    row: ExperimentRow, runs: Sequence[RunRow], columns: Mapping[str, NDArray[Any]]
) -> str:
    """A complete HTML document of about 2 MB that needs no other file and no network.

    Args:
        row: the experiment.
        runs: its runs, in the order in which they were made.
        columns: their epochs, from `Experiments.curves`.

    Raises:
        InvalidField: if the experiment was stored by a version that this one cannot read.
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
        plan=planning.make(runs[0].spec if runs else experiment.specs()[0][1]),
        board=analysis.leaderboard(arms, curves, row.target),
        verdicts=analysis.judge(arms, curves),
    )


def _line(found: Found) -> str:
    counts = found.row.counts
    ends = [f"{number} {status}" for status, number in counts.items() if number]
    over = [run.ended_at for run in found.runs if run.ended_at]
    made: datetime = max(over, default=found.row.created_at)
    return (
        f"{found.row.runs} runs ({', '.join(ends)}) of {found.experiment.base.epochs} epochs, "
        f"{made:%Y-%m-%d %H:%M} UTC. Comparison {found.row.experiment_id}."
    )


def _question(found: Found) -> str:
    experiment, plan = found.experiment, found.plan
    rates = ", ".join(wording.rate(rate) for rate in experiment.base_lrs)
    seeds = len(experiment.seeds)
    name = plan.model.label.lower() if experiment.base.trainable_here else plan.model.label
    many = "strategies" if len(experiment.arms) > 1 else "strategy"
    return (
        f"Which of {len(experiment.arms)} learning-rate {many}, at which peak rate, gives the "
        f"{name} on {plan.dataset.label} the lowest validation loss after "
        f"{plan.spec.epochs} epochs? Tried at peak rates {rates}, each with {seeds} "
        f"{'seed' if seeds == 1 else 'seeds'}."
    )


def _answer(found: Found) -> str:
    known = found.board[np.isfinite(found.board["final_val_loss"].to_numpy(dtype=np.float64))]
    unfinished = "Some runs are not finished, so this is provisional."
    note = html.paragraph(unfinished) if found.verdicts.provisional else ""
    said = f'<div class="answer">\n{html.marked(found.verdicts.sentence)}{note}</div>\n'
    if known.empty:
        return said
    best = known.iloc[0]
    tiles = {
        "Lowest mean": str(best["label"]), "Best peak rate": wording.rate(best["best_base_lr"]),
        "Validation loss": numbers.interval(best["final_val_loss"], best["low"], best["high"]),
        "Validation accuracy": wording.percent(best["final_val_accuracy"]),
    }
    if not np.isfinite(best["final_val_accuracy"]):
        del tiles["Validation accuracy"]
    note = str(best["edge_note"])
    edge = html.paragraph(f"{note[:1].upper()}{note[1:]}." if note else "")
    return said + numbers.tiles(tiles) + edge


def _charts(found: Found) -> list[str]:
    if found.curves.empty:
        return [html.paragraph("No run has done an epoch yet, so there is nothing to draw.")]
    return comparison_charts(
        found.arms, found.curves, epochs=found.experiment.base.epochs, target=found.row.target
    )


def _verdicts(verdicts: Verdicts) -> str:
    if verdicts.pairs.empty:
        return html.paragraph("There is one strategy, so there are no pairs to judge.")
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
        html.table(("What varies", "Values"), rows, caption="What was varied", texts=2),
        facts.settings_table(found.plan, without=VARIED), facts.data_table(found.plan),
        *map(html.paragraph, notes),
    ]


def _repeat(found: Found) -> list[str]:
    if reason := external.why_not(found.experiment.base):
        return [html.paragraph(reason), facts.versions_table(found.runs)]
    command = compare_command(
        found.experiment, name=found.row.name, engine=engine_of(found.runs)
    )
    told = [
        html.paragraph("This command trains the same comparison anew, with every setting."),
        html.code(command, "Command"), facts.versions_table(found.runs),
    ]
    known = found.board[np.isfinite(found.board["final_val_loss"].to_numpy(dtype=np.float64))]
    if known.empty:
        return told
    best, arms = known.iloc[0], found.arms
    own = arms[(arms["label"] == best["label"]) & (arms["base_lr"] == best["best_base_lr"])]
    spec = next(run.spec for run in found.runs if run.run_id == own["run_id"].iloc[0])
    try:
        recipe = program.script(planning.make(spec))
    except LrdashError:  # a dataset or model of the user's own
        return told
    fold = f"{best['label']} at {wording.rate(best['best_base_lr'])} as a Keras script"
    return [*told, html.folded(fold, html.code(recipe, "Keras script"))]


def _runs(found: Found) -> str:
    told = numbers.runs_table(found.arms, [run.reason for run in found.runs])
    if len(found.runs) <= FOLD:
        return told
    return html.folded(f"All {len(found.runs):,} runs", told)
