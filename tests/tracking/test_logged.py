"""log_run: runs of any loop, without TensorFlow, and with a store that refuses."""

from __future__ import annotations

import json
import math
import os
import re
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrdash
from lrdash.core.errors import InvalidField, StoreError
from lrdash.store import Store
from lrdash.store.runs import Runs
from lrdash.tracking.importing import import_runs
from lrdash.tracking.watching import Logged, StoreWarning, Watcher, log_run, logged, recorder, spool
from tests import ROOT


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watcher that soon gives up."""
    monkeypatch.setattr(recorder, "PATIENCE", 0.1)
    monkeypatch.setattr(recorder, "BUSY", 0.05)


def seen(run: Logged, what: Callable[[Watcher], bool]) -> None:
    """Wait until the watcher of a run is so far."""
    watcher = run._watcher
    assert watcher
    with watcher._changed:
        assert watcher._changed.wait_for(lambda: what(watcher))


def loop(name: str = "loop") -> Logged:
    with log_run(name) as run:
        run.epoch(loss=0.5, learning_rate=0.1)
        run.epoch(loss=0.25, learning_rate=0.05)
    return run


def test_a_loop_becomes_a_run(store: Store) -> None:
    with lrdash.log_run(
        "climb", epochs=3, dataset="hills", model="goat", optimizer="feet", tags=["a"]
    ) as run:
        run.epoch(loss=0.5, val_loss=0.6, height=3, learning_rate=[0.1, 0.2])
        run.epoch(loss=math.nan, learning_rate=np.array([0.3, 0.4]))
        run.epoch(loss=np.float32(0.25), learning_rate=(0.5, 0.0))
    row = store.runs.one(str(run.run_id))
    assert (row.status, row.name, row.tags, row.engine) == ("finished", "climb", ("a",), "own loop")
    assert (row.epochs_done, row.spec.epochs, row.steps_per_epoch, row.update) == (3, 3, 2, 6)
    assert (row.spec.dataset, row.spec.model, row.spec.base_lr) == ("hills", "goat", 0.5)
    assert row.spec.facts
    assert row.spec.facts.metrics == ("loss", "val_loss", "height")
    epochs = store.runs.epochs(row.run_id)
    assert [list(epoch.rates) for epoch in epochs] == [
        pytest.approx([0.1, 0.2]), pytest.approx([0.3, 0.4]), [0.5, 0.0]]
    assert epochs[0].metrics == {"loss": 0.5, "val_loss": 0.6, "height": 3.0}
    assert math.isnan(epochs[1].metrics["loss"])


def test_a_loop_without_a_known_end_has_as_many_epochs_as_it_did(store: Store) -> None:
    row = store.runs.one(str(loop().run_id))
    assert (row.spec.epochs, row.epochs_done, row.spec.params["known"]) == (2, 2, "epochs")
    assert row.spec.facts
    assert row.spec.facts.notes == ()
    with log_run("longer than planned", epochs=1) as run:
        run.epoch(loss=1.0)
        run.epoch(loss=1.0)
    assert store.runs.one(str(run.run_id)).spec.epochs == 2
    assert store.runs.one(str(run.run_id)).spec.params["known"] == "none"


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        (ValueError("no\nmore"), "failed", "ValueError: no (after 1 epoch)"),
        (ArithmeticError(), "failed", "ArithmeticError (after 1 epoch)"),
        (KeyboardInterrupt(), "interrupted", "KeyboardInterrupt after 1 epoch"),
    ],
)
def test_what_leaves_the_loop_becomes_the_reason(
    store: Store, fault: BaseException, status: str, reason: str
) -> None:
    def falls(run: Logged) -> None:
        with run:
            run.epoch(loss=1.0)
            raise fault

    run = log_run("falls")
    with pytest.raises(type(fault)):
        falls(run)
    row = store.runs.one(str(run.run_id))
    assert (row.status, row.reason) == (status, reason)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"loss": {"train": 1.0}}, "loss must be one number; give the parts of a nested metric"),
        ({"loss": "low"}, "loss must be a number, got 'low'."),
        ({"loss": True}, "loss must be a number"),
        ({"loss": [1.0, 2.0]}, "loss must be a number"),
        ({"": 1.0}, "metrics must have 1 to 80 printable characters as a name"),
        ({"a\nb": 1.0}, "metrics must have 1 to 80 printable characters as a name"),
        ({f"m{n}": 1.0 for n in range(101)}, "metrics must be at most 100"),
        ({"learning_rate": -0.1}, "learning_rate must be between 0 and 1000, got -0.1."),
        ({"learning_rate": math.nan}, "learning_rate must be between 0 and 1000, got nan."),
        ({"learning_rate": []}, "learning_rate must be a number, or a list of numbers"),
        ({"learning_rate": [[0.1]]}, "learning_rate must be a number, or a list of numbers"),
        ({"learning_rate": "high"}, "learning_rate must be a number, or a list of numbers"),
    ],
)
def test_what_is_no_epoch_is_refused_and_not_counted(given: dict[str, Any], message: str) -> None:
    with log_run("loop") as run:
        with pytest.raises(InvalidField, match=re.escape(message)):
            run.epoch(**given)
        assert run._done == 0


@pytest.mark.parametrize(("last", "status", "reason"), [
    (math.nan, "diverged", "the loss was no longer a finite number"),
    (math.inf, "diverged", "the loss was no longer a finite number"), (0.5, "finished", ""),
])
def test_a_last_loss_that_is_no_number_is_a_divergence(
    store: Store, last: float, status: str, reason: str
) -> None:
    with log_run("loop") as run:
        run.epoch(loss=1.0)
        run.epoch(loss=last)
    row = store.runs.one(str(run.run_id))
    assert (row.status, row.reason) == (status, reason)


def test_more_epochs_than_a_run_can_have_harm_no_training(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logged, "LONGEST", 3)
    with log_run("long") as run:
        for _ in range(3):
            run.epoch(loss=0.5)
        with pytest.warns(StoreWarning, match="at most 3 epochs"):
            run.epoch(loss=0.5)
        run.epoch(loss=0.5)  # warnings are errors here
    row = store.runs.one(str(run.run_id))
    assert (row.status, row.epochs_done) == ("finished", 3)


def test_a_database_that_never_takes_anything_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("in the way")
    monkeypatch.setattr(recorder, "PATIENCE", 0.3)
    monkeypatch.setattr(spool.tempfile, "gettempdir", lambda: str(tmp_path / "spare"))
    waits: list[float] = []
    monkeypatch.setattr(recorder, "INTERVAL", 0.01)
    monkeypatch.setattr(recorder.Watcher, "_retry", lambda _self: waits.append(0.0))
    monkeypatch.setenv("LRDASH_HOME", str(blocked))
    with pytest.warns(StoreWarning):
        loop()
    first = len(waits)
    with pytest.warns(StoreWarning):
        loop("second")
    assert first > 0
    assert len(waits) == first
    monkeypatch.setenv("LRDASH_HOME", str(tmp_path / "mended"))
    assert loop("third").run_id


def test_a_run_that_is_over_takes_no_epoch() -> None:
    run = loop()
    with pytest.raises(InvalidField, match=r"inside `with lrdash.log_run"):
        run.epoch(loss=1.0)
    with pytest.raises(InvalidField, match=r"inside `with lrdash.log_run"):
        log_run("not begun").epoch(loss=1.0)


def test_neither_tensorflow_nor_keras_is_needed(store: Store) -> None:
    script = (
        "import sys\n"
        "for name in ('tensorflow', 'keras', 'streamlit'):\n"
        "    sys.modules[name] = None\n"  # importing it fails
        "import lrdash\n"
        "with lrdash.log_run('bare') as run:\n"
        "    run.epoch(loss=0.5, learning_rate=0.1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [row.name for row in store.runs.listing(status="finished")] == ["bare"]


def test_an_end_during_a_write_is_written_without_a_pause(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Watcher._write

    def ends_meanwhile(self: Watcher) -> None:
        write(self)
        self.end("finished")

    monkeypatch.setattr(Watcher, "_write", ends_meanwhile)
    monkeypatch.setattr(recorder, "INTERVAL", 3600.0)
    run = log_run("short").__enter__()
    run.epoch(loss=0.5)
    watcher = run._watcher
    assert watcher
    watcher._thread.join()
    assert not watcher._thread.is_alive()
    assert store.runs.one(str(run.run_id)).status == "finished"


def test_a_database_that_is_locked_for_a_while_gets_all_in_the_end(
    store: Store, home: Path
) -> None:
    locker = sqlite3.connect(home / "lrdash.db", isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    with warnings.catch_warnings(record=True) as caught, log_run("waits") as run:
        warnings.simplefilter("always")
        for _ in range(3):
            run.epoch(loss=0.5)
        seen(run, lambda watcher: watcher._warned)
        locker.execute("ROLLBACK")
    locker.close()
    assert [one.category for one in caught] == [StoreWarning]
    assert "locked by another process" in str(caught[0].message)
    row = store.runs.one(str(run.run_id))
    assert (row.status, row.epochs_done) == ("finished", 3)


@pytest.mark.usefixtures("hasty")
def test_a_database_that_stays_locked_leaves_a_file_that_can_be_imported(
    store: Store, home: Path
) -> None:
    locker = sqlite3.connect(home / "lrdash.db", isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    with pytest.warns(StoreWarning) as caught:
        run = loop("kept")
    locker.execute("ROLLBACK")
    locker.close()
    first, last = (str(one.message) for one in caught)
    assert "The training continues" in first
    assert "is not on the dashboard in full. It is kept in" in last
    assert run.run_id is None
    (path,) = (home / "unsaved").iterdir()
    assert str(path) in last
    (brought,) = import_runs(path)
    row = store.runs.one(brought.run_id)
    assert (row.name, row.status, row.epochs_done, row.spec.origin) == (
        "kept", "finished", 2, "watched")
    assert store.runs.epochs(row.run_id)[1].rates == pytest.approx([0.05])
    assert not import_runs(path)[0].new


@pytest.mark.usefixtures("hasty")
def test_a_full_disk_gives_one_warning_and_what_came_before_stays(
    store: Store, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Runs.record

    def full(self: Runs, batch: Any, worker_id: str | None = None) -> None:
        if any(getattr(event, "epoch", 0) == 2 for _, event in batch):
            raise StoreError("The database has no room left: the disk is full.")
        record(self, batch, worker_id)

    monkeypatch.setattr(Runs, "record", full)
    with warnings.catch_warnings(record=True) as caught, log_run("full") as run:
        warnings.simplefilter("always")
        run.epoch(loss=0.5)
        seen(run, lambda watcher: watcher._written == 1)
        run.epoch(loss=0.25)
    assert ["no room left" in str(one.message) for one in caught] == [True, True]
    assert store.runs.one(str(run.run_id)).epochs_done == 1
    kept = json.loads(next((home / "unsaved").iterdir()).read_text())
    assert [epoch["epoch"] for epoch in kept["epochs"]] == [1, 2]


@pytest.mark.usefixtures("hasty")
def test_a_home_that_cannot_be_written_keeps_the_run_in_another_folder_or_says_that_it_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("in the way")
    monkeypatch.setenv("LRDASH_HOME", str(blocked))
    monkeypatch.setattr(spool.tempfile, "gettempdir", lambda: str(tmp_path / "spare"))
    with pytest.warns(StoreWarning, match="it is a file") as caught:
        loop()
    assert f"It is kept in {tmp_path / 'spare'}" in str(caught[1].message)
    monkeypatch.setattr(spool.tempfile, "gettempdir", lambda: str(blocked))
    with pytest.warns(StoreWarning, match="it is a file") as caught:
        loop()
    assert "what was not written is lost" in str(caught[1].message)


@pytest.mark.usefixtures("hasty")
def test_warnings_that_are_errors_end_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LRDASH_HOME", str(tmp_path / "file"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loop()
    assert "The training continues" in caplog.text


def test_a_deleted_run_harms_nobody(store: Store) -> None:
    with log_run("deleted") as run:
        run.epoch(loss=0.5)
        seen(run, lambda watcher: watcher._written == 1)
        store.runs.end(str(run.run_id), "stopped", "by hand")
        store.runs.delete([str(run.run_id)])
        run.epoch(loss=0.4)
    assert not store.runs.listing()


def test_the_process_ends_without_an_end(store: Store) -> None:
    script = "import lrdash\nrun = lrdash.log_run('open').__enter__()\nrun.epoch(loss=1.0)\n"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT, env=dict(os.environ))
    (row,) = store.runs.listing()
    assert (row.status, row.epochs_done) == ("interrupted", 1)
    assert row.reason == "the program left it without an end"
