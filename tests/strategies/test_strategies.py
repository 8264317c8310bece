"""What every strategy promises, closed-form values by hand, and messages about mistakes."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

import lrdash
from lrdash.core.errors import InvalidField, UnknownName
from lrdash.strategies import STRATEGIES, RateProgram, Schedule, make, preview
from lrdash.strategies.base import Horizon

CATALOGUE = (
    "constant", "step", "multistep", "exponential", "inverse_time", "inverse_sqrt", "polynomial",
    "linear", "cosine", "cosine_restarts", "cyclic", "one_cycle", "flat_cosine", "wsd", "points",
    "custom", "plateau",
)
every_strategy = pytest.mark.parametrize("name", CATALOGUE)


def rates(name: str, *, epochs: int = 4, base_lr: float = 1.0, **params: object) -> list[float]:
    """Rates with one update an epoch, rounded to 6 decimals."""
    return preview(name, params, base_lr=base_lr, epochs=epochs).round(6).tolist()


def test_no_id_of_the_catalogue_is_lost() -> None:
    assert set(CATALOGUE) <= set(STRATEGIES)


def test_importing_the_package_needs_neither_keras_nor_pandas() -> None:
    code = "import sys, lrdash; print(sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert "'pydantic'" in loaded
    for heavy in ("keras", "tensorflow", "pandas", "streamlit", "plotly", "sqlalchemy"):
        assert f"'{heavy}'" not in loaded


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        lrdash.trian  # noqa: B018


# Closed-form values by hand


def test_constant_stays() -> None:
    assert rates("constant") == [1, 1, 1, 1]


def test_step_drops_at_the_update_that_ends_the_stretch() -> None:
    assert rates("step", drop_every=2, factor=0.1, epochs=5) == [1, 1, 0.1, 0.1, 0.01]


def test_multistep_drops_at_each_milestone() -> None:
    assert rates("multistep", milestones=[1, 3], factor=0.5) == [1, 0.5, 0.5, 0.25]


def test_a_milestone_inside_an_epoch_drops_there() -> None:
    found = preview("multistep", {"milestones": [0.5], "factor": 0.5}, base_lr=1, epochs=1,
                    steps_per_epoch=4)
    assert found.tolist() == [1, 1, 0.5, 0.5]


def test_exponential_takes_the_root_between_whole_decays() -> None:
    assert rates("exponential", decay_rate=0.25, decay_every=2) == [1, 0.5, 0.25, 0.125]
    assert rates("exponential", decay_rate=0.25, decay_every=2, staircase=True) == [
        1, 1, 0.25, 0.25,
    ]


def test_inverse_time_divides_by_growing_numbers() -> None:
    assert rates("inverse_time", decay_rate=1) == [1, 0.5, round(1 / 3, 6), 0.25]
    assert rates("inverse_time", decay_rate=1, decay_every=2, staircase=True) == [1, 1, 0.5, 0.5]


def test_inverse_sqrt_halves_after_three_time_scales() -> None:
    assert rates("inverse_sqrt", timescale_steps=1)[3] == 0.5


def test_polynomial_and_linear_run_towards_the_end_rate() -> None:
    assert rates("polynomial", power=2, end_factor=0.2) == [1, 0.65, 0.4, 0.25]
    assert rates("linear", end_factor=0.2) == [1, 0.8, 0.6, 0.4]


def test_cosine_is_half_way_at_half_time() -> None:
    assert rates("cosine", alpha=0.2)[::2] == [1, 0.6]


def test_cosine_restarts_start_again_in_longer_and_lower_cycles() -> None:
    found = rates("cosine_restarts", first_cycle=2, t_mul=2, m_mul=0.5, epochs=7)
    high, low = (round((1 + sign * math.sqrt(0.5)) / 4, 6) for sign in (1, -1))
    assert found == [1, 0.5, 0.5, high, 0.25, low, 0.25]


def test_cycles_of_a_fractional_factor_restart_at_the_next_update() -> None:
    found = rates("cosine_restarts", first_cycle=3, t_mul=1.5, epochs=9)  # restarts at 3, 7.5
    assert found[3] == 1
    assert found[8] == round((1 + math.cos(math.pi * 0.5 / 6.75)) / 2, 6)


def test_cyclic_modes_scale_the_triangle() -> None:
    shape = {"half_cycle": 2, "min_factor": 0.2}
    assert rates("cyclic", epochs=5, **shape) == [0.2, 0.6, 1, 0.6, 0.2]
    assert rates("cyclic", epochs=8, mode="triangular2", **shape)[6] == 0.6
    assert rates("cyclic", epochs=8, mode="exp_range", gamma=0.5, **shape)[2] == 0.4


def test_one_cycle_peaks_at_the_update_before_its_share() -> None:
    settings = {"pct_start": 0.3, "div_factor": 10, "final_div_factor": 100}
    found = rates("one_cycle", epochs=10, **settings)
    assert (found[0], found[1], found[2], found[9]) == (0.1, 0.55, 1, 0.001)


def test_one_cycle_in_three_phases_comes_back_before_the_end() -> None:
    settings = {"pct_start": 0.3, "div_factor": 10, "three_phase": True}
    found = rates("one_cycle", epochs=10, **settings)
    assert (found[2], found[4]) == (1, 0.1)
    assert max(found[5:]) < 0.1


def test_one_cycle_without_time_to_rise_only_falls() -> None:
    found = rates("one_cycle", pct_start=0.25)  # the peak is at update 0
    assert found[0] == 1
    assert found == sorted(found, reverse=True)
    assert rates("one_cycle", pct_start=1, epochs=1) == [1]


def test_flat_cosine_falls_only_at_the_end() -> None:
    assert rates("flat_cosine", pct_start=0.5, end_factor=0) == [1, 1, 1, 0.5]
    assert rates("flat_cosine", pct_start=1) == [1, 1, 1, 1]


def test_wsd_never_wastes_the_first_update_unless_asked() -> None:
    settings = {"warmup_fraction": 0.2, "decay_fraction": 0.4, "decay_shape": "linear"}
    assert rates("wsd", epochs=10, **settings) == [0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25]
    assert rates("wsd", epochs=10, warmup_from_zero=True, **settings)[:3] == [0, 0.5, 1]


def test_points_are_joined_by_lines_or_waves() -> None:
    corners = [[0, 0], [0.5, 1], [1, 0]]
    assert rates("points", points=corners, epochs=8)[:4] == [0, 0.25, 0.5, 0.75]
    wave = [round((1 - math.cos(math.pi * share / 4)) / 2, 6) for share in range(4)]
    assert rates("points", points=corners, interpolation="cosine", epochs=8)[:4] == wave


# Marks


def test_marks_stand_at_the_first_update_with_the_new_rate() -> None:
    horizon = Horizon(base_lr=0.1, steps_per_epoch=5, updates=100)
    for name, params in (
        ("step", {}), ("multistep", {"milestones": [3, 7]}),
        ("exponential", {"staircase": True}), ("inverse_time", {"staircase": True}),
        ("cosine_restarts", {"first_cycle": 4, "t_mul": 1.5}),
    ):
        made = make(name, params)
        assert isinstance(made, Schedule)
        found = made.rates(horizon)
        change = np.diff(found) if name == "cosine_restarts" else -np.diff(found)
        jumps = {int(at) + 1 for at in np.flatnonzero(change > 0)}
        assert {mark.update for mark in made.marks(horizon)} == jumps, name


def test_a_drop_is_marked_with_both_rates() -> None:
    program = RateProgram(make("step"), base_lr=0.1, epochs=30, steps_per_epoch=10, warmup_epochs=2)
    assert [(mark.update, mark.text) for mark in program.marks()] == [
        (20, "warm-up ends"), (120, "drop 1: 0.1 to 0.05"), (220, "drop 2: 0.05 to 0.025"),
    ]


def test_many_drops_are_marked_evenly() -> None:
    step = make("step", {"drop_every": 1})
    marks = RateProgram(step, base_lr=0.1, epochs=300, steps_per_epoch=1).marks()
    assert len(marks) == 50
    assert (marks[0].update, marks[1].update) == (1, 7)


def test_the_peak_and_the_beginning_of_a_decay_are_marked() -> None:
    def marks(name: str) -> list[tuple[int, str]]:
        program = RateProgram(make(name), base_lr=0.1, epochs=20, steps_per_epoch=5)
        return [(mark.update, mark.text) for mark in program.marks()]

    assert marks("one_cycle") == [(29, "peak 0.1")]
    assert marks("flat_cosine") == [(75, "decay begins")]
    assert marks("wsd") == [(5, "stable from here"), (80, "decay begins")]
    assert marks("points") == [(50, "point 2: 0.1")]
    assert marks("cyclic")[:2] == [(20, "peak 1"), (40, "low")]


# Mistakes


def test_an_unknown_strategy_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"No strategy named 'cosin'\. Did you mean 'cosine'\?"):
        make("cosin")


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("cosine", {"alpha": 1.4}, "cosine.alpha must be between 0 and 1, got 1.4."),
        ("cosine", {"alpa": 0.1},
         "cosine.alpa is not a setting (did you mean 'alpha'? known: alpha), got 0.1."),
        ("multistep", {"milestones": []},
         "multistep.milestones must be a list of 1 to 100 numbers, got []."),
        ("multistep", {"milestones": ["a"]},
         "multistep.milestones must be a list of 1 to 100 numbers, got 'a'."),
        ("step", {"factor": 10**5000},
         "step.factor must be a number above 0 and at most 1, got a number too long to be shown."),
        ("constant", {"factor": 1}, "constant.factor is not a setting (known: none), got 1."),
        ("step", {"factor": 0}, "step.factor must be above 0 and at most 1, got 0."),
        ("step", {"drop_every": "often"},
         "step.drop_every must be a number above 0 and at most 10,000, got 'often'."),
        ("multistep", {"milestones": [5, 3]},
         "multistep.milestones must be epochs above 0 in ascending order, got [5, 3]."),
        ("multistep", {"milestones": [0]},
         "multistep.milestones must be epochs above 0 in ascending order, got [0]."),
        ("cyclic", {"mode": "square"},
         "cyclic.mode must be one of triangular, triangular2, exp_range, got 'square'."),
        ("one_cycle", {"pct_start": 0.6, "three_phase": True},
         "one_cycle.three_phase needs pct_start of at most 0.5, so that up and down fit in, "
         "got True."),
        ("wsd", {"warmup_fraction": 0.5, "decay_fraction": 0.6},
         "wsd.decay_fraction must be at most 1 together with a warmup_fraction of 0.5, got 0.6."),
        ("points", {"points": [[0.1, 1], [1, 0]]},
         "points.points must start at share 0 and end at share 1, got [[0.1, 1], [1, 0]]."),
        ("points", {"points": [[0, 1], [0.7, 1], [0.5, 1], [1, 0]]},
         "points.points must have shares in ascending order, no two alike, "
         "got [[0, 1], [0.7, 1], [0.5, 1], [1, 0]]."),
        ("points", {"points": [[0, 1]]},
         "points.points must have between 2 and 200 points, got [[0, 1]]."),
        ("points", {"points": [[0, -1], [1, 0]]},
         "points.points must have factors between 0 and 10, got [[0, -1], [1, 0]]."),
        ("points", {"points": "flat"},
         "points.points must be a list of [share of training, factor] pairs of numbers, "
         "got 'flat'."),
        ("points", {"points": [[0, 1], [1, math.nan]]},
         "points.points must be a list of [share of training, factor] pairs of numbers, "
         "got [[0, 1], [1, nan]]."),
    ],
)
def test_a_wrong_setting_is_explained(name: str, params: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidField) as caught:
        make(name, params)
    assert str(caught.value) == message


def test_settings_must_be_a_mapping() -> None:
    with pytest.raises(InvalidField, match="params must map names of settings to values"):
        make("step", [1, 2])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"base_lr": 0}, "base_lr must be above 0 and at most 1,000, got 0."),
        ({"epochs": 0}, "epochs must be between 1 and 10,000, got 0."),
        ({"steps_per_epoch": 0}, "steps_per_epoch must be between 1 and 10,000,000, got 0."),
        ({"steps_per_epoch": 1.5}, "steps_per_epoch must be a whole number, got 1.5."),
        ({"warmup_epochs": 10},
         "warmup_epochs must be shorter than the training (10 epochs), got 10."),
        ({"warmup_start_factor": 2}, "warmup_start_factor must be between 0 and 1, got 2."),
        ({"monitored": [1.0] * 9},
         "monitored must have one value for each of the 10 epochs, got 9."),
        ({"monitored": ["low"] * 10}, "monitored must be a list of numbers"),
    ],
)
def test_a_preview_explains_what_it_cannot_use(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidField) as caught:
        preview("plateau", **{"base_lr": 0.1, "epochs": 10, **fields})  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)


def test_milestones_past_the_end_are_refused() -> None:
    with pytest.raises(InvalidField) as caught:
        preview("multistep", {"milestones": [5, 40]}, base_lr=0.1, epochs=30, warmup_epochs=3)
    assert str(caught.value) == (
        "multistep.milestones must lie within the 27 epochs that the strategy covers, got 40."
    )


def test_points_above_the_highest_rate_are_refused() -> None:
    with pytest.raises(InvalidField, match="must keep the rate at or below 1000, got 5000"):
        preview("points", {"points": [[0, 10], [1, 0]]}, base_lr=500, epochs=3)


# Previews of rules


def test_a_rule_without_values_never_cuts() -> None:
    found = preview("plateau", base_lr=0.1, epochs=12, steps_per_epoch=2, warmup_epochs=1.5)
    assert found[3:].tolist() == [0.1] * 21


def test_a_rule_reacts_to_the_values_given() -> None:
    found = preview("plateau", {"patience": 2, "factor": 0.5}, base_lr=0.4, epochs=6,
                    steps_per_epoch=2, monitored=[1, 1, 1, 1, 1, 1])
    assert found[::2].tolist() == [0.4, 0.4, 0.4, 0.2, 0.2, 0.1]
