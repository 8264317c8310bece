"""The optimizer that a model was compiled with: its kind and settings are kept, not its rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from lrdash.core.errors import InvalidField
from lrdash.core.spec import RunSpec
from lrdash.training.optimizers import SETTINGS, optimizer_of

KINDS = {kind: name for name, (kind, _) in SETTINGS.items()}
IGNORED = ("name", "learning_rate")  # settings that decide nothing here


@dataclass(frozen=True, kw_only=True)
class OwnOptimizer:
    """What to train with.

    `fields` are those of `RunSpec`. They are complete where `config` is None; otherwise optimizers
    are made from `kind` and `config`, like the model's own.
    """

    fields: dict[str, Any]
    rate: float | None = None  # that the model was compiled with, where it was a number
    kind: type[Any] | None = None
    config: dict[str, Any] | None = None
    undecayed: str = ""  # pattern of the names of variables that weight decay leaves alone
    words: str = ""  # in words, where the fields are not complete
    note: str = ""

    def make(self, spec: RunSpec, rate: Any) -> Any:
        """A fresh optimizer.

        Args:
            rate: a float or a `LearningRateSchedule`.
        """
        if self.kind is None or self.config is None:
            return optimizer_of(spec, rate)
        made = self.kind.from_config({**self.config, "learning_rate": rate})
        if self.undecayed:
            made.exclude_from_weight_decay(var_names=[self.undecayed])
        return made


def own_optimizer(model: keras.Model, wanted: dict[str, Any]) -> OwnOptimizer:
    """The optimizer of a model, or the one requested instead.

    Args:
        model: compiled or not.
        wanted: fields of `RunSpec` that the caller gave; any of them replaces the optimizer.

    Raises:
        InvalidField: for an optimizer whose rate cannot be set from outside.
    """
    if wanted or not model.compiled:
        note = "The optimizer that the model was compiled with is not used: another was requested."
        return OwnOptimizer(fields=wanted, note=note if model.compiled else "")
    own = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    scaled = " with loss scaling" if own is not model.optimizer else ""
    config = own.get_config()
    if config.get("gradient_accumulation_steps"):
        problem = "must have an optimizer without gradient_accumulation_steps, so that each update "
        raise InvalidField(
            "build_model", f"{problem}has its rate", config["gradient_accumulation_steps"]
        )
    note, rate = "", None
    schedule = getattr(own, "_learning_rate", None)
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        note = f"Its own schedule, {type(schedule).__name__}, is replaced by the strategies."
    else:
        rate = float(np.asarray(own.learning_rate))
    _try(type(own), config)
    name, undecayed = KINDS.get(type(own)), _undecayed(own)
    if name and not undecayed:
        fields = {"optimizer": name} | {field: config[field] for field in SETTINGS[name][1]}
        if not _others(_usual(fields), config):
            words = f"{type(own).__name__}{scaled}" if scaled else ""
            return OwnOptimizer(fields=fields, rate=rate, words=words, note=note)
    more = _others(_usual({"optimizer": name}), config) if name else {}
    if undecayed:
        more["no weight decay of"] = undecayed.replace("|", ", ")
    settings = ", ".join(f"{key} {value}" for key, value in more.items())
    words = f"{type(own).__name__} ({settings}){scaled}" if settings else \
        f"{type(own).__name__}{scaled}"
    near = name or next((kind for cls, kind in KINDS.items() if isinstance(own, cls)), "sgd")
    return OwnOptimizer(
        fields={"optimizer": near}, rate=rate, kind=type(own), config=config, words=words,
        undecayed=undecayed, note=note,
    )


def _undecayed(own: Any) -> str:
    """What `exclude_from_weight_decay` excludes, which `get_config` does not contain."""
    if getattr(own, "_exclude_from_weight_decay", None):
        problem = "must name what it excludes from weight decay by var_names: each run has "
        raise InvalidField("build_model", f"{problem}variables of its own", "var_list")
    pattern = getattr(own, "_exclude_from_weight_decay_pattern", None)
    return str(pattern.pattern) if pattern else ""


def _usual(fields: dict[str, Any]) -> dict[str, Any]:
    """The settings that lrdash itself would give it."""
    known = {key: value for key, value in fields.items() if value is not None}
    made: dict[str, Any] = optimizer_of(RunSpec(**known), 0.1).get_config()
    return made


def _others(usual: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """Settings that are not as usual."""
    return {
        key: value for key, value in config.items()
        if key not in IGNORED and usual.get(key) != value
    }


def _try(kind: type[Any], config: dict[str, Any]) -> None:
    try:
        kind.from_config({**config, "learning_rate": 0.1})
    except Exception as fault:
        problem = "must have an optimizer that can be made again from its get_config(), with a rate"
        raise InvalidField("build_model", problem, f"{kind.__name__} ({fault})") from fault
