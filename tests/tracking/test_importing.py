"""Runs of other programs: what Keras itself writes, what others write, and what is broken."""

from __future__ import annotations

import io
import json
import math
import struct
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import lrdash
from lrdash.cli import app
from lrdash.core.errors import InvalidField
from lrdash.export import FORMATS, recorded
from lrdash.export.events import LARGEST, header, record, scalars
from lrdash.export.protobuf import double, fields, nested, single, text, varint, whole
from lrdash.store import Store
from lrdash.tracking.importing import Found, Upload, bring, read_paths, read_uploads, sources
from lrdash.tracking.importing.boards import column
from lrdash.tracking.importing.summaries import read_scalars

EPOCHS, STEPS = 3, 4

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[float]]]:
    """One fit, written down by Keras in three ways: log folder, CSV files, JSON."""
    folder = tmp_path_factory.mktemp("keras")
    keras.utils.set_random_seed(0)  # other tests may have asked TensorFlow for repeatability
    random = np.random.default_rng(0)
    x = random.normal(size=(96, 4)).astype("float32")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
    model.compile(
        keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    callbacks = keras.callbacks
    history = model.fit(
        x, (x.sum(1) > 0).astype("int32"), epochs=EPOCHS, batch_size=16, verbose=0,
        validation_split=1 / 3, callbacks=[
            callbacks.LearningRateScheduler(lambda epoch, _lr: 0.1 / (1 + epoch)),
            callbacks.TensorBoard(folder / "logs", histogram_freq=1, write_graph=True),
            callbacks.CSVLogger(folder / "comma.csv"),
            callbacks.CSVLogger(folder / "semicolon.csv", separator=";"),
        ],
    )
    (folder / "history.json").write_text(json.dumps(history.history))
    return folder, history.history


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two fits of one process, each in its folder; the second validates every other epoch."""
    folder = tmp_path_factory.mktemp("boards")
    x = np.random.default_rng(0).normal(size=(96, 4)).astype("float32")
    for name, epochs, every in (("one", 2, 1), ("two", 4, 2)):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.1), "mse")
        board = keras.callbacks.TensorBoard(folder / name, update_freq=2, write_graph=False)
        model.fit(x, x.sum(1), epochs=epochs, batch_size=16, verbose=0, validation_split=1 / 3,
                  validation_freq=every, callbacks=[board])
    return folder


def agrees(run: Found, history: dict[str, list[float]], digits: float = 1e-6) -> None:
    assert run.epochs == (1, 2, 3)
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert run.metrics[name] == pytest.approx(history[name], rel=digits)
    assert np.concatenate(run.rates) == pytest.approx([0.1, 0.05, 0.1 / 3])
    assert not run.remarks


@pytest.mark.parametrize("name", ["logs", "comma.csv", "semicolon.csv", "history.json"])
def test_what_keras_wrote_is_read_in_full(
    written: tuple[Path, dict[str, list[float]]], name: str
) -> None:
    folder, history = written
    (run,) = read_paths([folder / name])
    agrees(run, history)


def test_the_whole_folder_holds_four_times_the_same_but_the_floats(
    written: tuple[Path, dict[str, list[float]]],
) -> None:
    found = read_paths([written[0]])
    assert sorted(run.name.rsplit("/")[-1] for run in found) == [
        "comma", "history", "logs", "semicolon"]


def test_runs_are_brought_in_once_and_kept_as_they_were(
    written: tuple[Path, dict[str, list[float]]],
) -> None:
    folder, history = written
    first = lrdash.import_runs(
        folder / "comma.csv", name="old", dataset="hills", model="goat", tags=["a"]
    )
    again = lrdash.import_runs(folder / "semicolon.csv")  # the same in another file
    assert [one.new for one in (*first, *again)] == [True, False]
    assert first[0].run_id == again[0].run_id
    store = Store()
    (row,) = store.runs.listing()
    assert (row.name, row.tags, row.status, row.engine) == ("old", ("a",), "finished", "import")
    assert (row.spec.origin, row.spec.dataset, row.spec.model) == ("import", "hills", "goat")
    assert (row.epochs_done, row.spec.epochs, row.spec.base_lr) == (3, 3, pytest.approx(0.1))
    epochs = store.runs.epochs(row.run_id)
    assert [epoch.metrics["val_loss"] for epoch in epochs] == history["val_loss"]
    assert [epoch.learning_rate for epoch in epochs] == pytest.approx([0.1, 0.05, 0.1 / 3])
    assert not store.workers.silent([str(row.worker_id)])
    store.close()


def flat(folder: Path) -> list[Upload]:
    """All event files below a folder, as a browser sends them: without their folders."""
    paths = sorted(folder.rglob("*tfevents*"), reverse=True)
    return [Upload(name=path.name, data=path.read_bytes()) for path in paths]


def test_train_and_validation_of_one_run_find_each_other_without_their_folders(
    written: tuple[Path, dict[str, list[float]]], twice: Path
) -> None:
    folder, history = written
    (run,) = read_uploads(flat(folder / "logs"))
    said = run.remarks
    agrees(replace(run, remarks=()), history)
    assert len(said) == 1
    assert said[0].startswith("Put together of events.out.tfevents.")
    one, two = sorted(read_uploads(flat(twice)), key=lambda found: found.epochs)
    assert (one.epochs, two.epochs) == ((1, 2), (1, 2, 3, 4))
    assert {one.name, two.name} == {"run 1", "run 2"}
    for run, name in ((one, "one"), (two, "two")):
        (alone,) = read_paths([twice / name])
        assert run.digest == alone.digest
        assert {"loss", "val_loss"} <= set(run.metrics)


def test_event_files_that_do_not_belong_together_are_runs_of_their_own(twice: Path) -> None:
    files = flat(twice)
    train = next(file for file in files if file.name in names(twice / "one" / "train"))
    other = next(file for file in files if file.name in names(twice / "two" / "validation"))
    found = read_uploads([train, other])
    assert [set(run.metrics) & {"loss", "val_loss"} for run in found] == [{"loss"}, {"val_loss"}]
    for run in found:
        assert "upload the log folder as a ZIP archive" in run.remarks[0]
    strangers = [Upload(name=f"events.out.tfevents.{place}.host.1.0", data=events(
        ("loss", 0, float(place)), ("loss", 1, 0.5))) for place in (1, 2)]
    assert [run.metrics["loss"] for run in read_uploads(strangers)] == [(1.0, 0.5), (2.0, 0.5)]


def test_files_of_one_name_are_numbered_and_none_is_lost() -> None:
    csv = [Upload(name="log.csv", data=f"epoch,loss\n0,{loss}\n".encode()) for loss in (1, 2, 3)]
    found = read_uploads([*csv, Upload(name="log (2).csv", data=b"epoch,loss\n0,4\n")])
    assert sorted((run.name, run.metrics["loss"]) for run in found) == [
        ("log", (1.0,)), ("log (2)", (2.0,)), ("log (2) (2)", (4.0,)), ("log (3)", (3.0,))]
    boards = [Upload(name="x.tfevents", data=events(("loss", 0, loss))) for loss in (1.0, 2.0)]
    assert sorted(run.metrics["loss"] for run in read_uploads(boards)) == [(1.0,), (2.0,)]


def test_a_damaged_event_file_is_left_out_of_its_folder_with_a_warning(tmp_path: Path) -> None:
    for name, data in (("a", events(("loss", 0, 1.0))), ("b", b"nothing of the kind at all")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "events.out.tfevents.1").write_bytes(data)
    (tmp_path / "b" / "events.out.tfevents.2").write_bytes(events(("loss", 0, 2.0)))
    (tmp_path / "rates.tfevents").write_bytes(events(("lr", 0, 0.1)))
    cut = events(("loss", 0, 1.0))[:-1]
    (tmp_path / "cut.tfevents").write_bytes(cut)
    left: list[str] = []
    one, two = read_paths([tmp_path], left.append)
    assert (one.metrics["loss"], two.metrics["loss"]) == ((1.0,), (2.0,))
    assert not any("Left out" in remark for run in (one, two) for remark in run.remarks)
    assert len(left) == 3
    assert "b/events.out.tfevents.1 must be an event file of TensorBoard" in left[0]
    assert "/cut.tfevents must be whole; it is damaged before its first scalar (record 2 at byte " \
        f"{len(header(0.0))} is cut short), got '{len(cut)} bytes'." in left[1]
    assert "must hold a loss or another metric, got 'learning rates alone'" in left[2]
    files = [Upload(name="a.tfevents", data=events(("loss", 0, 1.0))),
             Upload(name="b.tfevents", data=header(0.0))]
    with pytest.warns(UserWarning, match=r"Left out: b\.tfevents must hold scalars, got 'none'\."):
        (run,) = read_uploads(files)
    assert not any("b.tfevents" in remark for remark in run.remarks if "Left out" in remark)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_lrdash_exports_it_can_import(written: tuple[Path, Any], tmp_path: Path) -> None:
    lrdash.import_runs(written[0] / "comma.csv")
    store = Store()
    rows = store.runs.listing()
    runs = recorded(rows, store.runs.epochs_of([row.run_id for row in rows]))
    store.close()
    (run,) = read_uploads([Upload(name="board.zip", data=FORMATS["tensorboard"].write(runs))])
    agrees(run, written[1])


def events(*points: tuple[str, int, float], at: float = 100.0) -> bytes:
    return header(at) + b"".join(scalars({t: v}, s, at + s) for t, s, v in points)


def test_other_programs_tags_are_understood_and_unknown_ones_kept() -> None:
    both = [(f"{tag}/{part}", step, value / (step + 1))
            for step in range(3) for tag, part, value in (
                ("Loss", "train", 1.0), ("Loss", "val", 2.0), ("F1", "test", 0.5))]
    rates = [("lr", step, 0.1 / (step + 1)) for step in range(3)]
    (run,) = read_uploads([Upload(name="events.out.tfevents.1.a", data=events(*both, *rates))])
    assert set(run.metrics) == {"loss", "val_loss", "val_F1"}
    assert run.metrics["val_loss"] == pytest.approx([2.0, 1.0, 2 / 3])
    assert np.concatenate(run.rates) == pytest.approx([0.1, 0.05, 0.1 / 3])
    assert run.seconds == (0.0, 1.0, 2.0)
    assert column("epoch_top_k", "train") == "top_k"
    assert column("train_loss", "") == "loss"


def test_what_keras_tells_of_updates_is_no_metric_of_an_epoch(twice: Path) -> None:
    (run,) = read_paths([twice / "one"])
    assert set(run.metrics) == {"loss", "val_loss"}
    assert run.remarks == ("Left out, as its steps are no epochs: batch_loss.",)
    (run,) = read_paths([twice / "two"])
    assert run.epochs == (1, 2, 3, 4)
    assert [math.isnan(value) for value in run.metrics["val_loss"]] == [True, False] * 2
    assert not any(math.isnan(value) for value in run.metrics["loss"])


def test_validation_that_is_nowhere_else_is_reported() -> None:
    keras_ = [("epoch_loss", 0, 1.0), ("evaluation_loss_vs_iterations", 9, 0.7)]
    (run,) = read_uploads([Upload(name="validation/x.tfevents", data=events(*keras_))])
    assert "Left out, as its steps are no epochs: val_evaluation_loss_vs_iterations." in run.remarks


def test_a_tag_that_counts_further_than_the_epochs_is_left_out_with_a_warning() -> None:
    points = [("val_loss", epoch, 1.0) for epoch in range(3)]
    points += [("loss", update, 1.0 / (1 + update)) for update in range(30)]
    (run,) = read_uploads([Upload(name="x.tfevents", data=events(*points))])
    assert set(run.metrics) == {"val_loss"}
    assert "Left out, as its steps are no epochs: loss." in run.remarks


def test_steps_that_are_no_epochs_are_numbered_with_a_warning() -> None:
    points = [("loss", step, float(step)) for step in range(0, 1000, 10)]
    points += [("val_loss", step, 1.0) for step in (490, 990)]
    points += [("lr", step, 0.1) for step in range(0, 1000, 10)]
    (run,) = read_uploads([Upload(name="x.tfevents", data=events(*points))])
    assert run.epochs == (1, 2)
    assert run.metrics["loss"] == pytest.approx([245.0, 745.0])
    assert [len(part) for part in run.rates] == [50, 50]
    assert "Its steps are no epochs: 2 records of val_loss, up to step 990" in run.remarks[0]
    many = [("loss", step, 1.0) for step in range(5, 20_000)]
    (run,) = read_uploads([Upload(name="x.tfevents", data=events(*many))])
    assert len(run.epochs) == 1000


def test_several_runs_in_one_folder_and_one_in_several_files(tmp_path: Path) -> None:
    for name, value in (("a", 1.0), ("b", 2.0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "events.out.tfevents.1").write_bytes(
            events(("loss", 0, value), ("loss", 1, value)))
    (tmp_path / "b" / "events.out.tfevents.2").write_bytes(
        events(("loss", 1, 9.0), ("loss", 2, 9.0), at=200.0))  # a later fit begins at step 1
    one, two = read_paths([tmp_path])
    assert (one.name, two.name) == (f"{tmp_path.name}/a", f"{tmp_path.name}/b")
    assert two.metrics["loss"] == (2.0, 9.0, 9.0)
    assert two.remarks == (
        "1 step of an earlier fit in the same folder is left out.",
        "No learning rate was recorded.", "No validation loss (val_loss) was recorded.")


def fitted(board: keras.callbacks.Callback, model: keras.Model, **how: Any) -> dict[str, Any]:
    x = np.random.default_rng(1).normal(size=(32, 4)).astype("float32")
    history = model.fit(x, x.sum(1), batch_size=8, verbose=0, callbacks=[board], **how)
    return dict(history.history)


def regression(start: float) -> keras.Model:
    layer = keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(start))
    model = keras.Sequential([keras.Input((4,)), layer])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    return model


@pytest.mark.parametrize("validated", [{"validation_split": 0.25}, {}, {
    "validation_split": 0.25, "validation_freq": 2}])
def test_of_two_fits_in_one_folder_the_later_one_is_read_alone(
    tmp_path: Path, validated: dict[str, Any]
) -> None:
    def board() -> keras.callbacks.Callback:
        return keras.callbacks.TensorBoard(tmp_path, write_graph=False, update_freq=1)

    fitted(board(), regression(0.0), epochs=4, validation_split=0.25)
    history = fitted(board(), regression(9.0), epochs=3, **validated)
    (run,) = read_paths([tmp_path])
    assert run.epochs == (1, 2, 3)
    assert run.metrics["loss"] == pytest.approx(history["loss"])
    measured = [one for one in run.metrics.get("val_loss", ()) if not math.isnan(one)]
    assert measured == pytest.approx(history.get("val_loss", []))
    assert run.remarks[0] == "4 epochs of an earlier fit in the same folder are left out."


def test_a_fit_that_was_continued_in_its_folder_is_one_run(tmp_path: Path) -> None:
    def board() -> keras.callbacks.Callback:
        return keras.callbacks.TensorBoard(tmp_path, write_graph=False)

    model = regression(0.0)
    first = fitted(board(), model, epochs=4, validation_split=0.25)
    second = fitted(board(), model, initial_epoch=4, epochs=6, validation_split=0.25)
    (run,) = read_paths([tmp_path])
    assert run.metrics["loss"] == pytest.approx([*first["loss"], *second["loss"]])
    assert run.metrics["val_loss"] == pytest.approx([*first["val_loss"], *second["val_loss"]])
    assert not any("earlier fit" in remark for remark in run.remarks)
    third = fitted(board(), model, initial_epoch=5, epochs=6, validation_split=0.25)
    (run,) = read_paths([tmp_path])
    assert run.metrics["loss"] == pytest.approx([
        *first["loss"], second["loss"][0], *third["loss"]])
    assert run.remarks[0] == "1 epoch of an earlier fit in the same folder is left out."


def test_files_that_were_written_at_the_same_time_are_no_restart(tmp_path: Path) -> None:
    for name, at in (("1", 100.0), ("2", 100.5)):
        (tmp_path / f"events.out.tfevents.{name}").write_bytes(
            events((f"part {name}", 0, 1.0), ("loss", 0, 1.0), ("loss", 1, 1.0), at=at))
    (run,) = read_paths([tmp_path])
    assert {"part 1", "part 2", "loss"} <= set(run.metrics)
    assert not any("earlier fit" in remark for remark in run.remarks)


def tensor(kind: int, field: bytes, *, shape: bytes = b"") -> bytes:
    value = text(1, "loss") + nested(8, whole(1, kind) + nested(2, shape) + field)
    return header(0.0) + record(double(1, 0.0) + whole(2, 0) + nested(5, nested(1, value)))


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (1, nested(4, struct.pack("<f", 0.5)), 0.5), (1, nested(5, struct.pack("<f", 0.5)), 0.5),
        (1, single(5, 0.5), 0.5), (2, nested(4, struct.pack("<d", 0.1)), 0.1),
        (3, nested(7, varint(7)), 7.0), (9, nested(4, struct.pack("<q", -3)), -3.0),
        (1, b"", 0.0),
    ],
)
def test_numbers_in_tensors_are_read(kind: int, field: bytes, value: float) -> None:
    (found,), fault = read_scalars("f", tensor(kind, field))
    assert (found.value, fault) == (pytest.approx(value), "")
    one = nested(2, whole(1, 1))
    assert len(read_scalars("f", tensor(kind, field, shape=one))[0]) == 1
    assert not read_scalars("f", tensor(7, nested(8, b"text")))[0]
    assert not read_scalars("f", tensor(1, nested(4, b"\0" * 8), shape=nested(2, whole(1, 2))))[0]


def test_damage_is_reported_with_its_place_and_what_came_before_is_kept() -> None:
    whole_file = events(*[("loss", step, 1.0) for step in range(3)])
    size = (len(whole_file) - len(header(0.0))) // 3
    place = len(header(0.0)) + size
    broken = bytearray(whole_file)
    broken[place + 20] ^= 1
    (run,) = read_uploads([Upload(name="x.tfevents", data=bytes(broken))])
    assert run.epochs == (1,)
    assert f"x.tfevents: record 3 at byte {place:,} has a wrong checksum" in run.remarks[0]
    broken = bytearray(whole_file)
    broken[place + 1] ^= 1
    assert "record 3 at byte" in read_scalars("x", bytes(broken))[1]
    assert "is cut short" in read_scalars("x", whole_file[:-1])[1]
    assert "is cut short" in read_scalars("x", whole_file[:-size + 5])[1]
    no_event = header(0.0) + record(b"\xff\xff")
    assert "record 2 is no event (it ends inside a number)" in read_scalars("x", no_event)[1]


def test_records_that_hold_graphs_are_passed_over() -> None:
    large = header(0.0) + record(b"\0" * (LARGEST + 1)) + events(("loss", 0, 1.0))
    assert len(read_scalars("x", large)[0]) == 1


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", b"", "a.csv must have a line of column names"),
        ("a.csv", b"epoch,loss\n", "a.csv must have a line of column names"),
        ("a.csv", b"x,y\n1,2\n", "a.csv must have a column epoch, loss or val_loss"),
        ("a.csv", b"epoch,loss,loss\n1,2,3\n", "a.csv must not name a column twice, got 'loss'."),
        ("a.csv", b"epoch,loss\n0,0.5\n1\n", "a.csv line 3 must have 2 values"),
        ("a.csv", b"epoch,loss\n0,low\n", "a.csv line 2, column loss must be a number, got 'low'."),
        ("a.csv", b"epoch,loss\n0,\xff\n", "a.csv must be text in UTF-8; byte 14 is not"),
        ("a.csv", b"loss\n" + b"1\n" * 10_001, "a.csv must have at most 10,000 epochs, got 10001."),
        ("a.csv", b"epoch,loss\n20000,1\n", "a.csv must have at most 10,000 epochs, got 20001."),
        ("a.csv", b"epoch" + b",m" * 99_999, "at least one line"),
        ("a.json", b"{", "a.json must be JSON"),
        ("a.json", b"[" * 100_000, "a.json must be JSON"),
        ("a.json", b"[1]", "a.json must be an object of lists"),
        ("a.json", b"{}", "a.json must be an object of lists"),
        ("a.json", b'{"loss": 1}', "a.json loss must be a list"),
        ("a.json", b'{"loss": [1, "x"]}', "a.json loss, value 2 must be a number, got 'x'."),
        ("a.json", b'{"loss": []}', "a.json must have 1 to 10,000 epochs, got 0."),
        ("a.json", b'{"format": "lrdash run"}', "a.json must be a run as lrdash keeps it"),
        ("a.tfevents", b"", "a.tfevents must be an event file of TensorBoard"),
        ("a.tfevents", b"something else altogether", "must be an event file of TensorBoard"),
        ("a.tfevents", header(0.0), "a.tfevents must hold scalars"),
        ("a.tfevents", events(("lr", 0, 0.1)), "must hold a loss or another metric"),
        ("a.zip", b"PK", "a.zip must be a ZIP archive that is whole"),
        ("a.keras", b"", "a.keras must be an event file of TensorBoard"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(
    name: str, data: bytes, message: str
) -> None:
    with pytest.raises(InvalidField) as fault:
        read_uploads([Upload(name=name, data=data)])
    assert message in str(fault.value)


def test_columns_that_are_missing_or_unknown_are_reported_or_kept() -> None:
    data = "\N{BYTE ORDER MARK}epoch;loss;my metric;lr\r\n0;0,5;1;0,1\r\n\r\n1;NA;;-3\r\n"
    (run,) = read_uploads([Upload(name="a.csv", data=data.encode())])
    assert run.metrics["loss"][0] == 0.5
    assert math.isnan(run.metrics["loss"][1])
    assert run.metrics["my metric"][0] == 1.0
    assert [list(part) for part in run.rates] == [[pytest.approx(0.1)], []]
    assert run.remarks == (
        "1 of 2 learning rates are no rates between 0 and 1000 and were left out.",
        "No validation loss (val_loss) was recorded.")
    (run,) = read_uploads([Upload(name="a.csv", data=b"epoch,loss\n0,1\n1,1\n0,1\n")])
    assert (run.epochs, run.remarks[0]) == (
        (1, 2, 3), "The epochs do not ascend; the lines were numbered anew.")
    whole_history = {"epoch": [4, 5], "history": {"loss": [1, None], "auc": [2]}}
    (run,) = read_uploads([Upload(name="a.json", data=json.dumps(whole_history).encode())])
    assert run.epochs == (5, 6)
    assert run.remarks[0] == "auc has 1 of 2 values; they were put to the first epochs."


def test_a_column_of_texts_is_left_out_with_a_warning() -> None:
    data = b'epoch,loss,note,weights\n0,1,first,"[1.0, 2.0]"\n1,0.5,,"[3.0, 4.0]"\n'
    with pytest.raises(InvalidField, match="line 2, column note must be a number, got 'first'"):
        read_uploads([Upload(name="a.csv", data=data.replace(b",,", b",2,"))])
    (run,) = read_uploads([Upload(name="a.csv", data=data)])
    assert list(run.metrics) == ["loss"]
    assert run.remarks[0] == "Not a number in any line, left out: note, weights."


def test_validation_after_every_second_epoch_stands_where_keras_measured_it() -> None:
    board = keras.callbacks.Callback()
    history = fitted(
        board, regression(0.0), epochs=4, validation_split=0.25, validation_freq=2)
    (run,) = read_uploads([Upload(name="a.json", data=json.dumps(history).encode())])
    assert [math.isnan(one) for one in run.metrics["val_loss"]] == [True, False] * 2
    assert [run.metrics["val_loss"][place] for place in (1, 3)] == history["val_loss"]
    assert run.remarks[0] == "val_loss has 2 of 4 values; they were put to the epochs after " \
        "which validation_freq=2 measures: 2, 4."
    continued = {"epoch": [3, 4, 5, 6, 7, 8], "history": {"loss": [1] * 6, "val_loss": [2, 3]}}
    (run,) = read_uploads([Upload(name="a.json", data=json.dumps(continued).encode())])
    assert [e for e, one in zip(run.epochs, run.metrics["val_loss"], strict=True)
            if not math.isnan(one)] == [6, 9]


@pytest.mark.parametrize("history", [
    {"loss": [1, 2, 3], "val_loss": [4, 5]}, {"loss": [1, 2, 3, 4], "lr": [4, 5]},
    {"loss": [1, 2], "val_loss": []}])
def test_values_that_fit_no_validation_freq_stand_at_the_first_epochs(
    history: dict[str, list[float]]
) -> None:
    (run,) = read_uploads([Upload(name="a.json", data=json.dumps(history).encode())])
    assert "they were put to the first epochs." in run.remarks[0]


def test_texts_in_a_history_are_left_out_with_a_warning() -> None:
    history = {"loss": [3, 2, 1], "note": ["a", "b", None], "title": "x"}
    (run,) = read_uploads([Upload(name="a.json", data=json.dumps(history).encode())])
    assert (run.epochs, dict(run.metrics)) == ((1, 2, 3), {"loss": (3.0, 2.0, 1.0)})
    assert run.remarks[0] == "Not a number in any epoch, left out: note, title."
    for wrong in ({"loss": "x"}, {"loss": ["x"]}, {"loss": [1], "note": ["a", 2]}, {"note": "x"}):
        with pytest.raises(InvalidField):
            read_uploads([Upload(name="a.json", data=json.dumps(wrong).encode())])


@pytest.mark.parametrize(("name", "data", "status"), [
    ("a.json", b'{"loss": [1, NaN]}', "diverged"),
    ("a.json", b'{"loss": [NaN, Infinity], "val_loss": [1, 1]}', "diverged"),
    ("a.json", b'{"loss": [NaN, 1], "val_loss": [1, NaN]}', "finished"),
    ("a.json", b'{"loss": [1, null]}', "finished"),
    ("a.csv", b"epoch,loss,val_loss\n0,1,1\n1,nan,1\n", "diverged"),
    ("a.csv", b"epoch,loss,val_loss\n0,1,1\n1,NA,1\n", "finished"),
    ("a.csv", b"epoch,loss,val_loss\n0,inf,1\n1,,1\n", "diverged"),
])
def test_a_run_whose_last_loss_is_no_number_has_diverged(
    name: str, data: bytes, status: str
) -> None:
    (run,) = read_uploads([Upload(name=name, data=data)])
    store = Store()
    bring([run], store)
    (row,) = store.runs.listing()
    store.close()
    assert row.status == status
    assert row.reason == ("the loss was no longer a finite number" if status == "diverged" else "")


@pytest.mark.parametrize("tag", ["epoch_loss", "loss"])
def test_a_board_whose_last_loss_is_no_number_has_diverged(tag: str) -> None:
    points = [(tag, 0, 1.0), (tag, 1, math.nan), ("epoch_val_loss", 0, 1.0)]
    (run,) = read_uploads([Upload(name="a.tfevents", data=events(*points))])
    assert run.status == "diverged"
    later = [(tag, 0, 1.0), *(("val_loss", step, 1.0) for step in range(3))]
    (run,) = read_uploads([Upload(name="a.tfevents", data=events(*later))])
    assert run.status == "finished"


def test_folders_and_archives_are_searched_for_logs_and_what_is_none_is_reported(
    tmp_path: Path,
) -> None:
    files = {
        "run/log.csv": b"epoch,loss\n0,1\n", "run/config.json": b'{"lr": 0.1}',
        "__MACOSX/run/._log.csv": b"\x00\x05", "run/.DS_Store": b"", "run/.hidden.json": b"{",
        "people.csv": b"name,age\nA,3\n", "model.keras": b"",
    }
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    zipped = [Upload(name="mine.zip", data=archive(**files))]
    for read, source in ((read_uploads, zipped), (read_paths, [tmp_path])):
        left: list[str] = []
        (run,) = read(source, left.append)
        assert run.name.endswith("run/log")
        assert not any("Left out" in remark for remark in run.remarks)
        assert len(left) == 2
        assert any("run/config.json lr must be a list" in one for one in left)
        assert any("/people.csv must have a column epoch" in one for one in left)
    del files["run/log.csv"]
    with pytest.raises(InvalidField, match=r"mine/run/config\.json lr must be a list"):
        read_uploads([Upload(name="mine.zip", data=archive(**files))])


def test_tables_of_csvlogger_are_found_under_all_their_names(tmp_path: Path) -> None:
    files = {
        "training.log": b"epoch,loss\n0,1\n", "a/b.TSV": b"epoch\tloss\n0\t2\n",
        "notes.txt": b"loss\n3\n",
    }
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(data)
    for found in (read_paths([tmp_path]), read_uploads([Upload(
            name="mine.zip", data=archive(**files))])):
        assert {run.name.split("/", 1)[1]: run.metrics["loss"] for run in found} == {
            "training": (1.0,), "a/b": (2.0,)}


def archive(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return buffer.getvalue()


def test_uploads_and_archives_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = archive(**{"a.csv": b"0" * 30_000_000})
    assert len(bomb) < 100_000
    with pytest.raises(InvalidField, match="must have at most 20 MB when unpacked"):
        read_uploads([Upload(name="bomb.zip", data=bomb)])
    with pytest.raises(InvalidField, match="must hold an event file"):
        read_uploads([Upload(name="b.zip", data=archive(**{"a.zip": bomb, "b.pkl": b""}))])
    with pytest.raises(InvalidField, match="must have at most 20 MB; use"):
        read_uploads([Upload(name="a.csv", data=b"0" * 20_000_001)])
    monkeypatch.setattr(sources, "MOST_FILES", 2)
    with pytest.raises(InvalidField, match="must have at most 2 files"):
        read_uploads([Upload(name="a.csv", data=b"")] * 3)


def test_paths_that_cannot_be_read_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidField, match="a folder without any"):
        read_paths([tmp_path])
    with pytest.raises(InvalidField, match="must be a file that can be read"):
        read_paths([tmp_path / "missing.csv"])
    (tmp_path / "a.csv").write_bytes(b"epoch,loss\n0,1\n")
    monkeypatch.setattr(sources, "FILE_LIMIT", 10)
    with pytest.raises(InvalidField, match="must have at most 0 MB"):
        read_paths([tmp_path / "a.csv"])
    with pytest.raises(InvalidField, match="must have at most 0 MB"):
        read_paths([tmp_path])
    (tmp_path / "b.csv").write_bytes(b"loss\n1\n")
    left: list[str] = []
    (run,) = read_paths([tmp_path], left.append)
    assert run.name.endswith("/b")
    assert left == [f"Left out: {tmp_path / 'a.csv'} must have at most 0 MB, got '0 MB'."]
    with pytest.raises(InvalidField, match="paths must name at least one"):
        lrdash.import_runs()


@given(place=st.integers(0, 400), change=st.integers(1, 255), cut=st.integers(0, 400))
def test_mutated_event_files_are_read_or_refused(place: int, change: int, cut: int) -> None:
    data = bytearray(events(*[("epoch_loss", step, 1.0) for step in range(5)]))
    data[place % len(data)] ^= change
    try:
        found = read_uploads([Upload(name="x.tfevents", data=bytes(data[: len(data) - cut % 9]))])
    except InvalidField:
        return
    assert all(run.epochs for run in found)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    found = []
    with suppress(ValueError):
        found.extend(fields(data))
    assert all(number >= 0 for number, _ in found)


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


def test_the_shell_imports_and_tells(
    written: tuple[Path, Any], runner: CliRunner, tmp_path: Path
) -> None:
    path = str(written[0] / "history.json")
    done = runner.invoke(app, ["import", path, "--name", "old", "--tag", "a"])
    assert done.exit_code == 0, done.output
    assert "old: 3 epochs, imported" in done.stdout
    done = runner.invoke(app, ["import", path, "--json"])
    assert json.loads(done.stdout)[0]["new"] is False
    (tmp_path / "a.csv").write_text("epoch,loss\n0,x\n")
    done = runner.invoke(app, ["import", str(tmp_path / "a.csv")])
    assert done.exit_code == 2
    assert "line 2, column loss must be a number" in done.stderr


def test_files_that_are_left_out_are_reported_beside_the_runs(
    runner: CliRunner, tmp_path: Path
) -> None:
    (tmp_path / "good.csv").write_text("epoch,loss\n0,1\n")
    for number in range(7):
        (tmp_path / f"bad {number}.csv").write_text("epoch,loss\n0,x\n")
    done = runner.invoke(app, ["import", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    (found,) = json.loads(done.stdout)
    assert not any("bad" in remark for remark in found["remarks"])
    lines = done.stderr.splitlines()
    assert "bad 0.csv line 2, column loss must be a number, got 'x'." in lines[0]
    assert lines[5:] == ["Left out: 2 more files."]
    with pytest.warns(UserWarning, match="Left out: "):
        lrdash.import_runs(tmp_path)
    store = Store()
    facts = store.runs.listing()[0].spec.facts
    store.close()
    assert facts is not None
    assert not any("bad" in note for note in facts.notes)


def test_a_real_writer_of_tensorflow_is_read(tmp_path: Path) -> None:
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        for step in range(3):
            tf.summary.scalar("loss", 1.0 / (step + 1), step=step)
            tf.summary.scalar("learning_rate", 0.1, step=step)
            tf.summary.text("note", "words", step=step)
    (run,) = read_paths([tmp_path])
    assert run.metrics["loss"] == pytest.approx([1.0, 0.5, 1 / 3])
    assert np.concatenate(run.rates) == pytest.approx([0.1] * 3)
    store = Store()
    assert bring([run], store)[0].new
    store.close()
