from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from lrdash import analysis, figures
from lrdash.analysis import frames
from lrdash.core.errors import InvalidField
from lrdash.strategies import STRATEGIES
from tests.factories.frames import INF, Trained, comparison, framed, grid, lines

BUDGET = 1_500_000  # bytes of all figures of a page with 500 runs of 100 epochs
EMPTY = frames.curves_frame(comparison([])[1], [])


def named(figure: Any, name: str) -> list[Any]:
    return [trace for trace in figure.data if trace.name == name]


def arms_of(*pairs: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(pairs), columns=["label", "strategy"])


# Looks


def test_the_first_arm_of_a_strategy_looks_as_everywhere() -> None:
    styles = figures.arm_styles(arms_of(("A", "cosine"), ("B", "cosine"), ("C", "step")))
    assert list(styles) == ["A", "B", "C"]
    assert styles["A"] == figures.style_of("cosine")
    assert styles["C"] == figures.style_of("step")
    assert styles["B"].colour == styles["A"].colour
    assert styles["B"].dash != styles["A"].dash


def test_a_further_arm_never_takes_the_look_of_another_strategy_present() -> None:
    styles = figures.arm_styles(
        arms_of(("A", "cosine"), ("B", "cosine"), ("C", "cosine_restarts"), ("D", "flat_cosine"))
    )
    assert styles["C"] == figures.style_of("cosine_restarts")
    assert len(set(map(repr, styles.values()))) == 4


@pytest.mark.parametrize("count", [20, 48])
def test_many_arms_of_one_strategy_all_look_different(count: int) -> None:
    styles = figures.arm_styles(arms_of(*((f"{place}", "cosine") for place in range(count))))
    assert len({(style.colour, style.dash) for style in styles.values()}) == count


def test_arms_beyond_all_looks_still_have_one() -> None:
    styles = figures.arm_styles(arms_of(*((f"{place}", "cosine") for place in range(60))))
    assert len(styles) == 60


# Loss


def test_an_arm_is_a_line_with_its_band_behind() -> None:
    band = lines([("A", "cosine", 1, 2.0, 1.0, 3.0), ("A", "cosine", 2, 1.0, 0.5, 1.5)])
    figure = figures.compare_loss_figure(band)
    area, line = figure.data
    assert (area.fill, area.hoverinfo, area.showlegend) == ("toself", "skip", False)
    assert area.x.tolist() == [1, 2, 2, 1]
    assert area.y.tolist() == [3.0, 1.5, 0.5, 1.0]
    assert line.y.tolist() == [2.0, 1.0]
    assert line.line.color == figures.style_of("cosine").colour
    assert area.legendgroup == line.legendgroup == "A"
    assert figure.layout.yaxis.title.text == "Validation loss"


def test_the_hover_names_all_arms_with_their_intervals() -> None:
    band = lines([("A", "cosine", 1, 2.0, 1.0, 3.0), ("B", "step", 1, 1.0, 0.5, 1.5)])
    figure = figures.compare_loss_figure(band)
    assert figure.layout.hovermode == "x unified"
    (line,) = [trace for trace in named(figure, "B") if trace.hoverinfo != "skip"]
    assert "customdata[0]" in line.hovertemplate
    assert line.customdata.tolist() == [[0.5, 1.5, 3.0]]


def test_one_seed_has_no_band() -> None:
    figure = figures.compare_loss_figure(lines([("A", "cosine", 1, 2.0, 2.0, 2.0)]))
    assert len(figure.data) == 1


def test_on_a_log_axis_a_band_never_falls_to_zero() -> None:
    band = lines([("A", "cosine", 1, 2.0, -1.0, 5.0), ("A", "cosine", 2, 1.0, -2.0, 4.0)])
    figure = figures.compare_loss_figure(band, log=True)
    assert figure.layout.yaxis.type == "log"
    assert figure.data[0].y.tolist()[2:] == pytest.approx([0.1, 0.1])
    assert figures.compare_loss_figure(band).data[0].y.min() == -2.0


def test_a_line_that_ends_in_divergence_has_a_gap_there() -> None:
    nan = float("nan")
    band = lines([
        ("A", "cosine", 1, 2.0, 1.0, 3.0), ("A", "cosine", 2, nan, nan, nan),
        ("A", "cosine", 3, nan, nan, nan),
    ])
    area, line = figures.compare_loss_figure(band).data
    assert np.isnan(line.y[1:]).all()
    assert area.x.tolist() == [1, 1]


