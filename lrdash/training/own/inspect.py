"""A first look at a caller's model and data: everything that a plan needs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lrdash.core.errors import InvalidField
from lrdash.core.events import COLUMNS
from lrdash.core.record import digest_of
from lrdash.core.spec import NAME_LIMIT, Facts, RunSpec
from lrdash.datasets import Dataset
from lrdash.planning.external import placeholder
from lrdash.training.own.data import OwnData, own_data
from lrdash.training.own.effect import Effect, effect_of
from lrdash.training.own.explaining import explained
from lrdash.training.own.fixed import check_batches
from lrdash.training.own.lanes import fit_of, name_of, own_step
from lrdash.training.own.model import (
    ACCURACY,
    OwnDataset,
    OwnModel,
    Recipe,
    accuracy_name,
    architecture,
    builder,
    compiled,
)
from lrdash.training.own.optimizer import check_fresh, innermost, own_optimizer
from lrdash.training.own.usual import check_labels, usual_loss

OPTIMIZER_FIELDS = ("optimizer", "momentum", "nesterov", "weight_decay")
FITTING = "must make a model that can be evaluated on the data"
NUMBERS = "F1Score, say, does with average='macro'"
PROBED = 0.01  # a rate that no run uses
SAME_START = (
    "All seeds start from the same weights: build_model sets a random seed itself, or loads "
    "weights. If that is not meant, leave seeds to lrdash, which sets them before each call."
)
MANY_CLASSES = 10_000  # whole-numbered targets up to this are classes


@dataclass(frozen=True, kw_only=True)
class Own:
    """A caller's model and data, and the fields of a spec that describe them."""

    fields: dict[str, Any]  # of `RunSpec`
    dataset: Dataset
    model: OwnModel
    token: str
    rate: float | None  # that the model was compiled with


def inspect(
    build_model: Any,
    data: Any,
    *,
    fields: dict[str, Any],
    loss: Any = None,
    metrics: Any = None,
    steps_per_epoch: int | None = None,
) -> Own:
    """Build the model, evaluate it on a few examples, and find out how it can be trained.

    Args:
        data: see `own.data.FORMS`.
        fields: of `RunSpec`, as the caller gave them.
        loss: for a model that is not compiled, or in place of its own.
        metrics: likewise.
        steps_per_epoch: updates an epoch, for batches without an end.

    Raises:
        InvalidField: for what cannot be trained; says what is wrong.
    """
    if not callable(build_model):
        problem = "must be a function that returns a Keras model"
        raise InvalidField("build_model", problem, build_model)
    checked = RunSpec(**{"strategy": "constant", **fields})
    found = own_data(data, checked.batch_size, steps_per_epoch, checked.seed)
    build = builder(build_model, found)
    keras.utils.set_random_seed(checked.seed)
    model = _called(build)
    check_batches(model, found)
    wanted = {name: fields[name] for name in OPTIMIZER_FIELDS if name in fields}
    optimizer = own_optimizer(model, wanted)
    guess = ""
    if loss is None and not model.compiled:
        with explained("build_model", FITTING):
            usual = usual_loss(model, found)
        loss, guess, metrics = usual.loss, usual.note, usual.metrics if metrics is None else metrics
    elif loss is None and metrics is not None:
        problem = "must come with a loss, or be compiled into the model"
        raise InvalidField("metrics", problem, metrics)
    spec = RunSpec(**{"strategy": "constant", **fields, **optimizer.fields})
    made = _compiled(build, lambda one: optimizer.of(one, spec, PROBED), loss, metrics or ())
    if optimizer.kept:
        check_fresh(model, made)
    used = loss if loss is not None else _own_loss(made)
    check_labels(made, found, used)
    names, alias = _evaluated(made, found), accuracy_name(made)
    recipe = Recipe(
        build=lambda: _called(build), data=found, optimizer=optimizer, loss=loss,
        metrics=metrics or (), alias=alias if alias != ACCURACY else "",
        fit=fit_of(made, found, optimizer, used, lambda: _called(build)),
    )
    effect = _effect(made, recipe, spec)
    recipe = replace(recipe, by_batch=effect.by_batch)
    notes = (*found.notes, *filter(None, (guess, optimizer.note, _same_start(model, made))),
             *effect.notes)
    measured = [ACCURACY if name == alias else name for name in names]
    facts = _facts(made, recipe, used, measured, notes)
    label = _name(fields.get("model") or getattr(build_model, "__name__", "") or made.name)
    data_label = _name(fields.get("dataset") or _data_name(found, facts))
    return Own(
        fields={
            **fields, **optimizer.fields, "batch_size": found.batch_size, "dataset": data_label,
            "model": label, "origin": "script", "facts": facts.as_dict(),
        },
        dataset=placeholder(data_label, facts, OwnDataset, own=found),
        model=_model(label, facts, recipe), token=facts.token, rate=optimizer.rate,
    )


