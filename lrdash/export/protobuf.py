"""As much of the Protocol Buffers wire format as TensorBoard's event files need.

Reference: protobuf.dev, Encoding. Fields are tag-length-value; a tag is `number << 3 | type`.
"""

from __future__ import annotations

import struct

VARINT, DOUBLE, BYTES, FLOAT = 0, 1, 2, 5  # wire types


def varint(value: int) -> bytes:
    """A whole number >= 0, seven bits a byte, the lowest first."""
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def whole(field: int, value: int) -> bytes:
    """A whole number, an enumeration or a truth value."""
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