def test_one_bad_arm_does_not_hide_the_others() -> None:
    band = lines([
        *[("A", "cosine", epoch, 0.1, 0.1, 0.1) for epoch in range(1, 10)],
        ("B", "step", 1, 1e30, 1e30, 1e30),
    ])
    assert figures.compare_loss_figure(band).layout.yaxis.range == (0, pytest.approx(2.0))


def test_a_target_is_a_line_across() -> None:
    band = lines([("A", "cosine", 5, 2.0, 2.0, 2.0)])
    (target,) = named(figures.compare_loss_figure(band, target=0.25), "target 0.250")
    assert list(target.x) == [0, 5]
    assert list(target.y) == [0.25, 0.25]


def test_the_axis_of_a_comparison_under_way_is_as_long_as_planned() -> None:
    band = lines([("A", "cosine", 5, 2.0, 2.0, 2.0)])
    for draw in (figures.compare_loss_figure, figures.compare_rates_figure):
        assert tuple(draw(band, epochs=30).layout.xaxis.range) == (0, 30)
        assert tuple(draw(band).layout.xaxis.range) == (0, 5)


def test_accuracy_is_drawn_in_percent() -> None:
    figure = figures.compare_loss_figure(
        lines([("A", "cosine", 1, 0.9, 0.8, 1.0)]), metric="val_accuracy"
    )
    assert figure.layout.yaxis.title.text == "Validation accuracy (%)"
    assert figure.layout.yaxis.tickformat == ".0%"


# Rates


def test_rates_stand_on_a_log_axis_in_steps() -> None:
    rates = lines([("A", "step", 1, 0.1, 0.1, 0.1), ("A", "step", 2, 0.0, 0.0, 0.0)])
    figure = figures.compare_rates_figure(rates)
    (line,) = figure.data
    assert line.line.shape == "vh"
    assert line.y[0] == pytest.approx(0.1)
    assert np.isnan(line.y[1])
    assert figure.layout.yaxis.type == "log"
    assert figure.layout.xaxis.title.text == "Epochs done"


# Bowl


def test_the_bowl_is_a_line_an_arm_over_the_log_of_the_rate() -> None:
    arms, _ = framed(grid({0.1: [1.0, 3.0], 1.0: [4.0, 4.0]}))
    figure = figures.bowl_figure(analysis.bowl(arms))
    (line,) = figure.data
    assert figure.layout.xaxis.type == "log"
    assert line.x.tolist() == pytest.approx([0.1, 1.0])
    assert line.y.tolist() == [2.0, 4.0]
    assert line.text[1] == "4.00 (4.00 to 4.00, 2 runs)"
    assert line.error_y.array[1] == 0


def test_diverged_rates_are_crosses_at_the_upper_edge_that_show_the_rest() -> None:
    runs: list[Trained] = [
        ("cosine", 0.1, 0, "finished", [1.0]), ("cosine", 1.0, 0, "finished", [2.0]),
        ("cosine", 1.0, 1, "diverged", []), ("step", 1.0, 0, "failed", []),
    ]
    figure = figures.bowl_figure(analysis.bowl(framed(runs)[0]))
    line, cross = named(figure, "Cosine")
    assert np.isnan(line.y[1])
    assert (cross.yaxis, cross.marker.symbol) == ("y2", "x-thin")
    assert cross.text[0] == "1 of 2 diverged; the others average 2.00"
    _, other = named(figure, "Step")
    assert other.text[0] == "1 of 1 failed"
    assert other.y[0] < cross.y[0] <= 1
    assert tuple(figure.layout.yaxis2.range) == (0, 1)


def test_the_bowl_takes_a_log_axis_where_the_losses_span_much() -> None:
    arms, _ = framed(grid({0.1: [0.01, 0.02], 1.0: [4.0, 90.0]}))
    figure = figures.bowl_figure(analysis.bowl(arms))
    assert figure.layout.yaxis.type == "log"
    line = figure.data[0]
    assert (line.error_y.arrayminus <= 0.9 * line.y + 1e-6).all()
    assert figures.bowl_figure(analysis.bowl(arms), log=False).layout.yaxis.type == "linear"


