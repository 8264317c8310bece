"""ZIP archives, checked before anything is unpacked: sizes, members, passwords."""

from __future__ import annotations

import io
import zipfile
import zlib

from lrdash.core.errors import DataRefused
from lrdash.datasets.own.limits import MEMBERS, UNPACKED, megabytes

DAMAGED = "It is damaged or truncated. Create it again."
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def opened(raw: bytes, file: str) -> zipfile.ZipFile:
    """The archive, if the sizes in its directory are within the limits.

    A member is never unpacked beyond the size in the directory.

    Raises:
        DataRefused: too many members, too large unpacked, encrypted, or packed in another way.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as fault:
        raise DataRefused(file, f"the archive cannot be read ({fault})", DAMAGED) from fault
    members = archive.infolist()
    MEMBERS.hold(file, len(members))
    UNPACKED.hold(file, megabytes(sum(member.file_size for member in members)))
    for member in members:
        if member.flag_bits & 0x1:
            remedy = "Pack it again without a password."
            raise DataRefused(file, f"{member.filename} is encrypted", remedy)
        if member.compress_type not in METHODS:
            problem = f"{member.filename} uses an unsupported compression"
            raise DataRefused(file, problem, "Pack it with the usual method (deflate).")
    return archive


def unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, file: str) -> bytes:
    """The bytes of a member.

    Raises:
        DataRefused: if it is damaged.
    """
    try:
        with archive.open(member) as stream:
            content = stream.read(member.file_size + 1)
    except (
        zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError,
        RuntimeError,
    ) as fault:
        problem = f"{member.filename} cannot be unpacked ({fault})"
        raise DataRefused(file, problem, DAMAGED) from fault
    if len(content) != member.file_size:
        problem = f"{member.filename} is not as long as the archive says"
        raise DataRefused(file, problem, DAMAGED)
    return content
