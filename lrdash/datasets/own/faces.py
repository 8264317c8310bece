"""The format of a file, by its first bytes and, where these leave it open, by its name."""

from __future__ import annotations

import io
import zipfile
from typing import Literal

from lrdash.core.errors import DataRefused

Format = Literal["text", "parquet", "npz", "images"]
SUFFIXES = ("csv", "tsv", "txt", "parquet", "npz", "zip")  # offered to the file picker
TAKEN = (
    "Supported are tables as CSV, TSV or Parquet, arrays as NPZ (x and y), and images in class "
    "folders as ZIP."
)
IMAGES = "Put images into one folder per class and pack these as ZIP."
PICKLE = "Pickles can run programs and are never read; save as CSV or NPZ."
# First bytes of other files that users try, what they are, and what to do.
REFUSED: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89HDF", "an HDF5 or Keras file", "Model files are never read; save the data as NPZ."),
    *((b"\x80" + version, "a pickle", PICKLE) for version in (b"\x02", b"\x03", b"\x04", b"\x05")),
    (b"\x1f\x8b", "packed by gzip", "Unpack it first."),
    (b"BZh", "packed by bzip2", "Unpack it first."),
    (b"\xfd7zXZ", "packed by xz", "Unpack it first."),
    (b"7z\xbc\xaf", "a 7z archive", "Pack it as ZIP."),
    (b"Rar!", "a RAR archive", "Pack it as ZIP."),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file", "Save the sheet as CSV."),
    (b"%PDF", "a PDF", "Save the table as CSV."),
    (b"\x93NUMPY", "a single array (NPY)", "Save x and y together: numpy.savez(file, x=x, y=y)."),
    (b"\x89PNG", "a single image", IMAGES),
    (b"\xff\xd8\xff", "a single image", IMAGES),
    (b"SQLite format 3", "a database", "Save the table as CSV."),
    (b"ARROW1", "a Feather file", "Save it as Parquet."),
)


def recognise(raw: bytes, file: str) -> Format:
    """The format of a file, by its bytes; its name serves the messages.

    Raises:
        DataRefused: for an empty file or another format.
    """
    if not raw.strip():
        raise DataRefused(file, "the file is empty", TAKEN)
    if raw[:4] == b"PAR1":
        return "parquet"
    if raw[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _archive(raw, file)
    for magic, what, remedy in REFUSED:
        if raw.startswith(magic):
            raise DataRefused(file, f"this is {what}", remedy)
    if file.lower().endswith((".parquet", ".npz", ".zip")):
        kind = file.rpartition(".")[2].upper()
        remedy = f"It is damaged, truncated or misnamed. Save it again. {TAKEN}"
        raise DataRefused(file, f"this is not a {kind} file, despite its name", remedy)
    return "text"


def _archive(raw: bytes, file: str) -> Format:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, UnicodeError) as fault:
        remedy = "It is damaged or truncated. Pack or save it again."
        raise DataRefused(file, f"the archive cannot be read ({fault})", remedy) from fault
    if "xl/workbook.xml" in names:
        raise DataRefused(file, "this is an Excel file", "Save the sheet as CSV.")
    if "config.json" in names and any(name.endswith(".h5") for name in names):
        raise DataRefused(file, "this is a Keras model", "Model files are never read.")
    arrays = [name for name in names if name.endswith(".npy")]
    return "npz" if arrays and len(arrays) == len(names) else "images"
