"""Whether runs of a caller's own model can be lanes, and if not, why.

Lanes take layers that treat each example alone (and batch normalisation), and losses that Keras
averages over the examples. Everything else goes to the engine keras.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np

from lrdash.models.layers import Work
from lrdash.planning.plan import Plan
from lrdash.training.losses import is_sparse
from lrdash.training.losses import loss_of as loss_of_spec
from lrdash.training.own.arrays import Arrays
from lrdash.training.own.data import OwnData
from lrdash.training.own.optimizer import OwnOptimizer

CONVOLUTIONS = (
    "Conv1D", "Conv2D", "Conv3D", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D",
    "SeparableConv2D", "Conv1DTranspose", "Conv2DTranspose",
)
PLAIN = (
    "InputLayer", "Dense", "Activation", "ReLU", "LeakyReLU", "ELU", "PReLU", "Softmax", "Dropout",
    "BatchNormalization", "LayerNormalization", "Flatten", "Reshape", "Permute", "Add", "Subtract",
    "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Rescaling", "ZeroPadding1D",
    "ZeroPadding2D", "MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D",
    "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D",
    "UpSampling1D", "UpSampling2D", *CONVOLUTIONS,
)
# Losses that are a mean over examples, each of which has a loss of its own.
MEANS = (
    "MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError",
    "MeanSquaredLogarithmicError", "Huber", "LogCosh", "Poisson", "KLDivergence",
    "BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy", "SparseCategoricalCrossentropy", "Hinge", "SquaredHinge",
    "CategoricalHinge",
)
OWN_STEPS = (
    "train_step", "test_step", "compute_loss", "compute_metrics", "make_train_function", "fit",
)
CLOSE = 1e-5  # how far a stateless call may be from a plain one

Accuracy = Literal["", "sparse", "categorical", "binary"]
ACCURACIES: dict[type[Any], Accuracy] = {
    keras.metrics.SparseCategoricalAccuracy: "sparse",
    keras.metrics.CategoricalAccuracy: "categorical",
    keras.metrics.BinaryAccuracy: "binary",
}


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What lanes need to know of a model."""

    reason: str = ""  # why they cannot train it; empty if they can
    loss: Any = None  # keras.losses.Loss
    accuracy: Accuracy = ""
    convolutional: bool = False
    work: Work | None = None  # of one example; None if unknown


def fit_of(
    model: keras.Model, data: OwnData, optimizer: OwnOptimizer, loss: Any, build: Any
) -> Fit:
    """Whether lanes can train a model.

    Args:
        model: built, compiled and evaluated once.
        loss: as it was compiled with.
        build: makes another of its kind.
    """
    layers = flat(model)
    convolutional = any(type(layer).__name__ in CONVOLUTIONS for layer in layers)
    known, metrics = loss_of(loss), measured(model)
    reason = (
        _of_data(data)
        or _of_model(model, layers)
        or (f"lanes do not have the optimizer {optimizer.words}" if optimizer.words else "")
        or _of_loss(known, loss)
        or _of_metrics(metrics)
    )
    if not reason:
        reason = _of_weights(build) or _of_call(model, data)
    accuracy = ACCURACIES.get(type(metrics[0]), "") if len(metrics) == 1 else ""
    return Fit(
        reason=reason, loss=known, accuracy=accuracy, convolutional=convolutional,
        work=None if reason else work_of(layers),
    )


def loss_for(plan: Plan) -> Any:
    """The loss of a plan that lanes can train."""
    fit = _fit(plan)
    return fit.loss if fit else loss_of_spec(plan.spec, plan.loss)


def accuracy_of(plan: Plan) -> Accuracy:
    """How lanes count correct examples."""
    fit = _fit(plan)
    if fit:
        return fit.accuracy
    if not plan.dataset.num_classes:
        return ""
    return "sparse" if is_sparse(plan.spec, plan.loss) else "categorical"


def _fit(plan: Plan) -> Fit | None:
    recipe = getattr(plan.model, "recipe", None)
    return recipe.fit if recipe else None


def flat(model: Any) -> list[Any]:
    """All layers, those of models inside it included."""
    found = []
    for layer in model.layers:
        found += flat(layer) if isinstance(layer, keras.Model) else [layer]
    return found


def own_step(model: keras.Model) -> str:
    """The first of Keras' steps that a model replaces; empty if it trains as Keras does."""
    return next((
        name for name in OWN_STEPS
        if name in vars(model) or getattr(type(model), name) is not getattr(keras.Model, name)
    ), "")


def work_of(layers: list[Any]) -> Work:
    """The cost of one example in layers that lanes know."""
    sizes = [math.prod(layer.output.shape[1:]) for layer in layers]
    products = [
        math.prod(layer.output.shape[1:-1]) * math.prod(weight.shape)
        for layer in layers for weight in layer.trainable_weights if len(weight.shape) > 1
    ]
    return Work(multiply_adds=max(1, sum(products)), numbers=2 * sum(sizes))


def loss_of(given: Any) -> Any:
    """The loss as one of Keras' own classes; None if it is not one, or averages differently."""
    made = given
    if isinstance(given, str) or (callable(given) and not isinstance(given, keras.losses.Loss)):
        try:
            made = keras.losses.get(given)
        except (ValueError, TypeError):
            return None
    if not isinstance(made, keras.losses.Loss) and callable(made):
        name = "".join(part.capitalize() for part in getattr(made, "__name__", "").split("_"))
        kind = getattr(keras.losses, name, None)
        if kind is None or made is not getattr(keras.losses, made.__name__, None):
            return None
        made = kind()
    own = isinstance(made, keras.losses.Loss) and getattr(keras.losses, type(made).__name__, None)
    if not own or type(made) is not own or made.reduction != "sum_over_batch_size":
        return None
    return made


