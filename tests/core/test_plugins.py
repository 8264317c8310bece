"""Entries of other packages: found, held by the contract tests, trained, and harmless if broken."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrdash
from lrdash.core.errors import BrokenPlugin, UnknownName
from lrdash.core.registry import Registry
from lrdash.datasets import DATASETS
from lrdash.models import MODELS
from lrdash.strategies import STRATEGIES
from tests import ROOT
from tests.factories import pages as shown

REGISTRIES: tuple[Registry[Any], ...] = (DATASETS, MODELS, STRATEGIES)
CODE = '''
from typing import ClassVar

import numpy as np

from lrdash.datasets import Dataset
from lrdash.models import Model
from lrdash.models.base import Work
from lrdash.core.record import field
from lrdash.strategies import Rule, Schedule


def read():
    angle = np.linspace(0, 20, 200)
    return np.stack([np.sin(angle), np.cos(angle)], axis=1), (np.sin(3 * angle) > 0).astype(int)


WAVES = Dataset(
    id="waves", label="Waves", description="Points on a circle.", task="classification",
    input_shape=(2,), num_classes=2, class_names=("low", "high"), size=200, default_examples=200,
    licence="CC0", source="made up", scaling="Standardised.", reader=read,
)


class Narrow(Model):
    """One hidden layer."""

    id: ClassVar[str] = "narrow"
    label: ClassVar[str] = "Narrow network"
    description: ClassVar[str] = "One hidden layer of a few units."
    source: ClassVar[str] = "made up"
    prefix: ClassVar[str] = "narrow."

    units: int = field(4, label="Units", help="Of the hidden layer.", ge=1, le=64, step=1)

    def build(self, shape):
        import keras

        inputs = keras.Input(shape.input_shape)
        x = keras.layers.Dense(self.units, activation="tanh")(keras.layers.Flatten()(inputs))
        last = "softmax" if shape.num_classes else None
        return keras.Model(inputs, keras.layers.Dense(shape.outputs, activation=last)(x))

    def parameters(self, shape):
        inputs = int(np.prod(shape.input_shape))
        return (inputs + 1) * self.units + (self.units + 1) * shape.outputs

    def work(self, shape):
        inputs = int(np.prod(shape.input_shape))
        return Work(multiply_adds=(inputs + shape.outputs) * self.units, numbers=self.units)


class Halves(Schedule):
    """The peak rate, then a share of it.

    lr(t) = lr0 for t < T / 2, share * lr0 after.
    """

    id: ClassVar[str] = "halves"
    label: ClassVar[str] = "Two halves"
    formula: ClassVar[str] = r"\\eta_t = \\eta_0 \\; (t < T / 2)"
    symbols: ClassVar[str] = "t: update, T: updates in all"
    source: ClassVar[str] = "made up"
    when: ClassVar[str] = "Use it to try plugins."
    prefix: ClassVar[str] = "halves."

    share: float = field(0.1, label="Share", help="Of the second half.", ge=0, le=1, step=0.1)

    def sentence(self):
        return f"Goes on with {self.share:g} times the rate at half time."

    def rates(self, horizon):
        late = horizon.time() * 2 >= horizon.updates
        return np.where(late, self.share, 1.0) * horizon.base_lr
'''
FAULTY = '''


class Faulty(Halves):
    """What goes wrong is a setting."""

    id: ClassVar[str] = "faulty"
    prefix: ClassVar[str] = "faulty."

    fault: str = field("nan", label="Fault", help="What goes wrong.")

    def rates(self, horizon):
        rates = np.full(horizon.updates, 0.1)
        match self.fault:
            case "raise":
                raise RuntimeError("no such table")
            case "exit":
                raise SystemExit(3)
            case "short":
                return [0.1]
            case "word":
                return "fast"
        rates[2] = float(self.fault)
        return rates


class Jumpy(Rule):
    """Its rate is not a number after the second epoch."""

    id: ClassVar[str] = "jumpy"
    label: ClassVar[str] = "Jumpy"
    formula: ClassVar[str] = "?"
    symbols: ClassVar[str] = "none"
    source: ClassVar[str] = "made up"
    when: ClassVar[str] = "Never."
    prefix: ClassVar[str] = "jumpy."

    monitor: str = field("loss", label="Watched", help="Metric.")

    def sentence(self):
        return "Jumps."

    def start(self, base_lr):
        return {"rate": base_lr}

    def decide(self, state, epoch, value):
        if epoch == 1:
            return state, None
        return {"rate": float("nan")}, None
'''
POINTS = '''
[lrdash.datasets]
waves = lrdash_tiny:WAVES
torn = lrdash_torn:DATASET
digits = lrdash_tiny:WAVES

[lrdash.models]
narrow = lrdash_tiny:Narrow
wide = lrdash_tiny:Halves

[lrdash.strategies]
halves = lrdash_tiny:Halves
thirds = lrdash_tiny:Halves
'''
SOUND = "\n".join(
    line for line in POINTS.splitlines() if line.split(" ")[0] not in
    ("torn", "digits", "wide", "thirds")
)


def install(folder: Path, points: str, code: str = CODE) -> Path:
    """What `pip install` leaves: a module, and its metadata beside it."""
    (folder / "lrdash_tiny.py").write_text(code, "utf-8")
    (folder / "lrdash_torn.py").write_text("import no_such_library\n", "utf-8")
    info = folder / "lrdash_tiny-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lrdash-tiny\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(points, "utf-8")
    return folder


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield from _installed(install(tmp_path, POINTS), monkeypatch)


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    points = "[lrdash.strategies]\nfaulty = lrdash_tiny:Faulty\njumpy = lrdash_tiny:Jumpy\n"
    yield from _installed(install(tmp_path, points, CODE + FAULTY), monkeypatch)


def _installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    _forget()
    yield folder
    sys.modules.pop("lrdash_tiny", None)
    monkeypatch.undo()
    importlib.invalidate_caches()
    _forget()


def _forget() -> None:
    for registry in REGISTRIES:
        registry.plugins.forget()


def test_entries_of_other_packages_stand_behind_ones_own(plugin: Path) -> None:
    assert list(DATASETS)[-1] == "waves"
    assert list(MODELS)[-1] == "narrow"
    assert list(STRATEGIES)[-1] == "halves"
    assert DATASETS["digits"].label == "Digits"
    assert "waves" in DATASETS
    found = lrdash.preview("halves", {"share": 0.5}, base_lr=0.2, epochs=4)
    assert found.tolist() == [0.2, 0.2, 0.1, 0.1]


def test_what_is_broken_is_reported_by_name_and_the_others_stay(plugin: Path) -> None:
    with pytest.raises(BrokenPlugin, match=(
        r"The dataset 'torn' of the package lrdash-tiny \(lrdash\.datasets\) cannot be imported: "
        r"ModuleNotFoundError: No module named 'no_such_library'"
    )):
        DATASETS["torn"]
    assert "the name is taken" in DATASETS.broken["digits"]
    with pytest.raises(BrokenPlugin, match=r"is no class made from lrdash\.models\.Model"):
        MODELS["wide"]
    with pytest.raises(BrokenPlugin, match="has the id 'halves'"):
        STRATEGIES["thirds"]
    with pytest.raises(UnknownName, match="Did you mean 'waves'"):
        DATASETS["wave"]
    assert "torn" not in DATASETS


def test_a_model_on_data_by_a_strategy_of_another_package_is_trained(plugin: Path) -> None:
    made = lrdash.compare(
        ["halves", "constant"], dataset="waves", model="narrow", base_lrs=[0.1], seeds=2,
        epochs=4, model_params={"units": 8},
    )
    assert {row.status for row in made.rows} == {"finished"}
    assert {row.engine for row in made.rows} == {"lanes"}
    rates = made.curves().query("label == 'Two halves' and seed == 0")["learning_rate"]
    assert np.float32(rates).tolist() == np.float32([0.1, 0.1, 0.01, 0.01]).tolist()
    assert made.figure().data
    assert "Two halves" in made._repr_html_()


def _with(folder: Path) -> dict[str, str]:
    path = os.pathsep.join([str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path}


def test_the_contract_tests_hold_for_a_sound_plugin(tmp_path: Path) -> None:
    folder = install(tmp_path, SOUND)
    command = [sys.executable, "-m", "pytest", "--pyargs", "lrdash.testing", "-q", "-p",
               "no:cacheprovider", "-k", "waves or narrow or halves or plugins", "-c", os.devnull]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=_with(folder), timeout=240
    )
    assert done.returncode == 0, done.stdout
    assert int(done.stdout.rsplit(" passed", 1)[0].split()[-1]) > 30


def test_the_shell_and_the_form_offer_what_other_packages_bring(plugin: Path) -> None:
    command = [sys.executable, "-m", "lrdash", "preview", "halves", "--base-lr", "0.1",
               "--epochs", "2", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=_with(plugin), cwd=plugin)
    assert json.loads(done.stdout)["rates"] == pytest.approx([0.1, 0.01]), done.stderr
    doctor = subprocess.run(
        [sys.executable, "-m", "lrdash", "doctor", "--json"],
        capture_output=True, text=True, env=_with(plugin), cwd=plugin,
    )
    words = {check["name"]: check for check in json.loads(doctor.stdout)["checks"]}
    assert words["plugins"]["state"] == "wrong"
    assert "'torn' of the package lrdash-tiny" in words["plugins"]["detail"]
    from streamlit.testing.v1 import AppTest

    page = AppTest.from_file(str(ROOT / "pages/train.py"), default_timeout=60).run()
    assert "waves" in page.selectbox(key="dataset").options or any(
        "Waves" in option for option in page.selectbox(key="dataset").options
    )
    shown_on_page = " ".join(caption.value for caption in page.caption)
    assert "'torn' of the package lrdash-tiny" in shown_on_page


@pytest.mark.parametrize("leaves", ["raise SystemExit(4)", "raise BaseException('gone')"])
def test_a_package_that_ends_the_process_is_reported_as_any_other(
    plugin: Path, leaves: str
) -> None:
    (plugin / "lrdash_torn.py").write_text(leaves, "utf-8")
    assert "cannot be imported: " in DATASETS.broken["torn"]
    assert "waves" in DATASETS


def test_a_key_press_still_ends_an_import(plugin: Path) -> None:
    (plugin / "lrdash_torn.py").write_text("raise KeyboardInterrupt", "utf-8")
    with pytest.raises(KeyboardInterrupt):
        list(DATASETS)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("raise", "gives no rates: RuntimeError: no such table."),
        ("exit", "gives no rates: SystemExit: 3."),
        ("word", "gives no rates: ValueError: could not convert string to float: 'fast'."),
        ("short", "gives an array of shape (1,) for 4 updates; it must give one rate for each."),
        ("nan", "gives the rate nan at update 3; a rate must be a number of at least 0."),
        ("inf", "gives the rate inf at update 3; a rate must be a number of at least 0."),
        ("-1", "gives the rate -1 at update 3; a rate must be a number of at least 0."),
    ],
)
def test_rates_that_are_none_name_strategy_package_and_update(
    faulty: Path, fault: str, said: str
) -> None:
    with pytest.raises(BrokenPlugin) as words:
        lrdash.preview("faulty", {"fault": fault}, base_lr=0.2, epochs=4)
    assert str(words.value) == f"The strategy 'faulty' of the package lrdash_tiny {said}"


def test_a_rule_whose_rate_is_none_names_the_update(faulty: Path) -> None:
    with pytest.raises(BrokenPlugin, match=r"'jumpy' .* gives the rate nan at update 7;"):
        lrdash.preview("jumpy", base_lr=0.2, epochs=3, steps_per_epoch=3, monitored=[1, 1, 1])


def test_the_shell_tells_faulty_rates_in_one_line(faulty: Path) -> None:
    done = _shell(faulty, "preview", "faulty", "--base-lr", "0.1", "--epochs", "4")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: The strategy 'faulty' of the package lrdash_tiny")
    assert len(done.stderr.splitlines()) == 1


def test_the_page_tells_faulty_rates(faulty: Path) -> None:
    test = shown.page("train")
    test.selectbox(key="strategy").set_value("faulty").run()
    assert not test.exception
    assert any("'faulty' of the package lrdash\\_tiny" in error.value for error in test.error)


def test_broken_plugins_are_reported_once_and_only_where_they_matter(plugin: Path) -> None:
    for command in (["--version"], ["runs", "list"], ["data", "list"], ["doctor"]):
        assert "lrdash-tiny" not in _shell(plugin, *command).stderr
    used = _shell(plugin, "preview", "halves", "--base-lr", "0.1", "--epochs", "2", "--json")
    assert used.stderr.count("'torn' of the package lrdash-tiny") == 1
    assert json.loads(used.stdout)


def _shell(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lrdash", *command], capture_output=True, text=True,
        env=_with(folder), cwd=folder, check=False,
    )
