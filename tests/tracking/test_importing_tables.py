"""Tables of epochs: from which number they count, rows with gaps, JSON in many layouts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lrdash.core.errors import InvalidField
from lrdash.export import FORMATS, recorded, tensorboard
from lrdash.store import Store
from lrdash.tracking.importing import Found, Upload, bring, read_uploads
from lrdash.tracking.importing.summaries import read_scalars
from tests.factories.runs import EPOCHS, one_run

TABLE = pd.DataFrame({
    "loss": [3.0, 2.0, 1.0], "val_loss": [3.0, None, 2.0], "learning_rate": [0.5, 0.5, 0.25]})


def read(name: str, data: str) -> Found:
    (run,) = read_uploads([Upload(name=name, data=data.encode())])
    return run


def read_json(given: Any) -> Found:
    return read("a.json", json.dumps(given))


def known(values: Sequence[float]) -> dict[int, float]:
    """Values by place, from 1."""
    return {place: one for place, one in enumerate(values, start=1) if not math.isnan(one)}


# From which number epochs count


@pytest.mark.parametrize(("given", "epochs"), [
    ([0, 1, 2], (1, 2, 3)), ([1, 2, 3], (1, 2, 3)), ([1, 3, 5], (1, 3, 5)), ([4, 5, 6], (5, 6, 7))])
def test_epochs_count_from_0_or_from_1(given: list[int], epochs: tuple[int, ...]) -> None:
    lines = "".join(f"{epoch},1.0\n" for epoch in given)
    doubtful = f"The first epoch is {given[0]}, so epochs were read as counted from 0, as Keras " \
        "does."
    for run in (read("a.csv", f"epoch,loss\n{lines}"),
                read_json([{"epoch": epoch, "loss": 1.0} for epoch in given])):
        assert run.epochs == epochs
        assert (doubtful in run.remarks) == (given[0] > 1)
    assert read_json({"epoch": given, "history": {"loss": [1.0] * 3}}).epochs == epochs
    run = read_json({"epoch": given, "loss": [1.0] * 3})
    assert run.epochs == (epochs if given[0] < 2 else (1, 2, 3))
    assert ("epoch (logged)" in run.metrics) == (given[0] > 1)


def test_an_imported_log_that_counts_from_1_is_complete(store: Store) -> None:
    lines = "".join(f"{epoch},1.0\n" for epoch in range(1, 51))
    bring([read("a.csv", f"epoch,loss\n{lines}")], store)
    (row,) = store.runs.listing()
    assert (row.epochs_done, row.spec.epochs) == (50, 50)


@pytest.mark.parametrize(("names", "metrics"), [
    (("train_loss", "test_loss"), {"loss", "val_loss"}),
    (("training_loss", "validation_loss"), {"loss", "val_loss"}),
    (("Train Loss", "Valid Loss"), {"loss", "val_loss"}),
    (("loss_train", "loss_val"), {"loss", "val_loss"}),
    (("train_loss", "training_loss"), {"loss", "training_loss"}),
    (("test_loss", "val_loss"), {"test_loss", "val_loss"}),
])
def test_losses_have_the_names_that_they_have_from_tensorboard(
    names: tuple[str, str], metrics: set[str]
) -> None:
    first, second = names
    runs = [read("a.csv", f"epoch,{first},{second},learning rate\n0,1,2,0.5\n1,3,4,0.25\n"),
            read_json({first: [1, 3], second: [2, 4], "Learning Rate": [0.5, 0.25]})]
    for run in runs:
        assert set(run.metrics) == metrics
        assert np.concatenate(run.rates).tolist() == [0.5, 0.25]
        assert ("No training loss (loss) was recorded." in run.remarks) == ("loss" not in metrics)


def test_a_table_keeps_all_its_rates() -> None:
    run = read("a.csv", "epoch,loss,lr-Adam/pg1,lr-Adam/pg2\n0,1,0.5,2\n1,1,0.25,1\n")
    assert np.concatenate(run.rates).tolist() == [0.5, 0.25]
    assert run.metrics["lr-Adam/pg2"] == (2.0, 1.0)
    assert run.remarks[0] == "Several learning rates were recorded: lr-Adam/pg1 is shown, " \
        "lr-Adam/pg2 is kept as a metric."


@pytest.mark.parametrize(("length", "every"), [(10, 3), (10, 5), (8, 2), (7, 3), (5, 0)])
def test_validation_of_some_epochs_stands_where_keras_measures_it(length: int, every: int) -> None:
    count = length // every if every else 4  # 4 of 5 fit no validation_freq
    run = read_json({"train_loss": [1.0] * length, "test_loss": list(range(count))})
    places = range(every, length + 1, every) if every else range(1, count + 1)
    assert known(run.metrics["val_loss"]) == {
        epoch: float(value) for value, epoch in enumerate(places)}
    assert f"{count} of {length} values" in run.remarks[0]


# Rows with gaps


def test_lightnings_metrics_become_epochs() -> None:
    run = read("metrics.csv", (
        "epoch,step,train_loss_step,train_loss_epoch,train_f1,val_loss,lr-SGD\n"
        "0,49,1.0,,,,0.5\n0,99,0.8,,,,0.5\n0,99,,,,1.5,\n0,99,,0.9,0.25,,\n"
        "1,149,0.6,,,,0.25\n1,199,,,,1.0,\n1,199,,0.7,0.5,,\n"))
    assert run.epochs == (1, 2)
    assert {name: tuple(values) for name, values in run.metrics.items()} == {
        "loss_step": (0.9, 0.6), "loss": (0.9, 0.7), "val_loss": (1.5, 1.0), "f1": (0.25, 0.5)}
    assert [part.tolist() for part in run.rates] == [[0.5, 0.5], [0.25]]
    assert "Each epoch shows the mean of its values: loss_step." in run.remarks
    assert not run.seconds


@pytest.mark.parametrize("first", [0, 1])
def test_rows_of_one_epoch_are_joined_without_a_step(first: int) -> None:
    lines = "".join(f"{epoch},{1 / (epoch + 1)},\n{epoch},,{epoch}\n" for epoch in (
        first, first + 1, first + 2))
    run = read("a.csv", f"epoch,train_loss,val_loss\n{lines}")
    assert run.epochs == (1, 2, 3)
    assert run.metrics["val_loss"] == (first, first + 1, first + 2)
    assert not any("numbered" in remark for remark in run.remarks)


def test_rows_with_steps_alone_are_records() -> None:
    run = read("a.csv", "step,train_loss,val_loss\n10,4,\n20,3,2\n30,2,\n40,1,1\n")
    assert run.metrics["loss"] == (4.0, 3.0, 2.0, 1.0)
    assert known(run.metrics["val_loss"]) == {2: 2.0, 4: 1.0}
    assert run.remarks[0].startswith("The steps are not epochs: 4 records of loss, up to step 40")


def test_rows_that_begin_again_are_reported() -> None:
    run = read("a.csv", "epoch,step,loss,val_loss\n"
               "0,9,3,\n0,9,,3\n1,19,2,\n1,19,,2\n0,9,5,\n0,9,,5\n")
    assert (run.metrics["loss"], run.metrics["val_loss"]) == ((5.0,), (5.0,))
    assert run.remarks[0].startswith("Left out 2 steps of an earlier loop")


def test_the_state_of_hugging_faces_trainer_is_a_run() -> None:
    rows: list[dict[str, float]] = []
    for step in (10, 20, 30, 40):
        rows += [{"epoch": step / 20, "step": step, "loss": 4 / step, "learning_rate": 0.5}]
        rows += [{"epoch": step / 20, "step": step, "eval_loss": 9 / step}] * (step % 20 == 0)
    rows += [{"epoch": 2.0, "step": 40, "train_loss": 0.75, "train_runtime": 9.0}]
    state = {"best_metric": None, "epoch": 2.0, "global_step": 40, "log_history": rows}
    run = read_json(state)
    assert run.epochs == (1, 2)
    assert run.metrics["loss"] == pytest.approx([0.3, 7 / 60])
    assert run.metrics["val_loss"] == (0.45, 0.225)
    assert known(run.metrics["train_loss"]) == {2: 0.75}
    assert [part.tolist() for part in run.rates] == [[0.5, 0.5], [0.5, 0.5]]
    assert run.digest == read_json(rows).digest


# Layouts of JSON


@pytest.mark.parametrize("how", [
    {"orient": "columns"}, {"orient": "records"}, {"orient": "index"}, {"orient": "split"},
    {"orient": "table"}, {"orient": "records", "lines": True}])
@pytest.mark.parametrize("indexed", [False, True])
def test_tables_of_pandas_are_runs(how: dict[str, Any], indexed: bool) -> None:
    table = TABLE.set_index(pd.Index([1, 2, 3], name="epoch")) if indexed else TABLE
    text = str(table.to_json(**how))
    run = read("a.json", text)
    assert run.epochs == (1, 2, 3)
    assert run.metrics["loss"] == (3.0, 2.0, 1.0)
    assert known(run.metrics["val_loss"]) == {1: 3.0, 3: 2.0}
    assert set(run.metrics) == {"loss", "val_loss"}
    assert np.concatenate(run.rates).tolist() == [0.5, 0.5, 0.25]
    assert not run.remarks


def test_what_is_no_list_of_numbers_is_left_out_with_a_remark() -> None:
    run = read_json({
        "loss": [2, 1], "best_epoch": 1, "test_loss": 0.5, "epoch": 2, "params": {"epochs": 2},
        "matrix": [[1, 2], [3, 4]], "improved": [True, False], "title": "x", "nothing": None})
    assert dict(run.metrics) == {"loss": (2.0, 1.0)}
    assert run.remarks[:2] == (
        "Left out, without a number in any epoch: matrix, improved, title.",
        "Left out, single values: best_epoch, test_loss, epoch, params, nothing.")


@pytest.mark.parametrize(("data", "given"), [
    ("epoch,lr\n0,1\n", "learning rates alone"), ("epoch\n0\n", "none"),
    ("run_id,update,epoch,learning_rate\na,0,0.0,1\n", "a line an update")])
def test_a_table_without_a_metric_is_refused(data: str, given: str) -> None:
    with pytest.raises(InvalidField, match=given):
        read("a.csv", data)


def test_histories_of_training_and_validation_are_one_run() -> None:
    run = read_json({"train": {"loss": [3, 2]}, "val": {"loss": [4, 3]}, "lr": [0.5, 0.25]})
    assert dict(run.metrics) == {"loss": (3.0, 2.0), "val_loss": (4.0, 3.0)}


@pytest.mark.parametrize("given", [
    {"optimizer": {"lr": 0.1}}, [{"name": "a", "age": 3}], [], {
        "loss": {"0": "x"}}, {"log_history": []}, [[1, 2]], {"0": {"name": "a"}},
    {"id2label": {"0": "a"}}, {"hidden_sizes": [96, 192], "dropout": 0.1}, {"epoch": [1, 2]}])
def test_other_json_is_refused(given: Any) -> None:
    with pytest.raises(InvalidField):
        read_json(given)


# Exports of lrdash


@pytest.mark.parametrize(("kind", "name"), [("csv", "a.csv"), ("json", "a.json")])
def test_exported_tables_are_the_same_runs(store: Store, kind: str, name: str) -> None:
    made = [one_run(store, strategy=strategy) for strategy in ("cosine", "constant")]
    store.runs.rename(made[0], "mine")
    runs = recorded([store.runs.one(run_id) for run_id in made], store.runs.epochs_of(made))
    found = read_uploads([Upload(name=name, data=FORMATS[kind].write(runs))])
    assert [run.name for run in found] == ["mine", f"a {made[1]}" if kind == "csv" else "a"]
    for run, row in zip(found, runs.rows, strict=True):
        own = runs.epochs_of(row)
        assert run.epochs == tuple(range(1, EPOCHS + 1))
        assert set(run.metrics) == {*own[0].metrics}
        assert run.metrics["val_loss"] == tuple(epoch.metrics["val_loss"] for epoch in own)
        assert [float(part[-1]) for part in run.rates] == [epoch.learning_rate for epoch in own]
        assert run.seconds == tuple(epoch.seconds for epoch in own)
        assert run.status == row.status


def test_an_export_of_an_import_is_the_same_run(store: Store) -> None:
    bring([read("a.csv", "epoch,loss,my f1,epoch (logged)\n1,1.0,0.5,7\n2,0.5,,8\n")], store)
    (row,) = store.runs.listing()
    runs = recorded([row], store.runs.epochs_of([row.run_id]))
    assert "NaN" not in FORMATS["json"].write(runs).decode()
    assert metrics(json.loads(FORMATS["json"].write(runs))[0]["epochs"][0]) == {
        "loss": 1.0, "my f1": 0.5, "epoch (logged)": 7.0}
    for kind, name in (("csv", "a.csv"), ("json", "a.json"), ("tensorboard", "a.zip")):
        (again,) = read_uploads([Upload(name=name, data=FORMATS[kind].write(runs))])
        assert (again.epochs, again.status, again.rates) == ((1, 2), "finished", ())
        assert known(again.metrics["my f1"]) == {1: 0.5}
        assert "No learning rate was recorded." in again.remarks


def test_what_was_not_recorded_is_not_in_an_event_file(store: Store) -> None:
    bring([read("a.csv", "epoch,loss,f1\n1,1.0,0.5\n2,0.5,\n")], store)
    (row,) = store.runs.listing()
    runs = recorded([row], store.runs.epochs_of([row.run_id]))
    values = [one for _, data in tensorboard.files(runs) for one in read_scalars("x", data)[0]]
    assert {one.tag for one in values} == {"epoch_loss", "epoch_f1"}
    assert all(math.isfinite(one.value) for one in values)


def metrics(epoch: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in epoch.items()
            if name not in ("epoch", "learning_rate", "seconds")}
