"""The optimizer that a model was compiled with. It is kept; the strategies set only its rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from lrdash.core.errors import InvalidField
from lrdash.core.spec import RunSpec
from lrdash.core.wording import listed, plural
from lrdash.training.optimizers import SETTINGS, optimizer_of
from lrdash.training.own.explaining import explained

KINDS = {kind: name for name, (kind, _) in SETTINGS.items()}
IGNORED = ("name", "learning_rate")  # settings that decide nothing here
LONGEST = 40  # characters of a setting's value in words
ITS_OWN = "its own"
SETTABLE = "must have an optimizer with a learning rate that can be set"
TRACKING = ("_self_", "_obj_reference_counts")  # what TensorFlow writes into every object
Schedule = keras.optimizers.schedules.LearningRateSchedule


@dataclass(frozen=True, kw_only=True)
class OwnOptimizer:
    """What to train with.

    `fields` are those of `RunSpec`, for lanes and pages. They are complete where there are no
    `words`.
    """

    fields: dict[str, Any]
    rate: float | None = None  # that the model was compiled with, where it was a number
    kept: bool = True  # whether each run takes the one of its fresh model
    words: str = ""  # in words, where the fields are not complete
    note: str = ""

    def of(self, model: keras.Model, spec: RunSpec, rate: Any) -> Any:
        """The optimizer that a fresh model is trained with; it has made no updates yet.

        Args:
            rate: a float or a `LearningRateSchedule`.

        Raises:
            InvalidField: for one that earlier models have used, and that cannot be made again.
        """
        if not self.kept:
            return optimizer_of(spec, rate)
        own = innermost(model.optimizer)
        used = own if not own.built else made_again(own)
        with explained("build_model", SETTABLE):
            _set(used, rate)
        return model.optimizer if used is own else used


def innermost(optimizer: Any) -> Any:
    """The optimizer without loss scaling around it."""
    scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    return optimizer.inner_optimizer if scales else optimizer


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
        return OwnOptimizer(fields=wanted, kept=False, note=note if model.compiled else "")
    own = innermost(model.optimizer)
    scaled = " with loss scaling" if own is not model.optimizer else ""
    if steps := getattr(own, "gradient_accumulation_steps", None):
        problem = "must have an optimizer without gradient_accumulation_steps, so that each update "
        raise InvalidField("build_model", f"{problem}has its rate", steps)
    rate, note = _rate_of(own)
    name = KINDS.get(type(own))
    if name:
        config = own.get_config()
        fields = {"optimizer": name} | {field: config[field] for field in SETTINGS[name][1]}
        if not _more_settings(own, fields):
            words = f"{type(own).__name__}{scaled}" if scaled else ""
            return OwnOptimizer(fields=fields, rate=rate, words=words, note=note)
    more = _more_settings(own, {"optimizer": name}) if name else {}
    settings = ", ".join(f"{key} {value}" for key, value in more.items())
    near = name or next((kind for cls, kind in KINDS.items() if isinstance(own, cls)), "sgd")
    return OwnOptimizer(
        fields={"optimizer": near}, rate=rate, note=note,
        words=f"{type(own).__name__}{f' ({settings})' if settings else ''}{scaled}",
    )


def check_fresh(first: keras.Model, second: keras.Model) -> None:
    """Refuse an optimizer that models share, or that is in use already, if another cannot be made.

    Raises:
        InvalidField: names what another one would lack.
    """
    own = innermost(second.optimizer)
    if own.built or own is innermost(first.optimizer):
        made_again(own)


def made_again(own: Any) -> Any:
    """A fresh optimizer like one that is in use.

    Raises:
        InvalidField: if its `get_config` does not have all its settings.
    """
    problem = "must make a new optimizer at each call, since its get_config() "
    kind = type(own)
    try:
        made = kind.from_config({**own.get_config(), "learning_rate": 0.1})
    except Exception as fault:
        problem += "cannot make it again"
        raise InvalidField("build_model", problem, f"{kind.__name__} ({fault})") from fault
    if pattern := getattr(own, "_exclude_from_weight_decay_pattern", None):
        made.exclude_from_weight_decay(var_names=[pattern.pattern])
    if missing := _differences(own, made):
        raise InvalidField("build_model", f"{problem}lacks {listed(missing)}", kind.__name__)
    return made


def _rate_of(own: Any) -> tuple[float | None, str]:
    """The rate that an optimizer was made with, if that is a number, and a note if it is not."""
    held = getattr(own, "_learning_rate", None)
    if callable(held) and not isinstance(held, keras.Variable):
        name = getattr(held, "__name__", type(held).__name__)
        return None, f"Its own schedule, {name}, is replaced by the strategies."
    try:
        return float(np.asarray(own.learning_rate)), ""
    except Exception as fault:
        given = f"{type(own).__name__} ({fault})"
        raise InvalidField("build_model", SETTABLE, given) from fault


def _set(own: Any, rate: Any) -> None:
    """Let an optimizer use a rate or schedule, whatever it was made with."""
    if isinstance(own._learning_rate, keras.Variable) or isinstance(rate, Schedule):
        own.learning_rate = rate
    else:  # Keras lets nobody set the rate of one that was made with a schedule
        own._learning_rate = keras.Variable(rate, trainable=False, name="learning_rate")


def _more_settings(own: Any, fields: dict[str, Any]) -> dict[str, str]:
    """What one of Keras' own optimizers has beyond these fields of a spec, in words."""
    known = {key: value for key, value in fields.items() if value is not None}
    usual = optimizer_of(RunSpec(**known), 0.1).get_config()
    config = own.get_config()
    found = {
        key: str(value) for key, value in config.items()
        if key not in IGNORED and usual.get(key) != value
    }
    for key in _differences(own, type(own).from_config({**config, "learning_rate": 0.1})):
        if not key.startswith("_exclude_from_weight_decay"):
            value = str(vars(own)[key])
            found[key] = value if len(value) <= LONGEST else ITS_OWN
    if undecayed := _undecayed(own):
        found["no weight decay of"] = undecayed
    return found


def _undecayed(own: Any) -> str:
    """What `exclude_from_weight_decay` excludes, which `get_config` does not contain."""
    if some := getattr(own, "_exclude_from_weight_decay", None):
        return plural(len(some), "weight")
    pattern = getattr(own, "_exclude_from_weight_decay_pattern", None)
    return str(pattern.pattern).replace("|", ", ") if pattern else ""


def _differences(own: Any, made: Any) -> list[str]:
    """Settings of an optimizer that another one lacks, or has otherwise."""
    known, others = vars(keras.optimizers.SGD(0.1)).keys(), vars(made)
    return [
        name for name, value in vars(own).items()
        if name not in known and not name.startswith(TRACKING) and not _of_weights(value)
        and not _alike(value, others.get(name))
    ]


def _of_weights(value: Any) -> bool:
    """Whether it holds variables, or nothing: what an optimizer makes for the weights."""
    try:
        leaves = keras.tree.flatten(value)
    except TypeError:  # a dict whose keys have no order
        return False
    return not leaves or any(isinstance(leaf, keras.Variable) for leaf in leaves)


def _alike(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    compared = any("__eq__" in vars(kind) for kind in type(one).__mro__[:-1])  # all but `object`
    if not compared and not callable(one):
        return True  # an object that says nothing about its settings
    try:
        return bool(np.all(one == other))
    except (TypeError, ValueError):  # cannot be compared
        return True