def measured(model: keras.Model) -> list[Any]:
    """The metrics beside the loss, of a model that was evaluated."""
    return [
        one
        for metric in model.metrics if metric is not getattr(model, "_loss_tracker", None)
        for one in getattr(metric, "metrics", [metric])
    ]


def _of_data(data: OwnData) -> str:
    if not data.in_memory:
        return f"the data are a {data.kind}, which gives its own batches"
    for part in (data.train, data.validation):
        if isinstance(part, Arrays) and part.weights is not None:
            return "the examples have weights"
        if isinstance(part, Arrays) and not all(isinstance(one, np.ndarray) for one in part.parts):
            return "inputs or targets are several arrays, or ragged"
    return ""


def _of_model(model: keras.Model, layers: list[Any]) -> str:
    if not hasattr(model, "inputs") or type(model).call not in (
        keras.Sequential.call, type(keras.Model(*_ends())).call
    ):
        return f"{type(model).__name__} is a class with a call of its own"
    if name := own_step(model):
        return f"{type(model).__name__} has a {name} of its own"
    if model.inputs and model.inputs[0].shape[0] is not None:
        return "its input has a fixed batch size"
    for layer in layers:
        kind = type(layer)
        if kind.__name__ not in PLAIN or getattr(keras.layers, kind.__name__, None) is not kind:
            return f"lanes do not know the layer {kind.__name__}"
        if layer.compute_dtype != "float32" or layer.variable_dtype != "float32":
            return f"the layer {layer.name} computes in {layer.compute_dtype}"
        if not layer.trainable and kind is keras.layers.BatchNormalization:
            return f"the layer {layer.name} is frozen"
        if reason := _of_layer(layer):
            return f"the layer {layer.name} {reason}"
    if operation := _operation(model):
        return f"lanes do not know the operation {operation}"
    if not model.trainable_variables:
        return "nothing in the model is trained"
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        return "the model has several inputs or outputs"
    if len(model.outputs[0].shape) != 2:
        return "the output of an example is not a row of numbers"
    return "the model is compiled to run eagerly" if model.run_eagerly else ""


def _of_layer(layer: Any) -> str:
    """Why lanes cannot train a layer of a kind that they know; empty if they can."""
    if any(variable.constraint is not None for variable in layer.trainable_variables):
        return "has a constraint on its weights"
    if getattr(layer, "activity_regularizer", None) is not None:
        return "has an activity regularizer"
    activation = getattr(layer, "activation", None)
    name = getattr(activation, "__name__", "")
    if activation is not None and getattr(keras.activations, name, None) is not activation:
        return f"has the activation {name or activation}, which is not one of Keras' own"
    axes = getattr(layer, "axis", None)
    if axes is not None:
        rank = len(layer.output.shape)
        for axis in axes if isinstance(axes, list | tuple) else [axes]:
            if int(axis) % rank == 0:
                return "works across the examples of a batch"
    return ""


def _operation(model: Any) -> str:
    """A function of `keras.ops` between the layers, if there is one."""
    functional = getattr(model, "_functional", None) or model
    for operation in getattr(functional, "operations", ()):
        if not isinstance(operation, keras.Layer):
            return str(operation.name)
        if isinstance(operation, keras.Model) and (inner := _operation(operation)):
            return inner
    return ""


def _of_loss(known: Any, loss: Any) -> str:
    if known is None:
        return f"the loss {name_of(loss)} is none of Keras' own with its usual settings"
    if type(known).__name__ not in MEANS or getattr(known, "ignore_class", None) is not None:
        return f"the loss {name_of(known)} is no plain mean over the examples"
    return ""


def _ends() -> tuple[Any, Any]:
    inputs = keras.Input((1,))
    return inputs, keras.layers.Identity()(inputs)


def _of_metrics(metrics: list[Any]) -> str:
    for metric in metrics:
        binary = type(metric) is keras.metrics.BinaryAccuracy
        if type(metric) not in ACCURACIES or (binary and metric.threshold != 0.5):
            return f"lanes do not measure the metric {metric.name}"
    return "the model has several metrics" if len(metrics) > 1 else ""


def _of_weights(build: Any) -> str:
    first, second = (_seeded(build, 0) for _ in range(2))
    same = len(first) == len(second) and all(
        np.array_equal(a, b) for a, b in zip(first, second, strict=True)
    )
    return "" if same else "the first weights do not follow from Keras' seeds"


def _seeded(build: Any, seed: int) -> list[Any]:
    random.seed(seed)
    np.random.seed(seed)
    return [np.array(variable.numpy()) for variable in build().variables]


def _of_call(model: keras.Model, data: OwnData) -> str:
    x = np.asarray(data.sample[0], np.float32)
    try:
        plain = np.asarray(model(x, training=False))
        free, _ = model.stateless_call(
            model.trainable_variables, model.non_trainable_variables, x, training=False
        )
    except Exception as fault:
        return f"stateless_call does not work ({fault})"
    return "" if np.allclose(plain, free, CLOSE, CLOSE) else "stateless_call gives another result"


def name_of(loss: Any) -> str:
    """What a loss is called, of Keras' or a function."""
    return str(getattr(loss, "name", None) or getattr(loss, "__name__", None) or loss)
