"""The noisy quadratic model: what is measured is what the exact recursion says."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from lrdash import analysis, figures
from lrdash.analysis.exact import MOST_UPDATES
from lrdash.core.spec import RunSpec
from lrdash.datasets import DATASETS
from lrdash.figures.palette import DASHED, style_of
from lrdash.models import MODELS
from lrdash.planning.experiment import Experiment
from lrdash.planning.plan import make
from lrdash.strategies import STRATEGIES
from tests.factories.training import epochs, trained

PAIR: dict[str, Any] = {"dataset": "noisy_quadratic", "model": "noisy_quadratic"}
SMALL: dict[str, Any] = {  # 80 examples in 6 batches of 12 and one of 8
    **PAIR, "examples": 100, "batch_size": 12, "epochs": 12, "base_lr": 0.6, "momentum": 0.0,
}
MODEL = {"dimensions": 20, "noise": 12.0}  # as much noise as curvature in each update
OWN = {"multistep": {"milestones": [4, 8]}}  # settings that fit 12 epochs
OPEN = [name for name, kind in STRATEGIES.items() if kind.kind != "rule"]
SEEDS = 100
LEVEL = 0.999  # of all intervals of a test together
METRICS = ("loss", "val_loss")
OTHERS = (
    {"momentum": 0.9, "base_lr": 0.2}, {"momentum": 0.6, "nesterov": True, "base_lr": 0.3},
)


def spec(**changes: Any) -> RunSpec:
    own = {"params": OWN.get(changes.get("strategy", ""), {})}
    return RunSpec(**{**SMALL, "model_params": MODEL, **own, **changes})


@cache
def measured(*changes: tuple[str, Any]) -> dict[str, NDArray[np.float64]]:
    """The losses of every open-loop strategy [strategies, seeds, epochs], by metric."""
    specs = [
        spec(strategy=name, seed=seed, **dict(changes)) for name in OPEN for seed in range(SEEDS)
    ]
    runs = [[one.metrics for one in epochs(events)] for events in trained(specs, "lanes")]
    return {
        metric: np.array([[one[metric] for one in run] for run in runs]).reshape(
            len(OPEN), SEEDS, -1
        )
        for metric in METRICS
    }


def expected(metric: str, **changes: Any) -> NDArray[np.float64]:
    """The exact losses of every open-loop strategy [strategies, epochs]."""
    plans = [make(spec(strategy=name, **changes)) for name in OPEN]
    return np.array([getattr(analysis.exact_losses(plan), metric) for plan in plans])


def outside(metric: str, exact: NDArray[np.float64], **changes: Any) -> NDArray[np.bool_]:
    """Where the exact value lies outside the interval of the mean [strategies, epochs]."""
    values = measured(*changes.items())[metric]
    error = values.std(axis=1, ddof=1) / np.sqrt(SEEDS)
    sided = (1 - LEVEL) / (2 * exact.size)  # Bonferroni over strategies and epochs
    reach = stats.t.ppf(1 - sided, SEEDS - 1) * error
    return np.abs(values.mean(axis=1) - exact) > reach


# What is measured is what is expected


def test_every_strategy_but_the_rules_has_an_exact_curve() -> None:
    assert set(STRATEGIES) - set(OPEN) == {"plateau"}


@pytest.mark.parametrize("changes", [{}, *OTHERS], ids=["plain", "momentum", "nesterov"])
@pytest.mark.parametrize("metric", METRICS)
def test_the_exact_loss_lies_within_the_interval_of_every_open_loop_strategy(
    metric: str, changes: dict[str, Any]
) -> None:
    found = outside(metric, expected(metric, **changes), **changes)
    assert not found.any(), [OPEN[place] for place in np.unique(np.nonzero(found)[0])]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("noise", [9.0, 15.0])
def test_a_quarter_less_or_more_noise_would_be_found_out(metric: str, noise: float) -> None:
    wrong = expected(metric, model_params={**MODEL, "noise": noise})
    assert outside(metric, wrong).any(axis=1).mean() > 0.4


def test_losses_scatter_from_seed_to_seed_as_they_should() -> None:
    values, exact = measured()["val_loss"], expected("val_std")
    assert values.std(axis=1, ddof=1) / exact == pytest.approx(np.ones_like(exact), abs=0.45)
    assert (values.std(axis=1, ddof=1) / exact).mean() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("engine", ["lanes", "keras"])
@pytest.mark.parametrize("changes", [{}, *OTHERS], ids=["plain", "momentum", "nesterov"])
def test_without_noise_a_run_is_the_recursion_itself(engine: str, changes: dict[str, Any]) -> None:
    quiet = {"model_params": {**MODEL, "noise": 0.0}, **changes}
    names = OPEN if engine == "lanes" else ["one_cycle"]
    runs = trained([spec(strategy=name, seed=3, **quiet) for name in names], engine)
    for name, events in zip(names, runs, strict=True):
        exact = analysis.exact_losses(make(spec(strategy=name, **quiet)))
        for metric in METRICS:
            losses = [one.metrics[metric] for one in epochs(events)]
            assert losses == pytest.approx(getattr(exact, metric), rel=2e-5), (name, metric)


def test_keras_draws_noise_of_the_same_size() -> None:
    """One epoch of many directions at a low rate: the sum over them is nearly certain."""
    many = {"model_params": {"dimensions": 1000, "noise": 12.0}, "epochs": 1, "base_lr": 1.0}
    exact = analysis.exact_losses(make(spec(**many)))
    runs = trained([spec(**many, seed=seed) for seed in range(12)], "keras")
    losses = [epochs(events)[0].metrics["val_loss"] for events in runs]
    error = exact.val_std[0] / np.sqrt(len(losses))
    assert np.mean(losses) == pytest.approx(exact.val_loss[0], abs=stats.norm.ppf(LEVEL) * error)


def test_arms_of_one_seed_feel_the_same_noise_and_other_seeds_another() -> None:
    arms = [
        spec(strategy="constant"), spec(strategy="custom", params={"expression": "base_lr"}),
        spec(strategy="constant", seed=1),
    ]
    one, twin, other = (
        [epoch.metrics["val_loss"] for epoch in epochs(events)] for events in trained(arms, "lanes")
    )
    assert one == twin
    assert not set(one) & set(other)


# The recursion


def by_impulses(rates: list[float], momentum: float, *, nesterov: bool) -> tuple[float, float]:
    """Mean and variance of x for curvature 1 / 2 and noise of variance 1, from what each draw of
    noise alone leaves behind: an update is linear in all of them."""
    count = len(rates)
    x, v = np.zeros(count + 1), np.zeros(count + 1)
    x[0] = 1.0
    for place, rate in enumerate(rates):
        gradient = 0.5 * x
        gradient[place + 1] += 1.0
        v = momentum * v - rate * gradient
        x = x + momentum * v - rate * gradient if nesterov else x + v
    return float(x[0]), float((x[1:] ** 2).sum())


@pytest.mark.parametrize(
    ("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True), (0.3, True)]
)
def test_the_moments_are_those_that_each_draw_leaves_behind(
    momentum: float, nesterov: bool
) -> None:
    rates = np.random.default_rng(4).uniform(0, 1, 12).tolist()
    known = {"momentum": momentum, "nesterov": nesterov}
    two, one = (
        analysis.expected_losses(rates, [5], dimensions=count, noise=10.0, **known)
        for count in (2, 1)
    )
    mean, variance = by_impulses(rates, momentum, nesterov=nesterov)
    second = two.val_loss[-1] - one.val_loss[-1]  # of direction 2, noise 10 / 2 / 5 = 1
    assert second == pytest.approx(0.25 * (mean**2 + variance), rel=1e-12)
    spread = two.val_std[-1] ** 2 - one.val_std[-1] ** 2
    assert spread == pytest.approx(
        0.0625 * (2 * variance**2 + 4 * mean**2 * variance), rel=1e-9
    )


def test_a_constant_rate_ends_on_the_floor_that_its_size_sets() -> None:
    curvature = 1 / np.arange(1, 6)
    for rate in (0.1, 0.4):
        found = analysis.expected_losses([rate] * 2000, [8], dimensions=5, noise=2.0)
        floor = rate * 2.0 / 8 / (2 - rate * curvature)  # E[x^2] of each direction
        assert found.val_loss[-1] == pytest.approx(0.5 * curvature @ floor, rel=1e-9)


def test_decay_falls_through_the_floor() -> None:
    ends = {
        name: analysis.exact_losses(make(RunSpec(**PAIR, strategy=name, base_lr=1.0, momentum=0)))
        for name in ("constant", "cosine", "linear")
    }
    assert ends["cosine"].val_loss[-1] < 0.2 * ends["constant"].val_loss[-1]
    assert ends["linear"].val_loss[-1] < 0.2 * ends["constant"].val_loss[-1]
    assert ends["constant"].val_loss[4] < ends["cosine"].val_loss[4] * 1.1


def test_the_training_loss_is_the_mean_before_each_update_weighted_by_its_batch() -> None:
    found = analysis.expected_losses([0.5, 0.5], [3, 1], dimensions=1, noise=0.0)
    assert found.loss.tolist() == [(3 * 0.5 + 1 * 0.125) / 4]
    assert found.val_loss.tolist() == [0.03125]


def test_a_rate_above_2_overflows_without_a_warning() -> None:
    found = analysis.expected_losses([50.0] * 400, [1] * 4, dimensions=2, noise=1.0)
    assert not np.isfinite(found.val_loss[-1])
    curves = analysis.exact_curves({"hot": spec(base_lr=50.0, epochs=200)})
    assert curves["val_loss"].isna().any()
    assert not np.isinf(curves["val_loss"]).any()


# When there is an exact curve


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"optimizer": "adam"}, "the recursion holds for SGD only"),
        ({"loss": "mae"}, "the loss is not the squared error"),
        ({"strategy": "plateau"}, "its rates depend on the noise"),
        ({"early_stopping": {"patience": 3}}, "early stopping depends on the noise"),
        ({"epochs": MOST_UPDATES // 7 + 1}, "it has more than 50,000 updates"),
    ],
)
def test_where_nothing_exact_is_known_that_is_said(changes: dict[str, Any], why: str) -> None:
    specs = {"it": spec(**changes)}
    assert analysis.exact_curves(specs).empty
    assert analysis.exact_note(specs) == f"No exact curve: {why}."
    both = {"it": spec(**changes), "cosine": spec(strategy="cosine")}
    assert analysis.exact_note(both).endswith(f"No exact curve for it: {why}.")
    assert set(analysis.exact_curves(both)["label"]) == {"cosine"}


def test_other_models_have_neither_curve_nor_note() -> None:
    specs = {"digits": RunSpec()}
    assert analysis.exact_curves(specs).empty
    assert analysis.exact_note(specs) == ""


def test_the_exact_curve_of_a_comparison_is_that_of_the_best_peak() -> None:
    arms = [{"strategy": "constant"}, {"strategy": "cosine"}]
    experiment = Experiment(base=spec(), arms=arms, base_lrs=(0.1, 0.5))
    rows = [
        {"label": label, "strategy": strategy, "base_lr": rate, "status": "finished",
         "final_val_loss": loss, "epochs_done": 12}
        for label, strategy, losses in (("Constant", "constant", (1.0, 2.0)),
                                        ("Cosine decay", "cosine", (2.0, 1.0)))
        for rate, loss in zip((0.1, 0.5), losses, strict=True)
    ]
    frame = analysis.at_best_peaks(experiment, frame_of(rows))
    assert {label: one.base_lr for label, one in frame.items()} == {
        "Constant": 0.1, "Cosine decay": 0.5,
    }
    other = Experiment(base=RunSpec(), arms=arms, base_lrs=(0.1, 0.5))
    assert analysis.at_best_peaks(other, frame_of(rows)) == {}


def frame_of(rows: list[dict[str, Any]]) -> Any:
    import pandas as pd

    return pd.DataFrame(rows)


# How it is drawn


def test_exact_lines_are_dashed_in_the_colour_of_their_strategy() -> None:
    exact = analysis.exact_curves({"Cosine decay": spec(strategy="cosine")})
    band = exact.rename(columns={"val_loss": "mean"}).drop(columns="loss")
    band = band.assign(low=band["mean"], high=band["mean"], runs=1)
    figure = figures.compare_loss_figure(band, exact=exact)
    mean, line, key = figure.data
    assert (line.name, line.legendgroup) == ("Cosine decay, exact", "Cosine decay")
    assert (line.line.color, line.line.dash) == (style_of("cosine").colour, DASHED["dash"])
    assert mean.line.color == style_of("cosine").faint(0.5)
    assert line.y == pytest.approx(exact["val_loss"].to_numpy(), rel=1e-6)
    assert (key.name, key.showlegend, line.showlegend) == ("exact", None, False)
    without = figures.compare_loss_figure(band, exact=exact, metric="gradient_norm")
    assert len(without.data) == 1


def test_the_chart_of_a_run_has_the_exact_validation_loss_behind_the_live_traces() -> None:
    import pandas as pd

    exact = analysis.exact_curves({"run": spec(strategy="cosine")})
    nothing = pd.DataFrame({"epoch": [], "loss": [], "val_loss": []})
    rates = pd.DataFrame({"update": [], "epoch": [], "learning_rate": []})
    figure = figures.training_figure(
        nothing, rates, strategy="cosine", epochs_total=12, exact=exact
    )
    line = figure.data[-1]
    assert len(figure.data) == figures.LIVE_TRACES + 3
    assert line.name == "exact validation loss"
    assert (line.line.color, line.line.dash) == (style_of("cosine").colour, DASHED["dash"])
    assert list(line.y) == pytest.approx(exact["val_loss"].tolist())
    assert figure.layout.yaxis.type == "log"
    usual = figures.training_figure(nothing, rates, strategy="cosine", epochs_total=12)
    assert usual.layout.yaxis.type != "log"
    assert len(usual.data) == figures.LIVE_TRACES + 2


# The pair


def test_the_pair_goes_only_with_each_other() -> None:
    shape = DATASETS["noisy_quadratic"].shape
    assert [name for name, kind in MODELS.items() if kind.misfit(shape) is None] == [
        "noisy_quadratic"
    ]
    model = MODELS["noisy_quadratic"]
    assert [name for name, data in DATASETS.items() if model.misfit(data.shape) is None] == [
        "noisy_quadratic"
    ]


def test_the_noise_is_active_in_training_only_and_leaves_the_value_alone() -> None:
    import keras

    keras.utils.set_random_seed(0)
    built = make(spec()).model.build(DATASETS["noisy_quadratic"].shape)
    nothing = np.zeros((3, 0), np.float32)
    loss = 0.5 * (1 / np.arange(1, 21)).sum()
    for training in (False, True):
        output = np.asarray(built(nothing, training=training))
        assert (output**2).ravel() == pytest.approx([loss] * 3, rel=1e-6)


def test_the_keras_code_of_the_pair_minimises_the_squared_error() -> None:
    code = make(RunSpec(**PAIR, strategy="cosine")).keras_code()
    assert 'loss="mse"' in code
    assert "metrics" not in code
