"""Pages, tables and exports with runs that lrdash only watched or read from files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lrdash import api, figures, log_run
from lrdash.analysis import frames
from lrdash.core.errors import InvalidField
from lrdash.core.events import EpochEnded, Event, RateDecided
from lrdash.core.spec import Facts, RunSpec
from lrdash.export.report import run_report
from lrdash.store import Store
from lrdash.strategies.recorded import Recorded
from lrdash.teaching import replay
from lrdash.tracking.importing import Upload, bring, read_uploads
from lrdash.ui.inside import sources
from lrdash.ui.train import history
from tests.factories.pages import keys, page, words
from tests.factories.runs import PLATEAU, VALUES, imported, watched


def test_a_watched_run_is_shown_without_what_only_lrdash_can_do(store: Store) -> None:
    test = page("train", run=watched(store))
    assert not {"again", "resume", "stop"} & keys(test)
    said = words(test)
    assert "Another program trained it, and lrdash only watched" in said
    assert "Interrupted after 4 of 4 epochs in 1.0 s: Ctrl-C" in said
    assert "Keras code" not in str(test.get("button_group"))
    table = test.dataframe[0].value
    assert list(table["val_auc"]) == list(reversed(VALUES))
    assert [metric.value for metric in test.metric][-1] == "0.05"


def test_a_run_that_still_trains_is_stopped_where_it_runs(store: Store) -> None:
    test = page("train", run=watched(store, over=False))
    assert "stop it there" in words(test)
    assert "stop" not in keys(test)


@pytest.mark.parametrize("sizes", [(3, 5), (5, 5, 3), (7, 3, 8, 1), (1, 0, 2), (4, 1, 1)])
def test_epochs_of_different_lengths_are_drawn_each_over_its_own_updates(
    sizes: tuple[int, ...], store: Store
) -> None:
    with log_run("uneven", epochs=len(sizes)) as run:
        for epoch, size in enumerate(sizes, start=1):
            rates = [0.1 / epoch] * size
            run.epoch(loss=1 / epoch, **({"learning_rate": rates} if rates else {}))
    rows = store.runs.epochs(str(run.run_id))
    table = frames.rates_frame(rows)
    assert len(table) == sum(sizes)
    assert table["update"].is_monotonic_increasing
    assert table["epoch"].is_monotonic_increasing
    assert table["epoch"].max() < len(sizes)
    drawn = figures.training_figure(
        frames.epochs_frame(rows), table, strategy="recorded", epochs_total=len(sizes)
    ).data[2]
    for epoch, size in enumerate(sizes, start=1):
        if size:
            inside = [y for x, y in zip(drawn.x, drawn.y, strict=True) if epoch - 1 < x < epoch]
            assert inside == pytest.approx([0.1 / epoch] * (size - 1), rel=1e-6)
            assert drawn.y[list(drawn.x).index(epoch)] == pytest.approx(0.1 / epoch, rel=1e-6)
    page("train", run=str(run.run_id))


def test_a_run_without_rates_says_so(store: Store) -> None:
    test = page("train", run=imported(store))
    assert "no learning rate was recorded" in words(test)
    assert test.metric[-1].value == "\N{EN DASH}"
    assert test.metric[-1].delta == "not recorded"
    assert "Finished after 2 of 2 epochs." in words(test)


def test_its_callback_can_be_walked_through_with_its_own_metric(store: Store) -> None:
    run_id = watched(store)
    test = page("inside", run=run_id)
    assert [error.value for error in test.error] == []
    assert test.session_state["walked"] == run_id
    assert "cannot be trained here" in words(test) or "What if" in words(test)
    test.number_input(key="whatif.patience").set_value(2).run()
    assert "This cannot be trained here. Another program trained it" in words(test)


def test_a_scheduler_is_walked_through_by_what_it_gave(store: Store) -> None:
    test = page("inside", run=watched(store, callback="LearningRateScheduler"))
    assert not test.error
    assert "whatif.patience" not in {one.key for one in test.number_input}


def every_other_epoch(store: Store, *, first: int = 1) -> str:
    """A fit with `validation_freq=2`: the rule reads val_auc after each second epoch alone."""
    spec = RunSpec(
        dataset="a", model="b", strategy="recorded", params={**PLATEAU, "patience": 2},
        base_lr=0.1, epochs=first + 7, origin="watched",
        facts=Facts(steps_per_epoch=1, metrics=("loss", "val_auc")),
    )
    run_id = store.runs.create(
        spec, steps_per_epoch=1, updates=8, parameters=10, engine="keras", name="mine",
        worker_id="w",
    )
    waits = iter([(0, 0.1), (0, 0.1), (1, 0.1), (0, 0.05)])
    rate, said = 0.1, list[Event]()
    for epoch in range(first, first + 8):
        read = (epoch - first) % 2 == 1
        metrics = {"loss": 1.0, **({"val_auc": 0.6} if read else {})}
        said.append(EpochEnded(
            epoch=epoch, metrics=metrics, rates=np.float32([rate]), seconds=1.0))
        if read:
            wait, after = next(waits)
            said.append(RateDecided(
                epoch=epoch, rate_before=rate, rate_after=after, reason="", monitor="val_auc",
                monitored=0.6, best=0.6, wait=wait, cooldown=0))
            rate = after
    store.runs.record([(run_id, event) for event in said])
    return run_id


@pytest.mark.parametrize("first", [1, 4])
def test_epochs_without_the_metric_are_left_out_of_the_walk(store: Store, first: int) -> None:
    source = sources.of_run(every_other_epoch(store, first=first))
    second = first + 1
    assert [moment.epoch for moment in source.walk.moments] == [
        second, second + 2, second + 4, second + 6]
    assert [moment.wait for moment in source.walk.moments] == [0, 1, 2, 1]
    assert source.walk.cuts == (second + 4,)
    assert "4 epochs have no val_auc" in source.remarks
    assert source.rule
    assert source.recorded
    assert replay(source.rule, source.recorded).cuts == (second + 4,)
    figure = figures.walk_figure(source.walk, source.values, metric="val_auc")
    assert all(trace.connectgaps for trace in figure.data[:2])


def test_a_metric_that_was_no_number_is_read_as_the_callback_read_it(store: Store) -> None:
    run_id = watched(store)
    rows = [replace(row, metrics={**row.metrics, "val_auc": float("nan")})
            for row in store.runs.epochs(run_id)]
    source = sources._watched(store.runs.one(run_id), rows)
    assert [moment.epoch for moment in source.walk.moments] == [1, 2, 3, 4]
    assert "no val_auc" not in source.remarks


def test_a_large_smallest_improvement_is_walked_like_any_other(store: Store) -> None:
    run_id = watched(store, **{**PLATEAU, "min_delta": 100.0})
    test = page("inside", run=run_id)
    assert not test.error
    assert test.number_input(key="whatif.min_delta").value == 100.0
    assert Recorded(**{**PLATEAU, "min_delta": 1e9}).rule().min_delta == 1e9
    for wrong in (-1.0, float("inf"), float("nan")):
        with pytest.raises(InvalidField, match="min_delta must be"):
            Recorded(**{**PLATEAU, "min_delta": wrong})


def test_curves_with_gaps_are_drawn_over_them(store: Store) -> None:
    run_id, whole = every_other_epoch(store), watched(store)
    rows = [store.runs.one(one) for one in (run_id, whole)]
    columns = store.experiments.curves(run_ids=[run_id, whole], metrics=("loss", "val_auc"))
    curves = frames.curves_frame(columns, rows, ["a", "b"])
    for smoothing in (0.0, 0.5):
        lines = [trace for trace in figures.overlay_figure(
            curves, metric="val_auc", smoothing=smoothing).data if trace.name == "a"]
        for line in lines:
            assert [x for x, y in zip(line.x, line.y, strict=True) if y == y] == [2, 4, 6, 8]
            assert not np.isnan(np.array(line.y, float)[:4]).any()  # next to each other
    chart = figures.training_figure(
        frames.epochs_frame(store.runs.epochs(run_id)),
        frames.rates_frame(store.runs.epochs(run_id)),
        strategy="recorded", epochs_total=8)
    assert all(trace.connectgaps for trace in chart.data[:2])


def test_the_small_curve_of_a_run_has_the_values_that_there_are(store: Store) -> None:
    with log_run("gaps", epochs=4) as run:
        for epoch in range(4):
            run.epoch(loss=1.0, **({"val_loss": 0.5 / epoch} if epoch % 2 else {}))
    data = b"epoch,loss,val_loss\n0,1,\n1,1,0.5\n2,1,\n3,1,0.25\n"
    bring(read_uploads([Upload(name="a.csv", data=data)]), store)
    assert store.runs.one(str(run.run_id)).epochs_done == 4
    curves = page("runs").dataframe[0].value["curve"]
    assert sorted(list(curve) for curve in curves) == [
        [0.5, pytest.approx(0.5 / 3)], [0.5, 0.25]]


@pytest.mark.parametrize("sizes", [(2, 2, 2), (3, 1, 2)])
def test_changes_of_a_run_that_began_later_stand_at_their_epochs(
    store: Store, sizes: tuple[int, ...]
) -> None:
    """A fit with `initial_epoch=4`, whose rate is halved after epoch 6."""
    spec = RunSpec(
        dataset="a", model="b", strategy="recorded", params={"known": "updates"}, base_lr=0.1,
        epochs=7, origin="watched", facts=Facts(steps_per_epoch=3, metrics=("loss",)),
    )
    run_id = store.runs.create(
        spec, steps_per_epoch=3, updates=21, parameters=1, engine="keras", name="later",
        worker_id="w",
    )
    said: list[Event] = [
        EpochEnded(epoch=epoch, metrics={"loss": 1.0}, seconds=1.0,
                   rates=np.full(size, 0.05 if epoch == 7 else 0.1, np.float32))
        for epoch, size in enumerate(sizes, start=5)
    ]
    store.runs.record([(run_id, event) for event in said])
    past = history.of(run_id, store)
    assert [change.epoch for change in past.changes] == [6.0]
    made = RateDecided(epoch=6, rate_before=0.1, rate_after=0.05, reason="cut")
    store.runs.record([(run_id, made)])
    found = api.load_run(run_id, store).changes()
    assert [(change.epoch, change.text) for change in found] == [(6, "cut")]
    assert "cut" in run_report(store.runs.one(run_id), store.runs.epochs(run_id), [made])


def test_a_run_that_never_had_the_metric_says_which_one(store: Store) -> None:
    run_id = watched(store, **{**PLATEAU, "monitor": "val_f1"})
    with pytest.raises(InvalidField, match="must have an epoch with val_f1"):
        sources.of_run(run_id)


def test_a_page_walks_through_a_run_with_gaps(store: Store) -> None:
    test = page("inside", run=every_other_epoch(store))
    assert not test.error
    assert "The rate would have been" not in words(test)
    assert "cut after epoch 6" in words(test)


def test_a_run_without_a_callback_is_not_offered(store: Store) -> None:
    test = page("inside", run=imported(store))
    assert "must follow a callback" in words(test)
