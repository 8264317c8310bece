"""Whether compiled training uses the rate that the optimizer has now.

TensorFlow compiles a train step at its first batch, with the object that is the rate by then: a
schedule, or a variable. Another object that a script gives the optimizer later changes nothing,
until the model is compiled again or a batch of another shape comes. A replaced variable can be seen
in what was compiled; a schedule cannot, so the monitor remembers which one was there.
"""

from __future__ import annotations

import inspect
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

import keras

NOTE = (
    "The rate was replaced by another after training was compiled, and Keras may still use the "
    "old one: the rate is not known. Compile the model again after such a change."
)
Held = WeakKeyDictionary[Any, ReferenceType[Any]]  # rates by optimizer

_held: WeakKeyDictionary[Any, Held] = WeakKeyDictionary()  # by train function


def remember(model: Any, optimizer: Any) -> None:
    """Take note of the rate with which the next batch may compile the training of a model.

    Args:
        model: that is trained.
        optimizer: that makes the updates, without wrappers.
    """
    function = getattr(model, "train_function", None)
    if function is None:
        return
    held = _held.setdefault(function, WeakKeyDictionary())
    if optimizer not in held or not _compiled(function):
        held[optimizer] = ref(optimizer._learning_rate)


def replaced(model: Any, optimizer: Any) -> bool:
    """Whether the optimizer has another rate than the training that was compiled, if any was.

    Args:
        model: that is trained.
        optimizer: that makes the updates, without wrappers.
    """
    function = getattr(model, "train_function", None)
    compiled = _compiled(function)
    if not compiled:
        return False
    rate, held = optimizer._learning_rate, _held.get(function, {}).get(optimizer)
    if held is not None and held() is not rate:
        return True
    old = f"{optimizer.name}/learning_rate:0"
    return not isinstance(rate, keras.Variable) and any(
        variable.name == old for one in compiled for variable in one.variables
    )


def _compiled(function: Any) -> list[Any]:
    """What TensorFlow has compiled of a train function; empty where that cannot be seen.

    Keras makes a closure of it, around the function that makes one step.
    """
    if keras.backend.backend() != "tensorflow" or not inspect.isfunction(function):
        return []
    step = inspect.getclosurevars(function).nonlocals.get("one_step_on_data")
    traced = getattr(step, "__wrapped__", None)
    found = getattr(traced, "_list_all_concrete_functions", None)
    return [] if found is None else list(found())
