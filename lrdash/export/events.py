"""Event files as TensorBoard reads them, written without TensorFlow.

A file is a row of records: length (uint64), masked CRC-32C of the length, an `Event` message, and
its masked CRC-32C. References: tensorflow/core/lib/io/record_writer.h and
tensorflow/core/util/event.proto; CRC-32C after G. Castagnoli, S. Bräuer and M. Herrmann,
Optimization of cyclic redundancy-check codes with 24 and 32 parity bits, IEEE Transactions on
Communications 41 (1993), in the reflected form of RFC 3720.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from lrdash.export.protobuf import double, nested, single, text, whole

POLYNOMIAL = 0x82F63B78  # reflected
MASK = 0xA282EAD8
# Message fields of Event, Summary, Summary.Value and SummaryMetadata.
WALL_TIME, STEP, FILE_VERSION, SUMMARY = 1, 2, 3, 5
VALUE, TAG, SIMPLE_VALUE, METADATA = 1, 1, 2, 9
PLUGIN_DATA, PLUGIN_NAME, PLUGIN_CONTENT = 1, 1, 2


def _table() -> tuple[int, ...]:
    entries = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (POLYNOMIAL if value & 1 else 0)
        entries.append(value)
    return tuple(entries)


_TABLE = _table()


def crc32c(data: bytes) -> int:
    """The CRC-32C of some bytes.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    value = 0xFFFFFFFF
    for byte in data:
        value = _TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """One record of the file."""
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def header(at: float) -> bytes:
    """The record that every event file begins with; `at` in seconds since 1970."""
    return record(double(WALL_TIME, at) + text(FILE_VERSION, "brain.Event:2"))


def scalars(values: Mapping[str, float], step: int, at: float) -> bytes:
    """Several scalars of one step, by tag; kept as 32-bit floats."""
    parts = [
        nested(VALUE, text(TAG, tag) + single(SIMPLE_VALUE, value))
        for tag, value in values.items()
    ]
    return _event(b"".join(parts), step, at)


def plugin(tag: str, name: str, content: bytes, at: float) -> bytes:
    """Data of a TensorBoard plugin, which it finds in the metadata of an empty summary."""
    data = text(PLUGIN_NAME, name) + nested(PLUGIN_CONTENT, content)
    metadata = nested(METADATA, nested(PLUGIN_DATA, data))
    return _event(nested(VALUE, text(TAG, tag) + metadata), 0, at)


def _event(summary: bytes, step: int, at: float) -> bytes:
    return record(double(WALL_TIME, at) + whole(STEP, step) + nested(SUMMARY, summary))


def _masked(data: bytes) -> bytes:
    value = crc32c(data)
    rotated = (value >> 15 | value << 17) & 0xFFFFFFFF
    return struct.pack("<I", rotated + MASK & 0xFFFFFFFF)
