"""Runs of other programs: what Keras itself writes, what others write, and what is broken."""

from __future__ import annotations

import math
import struct
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

import lrdash
from lrdash.export import FORMATS, recorded
from lrdash.export.events import header, record
from lrdash.export.protobuf import double, fields, nested, single, text, varint, whole
from lrdash.store import Store
from lrdash.tracking.importing import Found, Upload, bring, read_paths, read_uploads
from lrdash.tracking.importing.names import column
from lrdash.tracking.importing.summaries import read_scalars
from tests.factories.logs import LATE, events, fitted, regression


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


def agrees(run: Found, history: dict[str, list[float]], *remarks: str) -> None:
    assert run.epochs == (1, 2, 3)
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert run.metrics[name] == pytest.approx(history[name], rel=1e-6)
    assert np.concatenate(run.rates) == pytest.approx([0.1, 0.05, 0.1 / 3])
    assert run.remarks == remarks


@pytest.mark.parametrize("name", ["logs", "comma.csv", "semicolon.csv", "history.json"])
def test_what_keras_wrote_is_read_in_full(
    written: tuple[Path, dict[str, list[float]]], name: str
) -> None:
    folder, history = written
    (run,) = read_paths([folder / name])
    agrees(run, history, *([LATE] if name == "logs" else []))


def test_the_whole_folder_holds_four_times_the_same_but_the_floats(
    written: tuple[Path, dict[str, list[float]]],
) -> None:
    found = read_paths([written[0]])
    assert sorted(run.name.rsplit("/")[-1] for run in found) == [
        "comma", "history", "logs", "semicolon"]


def test_runs_are_brought_in_once_and_kept_as_they_were(
    store: Store, written: tuple[Path, dict[str, list[float]]],
) -> None:
    folder, history = written
    first = lrdash.import_runs(
        folder / "comma.csv", name="old", dataset="hills", model="goat", tags=["a"]
    )
    again = lrdash.import_runs(folder / "semicolon.csv")  # the same in another file
    assert [one.new for one in (*first, *again)] == [True, False]
    assert first[0].run_id == again[0].run_id
    (row,) = store.runs.listing()
    assert (row.name, row.tags, row.status, row.engine) == ("old", ("a",), "finished", "import")
    assert (row.spec.origin, row.spec.dataset, row.spec.model) == ("import", "hills", "goat")
    assert (row.epochs_done, row.spec.epochs, row.spec.base_lr) == (3, 3, pytest.approx(0.1))
    epochs = store.runs.epochs(row.run_id)
    assert [epoch.metrics["val_loss"] for epoch in epochs] == history["val_loss"]
    assert [epoch.learning_rate for epoch in epochs] == pytest.approx([0.1, 0.05, 0.1 / 3])
    assert not store.workers.silent([str(row.worker_id)])


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
    agrees(replace(run, remarks=said[1:]), history, LATE)
    assert said[0].startswith("Combined from events.out.tfevents.")
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
    assert "/cut.tfevents must be intact; it is damaged before its first scalar (record 2 at " \
        f"byte {len(header(0.0))} is cut short), got '{len(cut)} bytes'." in left[1]
    assert "must hold a loss or another metric, got 'learning rates alone'" in left[2]
    files = [Upload(name="a.tfevents", data=events(("loss", 0, 1.0))),
             Upload(name="b.tfevents", data=header(0.0))]
    with pytest.warns(UserWarning, match=r"Left out: b\.tfevents must hold scalars, got 'none'\."):
        (run,) = read_uploads(files)
    assert not any("b.tfevents" in remark for remark in run.remarks if "Left out" in remark)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_lrdash_exports_it_can_import(
    store: Store, written: tuple[Path, Any], tmp_path: Path
) -> None:
    lrdash.import_runs(written[0] / "comma.csv")
    rows = store.runs.listing()
    runs = recorded(rows, store.runs.epochs_of([row.run_id for row in rows]))
    (run,) = read_uploads([Upload(name="board.zip", data=FORMATS["tensorboard"].write(runs))])
    agrees(run, written[1])


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
    assert run.remarks == ("Left out, since the steps are not epochs: batch_loss.",)
    (run,) = read_paths([twice / "two"])
    assert run.epochs == (1, 2, 3, 4)
    assert [math.isnan(value) for value in run.metrics["val_loss"]] == [True, False] * 2
    assert not any(math.isnan(value) for value in run.metrics["loss"])


def test_validation_that_is_nowhere_else_is_reported() -> None:
    keras_ = [("epoch_loss", 0, 1.0), ("evaluation_loss_vs_iterations", 9, 0.7)]
    (run,) = read_uploads([Upload(name="validation/x.tfevents", data=events(*keras_))])
    left = "val_evaluation_loss_vs_iterations"
    assert f"Left out, since the steps are not epochs: {left}." in run.remarks


def test_a_tag_that_counts_further_than_the_epochs_is_left_out_with_a_warning() -> None:
    points = [("val_loss", epoch, 1.0) for epoch in range(3)]
    points += [("loss", update, 1.0 / (1 + update)) for update in range(30)]
    (run,) = read_uploads([Upload(name="x.tfevents", data=events(*points))])
    assert set(run.metrics) == {"val_loss"}
    assert "Left out, since the steps are not epochs: loss." in run.remarks


def test_steps_that_are_no_epochs_are_numbered_with_a_warning() -> None:
    points = [("loss", step, float(step)) for step in range(0, 1000, 10)]
    points += [("val_loss", step, 1.0) for step in (490, 990)]
    points += [("lr", step, 0.1) for step in range(0, 1000, 10)]
    (run,) = read_uploads([Upload(name="x.tfevents", data=events(*points))])
    assert run.epochs == (1, 2)
    assert run.metrics["loss"] == pytest.approx([245.0, 745.0])
    assert [len(part) for part in run.rates] == [50, 50]
    assert "The steps are not epochs: 2 records of val_loss, up to step 990" in run.remarks[0]
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
        "Left out 1 step of an earlier fit in the same folder.",
        "No learning rate was recorded.", "No validation loss (val_loss) was recorded.")


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
    assert run.remarks[0] == "Left out 4 epochs of an earlier fit in the same folder."


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
    assert run.remarks[0] == "Left out 1 epoch of an earlier fit in the same folder."


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


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    found = []
    with suppress(ValueError):
        found.extend(fields(data))
    assert all(number >= 0 for number, _ in found)


def test_a_real_writer_of_tensorflow_is_read(store: Store, tmp_path: Path) -> None:
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        for step in range(3):
            tf.summary.scalar("loss", 1.0 / (step + 1), step=step)
            tf.summary.scalar("learning_rate", 0.1, step=step)
            tf.summary.text("note", "words", step=step)
    (run,) = read_paths([tmp_path])
    assert run.metrics["loss"] == pytest.approx([1.0, 0.5, 1 / 3])
    assert np.concatenate(run.rates) == pytest.approx([0.1] * 3)
    assert bring([run], store)[0].new


def test_remarks_reach_a_function_by_the_earlier_name_of_its_argument_too(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("epoch,loss\n0,1.0\n1,0.5\n")
    (tmp_path / "broken.csv").write_text("epoch,loss\n0,1.0,3\n")
    for name in ("report", "tell"):
        heard: list[str] = []
        lrdash.import_runs(tmp_path, **{name: heard.append})
        assert len(heard) == 1
    with pytest.raises(TypeError, match="unexpected keyword argument 'say'"):
        lrdash.import_runs(tmp_path, say=print)
