"""A caller's own model and data, as `compare`, `train` and `find_lr` take them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lrdash.core.errors import InvalidField
from lrdash.core.spec import RunSpec
from lrdash.jobs.session import prepare
from lrdash.planning import external
from lrdash.planning.experiment import peaks_around, suggested_peak

STRATEGIES = ("constant", "linear", "cosine", "plateau")  # by default
PEAKS = 3  # as many where a caller names none
NOT_OWN = {  # fields of a run that a caller's model or data decide
    "examples": "data", "model_params": "build_model", "label_smoothing": "loss",
    "origin": "build_model", "facts": "build_model",
}
WEIGHTED = "is not given separately: give data as (x, y, sample_weight)"
OF_FIT = {  # arguments of `model.fit`, and what to give instead
    "validation_data": "is not given separately: give data as ((x, y), (x_val, y_val))",
    "validation_split": "is not a setting: of (x, y) a fifth of the examples is held out; for "
    "other parts give data as ((x, y), (x_val, y_val))",
    "sample_weight": WEIGHTED,
    "class_weight": f"{WEIGHTED}, each example with the weight of its class",
    "callbacks": "cannot be given: lrdash uses its own. To record your own fit, add "
    "lrdash.Monitor() to its callbacks",
    "shuffle": "is not a setting: arrays are seen in an order that follows from the seed",
    "verbose": "is not a setting: progress=False keeps it silent",
}
TAKEN = ("loss", "metrics", "steps_per_epoch")  # for own models only


@dataclass(frozen=True, kw_only=True)
class OwnTask:
    """What all runs on a caller's model and data share."""

    fields: dict[str, Any]  # of `RunSpec`
    rate: float | None  # that the model was compiled with

    def peaks(self) -> tuple[float, ...]:
        """Peak rates to compare, around the model's own rate or the default of its optimizer."""
        spec = RunSpec(**self.fields)
        return peaks_around(self.rate or suggested_peak(spec.optimizer, spec.momentum), PEAKS)


@contextmanager
def own_task(build_model: Any, data: Any, spec: RunSpec | None, fields: dict[str, Any]) \
        -> Iterator[OwnTask]:
    """Inspect a model and its data; plans can use them for as long as this lasts.

    Args:
        build_model: makes a fresh Keras model at each call.
        data: arrays or batches.
        spec: must be None: it would name a registered model.
        fields: of `RunSpec`, and `TAKEN`.

    Raises:
        InvalidField: for what cannot be trained.
    """
    if data is None:
        raise InvalidField("data", "must be given together with build_model", None)
    if spec is not None:
        raise InvalidField("spec", "must be left out: give fields of it instead", spec.to_json())
    for name in fields.keys() & OF_FIT.keys():
        raise InvalidField(name, OF_FIT[name], fields[name])
    for name in fields.keys() & NOT_OWN.keys():
        raise InvalidField(name, f"is decided by {NOT_OWN[name]} here", fields[name])
    prepare()
    from lrdash.training.lanes import cache, placed
    from lrdash.training.own.inspect import inspect

    taken = {name: fields.pop(name) for name in TAKEN if name in fields}
    metrics = taken.get("metrics")
    own = inspect(build_model, data, fields=fields, **{**taken, "metrics": _listed(metrics)})
    try:
        with external.present(own.token, own.dataset, own.model):
            yield OwnTask(fields=own.fields, rate=own.rate)
    finally:
        cache.forget(own.token)
        placed.forget(own.token)


def refuse_taken(fields: dict[str, Any], data: Any) -> None:
    """Refuse what is only for own models, where there is none."""
    own = ("metrics", "steps_per_epoch")
    given: dict[str, Any] = {name: fields[name] for name in own if name in fields}
    if data is not None:
        given["data"] = type(data).__name__
    for name, value in given.items():
        raise InvalidField(name, "must come with build_model, a function that makes a model", value)


def _listed(metrics: Any) -> Any:
    return metrics if metrics is None or isinstance(metrics, list | tuple | dict) else [metrics]