def _effect(model: Any, recipe: Recipe, spec: RunSpec) -> Effect:
    """What the rate does, where steps or an optimizer of the caller's own might do something else.

    Args:
        model: made by the recipe.
    """
    optimizer = innermost(model.optimizer)
    if not own_step(model) and type(optimizer).__module__.startswith("keras."):
        return Effect()
    return effect_of(lambda rate: recipe.compiled(spec, rate), recipe.data.sample, spec.seed)


def _facts(
    model: Any, recipe: Recipe, loss: Any, metrics: Sequence[str], notes: tuple[str, ...]
) -> Facts:
    """What pages will know of a model that was compiled and evaluated."""
    data, optimizer = recipe.data, recipe.optimizer
    train, validation = data.sizes
    inputs = tf.nest.flatten(data.sample[0])
    facts = Facts(
        train_examples=train, validation_examples=validation,
        steps_per_epoch=data.steps_per_epoch,
        parameters=sum(math.prod(weight.shape) for weight in model.trainable_variables),
        metrics=("loss", "val_loss", *metrics, *(f"val_{name}" for name in metrics)),
        input_shape=_shape_of(inputs[0]) if len(inputs) == 1 else (),
        num_classes=_classes(model, data) if ACCURACY in metrics else 0,
        loss=_words(loss), optimizer=optimizer.words, notes=notes,
    )
    known = json.dumps(facts.as_dict(), sort_keys=True)
    parts = (known, data.digest(), architecture(model), str(data.batch_size))
    return facts.replace(token=digest_of("\n".join(parts)))


def _shape_of(inputs: Any) -> tuple[int, ...]:
    """The shape of one example; empty where it differs from one to the next."""
    shape = tuple(inputs.shape)[1:]
    return () if None in shape else shape


def _model(label: str, facts: Facts, recipe: Recipe) -> OwnModel:
    """An `OwnModel` of a class of its own, with its name."""
    kind: type[OwnModel] = type("OwnModel", (OwnModel,), {
        "label": label, "facts": facts, "recipe": recipe, "alone": recipe.fit.reason,
        "convolutional": recipe.fit.convolutional, "__doc__": label,
    })
    return kind()


def _called(build: Any) -> Any:
    with explained("build_model", "must build a model that takes the data"):
        return build()


def _compiled(build: Any, optimizer: Any, loss: Any, metrics: Any) -> Any:
    with explained("loss or metrics", "must be what Keras can compile the model with"):
        return compiled(build, optimizer, loss, metrics)


def _evaluated(model: Any, data: OwnData) -> list[str]:
    """The metrics, by their names in Keras' logs."""
    with explained("build_model", FITTING):
        # As `fit` does it: `test_on_batch` would hand a `test_step` three parts in place of two.
        batches = tf.data.Dataset.from_tensors(data.sample)
        found = model.evaluate(batches, return_dict=True, verbose=0)
    if "loss" not in found:
        raise InvalidField("build_model", "must make a model with a loss", list(found))
    for name, value in found.items():
        if name in COLUMNS:
            problem = f"must not have the name of a column ({', '.join(sorted(COLUMNS))})"
            raise InvalidField("metrics", problem, name)
        if np.size(value) != 1:
            problem = f"must give one number each ({NUMBERS}): {name} gives {np.size(value)}"
            raise InvalidField("metrics", problem, np.asarray(value).tolist())
    return [name for name in found if name != "loss"]


def _same_start(first: Any, second: Any) -> str:
    """A note if two models built one after the other have equal weights."""
    weights = [
        (np.array(one), np.array(other))
        for one, other in zip(first.trainable_variables, second.trainable_variables, strict=True)
    ]
    drawn = any(one.size and one.min() < one.max() for one, _ in weights)
    return SAME_START if drawn and all(np.array_equal(*pair) for pair in weights) else ""


def _own_loss(model: Any) -> Any:
    """The loss that a model was compiled with, as its caller wrote it."""
    weights = getattr(model._compile_loss, "_user_loss_weights", None)
    return getattr(model._compile_loss, "_user_loss", None) if weights is None else "weighted"


def _classes(model: Any, data: OwnData) -> int:
    """How many classes there are, of a model that has an accuracy."""
    outputs = tf.nest.flatten(model(data.sample[0], training=False))
    units = int(outputs[0].shape[-1]) if len(outputs) == 1 else 0
    return max(2, units) if units <= MANY_CLASSES else 0


def _words(loss: Any) -> str:
    return name_of(loss).replace("_", " ")[:NAME_LIMIT] if loss is not None else "its own"


def _data_name(data: OwnData, facts: Facts) -> str:
    shape = " x ".join(f"{size}" for size in facts.input_shape)
    if not data.in_memory:
        return data.kind
    return f"arrays, {data.sizes[0]:,}{f' x {shape}' if shape else ''}"


def _name(text: str) -> str:
    plain = " ".join(str(text).split()) or "model"
    return plain if len(plain) <= NAME_LIMIT else f"{plain[: NAME_LIMIT - 1]}…"
