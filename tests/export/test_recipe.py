"""Scripts and notebooks are run, and end where the Keras engine ended."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrdash.core.errors import InvalidField
from lrdash.core.spec import RunSpec
from lrdash.datasets import DATASETS
from lrdash.export import notebook, script
from lrdash.export.recipe import rate_lines
from lrdash.export.samples import data_lines
from lrdash.models import MODELS
from lrdash.planning.plan import make
from lrdash.strategies import STRATEGIES, RateProgram, Schedule
from lrdash.strategies import make as strategy_of
from lrdash.testing.shapes import home
from tests.factories.settings import CALLBACKS, VARIANTS, WARMUPS
from tests.factories.training import executed, finished

CLOSE = 1e-5
# Each strategy once, and between them each embedded dataset, model, optimizer, loss and option.
RUNS: tuple[dict[str, Any], ...] = (
    {"strategy": "constant", "dataset": "digits", "model": "cnn", "examples": 100, "epochs": 2,
     "model_params": {"blocks": 1, "filters": 4, "batch_norm": True, "dropout": 0.2}},
    {"strategy": "step", "params": {"drop_every": 1}, "dataset": "wine", "optimizer": "adam",
     "base_lr": 0.01},
    {"strategy": "multistep", "params": {"milestones": [1, 2.5]}, "dataset": "diabetes"},
    {"strategy": "exponential", "dataset": "breast_cancer", "model": "linear",
     "model_params": {"l2": 0.01}},
    {"strategy": "inverse_time", "dataset": "noisy_regression", "loss": "huber", "batch_size": 100},
    {"strategy": "inverse_sqrt", "dataset": "spirals", "nesterov": True, "batch_size": 100},
    {"strategy": "polynomial", "dataset": "wine", "label_smoothing": 0.1},
    {"strategy": "linear", "dataset": "digits", "model": "lenet", "examples": 100,
     "epochs": 2,
     "model_params": {"batch_norm": True}},
    {"strategy": "cosine", "dataset": "digits", "model": "resnet", "examples": 100,
     "epochs": 2,
     "model_params": {"stages": 2, "filters": 4, "dropout": 0.1, "l2": 0.001}},
    {"strategy": "cosine_restarts", "params": {"first_cycle": 1}, "dataset": "wine",
     "optimizer": "adamw", "base_lr": 0.01},
    {"strategy": "cyclic", "params": {"half_cycle": 1}, "dataset": "wine", "loss": "mse",
     "optimizer": "rmsprop", "base_lr": 0.01},
    {"strategy": "one_cycle", "dataset": "diabetes", "loss": "mae"},
    {"strategy": "flat_cosine", "dataset": "wine", "model_params": {"dropout": 0.3}},
    {"strategy": "wsd", "dataset": "wine", "warmup_epochs": 0.7},
    {"strategy": "wsd", "dataset": "digits", "model": "layers", "examples": 100, "epochs": 2,
     "model_params": {"layers": "conv2d size=4 activation=relu; batch_norm; residual size=6 "
                      "strides=2; layer_norm; dropout rate=0.1; global_average_pooling"}},
    {"strategy": "points", "dataset": "noisy_quadratic", "model": "noisy_quadratic", "seed": 3},
    {"strategy": "custom", "dataset": "wine", "warmup_epochs": 1.4,
     "params": {"expression": "lr * 0.7 if epoch >= 1 else sqrt(lr) * base_lr"}},
    {"strategy": "plateau", "dataset": "wine", "epochs": 9, "warmup_epochs": 1.4,
     "params": {"patience": 1, "factor": 0.3, "min_delta": 0.05, "cooldown": 2},
     "early_stopping": {"patience": 4, "min_delta": 0.01}},
    {"strategy": "plateau", "dataset": "wine", "epochs": 8,
     "params": {"rules": "torch", "patience": 0, "factor": 0.7, "min_delta": 1,
                "monitor": "val_accuracy"}},
)
RUNS += tuple(  # and those that are in none of these
    {"strategy": "linear", "dataset": "wine", key: name}
    for key, names in (
        ("strategy", list(STRATEGIES)),
        ("dataset", [name for name, one in DATASETS.items() if not one.download_bytes]),
    )
    for name in names if all(fields[key] != name for fields in RUNS)
)



@pytest.mark.parametrize("fields", RUNS, ids=lambda fields: fields["strategy"])
def test_a_script_ends_with_the_metrics_and_rates_of_the_keras_engine(
    fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make(RunSpec(**{"epochs": 3, "base_lr": 0.1, **fields}))
    ours = finished(plan.spec)
    names, rates = executed(script(plan), monkeypatch)
    history = names["history"]
    np.testing.assert_array_equal(rates, np.concatenate([epoch.rates for epoch in ours]))
    measured = {k: v for k, v in ours[-1].metrics.items() if k != "learning_rate"}
    for name, value in measured.items():
        assert history[name][-1] == pytest.approx(value, rel=CLOSE, abs=CLOSE), name
    assert len(history["loss"]) == len(ours)


def test_everything_that_can_be_trained_can_be_written() -> None:
    for kind in MODELS.values():
        assert kind().keras_code(home(kind))[-1].startswith("model = ")
    for dataset in DATASETS.values():
        compile("\n".join(data_lines(dataset, dataset.default_examples)), dataset.id, "exec")


@pytest.mark.parametrize("warmup", WARMUPS, ids=["no warm-up", "1.4 epochs", "2 epochs"])
@pytest.mark.parametrize(("name", "params"), [*VARIANTS, CALLBACKS[0]])
def test_the_source_of_a_formula_gives_every_rate_to_the_last_bit(
    name: str, params: dict[str, Any], warmup: dict[str, float]
) -> None:
    program = RateProgram(
        strategy_of(name, params), base_lr=0.3, epochs=7, steps_per_epoch=13, **warmup
    )
    assert isinstance(program.strategy, Schedule)
    names: dict[str, Any] = {"np": np, "BASE_LR": 0.3, "STEPS": 13}
    exec("\n".join(rate_lines(program.strategy, program.horizon)), names)
    assert program.table is not None
    np.testing.assert_array_equal(names["rates"], program.table[program.warmup :])


@pytest.mark.parametrize("dataset", list(DATASETS))
def test_a_script_is_tidy_and_knows_nothing_of_lrdash(dataset: str) -> None:
    model = "noisy_quadratic" if dataset == "noisy_quadratic" else "mlp"
    text = script(make(RunSpec(dataset=dataset, model=model, strategy="plateau", warmup_epochs=1)))
    assert max(map(len, text.splitlines())) <= 100
    assert all(line == line.rstrip() for line in text.splitlines())
    assert "\n\n\n\n" not in text
    assert "lrdash" not in text
    imported = {name.name.partition(".")[0] for node in ast.walk(ast.parse(text))
                if isinstance(node, ast.Import) for name in node.names}
    assert imported == {"os", "keras", "numpy", "tensorflow"}


def test_a_script_runs_on_its_own(tmp_path: Path) -> None:
    plan = make(RunSpec(dataset="wine", model="linear", epochs=2, strategy="cosine"))
    path = tmp_path / "recipe.py"
    path.write_text(script(plan, note="From run x."), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", str(path)], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    value = finished(plan.spec)[-1].metrics["val_loss"]
    assert f"val_loss: {value:.4f}" in done.stdout


def test_a_notebook_is_valid_and_its_cells_run_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    import nbformat

    plan = make(RunSpec(dataset="wine", strategy="plateau", warmup_epochs=1, epochs=2))
    text = notebook(plan)
    nbformat.validate(nbformat.reads(text, as_version=4))
    cells = json.loads(text)["cells"]
    kinds = [cell["cell_type"] for cell in cells]
    assert kinds == ["markdown", *["markdown", "code"] * 7]
    code = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    names, _ = executed(code, monkeypatch)
    value = finished(plan.spec)[-1].metrics["val_loss"]
    assert names["history"]["val_loss"][-1] == pytest.approx(value, rel=CLOSE)


def test_what_is_not_written_for_scripts_is_refused() -> None:
    class Other(Schedule):
        id = "other"

    horizon = make(RunSpec()).program().horizon
    with pytest.raises(InvalidField, match="strategy must be one that can be written as a script"):
        rate_lines(Other(), horizon)
