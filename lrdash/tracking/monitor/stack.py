"""Who calls: the `fit` that a callback is part of, found on the stack.

A callback learns neither of its neighbours nor of an exception that leaves `fit`; both can be seen
on the stack without touching anything.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import keras

KERAS = str(Path(keras.__file__).parent)


class Place(NamedTuple):
    """A call of `fit` that is under way; no frame is held, since that would keep its data."""

    thread: int
    frame: int  # id of its frame
    code: CodeType
    caller: int  # id of the frame from which Keras was called: Keras cuts its own from traces
    line: int  # in that one


def callers(me: Any) -> Any:
    """The `CallbackList` that is calling and holds this one; None if there is none."""
    for frame in _frames(sys._getframe(1)):
        found = frame.f_locals.get("self")
        if isinstance(found, keras.callbacks.CallbackList) and me in found.callbacks:
            return found
    return None


def fit_of(model: Any) -> Place | None:
    """The `fit` of a model that is under way; None in a loop of the user's own."""
    for frame in _frames(sys._getframe(1)):
        if frame.f_code.co_name == "fit" and frame.f_locals.get("self") is model:
            caller = next((
                one for one in _frames(frame.f_back)
                if not one.f_code.co_filename.startswith(KERAS)
            ), frame)
            return Place(
                threading.get_ident(), id(frame), frame.f_code, id(caller), caller.f_lineno
            )
    return None


def under_way(place: Place) -> bool:
    """Whether a call is still running."""
    frame = sys._current_frames().get(place.thread)
    return any(id(one) == place.frame and one.f_code is place.code for one in _frames(frame))


def exception_from(place: Place) -> BaseException | None:
    """The exception that left this call, where Python remembers one: nobody caught it, or it is
    being handled; another one may have been raised from it or after it.
    """
    handled: Any = sys._current_exceptions().get(place.thread)
    if isinstance(handled, tuple):  # (type, value, traceback) before Python 3.12
        handled = handled[1]
    uncaught = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    for fault in (handled, uncaught):
        while isinstance(fault, BaseException):
            if _left(fault, place):
                return fault
            fault = fault.__cause__ or fault.__context__
    return None


def _left(fault: BaseException, place: Place) -> bool:
    trace = fault.__traceback__
    while trace is not None:
        if (id(trace.tb_frame), trace.tb_lineno) == (place.caller, place.line):
            return True
        trace = trace.tb_next
    return False


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
