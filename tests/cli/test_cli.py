from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import types
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

import lrdash
from lrdash import training
from lrdash.cli import app, checks
from lrdash.cli.options import settings
from lrdash.core.errors import InvalidField
from lrdash.core.events import RunEnded
from lrdash.core.spec import EarlyStopping, RunSpec
from lrdash.planning.plan import make
from lrdash.store import Store
from tests import ROOT
from tests.factories.runs import epoch_event, imitation

COMMANDS = (
    ["preview"], ["train"], ["compare"], ["serve"], ["doctor"], ["bench"], ["runs"],
    ["runs", "list"], ["runs", "show"], ["runs", "export"], ["runs", "rename"], ["runs", "tag"],
    ["runs", "delete"], ["runs", "resume"], ["runs", "stop"], ["runs", "backup"], ["find-lr"],
    ["runs", "pause"],
    ["data"], ["data", "look"], ["data", "add"], ["data", "list"], ["data", "export"],
    ["data", "delete"],
    ["import"], ["runs", "restore"], ["runs", "fork"], ["runs", "more"],
    ["runs", "steer"], ["hindsight"],
)


def call(*words: str, **more: Any) -> Result:
    return CliRunner().invoke(app, list(words), **more)


def told(*words: str) -> Any:
    """What a command prints with --json, which must be all that it prints."""
    result = call(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def finished(store: Store, epochs: int = 2, **more: Any) -> str:
    plan = make(RunSpec(epochs=epochs))
    store.workers.register("w", socket.gethostname(), 1)
    run_id = store.runs.add(plan, worker_id="w", **more)
    events = [epoch_event(plan, epoch) for epoch in range(1, epochs + 1)]
    store.runs.record([(run_id, event) for event in events])
    store.runs.record([(run_id, RunEnded(status="finished", seconds=1.0))])
    return run_id


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training without Keras."""
    monkeypatch.setattr(training, "train_group", imitation)
    engine = types.ModuleType("lrdash.training.keras.engine")
    monkeypatch.setitem(sys.modules, "lrdash.training.keras.engine", engine)
    monkeypatch.setattr(training, "keras_engine", engine, raising=False)


def test_every_command_is_known_to_these_tests() -> None:
    top = get_command(app)
    names = [[name] for name in top.commands]  # type: ignore[attr-defined]
    for group in ("runs", "data"):
        names += [[group, name] for name in top.commands[group].commands]  # type: ignore[attr-defined]
    assert sorted(names) == sorted(COMMANDS)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_and_every_option_has_help(words: list[str]) -> None:
    result = call(*words, "--help", env={"COLUMNS": "100"})
    assert result.exit_code == 0
    command: Any = get_command(app)
    for word in words:
        command = command.commands[word]
    assert command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{words} {parameter.name}"


@pytest.mark.parametrize(
    "words", [words for words in COMMANDS if words not in (["serve"], ["runs"], ["data"])],
    ids=" ".join,
)
def test_every_command_speaks_json(words: list[str]) -> None:
    assert "--json" in call(*words, "--help").stdout


def test_every_knob_of_a_spec_is_an_option_of_train() -> None:
    page = call("train", "--help", env={"COLUMNS": "200"}).stdout
    special = {"params": "param", "model_params": "model-param"}
    for name in (knob.name for knob in RunSpec.knobs()):
        assert f"--{special.get(name, name.replace('_', '-'))} " in page
    for knob in EarlyStopping.knobs():
        assert knob.help in re.sub(r"\s+", " ", page)


def test_help_tells_bounds_units_defaults_and_known_names() -> None:
    page = re.sub(r"\s+", " ", call("train", "--help").stdout)
    assert "Allowed: from 1 to 10,000. Unit: epochs. Default: 30." in page
    assert "plateau" in page


def test_the_version_is_told() -> None:
    assert call("--version").stdout == f"lrdash {lrdash.__version__}\n"


def test_preview_gives_every_rate_as_json() -> None:
    value = told(
        "preview", "step", "--param", "drop_every=1", "--base-lr", "1", "--epochs", "3",
        "--steps-per-epoch", "2",
    )
    assert value["rates"] == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    assert value["params"] == {"drop_every": 1.0, "factor": 0.5}
    assert (value["strategy"], value["base_lr"], value["epochs"], value["steps_per_epoch"]) == (
        "step", 1.0, 3, 2,
    )


def test_preview_follows_the_monitored_values() -> None:
    value = told(
        "preview", "plateau", "--param", "patience=1", "--epochs", "3", "--base-lr", "1",
        "--monitored", "[1, 1, 1]",
    )
    assert value["rates"] == [1.0, 1.0, 0.5]
    assert call("preview", "plateau", "--monitored", "low").exit_code == 2
    assert call("preview", "plateau", "--monitored", "1,2").exit_code == 2


def test_preview_puts_a_warm_up_in_front() -> None:
    words = ("--epochs", "4", "--warmup-epochs", "2", "--warmup-start-factor", "0.5")
    assert told("preview", "constant", "--base-lr", "1", *words)["rates"] == [0.75, 1.0, 1.0, 1.0]


def test_preview_shows_a_table_and_a_curve_to_people() -> None:
    result = call("preview", "linear", "--epochs", "100", "--base-lr", "0.1")
    assert result.exit_code == 0
    assert "█" in result.stdout
    assert "24 of 100 epochs shown" in result.stdout


def test_a_parameter_that_is_no_json_is_a_text() -> None:
    assert settings(["mode=triangular2", "gamma=0.9", "x=a=b"], "--param") == {
        "mode": "triangular2", "gamma": 0.9, "x": "a=b",
    }


@pytest.mark.parametrize(
    "pair", ["factor", "=1", "milestones=[1,", 'mode="x', "factor=" + "[" * 100_000],
    ids=lambda pair: pair[:16],
)
def test_a_parameter_that_cannot_be_read_is_named(pair: str) -> None:
    with pytest.raises(InvalidField, match="--param must"):
        settings([pair], "--param")
    with pytest.raises(InvalidField, match="only once"):
        settings(["a=1", "a=2"], "--param")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["preview", "cosin"], "Did you mean 'cosine'?"),
        (["preview", "cosine", "--param", "alpha=2"], "cosine.alpha must be"),
        (["preview", "cosine", "--epochs", "0"], "epochs must be"),
        (["preview", "cosine", "--steps-per-epoch", "0"], "steps_per_epoch must be"),
        (["train", "--dataset", "digit"], "Did you mean 'digits'?"),
        (["train", "--base-lr", "0"], "base_lr must be"),
        (["train", "--optimizer", "adan"], "optimizer must be one of sgd"),
        (["train", "--engine", "jet"], "No engine named 'jet'"),
        (["train", "--model-param", "witdhs=[8]"], "did you mean 'widths'?"),
        (["preview", "plateau", "--monitored", "[1, ["], "monitored must be a list"),
        (["preview", "plateau", "--monitored", f"[{10**400}]"], "monitored must be a list"),
        (["preview", "points", "--param", f"points=[[0, {10**400}]]"], "points.points must be"),
        (["train", "--early-stopping", "0"], "early_stopping.patience must be"),
        (["train", "--warmup-epochs", "40"], "warmup_epochs must be"),
        (["runs", "show", "nothere"], "There is no run 'nothere'"),
        (["runs", "export", "nothere"], "There is no run 'nothere'"),
        (["runs", "delete", "nothere", "--yes"], "There is no run 'nothere'"),
        (["runs", "rename", "nothere", "x"], "There is no run 'nothere'"),
        (["runs", "tag", "nothere", "x"], "There is no run 'nothere'"),
        (["runs", "list", "--status", "lost"], "status must be one of queued"),
    ],
)
def test_wrong_input_is_told_in_one_line_with_exit_status_2(
    words: list[str], message: str, store: Store
) -> None:
    result = call(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert store.runs.listing() == []


def test_a_database_that_cannot_be_used_is_wrong_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("LRDASH_HOME", str(tmp_path / "file"))
    monkeypatch.setitem(sys.modules, "lrdash.training.keras.engine", types.ModuleType("engine"))
    for words in (["runs", "list"], ["train", "--epochs", "1"]):
        result = call(*words)
        assert result.exit_code == 2, result.output
        assert "LRDASH_HOME" in result.stderr


@pytest.mark.usefixtures("quick")
def test_train_hands_on_every_option(store: Store) -> None:
    value = told(
        "train", "--dataset", "wine", "--model", "mlp", "--model-param", "widths=[8]",
        "--strategy", "step", "--param", "drop_every=1", "--base-lr", "0.05", "--epochs", "2",
        "--batch-size", "16", "--optimizer", "rmsprop", "--momentum", "0.5", "--seed", "7",
        "--examples", "100", "--warmup-epochs", "0.5", "--early-stopping", "4",
        "--early-stopping-monitor", "val_accuracy", "--label-smoothing", "0.1", "--name", "me",
        "--no-nesterov", "--loss", "cross_entropy",
    )
    spec = store.runs.one(value["run_id"]).spec
    assert spec.as_dict() == value["spec"]
    assert spec.params == {"drop_every": 1.0, "factor": 0.5}
    assert (spec.examples, spec.seed, spec.optimizer, spec.model_params["widths"]) == (
        100, 7, "rmsprop", [8],
    )
    assert spec.early_stopping == EarlyStopping(patience=4, monitor="val_accuracy")
    assert value["name"] == "me"
    assert [epoch["epoch"] for epoch in value["epochs"]] == [1, 2]
    assert {"learning_rate", "loss", "accuracy", "val_loss", "val_accuracy"} <= set(
        value["epochs"][0]
    )


@pytest.mark.usefixtures("quick")
def test_train_tells_a_line_an_epoch_where_nobody_watches() -> None:
    result = call("train", "--epochs", "2")
    assert result.exit_code == 0
    assert "epoch 2 of 2: loss 0.500, accuracy 50.0%, val_loss 0.500" in result.stdout
    assert re.search(r"Run \w{12} finished after 2 of 2 epochs", result.stdout)


@pytest.mark.parametrize("status", ["failed", "diverged", "stopped"])
def test_a_run_that_does_not_finish_gives_exit_status_1(
    status: Any, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bad(_plans: Any, *, run_ids: list[str], sink: Any, **_others: Any) -> None:
        sink(run_ids[0], RunEnded(status=status, reason="as it happens"))

    monkeypatch.setattr(training, "train_group", bad)
    result = call("train", "--epochs", "2")
    assert result.exit_code == 1
    assert "as it happens" in result.stderr
    result = call("train", "--epochs", "2", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["reason"] == "as it happens"


def test_runs_are_listed_newest_first(store: Store) -> None:
    first, second = finished(store, name="one"), finished(store, name="two")
    assert [run["run_id"] for run in told("runs", "list")] == [second, first]
    assert [run["name"] for run in told("runs", "list", "--limit", "1")] == ["two"]
    assert told("runs", "list", "--status", "failed") == []
    assert told("runs", "list")[0]["best_val_loss"] == 0.5
    page = call("runs", "list").stdout
    assert first in page
    assert "digits · mlp · constant" in page


def test_an_empty_list_says_how_to_fill_it() -> None:
    assert "lrdash train" in call("runs", "list").stdout


def test_a_run_is_shown_with_epochs_and_decisions(store: Store) -> None:
    run_id = finished(store)
    value = told("runs", "show", run_id)
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
    assert [run["run_id"] for run in told("runs", "export", *ids)] == ids


def test_a_file_that_cannot_be_written_is_named(store: Store, tmp_path: Path) -> None:
    result = call("runs", "export", finished(store), "--output", str(tmp_path))
    assert result.exit_code == 2
    assert "output must be a file that can be written" in result.stderr


def test_runs_are_renamed_and_tagged(store: Store) -> None:
    run_id = finished(store)
    assert told("runs", "rename", run_id, "best") == {"run_id": run_id, "name": "best"}
    assert told("runs", "tag", run_id, "a", "b")["tags"] == ["a", "b"]
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
    assert told("runs", command, run_id) == {"asked": [run_id]}
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
    value = told("doctor")
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
        out, err = train.communicate(timeout=120)
    assert train.returncode == 0, err
    value = json.loads(out)
    assert value["status"] == "finished"
    assert [epoch["epoch"] for epoch in value["epochs"]] == [1, 2, 3]
    assert value["epochs"][-1]["val_accuracy"] > 0.8
    assert store.runs.one(value["run_id"]).epochs_done == 3


def test_ctrl_c_in_the_shell_stops_the_run_in_order(store: Store) -> None:
    with shell("train", "--dataset", "wine", "--epochs", "10000", "--json") as train:
        deadline = monotonic() + 120
        while not any(row.epochs_done for row in store.runs.listing()) and monotonic() < deadline:
            with pytest.raises(subprocess.TimeoutExpired):
                train.wait(timeout=0.2)
        train.send_signal(signal.SIGINT)
        out, err = train.communicate(timeout=60)
    assert train.returncode == 1, err
    value = json.loads(out)
    assert value["status"] == "stopped"
    assert "stopped by the user" in value["reason"]
    assert value["epochs"]
