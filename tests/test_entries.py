"""A strategy, a dataset and a model, each added as one file and one line in a copy of the package,
are found wherever the shipped ones are.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT

FILES = {
    "strategies/halves.py": '''
"""The peak rate, then a share of it."""

from __future__ import annotations

from typing import Any, ClassVar

from lrdash.core.record import field
from lrdash.strategies.base import Schedule


def halves(
    xp: Any, t: Any, updates: int, steps_per_epoch: int, base_lr: float, *, share: float
) -> Any:
    """The peak rate, from half time on a share of it."""
    return base_lr * xp.where(2 * t < updates, 1.0, share)


class Halves(Schedule):
    """The rate drops once, at half time."""

    id: ClassVar[str] = "halves"
    label: ClassVar[str] = "Two halves"
    formula: ClassVar[str] = r"\\eta_t = \\eta_0\\, s^{[2 t \\ge T]}"
    symbols: ClassVar[str] = "eta_t: rate of update t; eta_0: peak rate; s: share; T: updates"
    source: ClassVar[str] = "made up"
    when: ClassVar[str] = "Use it to see that one file is enough."
    prefix: ClassVar[str] = "halves."
    colour: ClassVar[str] = "green"
    dash: ClassVar[str] = "dashdot"
    rate = staticmethod(halves)

    share: float = field(
        0.1, label="Second half", ge=0, le=1, step=0.1,
        help="What the curve falls to at half time, as a share of the peak rate.",
    )

    def sentence(self) -> str:
        """What it does with these settings, in words."""
        return f"Keeps the peak rate for half of training, then {self.share:g} times it."
''',
    "datasets/waves.py": '''
"""Points on a circle."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrdash.datasets.base import Dataset
from lrdash.datasets.scaling import STANDARDISED

SIZE = 200


def read() -> tuple[NDArray[Any], NDArray[Any]]:
    """Points [200, 2], and whether a wave is high there [200]."""
    angle = np.linspace(0, 20, SIZE)
    return np.stack([np.sin(angle), np.cos(angle)], axis=1), (np.sin(3 * angle) > 0).astype(int)


DATASET = Dataset(
    id="waves", label="Waves", description="Points on a circle, high or low.",
    task="classification", input_shape=(2,), num_classes=2, class_names=("low", "high"), size=SIZE,
    default_examples=SIZE, licence="CC0", source="made up", scaling=STANDARDISED, reader=read,
)
''',
    "models/narrow.py": '''
"""One narrow layer."""

from __future__ import annotations

from typing import ClassVar

from lrdash.core.record import field
from lrdash.core.spec import DataShape
from lrdash.models.base import FLATTEN, Model
from lrdash.models.layers import Layer


class Narrow(Model):
    """One hidden layer of a few units."""

    id: ClassVar[str] = "narrow"
    label: ClassVar[str] = "Narrow network"
    description: ClassVar[str] = "One hidden layer of a few units."
    source: ClassVar[str] = "made up"
    prefix: ClassVar[str] = "narrow."

    units: int = field(
        4, label="Hidden units", ge=1, le=64, step=1,
        help="Units of the hidden layer. More: it fits more.",
    )

    def rows(self, shape: DataShape) -> list[Layer]:
        """A dense layer."""
        first = [FLATTEN] if len(shape.input_shape) > 1 else []
        return [*first, Layer(name="hidden", kind="dense", size=self.units, activation="tanh")]
''',
}
LINES = {"strategies": "halves", "datasets": "waves", "models": "narrow"}
SEEN = '''
import json, sys
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner
import lrdash
from lrdash import cli, figures
from lrdash.core.spec import RunSpec
from lrdash.export import script
from lrdash.planning.plan import make
from lrdash.strategies import settings_table

def shell(*words):
    return CliRunner().invoke(cli.app, words).output

assert lrdash.__file__.startswith(sys.argv[1])
page = AppTest.from_file(sys.argv[1] + "/pages/train.py", default_timeout=120).run()
assert not page.exception, page.exception
style = figures.style_of("halves")
plan = make(RunSpec(strategy="halves", dataset="waves", model="narrow", epochs=2))
json.dump({
    "form": {key: page.selectbox(key=key).options for key in ("strategy", "dataset", "model")},
    "preview": lrdash.preview("halves", {"share": 0.5}, base_lr=0.2, epochs=4).tolist(),
    "shell": json.loads(shell("preview", "halves", "--base-lr", "0.1", "--epochs", "2", "--json")),
    "help": shell("compare", "--help"),
    "nearest": shell("train", "--dataset", "wavs") + shell("train", "--model", "narow"),
    "docs": settings_table(),
    "style": [style.colour, style.dash],
    "script": script(plan),
    "keras": plan.keras_code(),
}, sys.stdout)
'''


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the product with the three of them."""
    root = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__")
    for folder in ("lrdash", "pages"):
        shutil.copytree(ROOT / folder, root / folder, ignore=ignored)
    for name, text in FILES.items():
        (root / "lrdash" / name).write_text(text.lstrip(), encoding="utf-8")
    for folder, name in LINES.items():
        path = root / "lrdash" / folder / "__init__.py"
        before, head, after = path.read_text(encoding="utf-8").partition("ENTRIES = (")
        path.write_text(f'{before}{head}\n    "{name}",{after}', encoding="utf-8")
    return root


def python(copy: Path, *words: str) -> str:
    """What a Python process prints that imports the copy."""
    env = {**os.environ, "PYTHONPATH": str(copy), "LRDASH_HOME": str(copy / "home")}
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, cwd=copy, env=env, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def seen(copy: Path) -> dict[str, Any]:
    """What page, shell, preview, docs and scripts of the copy show."""
    found: dict[str, Any] = json.loads(python(copy, "-c", SEEN, str(copy)).splitlines()[-1])
    return found


def test_the_form_offers_what_one_file_adds(seen: dict[str, Any]) -> None:
    assert "Two halves" in seen["form"]["strategy"]
    assert any("Waves" in option for option in seen["form"]["dataset"])
    assert any("Narrow network" in option for option in seen["form"]["model"])
    assert seen["style"] == ["#009E73", "dashdot"]


def test_preview_and_shell_know_what_one_file_adds(seen: dict[str, Any]) -> None:
    assert seen["preview"] == [0.2, 0.2, 0.1, 0.1]
    assert seen["shell"]["rates"] == pytest.approx([0.1, 0.01])
    assert "halves" in seen["help"]
    assert "Did you mean 'waves'?" in seen["nearest"]
    assert "Did you mean 'narrow'?" in seen["nearest"]


def test_the_docs_list_what_one_file_adds(seen: dict[str, Any]) -> None:
    assert "| halves | `share` | `0.1` | What the curve falls to at half time" in seen["docs"]


def test_scripts_contain_what_one_file_adds(seen: dict[str, Any], copy: Path) -> None:
    assert "def halves(xp, t, updates, steps_per_epoch, base_lr, *, share):" in seen["keras"]
    path = copy / "recipe.py"
    path.write_text(seen["script"], encoding="utf-8")
    assert "lrdash" not in seen["script"]
    assert "val_loss: " in python(copy, "-I", str(path))


def test_the_contract_tests_cover_what_one_file_adds(copy: Path) -> None:
    printed = python(
        copy, "-m", "pytest", "--pyargs", "lrdash.testing", "-q", "-p", "no:cacheprovider", "-c",
        os.devnull, "-k", " or ".join(LINES.values()),
    )
    assert int(printed.rsplit(" passed", 1)[0].split()[-1]) > 30
