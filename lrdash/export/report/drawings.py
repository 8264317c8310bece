"""The figures of a report, how to read them, and their numbers."""

from __future__ import annotations

import pandas as pd

from lrdash import analysis, figures
from lrdash.export.report.charts import Chart, grid
from lrdash.export.report.numbers import bowl_table, curve_table

MEANS = "Mean over the seeds, with its 95% interval in parentheses"


def comparison_charts(
    arms: pd.DataFrame, curves: pd.DataFrame, *, epochs: int, target: float | None
) -> list[str]:
    """Loss, rates, bowl and heat map with captions and tables, as HTML."""
    styles = figures.arm_styles(arms)
    bowl = analysis.bowl(arms)
    loss, rates = analysis.band(curves, arms), analysis.band(curves, arms, metric="learning_rate")
    names = ", ".join(str(label) for label in arms["label"].unique())
    return [grid([
        Chart(
            name="loss", title="Validation loss at the best peak rates",
            figure=figures.compare_loss_figure(
                loss, styles, log=True, target=target, epochs=epochs
            ),
            caption="Mean over the seeds; the band is the 95% interval (Student's t). Lower is "
            "better. A line ends where a run diverged or failed. The axis is logarithmic.",
            alt=f"Lines of mean validation loss over {epochs} epochs for {names}.",
            numbers=curve_table(loss, caption=MEANS),
        ),
        Chart(
            name="rates", title="Learning rates at the best peak rates",
            figure=figures.compare_rates_figure(rates, styles, epochs=epochs, height=420),
            caption="The rate of the last update in each epoch, on a logarithmic axis. A rate of 0 "
            "leaves a gap.",
            alt=f"Lines of the learning rate over {epochs} epochs for {names}.",
            numbers=curve_table(rates, caption="Mean rate at the end of an epoch", rates=True),
        ),
        Chart(
            name="bowl", title="The bowl: final validation loss against peak rate",
            figure=figures.bowl_figure(bowl, styles),
            caption="A wide, flat bowl tolerates a badly chosen rate. A cross at the upper edge "
            "marks a rate where runs diverged or failed. Bars are 95% intervals.",
            alt=f"Lines of final validation loss over the peak rates for {names}.",
            numbers=bowl_table(bowl, caption=MEANS),
        ),
        Chart(
            name="heatmap", title="Strategy and peak rate",
            figure=figures.heatmap_figure(bowl),
            caption="Mean final validation loss: dark is low, a star marks each strategy's best "
            "rate, and grey cells have runs that diverged or failed. The numbers are those of the "
            "bowl.",
            alt=f"A heat map of mean final validation loss by peak rate for {names}.",
        ),
    ])]
