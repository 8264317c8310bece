"""How all pages and reports describe runs and their settings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lrdash.core.errors import LrdashError
from lrdash.core.registry import Registry
from lrdash.core.spec import RunSpec
from lrdash.core.wording import NOTHING, plural, rate
from lrdash.datasets import DATASETS
from lrdash.models import MODELS
from lrdash.store.rows import RunRow
from lrdash.strategies import STRATEGIES
from lrdash.strategies.recorded import Recorded

# Settings that are known of a run that lrdash did not train; its facts name optimizer and loss.
KNOWN = ("dataset", "model", "strategy", "params", "base_lr", "epochs", "origin", "facts")
NOT_KNOWN = "not known"
OPTIMIZERS = {"sgd": "SGD", "rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW"}


def inputs_in_words(shape: Sequence[int]) -> str:
    """What an example has: `1 input`, `4 inputs`, `32 × 32 × 3 inputs`."""
    return f"{' × '.join(map(str, shape))} {'input' if tuple(shape) == (1,) else 'inputs'}"


def notes_of_spec(spec: RunSpec) -> tuple[str, ...]:
    """Sentences that belong to all runs of a model from outside lrdash."""
    return spec.facts.notes if spec.facts is not None else ()


def notes_of(row: RunRow) -> tuple[str, ...]:
    """Sentences that belong to a run: of its data, its optimizer, and why this engine."""
    notes = notes_of_spec(row.spec)
    if row.engine_note:
        notes += (f"Trained by {row.engine}, not in a group: {row.engine_note}.",)
    return notes


def time_left(epochs_done: float, epochs: int, seconds: float) -> float | None:
    """Seconds that the remaining epochs take at the pace so far; None before the first is done."""
    if epochs_done <= 0:
        return None
    return max(0.0, seconds / epochs_done * (epochs - epochs_done))


def settings_in_words(spec: RunSpec) -> str:
    """A run in one line: `Wine · LeNet-5 · Step decay (factor 0.3) · SGD 0.9, rate 0.1, ...`.

    Momentum follows the optimizer's name. Settings of the strategy appear where they differ from
    their defaults.
    """
    peak = peak_in_words(spec)
    rest = [optimizer_in_words(spec), f"rate {peak}", plural(spec.epochs, "epoch")]
    if spec.strategy == Recorded.id:  # of the rest nothing is known
        known = [word for word in rest if peak != NOTHING or word != f"rate {peak}"]
        return " · ".join([spec.dataset, spec.model, strategy_in_words(spec), ", ".join(known)])
    if spec.warmup_epochs:
        rest.append(f"warm-up {spec.warmup_epochs:g}")
    if spec.early_stopping:
        rest.append(f"early stopping {spec.early_stopping.patience}")
    rest.append(f"seed {spec.seed}")
    strategy = _label(STRATEGIES, spec.strategy) + _changed(spec)
    return " · ".join([data_and_model(spec), strategy, ", ".join(rest)])


def data_and_model(spec: RunSpec) -> str:
    """What was trained, by label: `Digits · Multilayer perceptron`."""
    return f"{dataset_in_words(spec.dataset)} · {_label(MODELS, spec.model)}"


def dataset_in_words(name: str) -> str:
    """A dataset's label; its id where lrdash does not have it."""
    return _label(DATASETS, name)


def _label(entries: Registry[Any], name: str) -> str:
    try:
        return str(entries[name].label)
    except LrdashError:  # of a script, or kept under another home
        return name


def strategy_in_words(spec: RunSpec) -> str:
    """The strategy and those of its settings that are not the defaults: `step (factor 0.3)`."""
    if spec.strategy == Recorded.id:
        return Recorded(**spec.params).in_words()
    return spec.strategy + _changed(spec)


def _changed(spec: RunSpec) -> str:
    knobs = STRATEGIES[spec.strategy].knobs() if spec.strategy in STRATEGIES else ()
    usual = {knob.name: knob.default for knob in knobs}
    changed = [
        f"{name} {setting_in_words(value)}"
        for name, value in spec.params.items()
        if name not in usual or setting_in_words(usual[name]) != setting_in_words(value)
    ]
    return f" ({', '.join(changed)})" if changed else ""


def arm_in_words(row: RunRow) -> str:
    """What the arm of a run is called: its label, or its strategy with what is not usual."""
    return row.label or strategy_in_words(row.spec)


def watched(spec: RunSpec) -> bool:
    """Whether another program trained it, so that most settings of a spec are not known."""
    return spec.origin in ("watched", "import")


def known_settings(spec: RunSpec) -> dict[str, Any]:
    """The settings that are known, as JSON types: all of them where lrdash trained.

    Of other programs' runs, what is unknown is left out, also in the facts; so is a peak rate where
    none was recorded, and the number of updates where only epochs were.
    """
    values = spec.as_dict()
    if not watched(spec):
        return values
    kept = {name: values[name] for name in KNOWN if name in values}
    rates = Recorded(**spec.params).known
    if rates == "none":
        del kept["base_lr"]
    kept["facts"] = {name: value for name, value in kept["facts"].items() if value}
    if rates != "updates" and (spec.origin == "import" or kept["facts"]["steps_per_epoch"] == 1):
        del kept["facts"]["steps_per_epoch"]
    return kept


def peak_in_words(spec: RunSpec) -> str:
    """The peak rate; a dash where no rate was recorded."""
    return rate(spec.base_lr) if "base_lr" in known_settings(spec) else NOTHING


def optimizer_in_words(spec: RunSpec) -> str:
    """The optimizer, with momentum where it has some: `SGD 0.9`."""
    if spec.facts is not None and spec.facts.optimizer:
        return spec.facts.optimizer
    words = [OPTIMIZERS[spec.optimizer]]
    if spec.optimizer in ("sgd", "rmsprop") and spec.momentum:
        words.append(f"{spec.momentum:g}")
    if spec.optimizer == "sgd" and spec.nesterov:
        words.append("Nesterov")
    return " ".join(words)


def setting_in_words(value: Any) -> str:
    """The value of a setting."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (int, float)):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)
