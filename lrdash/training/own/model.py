"""A caller's own model, in the form that engines take."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np

from lrdash.core.errors import InvalidField
from lrdash.core.spec import DataShape, RunSpec
from lrdash.datasets import Split
from lrdash.models.layers import Work
from lrdash.planning.external import ExternalDataset, ExternalModel
from lrdash.planning.plan import Plan
from lrdash.training.own.arrays import Arrays
from lrdash.training.own.data import OwnData
from lrdash.training.own.lanes import ACCURACIES, Fit, flat, measured
from lrdash.training.own.optimizer import OwnOptimizer

Build = Callable[[], Any]
ACCURACY = "accuracy"
ACCURACY_NAMES = tuple(  # what Keras calls them where their user does not
    kind().name for kind in ACCURACIES
)


class Alias(keras.callbacks.Callback):  # type: ignore[misc]
    """Renames the accuracy of a model in all logs. It must be the first of the callbacks."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        """Rename it, for all that follow."""
        for prefix in ("", "val_"):
            if logs is not None and f"{prefix}{self._name}" in logs:
                logs[f"{prefix}{ACCURACY}"] = logs.pop(f"{prefix}{self._name}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Recipe:
    """How a caller's model is made and trained."""

    build: Build  # a fresh model, with weights, compiled or not
    data: OwnData
    optimizer: OwnOptimizer
    fit: Fit
    loss: Any = None  # what to compile with; None: as `build` compiled it
    metrics: Any = ()  # a list or a structure, as `model.compile` takes it
    alias: str = ""  # the name of its accuracy, if that is another
    by_batch: bool = False  # whether rates are set for each batch, not looked up by the update

    def compiled(self, spec: RunSpec, rate: Any) -> Any:
        """A fresh model, ready for `fit` with this rate or schedule of rates."""
        def optimizer(model: Any) -> Any:
            return self.optimizer.of(model, spec, rate)

        return compiled(self.build, optimizer, self.loss, self.metrics)

    def callbacks(self) -> list[Any]:
        """Those that come first."""
        return [Alias(self.alias)] if self.alias else []


def compiled(build: Build, optimizer: Any, loss: Any, metrics: Any) -> Any:
    """A fresh model with an optimizer; it keeps what else it was compiled with.

    Args:
        optimizer: to train with, or a function that gives that of a model.
    """
    model = build()
    own = getattr(model, "optimizer", None)
    optimizer = optimizer(model) if callable(optimizer) else optimizer
    if isinstance(own, keras.optimizers.LossScaleOptimizer) and optimizer is not own:
        optimizer = keras.optimizers.LossScaleOptimizer(
            optimizer, own.initial_scale, own.dynamic_growth_steps
        )
    if loss is not None or not model.compiled:
        model.compile(
            optimizer=optimizer, loss=loss, metrics=_fresh(metrics), jit_compile=False,
        )
        return model
    model.optimizer = optimizer
    model.jit_compile = False  # XLA has no deterministic form of some operations
    model.steps_per_execution = 1  # callbacks see every update
    return model


def _fresh(given: Any) -> Any:
    """Fresh metrics for a model, in the structure that `model.compile` takes.

    They are copied, not made from their configuration: that of a caller's own class may lack
    arguments, and that of a function cannot be read back.
    """
    if isinstance(given, dict):
        return {name: _fresh(one) for name, one in given.items()}
    if isinstance(given, list | tuple):
        return [_fresh(one) for one in given]
    if not isinstance(given, keras.metrics.Metric):
        return given
    try:
        return deepcopy(given)
    except Exception:  # it holds what cannot be copied: runs use it one after the other
        given.reset_state()
        return given


def builder(build_model: Build, data: OwnData) -> Build:
    """Calls `build_model` and checks its result; makes the weights of a model without inputs.

    Raises:
        InvalidField: from the function returned, for anything but a new Keras model of the same
            architecture at each call.
    """
    given: list[int] = []
    kinds: set[str] = set()  # the architectures: one

    def build() -> Any:
        model = build_model()
        if not isinstance(model, keras.Model):
            problem = "must return a keras.Model"
            raise InvalidField("build_model", problem, type(model).__name__)
        mark = getattr(model, "_lrdash_given", None)
        if mark is not None and mark in given:
            problem = "must make a new model at each call"
            raise InvalidField("build_model", problem, "the same model again")
        given.append(len(given))
        object.__setattr__(model, "_lrdash_given", given[-1])
        if not model.built:
            model(data.sample[0], training=False)
        kinds.add(architecture(model))
        if len(kinds) > 1:
            problem = "must make the same architecture at each call"
            raise InvalidField("build_model", problem, "another one")
        return model

    return build


def architecture(model: Any) -> str:
    """Layers and shapes; not names, which Keras numbers differently in each model."""
    kinds = [type(layer).__name__ for layer in flat(model)]
    return json.dumps([kinds, [list(variable.shape) for variable in model.variables]])


class OwnModel(ExternalModel):
    """The model of a script while it runs; made for each inspection."""

    recipe: ClassVar[Recipe]

    def build(self, shape: DataShape) -> Any:  # noqa: ARG002
        """A fresh model."""
        return self.recipe.build()

    def work(self, shape: DataShape) -> Work:
        """As its layers show it, where lanes know them; else a guess."""
        return self.recipe.fit.work or super().work(shape)


@dataclass(frozen=True, kw_only=True)
class OwnDataset(ExternalDataset):
    """The data of a script while it runs."""

    own: OwnData | None = None

    def load(self, examples: int | None = None) -> Split:  # noqa: ARG002
        """The arrays, as they are.

        Raises:
            InvalidField: if they are not single arrays.
        """
        data = self.own
        if data is None or not (
            isinstance(data.train, Arrays) and isinstance(data.validation, Arrays)
        ):
            raise InvalidField("data", "must be arrays for this", data and data.kind)
        x_train, x_val = (
            np.asarray(part.x, np.float32) for part in (data.train, data.validation)
        )
        return Split(x_train, data.train.y, x_val, data.validation.y)


def recipe_of(plan: Plan) -> Recipe | None:
    """How the model of a plan is made, if it is a caller's own."""
    return plan.model.recipe if isinstance(plan.model, OwnModel) else None


def accuracy_name(model: Any) -> str:
    """What the first plain accuracy of an evaluated model is called; empty if it has none."""
    names = [metric.name for metric in measured(model)]
    if ACCURACY in names:
        return ACCURACY
    return next((name for name in names if name in (*ACCURACY_NAMES, "acc")), "")
