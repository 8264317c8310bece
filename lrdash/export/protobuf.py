"""The part of the Protocol Buffers wire format that TensorBoard's event files need.

Reference: protobuf.dev, Encoding. Fields are tag-length-value; a tag is `number << 3 | type`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, DOUBLE, BYTES, FLOAT = 0, 1, 2, 5  # wire types
FIXED = {DOUBLE: "<d", FLOAT: "<f"}


def varint(value: int) -> bytes:
    """An integer >= 0, seven bits in each byte, the lowest first."""
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def whole(field: int, value: int) -> bytes:
    """An integer, an enumeration or a boolean."""
    return varint(field << 3 | VARINT) + varint(value)


def double(field: int, value: float) -> bytes:
    """A 64-bit float."""
    return varint(field << 3 | DOUBLE) + struct.pack("<d", value)


def single(field: int, value: float) -> bytes:
    """A 32-bit float."""
    return varint(field << 3 | FLOAT) + struct.pack("<f", value)


def nested(field: int, value: bytes) -> bytes:
    """A message inside another, or plain bytes."""
    return varint(field << 3 | BYTES) + varint(len(value)) + value


def text(field: int, value: str) -> bytes:
    """A text, UTF-8."""
    return nested(field, value.encode())


def fields(data: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """The fields of a message in their order: number, and value by its wire type.

    Texts, messages and packed numbers come as bytes; integers without their sign.

    Raises:
        ValueError: if the bytes are not a message.

    >>> list(fields(whole(2, 300) + text(1, "loss")))
    [(2, 300), (1, b'loss')]
    """
    place = 0
    while place < len(data):
        tag, place = _varint_at(data, place)
        kind, end = tag & 7, place
        value: int | float | bytes
        if kind == VARINT:
            value, end = _varint_at(data, place)
        elif kind == BYTES:
            length, place = _varint_at(data, place)
            end = place + length
            value = data[place:end]
        elif kind in FIXED:
            end = place + struct.calcsize(FIXED[kind])
            value = struct.unpack(FIXED[kind], data[place:end])[0] if end <= len(data) else 0
        else:
            raise ValueError(f"wire type {kind} is unknown")
        if end > len(data):
            raise ValueError("it ends inside a field")
        yield tag >> 3, value
        place = end


def _varint_at(data: bytes, place: int) -> tuple[int, int]:
    """An integer and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            raise ValueError("it ends inside a number")
        byte = data[place]
        value, place = value | (byte & 0x7F) << shift, place + 1
        if byte < 0x80:
            return value, place
    raise ValueError("a number has more than 10 bytes")
