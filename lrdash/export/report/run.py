"""The report of one run: curves, decisions about the rate, settings, how to repeat it."""

from __future__ import annotations

from collections.abc import Sequence

from lrdash import analysis, figures
from lrdash.analysis import frames
from lrdash.core import wording
from lrdash.core.events import RateDecided
from lrdash.export.report import facts, html
from lrdash.export.report.charts import Chart
from lrdash.export.report.command import engine_of, train_command
from lrdash.export.report.page import page
from lrdash.planning.plan import Plan
from lrdash.store.rows import EpochRow, RunRow


def run_report(
    row: RunRow, epochs: Sequence[EpochRow], decisions: Sequence[RateDecided] = ()
) -> str:
    """A complete HTML document of about 2 MB that needs no other file and no network."""
    plan = row.plan
    title = row.name or f"{plan.strategy.label} on {plan.dataset.label}"
    made = [
        html.header(title, analysis.settings_in_words(row.spec)),
        html.section("Result", _result(row, epochs)),
        html.section("Curves", *_curves(plan, row, epochs, decisions)),
        html.section("What the callback decided", _decisions(decisions)),
        html.section("Epochs", _epochs(epochs)),
        html.section(
            "Settings", facts.settings_table(plan), facts.data_table(plan),
            *map(html.paragraph, analysis.notes_of(row)),
        ),
        html.section("Repeat it", *facts.how_to_repeat(
            row.spec, lambda: train_command(row.spec, name=row.name, engine=engine_of([row])),
            [row], recipe=row, title="The same run as a Keras script", epochs=epochs,
        )),
    ]
    return page(title, "".join(made))


def _result(row: RunRow, epochs: Sequence[EpochRow]) -> str:
    result = analysis.summary(frames.epochs_frame(epochs), row.spec)
    end = f"{row.status.capitalize()} after {row.epochs_done} of {row.spec.epochs} epochs in "
    end += wording.duration(row.seconds) + (f": {row.reason}" if row.reason else "") + "."
    tiles = {
        "Final validation loss": wording.number(result.get("final_val_loss")),
        "Best validation loss": wording.number(result.get("best_val_loss")),
        "Best epoch": str(result["best_epoch"] or wording.number(None)),
        "Final validation accuracy": wording.percent(result.get("final_val_accuracy")),
        "Last learning rate": wording.rate(result["learning_rate"]),
    }
    if "final_val_accuracy" not in result:
        del tiles["Final validation accuracy"]
    return f'<div class="answer">\n{html.paragraph(end)}</div>\n{html.tiles(tiles)}'


def _curves(
    plan: Plan, row: RunRow, epochs: Sequence[EpochRow], decisions: Sequence[RateDecided]
) -> list[str]:
    if not epochs:
        return [html.paragraph("No epoch was completed, so there is nothing to draw.")]
    rates = frames.rates_frame(epochs)
    changes = analysis.rate_changes(
        rates["learning_rate"].to_numpy(), [len(one.rates) for one in epochs], decisions,
        plan.program().marks(), before=epochs[0].epoch - 1,
    )
    figure = figures.training_figure(
        frames.epochs_frame(epochs), rates, changes, strategy=row.spec.strategy,
        epochs_total=row.spec.epochs, height=520,
    )
    chart = Chart(
        name="run", title="Loss and learning rate", figure=figure,
        caption="Top: the faint line is the training loss, the strong line the validation loss; a "
        "star marks the best epoch. Bottom: the rate of every update on a logarithmic axis; a "
        "triangle marks where and why it changed.",
        alt=f"Training loss, validation loss and learning rate over {row.spec.epochs} epochs; the "
        "table of epochs has the numbers.",
    )
    words = plan.strategy.sentence()
    return [html.paragraph(words), f'<div class="charts single">\n{chart.html()}</div>\n']


def _decisions(decisions: Sequence[RateDecided]) -> str:
    if not decisions:
        return ""
    rows = [
        (str(made.epoch), made.reason, wording.rate(made.rate_before),
         wording.rate(made.rate_after))
        for made in decisions
    ]
    columns = ("Epochs done", "Decision", "Rate before", "Rate after")
    return html.table(columns, rows, caption="One decision for each epoch", texts=2)


def _epochs(epochs: Sequence[EpochRow]) -> str:
    if not epochs:
        return ""
    recorded = dict.fromkeys(name for row in epochs for name in row.metrics)
    names = [name for name in frames.METRICS if name in recorded]
    names += [name for name in recorded if name not in frames.METRICS]
    titles = [name.replace("val_", "validation ").replace("_", " ").capitalize() for name in names]
    rows = [
        (str(row.epoch), *(_metric(name, row.metrics.get(name)) for name in names),
         wording.rate(row.learning_rate), f"{row.seconds:.2f}")
        for row in epochs
    ]
    found = html.table(("Epoch", *titles, "Rate", "Seconds"), rows, caption="Every epoch")
    return html.folded_if_long("epochs", len(rows), found)


def _metric(name: str, value: float | None) -> str:
    return wording.percent(value) if "accuracy" in name else wording.number(value)
