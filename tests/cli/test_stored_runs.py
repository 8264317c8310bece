"""Commands for stored runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lrdash.core.events import RunEnded
from lrdash.core.spec import RunSpec
from lrdash.planning.plan import make
from lrdash.store import Store
from tests.factories.runs import epoch_event
from tests.factories.shell import as_json, call, refused


def finished(store: Store, epochs: int = 2, **more: Any) -> str:
    plan = make(RunSpec(epochs=epochs))
    store.workers.register("w")
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
    assert "Digits · Multilayer perceptron · Constant" in page


def test_an_empty_list_says_how_to_fill_it() -> None:
    assert "lrdash train" in call("runs", "list").stdout


def test_a_run_is_shown_with_epochs_and_decisions(store: Store) -> None:
    run_id = finished(store)
    value = as_json("runs", "show", run_id)
    assert (len(value["epochs"]), value["decisions"]) == (2, [])
    page = call("runs", "show", run_id).stdout
    assert "finished after 2 of 2 epochs" in page
    assert "val_accuracy" in page


def test_every_metric_of_a_run_is_shown_and_exported(store: Store, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("epoch,loss,f1,val_f1\n1,1.0,0.5,\n2,0.5,0.75,0.25\n")
    (made,) = as_json("import", str(log))
    run_id = made["run_id"]
    (exported,) = as_json("runs", "export", run_id, "--format", "json")
    for run in (as_json("runs", "show", run_id), exported):
        assert [
            {name: value for name, value in epoch.items() if name != "seconds"}
            for epoch in run["epochs"]
        ] == [{"epoch": 1, "learning_rate": None, "loss": 1.0, "f1": 0.5, "val_f1": None},
              {"epoch": 2, "learning_rate": None, "loss": 0.5, "f1": 0.75, "val_f1": 0.25}]
    report = call("runs", "export", run_id, "--format", "html").stdout
    assert "Validation f1" in report


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
    message = refused("runs", "export", finished(store), "--output", str(tmp_path))
    assert "output must be a file that can be written" in message


def test_runs_are_renamed_and_tagged(store: Store) -> None:
    run_id = finished(store)
    assert as_json("runs", "rename", run_id, "best") == {"run_id": run_id, "name": "best"}
    assert as_json("runs", "tag", run_id, "a", "b")["tags"] == ["a", "b"]
    assert store.runs.one(run_id).name == "best"
    assert "has no tags" in call("runs", "tag", run_id).stdout


def test_an_interrupted_run_resumes_to_its_end(store: Store) -> None:
    plan = make(RunSpec(dataset="wine", model="linear", epochs=4, base_lr=0.05))
    run_id = store.runs.add(plan, worker_id="gone")
    store.workers.mark_interrupted("gone")
    result = call("runs", "resume", "--interrupted")
    assert result.exit_code == 0, result.output
    assert f"Run {run_id} finished" in result.stdout
    assert [epoch.epoch for epoch in store.runs.epochs(run_id)] == [1, 2, 3, 4]
    assert "must be interrupted or stopped" in refused("runs", "resume", run_id)
    assert "RUN_ID or --interrupted must be given" in refused("runs", "resume")
    assert "no run 'nosuchrun'" in refused("runs", "resume", "nosuchrun")
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
    assert run_id in refused("runs", "delete", run_id, "--yes")
