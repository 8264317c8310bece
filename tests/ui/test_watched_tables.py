"""Runs of scripts beside others: differences, reports, exports, imports."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from lrdash import analysis, api, log_run
from lrdash.analysis import frames
from lrdash.core.errors import InvalidField, UnknownName
from lrdash.core.events import EpochEnded, RateDecided
from lrdash.core.spec import Facts, RunSpec
from lrdash.export import FORMATS, hparams, recorded
from lrdash.export.report import run_report
from lrdash.export.report.facts import settings_table
from lrdash.export.tables import csv, epochs_table
from lrdash.planning.plan import make
from lrdash.store import Store
from lrdash.strategies.recorded import Recorded, drawn_as
from lrdash.teaching import Recorded as Series
from lrdash.teaching import disagreement
from lrdash.tracking.importing import Upload, bring, read_uploads
from lrdash.ui.runs import importing, overlay
from tests.factories.pages import page, words
from tests.factories.runs import PLATEAU, VALUES, imported, watched


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
    shown = words(test)
    assert "No learning rate was recorded for old" in shown
    assert {"val_auc", "f1"} <= set(test.selectbox(key="curve").options)
    table = test.dataframe[0].value
    assert list(table["Peak rate"]) == ["0.1", "0.1", "\N{EN DASH}"]
    assert list(table["Optimizer"])[1:] == ["Lion", "optimizer not known"]
    assert list(table["Seed"]) == ["0", "\N{EN DASH}", "\N{EN DASH}"]
    test.selectbox(key="curve").set_value("f1").run()
    assert "f1 of 3 runs over epochs" in words(test)
    page("runs")


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
    assert "different datasets (Digits, my *photos*)" in words(other)
UNKNOWN = ("momentum", "batch_size", "seed", "nesterov", "weight_decay", "label_smoothing")


def test_settings_of_external_runs_show_only_what_is_known(store: Store) -> None:
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
    found = settings_table(make(old.spec))
    for label in ("Peak rate", "Loss", "Updates per epoch"):
        assert re.search(rf"{label}</t[hd]><td[^>]*>not known", found), label
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


def test_rates_that_something_else_moved_are_reported() -> None:
    rule = Recorded(**PLATEAU).rule()
    series = Series(values=VALUES, base_lr=0.1)
    moved = RateDecided(epoch=3, rate_before=0.1, rate_after=0.02, reason="")
    assert disagreement(rule, series, []) == ""
    assert disagreement(rule, series, [moved]).startswith("From epoch 3 on, something else changed")


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
