"""Histories, tables of CSVLogger, folders and archives as runs, from Python and the shell."""

from __future__ import annotations

import io
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import lrdash
from lrdash.cli import app
from lrdash.core.errors import InvalidField
from lrdash.export.events import LARGEST, header, record
from lrdash.store import Store
from lrdash.tracking.importing import Upload, bring, read_paths, read_uploads, sources
from lrdash.tracking.importing.summaries import read_scalars
from tests.factories.logs import events, fitted, regression


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
        ("a.zip", b"PK", "a.zip must be an intact ZIP archive"),
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
        "1 of 2 learning rates were left out: they are not between 0 and 1000.",
        "No validation loss (val_loss) was recorded.")
    (run,) = read_uploads([Upload(name="a.csv", data=b"epoch,loss\n0,1\n1,1\n0,1\n")])
    assert (run.epochs, run.remarks[0]) == (
        (1, 2, 3), "The epochs do not ascend, so the lines were numbered.")
    whole_history = {"epoch": [4, 5], "history": {"loss": [1, None], "auc": [2]}}
    (run,) = read_uploads([Upload(name="a.json", data=json.dumps(whole_history).encode())])
    assert run.epochs == (5, 6)
    assert run.remarks[0] == "auc has 1 of 2 values; they were assigned to the first epochs."


def test_a_column_of_texts_is_left_out_with_a_warning() -> None:
    data = b'epoch,loss,note,weights\n0,1,first,"[1.0, 2.0]"\n1,0.5,,"[3.0, 4.0]"\n'
    with pytest.raises(InvalidField, match="line 2, column note must be a number, got 'first'"):
        read_uploads([Upload(name="a.csv", data=data.replace(b",,", b",2,"))])
    (run,) = read_uploads([Upload(name="a.csv", data=data)])
    assert list(run.metrics) == ["loss"]
    assert run.remarks[0] == "Left out, without a number in any line: note, weights."


def test_validation_after_every_second_epoch_stands_where_keras_measured_it() -> None:
    board = keras.callbacks.Callback()
    history = fitted(
        board, regression(0.0), epochs=4, validation_split=0.25, validation_freq=2)
    (run,) = read_uploads([Upload(name="a.json", data=json.dumps(history).encode())])
    assert [math.isnan(one) for one in run.metrics["val_loss"]] == [True, False] * 2
    assert [run.metrics["val_loss"][place] for place in (1, 3)] == history["val_loss"]
    assert run.remarks[0] == "val_loss has 2 of 4 values; they were assigned to the epochs after " \
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
    assert "they were assigned to the first epochs." in run.remarks[0]


def test_texts_in_a_history_are_left_out_with_a_warning() -> None:
    history = {"loss": [3, 2, 1], "note": ["a", "b", None], "title": "x"}
    (run,) = read_uploads([Upload(name="a.json", data=json.dumps(history).encode())])
    assert (run.epochs, dict(run.metrics)) == ((1, 2, 3), {"loss": (3.0, 2.0, 1.0)})
    assert run.remarks[0] == "Left out, without a number in any epoch: note, title."
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
    store: Store, name: str, data: bytes, status: str
) -> None:
    (run,) = read_uploads([Upload(name=name, data=data)])
    bring([run], store)
    (row,) = store.runs.listing()
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
    store: Store, runner: CliRunner, tmp_path: Path
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
    facts = store.runs.listing()[0].spec.facts
    assert facts is not None
    assert not any("bad" in note for note in facts.notes)