# Heat map


def test_the_heat_map_has_numbers_stars_and_marks_of_divergence() -> None:
    runs = [
        *grid({0.1: [0.5, 0.7], 0.01: [1.0, 1.0]}), ("step", 0.1, 0, "diverged", []),
        ("step", 0.1, 1, "finished", [3.0]),
    ]
    figure = figures.heatmap_figure(analysis.bowl(framed(runs)[0]))
    means, lost = figure.data
    assert list(means.x) == ["0.01", "0.1"]
    assert list(means.y) == ["Cosine", "Step"]
    assert means.text == (["1.00", "0.600 ★"], ["", ""])
    assert means.colorscale[0][1] == "#00224e"  # cividis
    assert np.isnan(means.z[1]).all()
    assert lost.text[1] == ["", "× 1/2"]
    assert lost.customdata[1][1] == "1 of 2 diverged; the others average 3.00"
    assert np.isnan(lost.z[0]).all()


def test_a_heat_map_of_lost_runs_alone_can_be_drawn() -> None:
    figure = figures.heatmap_figure(analysis.bowl(framed([("step", 1.0, 0, "diverged", [])])[0]))
    assert figure.data[1].text == (["× 1/1"],)


def test_a_heat_map_shows_a_loss_of_zero() -> None:
    figure = figures.heatmap_figure(analysis.bowl(framed(grid({0.1: [0.0], 0.2: [0.5]}))[0]))
    assert np.isfinite(figure.data[0].z).all()


def test_names_of_users_are_shown_letter_by_letter() -> None:
    arms = framed(grid({0.1: [0.5], 0.2: [0.7]}))[0].assign(label="<b>mine</b>")
    bowl = analysis.bowl(arms)
    assert figures.heatmap_figure(bowl).data[0].y == ("&lt;b>mine&lt;/b>",)
    drawn = figures.literal_names(figures.bowl_figure(bowl))
    assert {trace.name for trace in drawn.data} == {"&lt;b>mine&lt;/b>"}


# Overlay


def test_runs_of_one_label_are_one_trace_with_gaps() -> None:
    _, curves = framed([
        ("cosine", 0.1, 0, "finished", [3.0, 2.0]), ("cosine", 0.2, 1, "finished", [5.0, 4.0]),
    ])
    figure = figures.overlay_figure(curves)
    (trace,) = figure.data
    assert trace.x.tolist() == [1, 2, 2, 1, 2, 2]
    assert trace.y[[0, 1, 3, 4]].tolist() == [3.0, 2.0, 5.0, 4.0]
    assert np.isnan(trace.y[[2, 5]]).all()
    assert trace.customdata[3].tolist() == pytest.approx([0.2, 1])
    assert "seed" in trace.hovertemplate
    assert figure.layout.hovermode == "closest"


def test_smoothing_leaves_the_raw_line_faint_below() -> None:
    _, curves = framed([("cosine", 0.1, 0, "finished", [3.0, 1.0])])
    raw, smoothed = figures.overlay_figure(curves, smoothing=0.5).data
    assert raw.y[:2].tolist() == [3.0, 1.0]
    assert (raw.hoverinfo, raw.showlegend) == ("skip", False)
    assert raw.line.color.startswith("rgba")
    assert smoothed.y[:2].tolist() == pytest.approx(analysis.smooth([3.0, 1.0], 0.5).tolist())


@pytest.mark.parametrize(
    ("x", "title", "places"),
    [("epoch", "Epochs done", [1, 2]), ("update", "Updates done", [4, 8]),
     ("seconds", "Seconds of training", [0.5, 1.0])],
)
def test_runs_can_be_laid_over_epochs_updates_and_seconds(
    x: Any, title: str, places: list[float]
) -> None:
    _, curves = framed([("cosine", 0.1, 0, "finished", [3.0, 2.0])])
    figure = figures.overlay_figure(curves, x=x)
    assert figure.layout.xaxis.title.text == title
    assert figure.data[0].x[:2].tolist() == places


def test_runs_with_names_of_their_own_share_one_hover() -> None:
    rows, columns = comparison(grid({0.1: [3.0], 0.2: [4.0]}))
    names = analysis.distinct_names([row.spec for row in rows])
    figure = figures.overlay_figure(frames.curves_frame(columns, rows, names))
    assert [trace.name for trace in figure.data] == ["peak rate 0.1", "peak rate 0.2"]
    assert figure.layout.hovermode == "x unified"
    assert len({(trace.line.color, trace.line.dash) for trace in figure.data}) == 2


