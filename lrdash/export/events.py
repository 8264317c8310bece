"""Event files as TensorBoard reads and writes them, without TensorFlow.

A file is a series of records: length (uint64), masked CRC-32C of the length, an `Event` message,
and its masked CRC-32C. References: tensorflow/core/lib/io/record_writer.h and
tensorflow/core/util/event.proto; CRC-32C after G. Castagnoli, S. Bräuer and M. Herrmann,
Optimization of cyclic redundancy-check codes with 24 and 32 parity bits, IEEE Transactions on
Communications 41 (1993), in the reflected form of RFC 3720.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from lrdash.export.protobuf import double, nested, single, text, whole

POLYNOMIAL = 0x82F63B78  # reflected
MASK = 0xA282EAD8
LARGEST = 65_536  # bytes of a record that is read
# Message fields of Event, Summary, Summary.Value and SummaryMetadata.
WALL_TIME, STEP, FILE_VERSION, SUMMARY = 1, 2, 3, 5
VALUE, TAG, SIMPLE_VALUE, TENSOR, METADATA = 1, 1, 2, 8, 9
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
    """The CRC-32C checksum of some bytes.

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
    """The first record of every event file; `at` in seconds since 1970."""
    return record(double(WALL_TIME, at) + text(FILE_VERSION, "brain.Event:2"))


def scalars(values: Mapping[str, float], step: int, at: float) -> bytes:
    """Several scalars of one step, by tag; stored as 32-bit floats."""
    parts = [
        nested(VALUE, text(TAG, tag) + single(SIMPLE_VALUE, value))
        for tag, value in values.items()
    ]
    return _event(b"".join(parts), step, at)


def plugin(tag: str, name: str, content: bytes, at: float) -> bytes:
    """Data of a TensorBoard plugin, stored in the metadata of an empty summary."""
    data = text(PLUGIN_NAME, name) + nested(PLUGIN_CONTENT, content)
    metadata = nested(METADATA, nested(PLUGIN_DATA, data))
    return _event(nested(VALUE, text(TAG, tag) + metadata), 0, at)


def _event(summary: bytes, step: int, at: float) -> bytes:
    return record(double(WALL_TIME, at) + whole(STEP, step) + nested(SUMMARY, summary))


def _masked(data: bytes) -> bytes:
    value = crc32c(data)
    rotated = (value >> 15 | value << 17) & 0xFFFFFFFF
    return struct.pack("<I", rotated + MASK & 0xFFFFFFFF)


class Damaged(ValueError):
    """A damaged file; the message says where and why."""


def records(data: bytes) -> Iterator[bytes]:
    """The records of a file in their order.

    Those above `LARGEST` bytes (graphs, images) are skipped: no scalar is that long, and a checksum
    in Python is slow.

    Raises:
        Damaged: at the first damaged record; those before it were given.
    """
    place, number = 0, 0
    while place < len(data):
        number += 1
        head = data[place : place + 12]
        if len(head) < 12:
            raise Damaged(f"record {number} at byte {place:,} is cut short")
        length = int(struct.unpack("<Q", head[:8])[0])
        if _masked(head[:8]) != head[8:]:
            raise Damaged(f"record {number} at byte {place:,} has a wrong length checksum")
        end = place + 12 + length
        if end + 4 > len(data):
            raise Damaged(f"record {number} at byte {place:,} is cut short")
        body = data[place + 12 : end]
        if length <= LARGEST:
            if _masked(body) != data[end : end + 4]:
                raise Damaged(f"record {number} at byte {place:,} has a wrong checksum")
            yield body
        place = end + 4
