"""What `compare`, `train` and `find_lr` train: a registered model, or a caller's own."""

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
USUAL_RATES = (0.01, 0.1)  # peak rates by default
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
class Task:
    """What all runs on a model and its data share."""

    spec: RunSpec | None = None
    fields: dict[str, Any]  # of `RunSpec`, in place of those of the spec
    rate: float | None = None  # that an own model was compiled with
    own: bool = False  # whether model and data are the caller's

    def peaks(self) -> tuple[float, ...]:
        """Peak rates to compare, around the model's own rate or the default of its optimizer."""
        if not self.own:
            return USUAL_RATES
        spec = RunSpec(**self.fields)
        return peaks_around(self.rate or suggested_peak(spec.optimizer, spec.momentum), PEAKS)


@contextmanager
def task_of(
    build_model: Any, data: Any, spec: RunSpec | None, fields: dict[str, Any]
) -> Iterator[Task]:
    """What to train. A caller's model and data are inspected; plans can use them while this lasts.

    Args:
        build_model: makes a fresh Keras model at each call; None for a registered one.
        data: arrays or batches for it.
        spec: of a registered model.
        fields: of `RunSpec`, and `TAKEN`.

    Raises:
        InvalidField: for what cannot be trained, or does not go together.
    """
    if build_model is None:
        given = {name: fields[name] for name in TAKEN if name in fields and name != "loss"}
        given |= {} if data is None else {"data": type(data).__name__}
        for name, value in given.items():
            problem = "must come with build_model, a function that makes a model"
            raise InvalidField(name, problem, value)
        yield Task(spec=spec, fields=fields)
        return
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
    if not isinstance(metrics, list | tuple | dict | None):
        taken["metrics"] = [metrics]
    own = inspect(build_model, data, fields=fields, **taken)
    try:
        with external.present(own.token, own.dataset, own.model):
            yield Task(fields=own.fields, rate=own.rate, own=True)
    finally:
        cache.forget(own.token)
        placed.forget(own.token)