def test_the_metric_can_be_log_and_may_be_the_rate() -> None:
    _, curves = framed([("cosine", 0.1, 0, "finished", [3.0, 2.0])])
    figure = figures.overlay_figure(curves, metric="learning_rate", log=True)
    assert figure.layout.yaxis.type == "log"
    assert figure.layout.yaxis.title.text == "Learning rate (log)"
    assert figures.overlay_figure(curves, log=True).layout.yaxis.type == "log"


def test_updates_beyond_two_bytes_keep_their_place() -> None:
    _, curves = framed([("cosine", 0.1, 0, "finished", [3.0, 2.0])])
    figure = figures.overlay_figure(curves.assign(update=[70_000, 140_000]), x="update")
    assert figure.data[0].x[:2].tolist() == [70_000, 140_000]


def test_a_long_run_is_thinned_to_a_hundred_points_with_its_ends() -> None:
    _, curves = framed([("cosine", 0.1, 0, "finished", list(np.linspace(3, 1, 5000)))])
    (trace,) = figures.overlay_figure(curves).data
    assert len(trace.x) == 101
    assert trace.x[[0, 99]].tolist() == [1, 5000]


def test_a_wrong_smoothing_is_refused() -> None:
    _, curves = framed([("cosine", 0.1, 0, "finished", [3.0])])
    with pytest.raises(InvalidField, match="smoothing"):
        figures.overlay_figure(curves, smoothing=1.5)


# All of them


def all_figures(curves: pd.DataFrame, arms: pd.DataFrame) -> dict[str, Any]:
    """Every figure of the page, everything on."""
    styles = figures.arm_styles(arms)
    band = analysis.band(curves, arms)
    rates = analysis.band(curves, arms, metric="learning_rate")
    bowl = analysis.bowl(arms)
    return {
        "loss": figures.compare_loss_figure(band, styles, target=0.2),
        "rates": figures.compare_rates_figure(rates, styles),
        "bowl": figures.bowl_figure(bowl, styles),
        "heat map": figures.heatmap_figure(bowl),
        "overlay": figures.overlay_figure(curves, x="seconds", smoothing=0.6, styles=styles),
    }


def test_nothing_to_compare_gives_empty_axes() -> None:
    arms = frames.arms_frame([], EMPTY)
    styles = figures.arm_styles(arms)
    band = analysis.band(EMPTY, arms)
    for figure in [
        figures.compare_loss_figure(band, styles), figures.compare_loss_figure(band, log=True),
        figures.compare_rates_figure(band, styles), figures.bowl_figure(analysis.bowl(arms)),
        figures.heatmap_figure(analysis.bowl(arms)), figures.overlay_figure(EMPTY, smoothing=0.5),
    ]:
        assert not figure.data
        assert figure.layout.xaxis.title.text
        assert figure.layout.uirevision == "keep"


def test_arms_that_all_wait_or_are_lost_can_be_drawn() -> None:
    arms, curves = framed([("step", 0.1, 0, "queued", []), ("cosine", 0.1, 0, "diverged", [INF])])
    for figure in all_figures(curves, arms).values():
        assert figure.to_json()


def test_losses_beyond_32_bits_leave_a_gap() -> None:
    arms, curves = framed([("step", 0.1, 0, "running", [1.0, 1e60])])
    figure = all_figures(curves, arms)["loss"]
    assert np.isnan(figure.data[0].y[1])


def test_five_hundred_runs_of_a_hundred_epochs_stay_within_the_budget() -> None:
    random = np.random.default_rng(0)
    runs: list[Trained] = [
        (strategy, rate, seed, "finished", list(random.lognormal(-2, 1, 100)))
        for strategy in list(STRATEGIES)[:10]
        for rate in (0.01, 0.03, 0.1, 0.3, 1.0)
        for seed in range(10)
    ]
    arms, curves = framed(runs, epochs=100)
    sizes = {name: len(figure.to_json()) for name, figure in all_figures(curves, arms).items()}
    assert len(arms) == 500
    assert sum(sizes.values()) < BUDGET, sizes
