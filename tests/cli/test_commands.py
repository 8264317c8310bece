"""Help, options, previews and training from the command line."""

from __future__ import annotations

import json
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import lrdash
from lrdash import training
from lrdash.cli import app
from lrdash.cli.options import settings
from lrdash.core.errors import InvalidField
from lrdash.core.events import RunEnded
from lrdash.core.spec import EarlyStopping, RunSpec
from lrdash.store import Store
from tests.factories.runs import imitation
from tests.factories.shell import as_json, call, refused

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


def test_help_lists_bounds_units_defaults_and_known_names() -> None:
    page = re.sub(r"\s+", " ", call("train", "--help").stdout)
    assert "Allowed: from 1 to 10,000. Unit: epochs. Default: 30." in page
    assert "plateau" in page


def test_the_version_is_printed() -> None:
    assert call("--version").stdout == f"lrdash {lrdash.__version__}\n"


def test_preview_gives_every_rate_as_json() -> None:
    value = as_json(
        "preview", "step", "--param", "drop_every=1", "--base-lr", "1", "--epochs", "3",
        "--steps-per-epoch", "2",
    )
    assert value["rates"] == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    assert value["params"] == {"drop_every": 1.0, "factor": 0.5}
    assert (value["strategy"], value["base_lr"], value["epochs"], value["steps_per_epoch"]) == (
        "step", 1.0, 3, 2,
    )


def test_preview_follows_the_monitored_values() -> None:
    value = as_json(
        "preview", "plateau", "--param", "patience=1", "--epochs", "3", "--base-lr", "1",
        "--monitored", "[1, 1, 1]",
    )
    assert value["rates"] == [1.0, 1.0, 0.5]
    assert call("preview", "plateau", "--monitored", "low").exit_code == 2
    assert call("preview", "plateau", "--monitored", "1,2").exit_code == 2


def test_preview_starts_with_the_warmup() -> None:
    words = ("--epochs", "4", "--warmup-epochs", "2", "--warmup-start-factor", "0.5")
    rates = as_json("preview", "constant", "--base-lr", "1", *words)["rates"]
    assert rates == [0.75, 1.0, 1.0, 1.0]


def test_preview_shows_a_table_and_a_curve_to_people() -> None:
    result = call("preview", "linear", "--epochs", "100", "--base-lr", "0.1")
    assert result.exit_code == 0
    assert "█" in result.stdout
    assert "24 of 100 epochs shown" in result.stdout


def test_a_parameter_that_is_not_json_is_a_text() -> None:
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
def test_wrong_input_is_reported_in_one_line_with_exit_status_2(
    words: list[str], message: str, store: Store
) -> None:
    assert message in refused(*words)
    assert store.runs.listing() == []


def test_a_database_that_cannot_be_used_is_wrong_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("LRDASH_HOME", str(tmp_path / "file"))
    monkeypatch.setitem(sys.modules, "lrdash.training.keras.engine", types.ModuleType("engine"))
    for words in (["runs", "list"], ["train", "--epochs", "1"]):
        assert "LRDASH_HOME" in refused(*words)


@pytest.mark.usefixtures("quick")
def test_train_passes_on_every_option(store: Store) -> None:
    value = as_json(
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
def test_train_prints_a_line_for_each_epoch_without_a_terminal() -> None:
    result = call("train", "--epochs", "2")
    assert result.exit_code == 0
    assert "epoch 2 of 2: loss 0.500, accuracy 50.0%, val_loss 0.500" in result.stdout
    assert re.search(r"Run \w{12} finished after 2 of 2 epochs", result.stdout)


@pytest.mark.parametrize("status", ["failed", "diverged", "stopped"])
def test_a_run_that_does_not_finish_gives_exit_status_1(
    status: Any, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bad(_plans: Any, *, run_ids: list[str], sink: Any, **_others: Any) -> None:
        sink(run_ids[0], RunEnded(status=status, reason="for a reason"))

    monkeypatch.setattr(training, "train_group", bad)
    result = call("train", "--epochs", "2")
    assert result.exit_code == 1
    assert "for a reason" in result.stderr
    result = call("train", "--epochs", "2", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["reason"] == "for a reason"
