"""The scalars of TensorBoard's event files, as plain or tensor-valued summaries.

Reference: tensorflow/core/util/event.proto, tensorflow/core/framework/{summary,tensor,types}.proto.
"""

from __future__ import annotations

import math
import struct
from typing import NamedTuple

from lrdash.core.errors import InvalidField
from lrdash.export.events import (
    LARGEST,
    SIMPLE_VALUE,
    STEP,
    SUMMARY,
    TAG,
    TENSOR,
    VALUE,
    WALL_TIME,
    Damaged,
    records,
)
from lrdash.export.protobuf import fields

DTYPE, SHAPE, CONTENT = 1, 2, 4  # of a tensor
DIMENSION, SIZE = 2, 1  # of its shape
# Kinds of numbers: their name in `struct`, and the field of a tensor with such values.
KINDS = {1: ("<f", 5), 2: ("<d", 6), 3: ("<i", 7), 9: ("<q", 10)}
MOST = 1_000_000  # scalars of a file
TAG_LENGTH = 200  # characters


class Scalar(NamedTuple):
    """One value."""

    tag: str
    step: int  # may be negative
    at: float  # seconds since 1970
    value: float


def read_scalars(name: str, data: bytes) -> tuple[list[Scalar], str]:
    """The scalars of a file.

    Returns:
        Those before the first damage, and that damage in words; empty if there is none.

    Raises:
        InvalidField: if it is no file of TensorBoard, or has too many scalars.
    """
    found: list[Scalar] = []
    count = 0
    try:
        for body in records(data):
            count += 1
            found += _of_event(body)
            if len(found) > MOST:
                raise InvalidField(name, f"must have at most {MOST:,} scalars", "more")
    except (Damaged, ValueError) as fault:
        if not count:
            problem = f"must be an event file of TensorBoard ({fault})"
            raise InvalidField(name, problem, f"{len(data):,} bytes") from None
        what = str(fault) if isinstance(fault, Damaged) else f"record {count} is no event ({fault})"
        return found, what
    if not count and len(data) <= LARGEST:
        raise InvalidField(name, "must be an event file of TensorBoard", f"{len(data):,} bytes")
    return found, ""


def _of_event(body: bytes) -> list[Scalar]:
    at, step, summaries = 0.0, 0, []
    for field, value in fields(body):
        if field == WALL_TIME and isinstance(value, float):
            at = value
        elif field == STEP and isinstance(value, int):
            step = value
        elif field == SUMMARY and isinstance(value, bytes):
            summaries.append(value)
    step -= (step >> 63) << 64  # written as if it were without sign
    return [
        Scalar(tag, step, at, number)
        for summary in summaries
        for field, value in fields(summary) if field == VALUE and isinstance(value, bytes)
        for tag, number in _of_value(value)
    ]


def _of_value(data: bytes) -> list[tuple[str, float]]:
    tag, number = "", None
    for field, value in fields(data):
        if field == TAG and isinstance(value, bytes):
            tag = value.decode("utf-8", "replace")[:TAG_LENGTH]
        elif field == SIMPLE_VALUE and isinstance(value, float):
            number = value
        elif field == TENSOR and isinstance(value, bytes):
            number = _of_tensor(value)
    return [(tag, number)] if tag and number is not None else []


def _of_tensor(data: bytes) -> float | None:
    """The number of a tensor that holds one; None for any other."""
    parts: dict[int, int | float | bytes] = dict(fields(data))
    kind = KINDS.get(int(parts.get(DTYPE, 0))) if isinstance(parts.get(DTYPE, 0), int) else None
    if kind is None or not _single(parts.get(SHAPE, b"")):
        return None
    form, own = kind
    value = parts.get(CONTENT) or parts.get(own, 0)
    if not isinstance(value, bytes):
        return float(value)
    if len(value) == struct.calcsize(form):
        return float(struct.unpack(form, value)[0])
    whole = [number for _, number in fields(b"\x08" + value)] if own in (7, 10) else []
    return float(whole[0]) if len(whole) == 1 and not isinstance(whole[0], bytes) else math.nan


def _single(shape: object) -> bool:
    """Whether a tensor of this shape holds one number."""
    if not isinstance(shape, bytes):
        return False
    for field, dimension in fields(shape):
        if field == DIMENSION and isinstance(dimension, bytes):
            sizes = [value for number, value in fields(dimension) if number == SIZE]
            if sizes != [1]:
                return False
    return True
