"""The figures of the page Inside the callback."""

from __future__ import annotations

import math

import numpy as np

from lrdash import figures
from lrdash.strategies.custom import Custom
from lrdash.strategies.plateau import Plateau
from lrdash.strategies.program import RateProgram
from lrdash.teaching import Recorded, first_difference, grid, replay, walk_plateau, walk_scheduler

VALUES = (1.0, 0.9, 0.95, 0.92, 0.91, 0.93, math.nan, 0.8)
RULE = Plateau(patience=2)
RECORD = Recorded(values=VALUES, base_lr=0.1)


def test_a_walk_is_drawn_with_traces_that_the_browser_can_cut() -> None:
    figure = figures.walk_figure(walk_plateau(RULE, RECORD), VALUES, metric="val_loss")
    growing = {t.name: t for t in figure.data if t.meta and t.meta["grows"] == "upto"}
    assert list(growing) == [
        "val_loss", "best so far", "to beat", "learning rate", "rate changed", "wait",
    ]
    assert growing["val_loss"].y[6] is None
    assert growing["to beat"].y[1] == 1.0 - 1e-4
    assert list(growing["wait"].y) == [0, 0, 1, 2, 1, 2, 1, 0]
    assert list(growing["rate changed"].x) == [4, 6]
    assert (growing["learning rate"].x[0], growing["learning rate"].y[0]) == (0, 0.1)
    assert growing["learning rate"].y[4] == 0.05
    assert [t for t in figure.data if t.meta and t.meta["grows"] == "only"]
    assert figure.layout.shapes[0].type == "line"


def test_axes_of_a_walk_have_fixed_ranges_so_that_nothing_jumps() -> None:
    for values in (VALUES, (2.0, 2.0), (100.0, 1.0, 0.01), (0.0, -1.0)):
        walk = walk_plateau(RULE, Recorded(values=values, base_lr=0.1))
        layout = figures.walk_figure(walk, values, metric="val_loss").layout
        for axis in (layout.xaxis, layout.yaxis, layout.yaxis2, layout.yaxis3):
            low, high = axis.range
            assert low < high


def test_a_loss_over_decades_is_drawn_on_a_log_axis_and_an_accuracy_never() -> None:
    record = Recorded(values=(1.0, 0.1, 0.05), base_lr=0.1)
    walk = walk_plateau(RULE, record)
    assert figures.walk_figure(walk, record.values, metric="loss").layout.yaxis.type == "log"
    assert figures.walk_figure(walk, record.values, metric="accuracy").layout.yaxis.type is None


def test_a_scheduler_has_no_wait_and_may_have_no_metric() -> None:
    program = RateProgram(Custom(expression="lr / 2"), base_lr=0.1, epochs=5, steps_per_epoch=1)
    layout = figures.walk_figure(walk_scheduler(program), (), metric="metric").layout
    assert "yaxis3" not in layout.to_plotly_json()
    assert layout.xaxis.range[1] > 4


def test_a_guess_is_dotted_from_the_first_difference_on() -> None:
    was, would = replay(Plateau(patience=3), RECORD), replay(RULE, RECORD)
    differs = first_difference(was, would)
    figure = figures.whatif_figure(RECORD, was, would, differs, metric="val_loss")
    lines = {trace.name: trace for trace in figure.data}
    certain, guess = lines["would have been, certain"], lines["a guess from here on"]
    assert differs == certain.x[-1] == guess.x[0] == 4
    assert certain.y[-1] == guess.y[0] or certain.y[-1] == 0.1
    assert guess.line.dash == "dot"
    assert list(lines["would have cut"].x) == list(would.cuts)
    assert figure.layout.annotations[0].text == "first difference"


def test_without_a_difference_nothing_is_a_guess() -> None:
    was = replay(RULE, RECORD)
    figure = figures.whatif_figure(RECORD, was, was, None, metric="val_loss")
    assert "a guess from here on" not in [trace.name for trace in figure.data]
    assert not figure.layout.annotations


def test_the_actual_training_is_drawn_over_the_guess() -> None:
    was, would = replay(Plateau(patience=3), RECORD), replay(RULE, RECORD)
    actual = figures.Actual(values=(1.0, 0.5), rates=(0.1, 0.05))
    figure = figures.whatif_figure(RECORD, was, would, 4, metric="val_loss", actual=actual)
    lines = {trace.name: trace for trace in figure.data}
    assert list(lines["val_loss, trained"].y) == [1.0, 0.5]
    assert list(lines["rate, trained"].y) == [0.1, 0.05, 0.05]  # to the end of its last epoch


def test_a_first_cut_later_than_that_of_the_record_has_a_question_mark() -> None:
    found = grid(RULE, RECORD)
    marked = figures.grid_figure(found, show="first", was=(2, 0.0), chosen=(3, 0.0), sure=4)
    counted = figures.grid_figure(found, show="count", was=(2, 0.0), chosen=(3, 0.0), sure=4)
    free = figures.grid_figure(found, show="first", was=(2, 0.0), chosen=(3, 0.0))
    assert list(marked.data[1].text[0][:3]) == ["3", "4", "5?"]
    assert "?" not in str(counted.data[1].text) + str(free.data[1].text)


def test_the_grid_greys_what_is_never_cut_and_frames_record_and_choice() -> None:
    found = grid(RULE, RECORD)
    for show, counts in (("first", found.first), ("count", found.count)):
        figure = figures.grid_figure(
            found, show=show, was=(3, 1e-4), chosen=(2, 1e-4)  # type: ignore[arg-type]
        )
        never, cut = figure.data
        shade = np.array(cut.z, dtype=float)
        assert np.array_equal(np.isnan(shade), found.count == 0)
        assert np.array_equal(np.isnan(np.array(never.z, dtype=float)), found.count > 0)
        assert np.array_equal(shade[~np.isnan(shade)], counts[found.count > 0])
        _, was, _, chosen = figure.layout.shapes
        assert was.line.color != chosen.line.color
        assert (was.x0 + was.x1) / 2 == 2
        assert (chosen.x0 + chosen.x1) / 2 == 1
        assert (was.y0 + was.y1) / 2 == 2
