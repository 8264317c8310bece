"""Pages, tables and exports with runs that lrdash only watched or read from files."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from lrdash import analysis, api, figures, log_run
from lrdash.analysis import frames
from lrdash.core.errors import InvalidField, UnknownName
from lrdash.core.events import EpochEnded, Event, RateDecided, RunEnded
from lrdash.core.spec import Facts, RunSpec
from lrdash.export import FORMATS, hparams, recorded
from lrdash.export.report import run_report
from lrdash.export.report.facts import settings_table
from lrdash.export.tables import csv, epochs_table
from lrdash.planning.plan import make
from lrdash.store import Store
from lrdash.strategies.recorded import Recorded, drawn_as
from lrdash.teaching import Recorded as Series
from lrdash.teaching import disagreement, replay
from lrdash.tracking.importing import Upload, bring, read_uploads
from lrdash.ui.inside import sources
from lrdash.ui.runs import importing, overlay
from lrdash.ui.train import history
from tests.factories.pages import page, words

PLATEAU = {"callback": "ReduceLROnPlateau", "monitor": "val_auc", "mode": "max", "factor": 0.5,
           "patience": 1, "min_delta": 0.01, "known": "updates"}
VALUES = (0.5, 0.6, 0.6, 0.6)


def watched(store: Store, *, over: bool = True, **params: object) -> str:
    """A run of a script, whose plateau rule halves after epochs 3 and 4."""
    spec = RunSpec(
        dataset="my *photos*", model="resnet", strategy="recorded", params=params or PLATEAU,
        base_lr=0.1, epochs=4, origin="watched", facts=Facts(
            steps_per_epoch=2, metrics=("loss", "val_loss", "val_auc"), optimizer="Lion",
            notes=("It has several optimizers.",)),
    )
    run_id = store.runs.create(
        spec, steps_per_epoch=2, updates=8, parameters=10, engine="keras", name="mine",
        worker_id="w",
    )
    rates = (0.1, 0.1, 0.1, 0.05)
    said: list[object] = []
    for place, value in enumerate(VALUES):
        metrics = {"loss": 1.0 - value, "val_loss": 1.1 - value, "val_auc": value}
        used = [rates[place]] * 2
        said.append(EpochEnded(
            epoch=place + 1, metrics=metrics, rates=used, seconds=1.0))  # type: ignore[arg-type]
        after = (*rates, 0.025)[place + 1]
        said.append(RateDecided(
            epoch=place + 1, rate_before=rates[place], rate_after=after, reason="as seen",
            monitor="val_auc", monitored=value, best=value, wait=0, cooldown=0))
    if over:
        said.append(RunEnded(status="interrupted", reason="Ctrl-C", seconds=1.0))
    store.runs.record([(run_id, event) for event in said])  # type: ignore[misc]
    return run_id


def imported(store: Store) -> str:
    data = json.dumps({"loss": [0.5, 0.4], "f1": [0.1, 0.2]}).encode()
    return bring(read_uploads([Upload(name="old.json", data=data)]), store)[0].run_id


def keys(test: AppTest) -> set[str | None]:
    return {button.key for button in test.button}


def test_a_watched_run_is_shown_without_what_only_lrdash_can_do(store: Store) -> None:
    test = page("train", run=watched(store))
    assert not test.exception
    assert not {"again", "continue", "stop"} & keys(test)
    said = words(test)
    assert "a program of its own, which lrdash only watched" in said
    assert "Interrupted after 4 of 4 epochs in 1.0 s: Ctrl-C" in said
    assert "Keras code" not in str(test.get("button_group"))
    table = test.dataframe[0].value
    assert list(table["val_auc"]) == list(reversed(VALUES))
    assert [metric.value for metric in test.metric][-1] == "0.05"


def test_a_run_that_still_trains_is_stopped_where_it_runs(store: Store) -> None:
    test = page("train", run=watched(store, over=False))
    assert not test.exception
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
    assert not page("train", run=str(run.run_id)).exception


def test_a_run_without_rates_says_so(store: Store) -> None:
    test = page("train", run=imported(store))
    assert not test.exception
    assert "no learning rate was recorded" in words(test)
    assert test.metric[-1].value == "\N{EN DASH}"
    assert test.metric[-1].delta == "not recorded"
    assert "Finished after 2 of 2 epochs." in words(test)


def test_its_callback_can_be_walked_through_with_its_own_metric(store: Store) -> None:
    run_id = watched(store)
    test = page("inside", run=run_id)
    assert not test.exception
    assert [error.value for error in test.error] == []
    assert test.session_state["walked"] == run_id
    assert "cannot be trained here" in words(test) or "What if" in words(test)
    test.number_input(key="whatif.patience").set_value(2).run()
    assert "This cannot be trained here. It was trained by a program" in words(test)


def test_a_scheduler_is_walked_through_by_what_it_gave(store: Store) -> None:
    test = page("inside", run=watched(store, callback="LearningRateScheduler"))
    assert not test.exception
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
    assert not test.exception
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
    assert not test.exception
    assert not test.error
    assert "The rate would have been" not in words(test)
    assert "cut after epoch 6" in words(test)


def test_a_run_without_a_callback_is_not_offered(store: Store) -> None:
    test = page("inside", run=imported(store))
    assert not test.exception
    assert "must follow a callback" in words(test)


def test_such_runs_stand_beside_own_ones(store: Store) -> None:
    plan = make(RunSpec(epochs=2))
    own = store.runs.create(
        plan.spec, steps_per_epoch=plan.steps_per_epoch, updates=plan.updates, parameters=1,
        name="own", worker_id="w",
    )
    store.runs.record([(own, EpochEnded(
        epoch=1, metrics={"loss": 1.0, "val_loss": 1.0, "accuracy": 0.1, "val_accuracy": 0.2},
        rates=plan.program().rates(0).astype("float32"), seconds=1.0))])
    test = page("runs", runs=f"{own},{watched(store)},{imported(store)}")
    assert not test.exception
    shown = words(test)
    assert "No learning rate was recorded for old" in shown
    assert {"val_auc", "f1"} <= set(test.selectbox(key="curve").options)
    table = test.dataframe[0].value
    assert list(table["Peak rate"]) == ["0.1", "0.1", "\N{EN DASH}"]
    assert list(table["Optimizer"])[1:] == ["Lion", "optimizer not known"]
    assert list(table["Seed"]) == ["0", "\N{EN DASH}", "\N{EN DASH}"]
    test.selectbox(key="curve").set_value("f1").run()
    assert not test.exception
    assert "f1 of 3 runs over epochs" in words(test)
    assert not page("runs").exception


def test_runs_side_by_side_keep_their_names_and_others_get_short_ones(store: Store) -> None:
    plan = make(RunSpec(epochs=2, strategy="cosine"))
    own = store.runs.create(
        plan.spec, steps_per_epoch=1, updates=2, parameters=1, name="", worker_id="w")
    rows = [store.runs.one(run_id) for run_id in (own, watched(store), imported(store))]
    assert overlay._names(rows) == ["cosine", "mine", "old"]
    named = [replace(row, name="same") for row in rows]
    names = overlay._names(named)
    assert names[0] == "digits · mlp · sgd · cosine · peak rate 0.1 · epochs 2"
    assert all("momentum" not in name for name in names)
    assert len(set(names)) == 3


def test_what_is_not_known_is_not_taken_for_a_difference(store: Store) -> None:
    ids = [store.runs.create(make(RunSpec(epochs=2)).spec, steps_per_epoch=1, updates=2,
                            parameters=1, name="own", worker_id="w"), imported(store)]
    test = page("runs", runs=",".join(ids))
    shown = words(test)
    assert "different datasets" not in shown
    assert "different loss" not in shown
    assert "datasets of some of these runs are unknown" in shown
    other = page("runs", runs=f"{ids[0]},{watched(store)}")
    assert r"different datasets (digits, my \*photos\*)" in words(other)


UNKNOWN = ("momentum", "batch_size", "seed", "nesterov", "weight_decay", "label_smoothing")


def test_settings_of_runs_from_elsewhere_tell_only_what_is_known(store: Store) -> None:
    own = store.runs.create(
        make(RunSpec(epochs=1, seed=3)).spec, steps_per_epoch=1, updates=1, parameters=1,
        name="own", worker_id="w",
    )
    ids = [watched(store), imported(store)]
    for run_id in ids:
        row = store.runs.one(run_id)
        said = json.dumps(frames.run_as_json(row, [])["spec"])
        assert not [name for name in UNKNOWN if name in said]
        assert not [name for name in hparams.settings(row) if name in UNKNOWN]
        test = page("train", run=run_id)
        test.button_group(key="details").set_value("Settings").run()
        assert not [name for name in UNKNOWN if name in test.json[0].value]
        report = run_report(row, store.runs.epochs(run_id))
        for label in ("Momentum", "Batch size", "Seed", "Label smoothing", "Warm-up"):
            assert f"{label}</" not in report
    mine, old = (store.runs.one(run_id) for run_id in ids)
    assert RunSpec(**analysis.known_settings(mine.spec)) == mine.spec
    assert "base_lr" not in analysis.known_settings(old.spec)
    told = settings_table(make(old.spec))
    for label in ("Peak rate", "Loss", "Updates per epoch"):
        assert re.search(rf"{label}</t[hd]><td[^>]*>not known", told), label
    test = page("train", run=ids[1])
    test.button_group(key="details").set_value("Settings").run()
    assert "0 parameters" not in words(test)
    assert "updates" not in words(test)
    both = [store.runs.one(run_id) for run_id in (own, *ids)]
    store.runs.record([(own, EpochEnded(epoch=1, metrics={"loss": 1.0}, rates=np.float32([0.1]),
                                   seconds=1.0))])
    whole = epochs_table(recorded(both, store.runs.epochs_of([row.run_id for row in both])))
    assert whole["seed"].tolist()[:2] == [3, pd.NA]
    assert "\n" + own in csv(recorded(both, store.runs.epochs_of([own]))).decode()
    assert whole["batch_size"].dtype == "Int64"
    curves = frames.curves_frame(store.experiments.curves(run_ids=[own, ids[1]]), both)
    lines = overlay._csv(both, curves).splitlines()[1:]
    assert [line.split(",")[3:5] for line in lines] == [["0.1", "3"], ["", ""], ["", ""]]


def test_metrics_with_the_names_of_columns_stand_beside_these(store: Store) -> None:
    with log_run("named", epochs=2) as run:
        for number in (7, 8):
            run.epoch(loss=0.5, learning_rate=0.1, epoch=float(number), seconds=1e6, model=0.9)
    data = json.dumps({"loss": [0.5], "epoch": [41.0], "label": [3.0]}).encode()
    (brought,) = bring(read_uploads([Upload(name="old.json", data=data)]), store)
    test = page("train", run=str(run.run_id))
    assert not test.exception
    table = test.dataframe[0].value
    assert list(table["epoch"]) == [2, 1]
    assert list(table["epoch (logged)"]) == [8.0, 7.0]
    assert list(table["seconds (logged)"]) == [1e6, 1e6]
    assert table["seconds"].max() < 1e5
    ids = [str(run.run_id), brought.run_id]
    rows = [store.runs.one(run_id) for run_id in ids]
    whole = epochs_table(recorded(rows, store.runs.epochs_of(ids)))
    assert list(whole["epoch"]) == [1, 2, 1]
    assert list(whole["epoch (logged)"]) == [7.0, 8.0, 41.0]
    assert list(whole["model (logged)"])[:2] == [0.9, 0.9]
    assert whole["label (logged)"].iloc[2] == 3.0
    assert not {name for name in whole.columns if name.endswith(("_x", "_y"))}
    beside = page("runs", runs=",".join(ids))
    beside.selectbox(key="curve").set_value("epoch (logged)").run()
    assert not beside.exception


def test_metrics_with_such_names_of_earlier_versions_do_too(store: Store) -> None:
    run_id = watched(store)
    stored = store.runs.epochs(run_id)
    rows = [replace(row, metrics={**row.metrics, "epoch": 9.0}) for row in stored]
    table = frames.epochs_frame(rows, more=("epoch",))
    assert (list(table["epoch"]), list(table["epoch (logged)"])) == ([1, 2, 3, 4], [9.0] * 4)


def test_reports_and_exports_take_them(store: Store) -> None:
    ids = [watched(store), imported(store)]
    rows = [store.runs.one(run_id) for run_id in ids]
    runs = recorded(rows, store.runs.epochs_of(ids))
    for kind in FORMATS.values():
        if not kind.single:
            assert kind.write(runs)
    for row in rows:
        text = run_report(row, store.runs.epochs(row.run_id), store.runs.decisions(row.run_id))
        assert row.name in text
    assert "my *photos* · resnet · ReduceLROnPlateau (val_auc, factor 0.5, patience 1) · Lion, " \
        "rate 0.1, 4 epochs" in analysis.settings_in_words(rows[0].spec)
    assert analysis.settings_in_words(rows[1].spec) == (
        "data not known · model not known · rate not recorded · optimizer not known, 2 epochs")
    assert len(api.load_run(ids[0], store).changes()) == 2
    assert not store.runs.requeue(ids)


def test_runs_are_imported_on_the_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def form() -> None:
        from lrdash.ui.runs import importing

        importing._form()

    file = SimpleNamespace(name="a.csv", size=20, getvalue=lambda: b"epoch,loss\n0,1\n")
    board = SimpleNamespace(name="b.tfevents", size=5, getvalue=lambda: b"other")
    files = [file, board]
    monkeypatch.setattr(importing.st, "file_uploader", lambda *_, **__: files)
    test = AppTest.from_function(form, default_timeout=60).run()
    test.text_input(key="import-dataset").set_value("CIFAR-10")
    test.button(key="import-now").click().run()
    assert not test.exception
    (row,) = store.runs.listing()
    assert (row.name, row.spec.dataset, row.spec.model) == ("a", "CIFAR-10", "model not known")
    brought = test.session_state["imported"]
    listed = AppTest.from_file("../../pages/runs.py", default_timeout=60)
    listed.session_state["imported"] = brought
    listed.run()
    assert "1 run imported." in words(listed)
    assert "No learning rate was recorded." in words(listed).replace("\\", "")
    assert "Left out: b.tfevents must be an event file" in listed.warning[0].value.replace("\\", "")
    files.remove(board)
    file.size = 20_000_001
    test.button(key="import-now").click().run()
    assert "more than 20 MB" in test.error[0].value
    file.size, file.getvalue = 5, lambda: b"nothing"
    test.button(key="import-now").click().run()
    assert "must have a line of column names" in test.error[0].value


def test_rates_that_something_else_moved_are_told() -> None:
    rule = Recorded(**PLATEAU).rule()
    series = Series(values=VALUES, base_lr=0.1)
    moved = RateDecided(epoch=3, rate_before=0.1, rate_after=0.02, reason="")
    assert disagreement(rule, series, []) == ""
    assert disagreement(rule, series, [moved]).startswith("From epoch 3 on something else moved")


def test_the_strategy_recorded_is_in_no_form_and_makes_no_code() -> None:
    with pytest.raises(UnknownName, match="No strategy named 'recorded'"):
        make(RunSpec(strategy="recorded"))
    with pytest.raises(InvalidField, match="must be ReduceLROnPlateau"):
        Recorded().rule()
    spec = RunSpec(
        dataset="a", model="b", strategy="recorded", params={}, epochs=10_000, origin="import",
        facts=Facts(steps_per_epoch=100_000),
    )
    plan = make(spec)  # a billion updates cost nothing
    assert plan.updates == 1_000_000_000
    assert plan.rates().tolist() == [0.1]
    with pytest.raises(InvalidField, match="strategy must be"):
        plan.keras_code()
    assert Recorded().sentence() == Recorded.when
    assert "ReduceLROnPlateau (val_auc" in Recorded(**PLATEAU).sentence()
    assert drawn_as(spec, "x") == "recorded x"
    assert drawn_as(RunSpec(), "x") == "constant"
