"""Commands for runs, the server and the doctor, and real runs from a shell."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import lrdash
from lrdash.cli import checks
from lrdash.core.events import RunEnded
from lrdash.core.spec import RunSpec
from lrdash.planning.plan import make
from lrdash.store import Store
from tests import ROOT
from tests.factories.jobs import eventually
from tests.factories.runs import epoch_event
from tests.factories.shell import as_json, call


def finished(store: Store, epochs: int = 2, **more: Any) -> str:
    plan = make(RunSpec(epochs=epochs))
    store.workers.register("w", socket.gethostname(), 1)
    run_id = store.runs.add(plan, worker_id="w", **more)
    events = [epoch_event(plan, epoch) for epoch in range(1, epochs + 1)]
    store.runs.record([(run_id, event) for event in events])
    store.runs.record([(run_id, RunEnded(status="finished", seconds=1.0))])
    return run_id


def test_runs_are_listed_newest_first(store: Store) -> None:
    first, second = finished(store, name="one"), finished(store, name="two")
    assert [run["run_id"] for run in as_json("runs", "list")] == [second, first]
    assert [run["name"] for run in as_json("runs", "list", "--limit", "1")] == ["two"]
    assert as_json("runs", "list", "--status", "failed") == []
    assert as_json("runs", "list")[0]["best_val_loss"] == 0.5
    page = call("runs", "list").stdout
    assert first in page
    assert "digits · mlp · constant" in page


def test_an_empty_list_says_how_to_fill_it() -> None:
    assert "lrdash train" in call("runs", "list").stdout


def test_a_run_is_shown_with_epochs_and_decisions(store: Store) -> None:
    run_id = finished(store)
    value = as_json("runs", "show", run_id)
    assert (len(value["epochs"]), value["decisions"]) == (2, [])
    page = call("runs", "show", run_id).stdout
    assert "finished after 2 of 2 epochs" in page
    assert "val_accuracy" in page


def test_runs_are_exported_as_csv_and_json(store: Store, tmp_path: Path) -> None:
    ids = [finished(store), finished(store)]
    lines = call("runs", "export", *ids).stdout.splitlines()
    assert lines[0].startswith("run_id,epoch,loss")
    assert len(lines) == 5
    target = tmp_path / "runs.json"
    result = call("runs", "export", *ids, "--format", "json", "--output", str(target))
    assert result.stdout == ""
    assert "Wrote 2 runs" in result.stderr
    assert [run["run_id"] for run in json.loads(target.read_text())] == ids
    assert [run["run_id"] for run in as_json("runs", "export", *ids)] == ids


def test_a_file_that_cannot_be_written_is_named(store: Store, tmp_path: Path) -> None:
    result = call("runs", "export", finished(store), "--output", str(tmp_path))
    assert result.exit_code == 2
    assert "output must be a file that can be written" in result.stderr


def test_runs_are_renamed_and_tagged(store: Store) -> None:
    run_id = finished(store)
    assert as_json("runs", "rename", run_id, "best") == {"run_id": run_id, "name": "best"}
    assert as_json("runs", "tag", run_id, "a", "b")["tags"] == ["a", "b"]
    assert store.runs.one(run_id).name == "best"
    assert "has no tags" in call("runs", "tag", run_id).stdout


def test_an_interrupted_run_goes_on_to_its_end(store: Store) -> None:
    plan = make(RunSpec(dataset="wine", model="linear", epochs=4, base_lr=0.05))
    run_id = store.runs.add(plan, worker_id="gone")
    store.workers.mark_interrupted("gone")
    result = call("runs", "resume", "--interrupted")
    assert result.exit_code == 0, result.output
    assert f"Run {run_id} finished" in result.stdout
    assert [epoch.epoch for epoch in store.runs.epochs(run_id)] == [1, 2, 3, 4]
    again = call("runs", "resume", run_id)
    assert again.exit_code == 2
    assert "must be interrupted or stopped to be resumed" in again.stderr
    assert call("runs", "resume").exit_code == 2
    assert call("runs", "resume", "nosuchrun").exit_code == 2
    assert "No run was interrupted" in call("runs", "resume", "--interrupted").stdout


@pytest.mark.parametrize("command", ["stop", "pause"])
def test_a_queued_run_is_stopped(command: str, store: Store) -> None:
    plan = make(RunSpec())
    run_id = store.runs.add(plan)
    assert as_json("runs", command, run_id) == {"asked": [run_id]}
    assert store.runs.one(run_id).status == "stopped"


def test_delete_asks_first(store: Store) -> None:
    run_id = finished(store)
    result = call("runs", "delete", run_id, input="n\n")
    assert result.exit_code == 1
    assert store.runs.one(run_id)
    assert "Deleted 1 run" in call("runs", "delete", run_id, input="y\n").stdout
    assert store.runs.listing() == []


def test_delete_refuses_runs_that_are_active(store: Store) -> None:
    plan = make(RunSpec())
    run_id = store.runs.create(plan.spec, steps_per_epoch=1, updates=1, parameters=1)
    result = call("runs", "delete", run_id, "--yes")
    assert result.exit_code == 2
    assert run_id in result.stderr


def serve_with(monkeypatch: pytest.MonkeyPatch, *words: str, **env: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    fake = types.ModuleType("lrdash.server")
    fake.serve = lambda **values: seen.update(values)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lrdash.server", fake)
    monkeypatch.setattr(lrdash, "server", fake, raising=False)
    result = call("serve", *words, env=env)
    assert result.exit_code == 0, result.output
    return seen


def test_serve_takes_options_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert serve_with(monkeypatch) == {
        "host": "127.0.0.1", "port": 8501, "base_path": "", "browser": True,
        "resume_interrupted": False,
    }
    env = {"LRDASH_HOST": "0.0.0.0", "PORT": "9000", "LRDASH_BASE_PATH": "lr",
           "LRDASH_RESUME_INTERRUPTED": "1"}
    assert serve_with(monkeypatch, "--no-browser", **env) == {
        "host": "0.0.0.0", "port": 9000, "base_path": "lr", "browser": False,
        "resume_interrupted": True,
    }
    assert serve_with(monkeypatch, "--port", "9001", **env)["port"] == 9001


def test_serve_on_a_port_in_use_says_which_and_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = call("serve", "--port", str(port), "--no-browser")
    assert result.exit_code == 2
    assert str(port) in result.stderr
    assert "--port" in result.stderr


def test_doctor_finds_a_sound_house_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "CHECKS", tuple(c for c in checks.CHECKS if c != checks.tensorflow))
    value = as_json("doctor")
    assert value["ok"]
    assert {"Python", "keras", "home folder", "disk", "database", "datasets", "port"} <= {
        finding["name"] for finding in value["checks"]
    }
    assert "Everything works." in call("doctor").stdout


def test_doctor_names_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("LRDASH_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(checks, "CHECKS", (checks.folder, checks.database))
    result = call("doctor", "--json")
    assert result.exit_code == 1
    states = {f["name"]: f["state"] for f in json.loads(result.stdout)["checks"]}
    assert (states["home folder"], states["database"]) == ("wrong", "wrong")
    assert "WRONG" in call("doctor").stdout


def test_a_taken_port_is_a_note_since_the_app_may_run() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (finding,) = checks.address("127.0.0.1", taken.getsockname()[1])
    assert finding.state == "note"


def test_doctor_tries_tensorflow_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class Done:
        returncode, stdout, stderr = 1, "", "Traceback\nImportError: no libcuda\n"

    monkeypatch.setattr(checks.subprocess, "run", lambda *_a, **_k: Done)
    (finding,) = checks.tensorflow()
    assert (finding.state, "no libcuda" in finding.detail) == ("wrong", True)


def shell(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "lrdash", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, cwd=ROOT,
    )


def test_preview_needs_no_tensorflow() -> None:
    script = (
        "import sys; from lrdash.cli import main\n"
        "sys.argv = ['lrdash', 'preview', 'cosine', '--json']\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'streamlit'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


def test_a_real_run_from_the_shell_prints_one_json_document(store: Store) -> None:
    with shell("train", "--dataset", "digits", "--epochs", "3", "--json") as train:
        out, err = train.communicate()
    assert train.returncode == 0, err
    value = json.loads(out)
    assert value["status"] == "finished"
    assert [epoch["epoch"] for epoch in value["epochs"]] == [1, 2, 3]
    assert value["epochs"][-1]["val_accuracy"] > 0.8
    assert store.runs.one(value["run_id"]).epochs_done == 3


@pytest.mark.usefixtures("endless")
def test_ctrl_c_in_the_shell_stops_the_run_in_order(store: Store) -> None:
    words = ("--strategy", "endless", "--dataset", "wine", "--epochs", "10000", "--json")
    with shell("train", *words) as train:
        eventually(lambda: train.poll() or any(row.epochs_done for row in store.runs.listing()))
        train.send_signal(signal.SIGINT)
        out, err = train.communicate()
    assert train.returncode == 1, err
    value = json.loads(out)
    assert value["status"] == "stopped"
    assert "stopped by the user" in value["reason"]
    assert value["epochs"]
