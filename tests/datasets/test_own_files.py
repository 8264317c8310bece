"""Files of users: what is read, what it becomes, and every refusal."""

from __future__ import annotations

import io
import re
import struct
import zipfile

import numpy as np
import pandas as pd
import pytest

from lrdash.datasets.own import limits
from tests import ROOT
from tests.factories.files import (
    TWENTY,
    csv,
    keep,
    looked,
    npz,
    packed,
    parquet,
    picture,
    pictures,
    refused,
)


def test_parquet_gives_what_the_same_table_gives_as_text() -> None:
    frame = pd.read_csv(io.StringIO(csv()))
    frame["good"] = frame["size"] > 3
    frame["when"] = pd.Timestamp("2024-02-03") + pd.to_timedelta(frame.index, "D")
    frame["list"] = [[1, 2]] * len(frame)
    frame["kind"] = frame["kind"].astype("category")
    found = looked(parquet(frame), "fruit.parquet")
    assert found.reading == "Parquet"
    assert found.notes == ("Left out, neither numbers nor texts: list",)
    assert found.column("good").values == (("False", 21), ("True", 19))  # type: ignore[union-attr]
    assert found.column("when").flag == "dates"  # type: ignore[union-attr]
    choices = {"target": "kind", "features": ["size", "weight", "city"]}
    _, ours = keep(parquet(frame), "fruit.parquet", **choices)
    _, text = keep(csv(), "fruit.csv")
    np.testing.assert_array_equal(ours.load().x_train, text.load().x_train)


def test_damaged_parquet_is_refused() -> None:
    raw = parquet(pd.read_csv(io.StringIO(csv())))
    assert "cannot be read" in refused(raw[:-200], "cut.parquet")
    assert "this is not a PARQUET file" in refused(b"a,b\n1,2\n", "named.parquet")


# Arrays


def test_arrays_become_a_table_or_images() -> None:
    table, _ = keep(npz(x=np.arange(60.0).reshape(20, 3), y=TWENTY), "a.npz")
    assert (table.input_shape, table.class_names) == ((3,), ("0", "1"))
    grey = np.arange(20 * 64, dtype=np.uint8).reshape(20, 8, 8)
    images, dataset = keep(npz(x=grey, y=TWENTY.astype(str), z=TWENTY), "b.npz")
    assert (images.input_shape, images.pixel_max) == ((8, 8, 1), 255.0)
    assert any("Other arrays are left out: z" in note for note in images.notes)
    assert 0 <= dataset.load().x_train.min() <= dataset.load().x_train.max() <= 1
    numbers, _ = keep(npz(x=grey / 255, y=np.linspace(0, 1, 20)[:, None]), "c.npz")
    assert (numbers.task, numbers.pixel_max) == ("regression", 1.0)


def test_arrays_keep_their_types_and_one_hot_rows_become_classes() -> None:
    raw = npz(x=np.arange(40, dtype=np.int16).reshape(20, 2), y=np.eye(2, dtype=np.float32)[TWENTY])
    found = looked(raw, "a.npz")
    assert found.reading == "NPZ, x int16, y float32"
    facts, dataset = keep(raw, "a.npz")
    assert facts.class_counts == (10, 10)
    assert any("one-hot" in note for note in facts.notes)
    np.testing.assert_array_equal(dataset.reader()[1], TWENTY)
ARRAY_FAULTS = {
    "no array y, only x": npz(x=np.ones((20, 2))),
    "Python objects, which are never read": npz(x=np.array([[{}]] * 20, object), y=TWENTY),
    "y has the shape (5,), and x has 20 examples": npz(x=np.ones((20, 2)), y=np.ones(5)),
    "y holds 3 values an example. Keep a single column": npz(
        x=np.ones((20, 2)), y=np.linspace(0, 1, 60).reshape(20, 3)
    ),
    "not finite, the first at [3, 1]": npz(
        x=np.where(np.arange(40).reshape(20, 2) == 7, np.nan, 1.0), y=TWENTY
    ),
    "x has the shape (20,)": npz(x=np.ones(20), y=TWENTY),
    "with 9 channels": npz(x=np.ones((20, 8, 8, 9)), y=TWENTY),
    "side of an image after resizing: 200": npz(x=np.ones((20, 200, 8, 1), bool), y=TWENTY),
    "x holds values of complex128": npz(x=np.ones((20, 2), complex), y=TWENTY),
}


@pytest.mark.parametrize("words", ARRAY_FAULTS)
def test_arrays_that_do_not_fit_are_refused(words: str) -> None:
    assert words in refused(ARRAY_FAULTS[words], "a.npz")


def test_an_array_that_claims_more_than_it_holds_takes_no_memory() -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (4000000000, 9), }"
    head = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    message = refused(packed({"x.npy": head + b"\0" * 80, "y.npy": head}), "a.npz")
    assert "x should have 288,000,000,000 bytes of values and has 80" in message


# Images


def test_images_in_class_folders_are_cropped_and_resized() -> None:
    raw = packed(pictures())
    found = looked(raw, "shades.zip")
    assert (found.kind, found.rows) == ("images", 24)
    assert found.columns[0].values == (("dark", 12), ("light", 12))
    assert found.notes == ("Left out, no images: all/notes.txt",)
    assert len(found.thumbnails) == 12
    facts, dataset = keep(raw, "shades.zip", side=16)
    assert (facts.input_shape, facts.class_names) == ((16, 16, 3), ("dark", "light"))
    x, y = dataset.reader()
    assert x.dtype == np.uint8
    np.testing.assert_allclose(x[y == 0][0, 0, 0], [10, 10, 245], atol=2)
    grey, _ = keep(raw, "shades.zip", side=8, grey=True)
    assert grey.input_shape == (8, 8, 1)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "I;16"])
def test_images_of_every_mode_become_colours(mode: str) -> None:
    members = {f"{name}/{n}.png": picture(90, mode=mode) for name in "ab" for n in range(10)}
    facts, _ = keep(packed(members), "modes.zip", side=8)
    assert facts.input_shape == (8, 8, 3)


def test_the_class_is_the_first_folder_below_those_that_all_share() -> None:
    made = {
        f"set/{part}\\{name}\\{deep}{n}.png": picture(shade + n)
        for part in ("train", "test") for name, shade in (("cat", 10), ("dog", 200))
        for deep in ("", "more\\") for n in range(6)
    }
    facts, _ = keep(packed({**made, "set\\train\\": b""}), "pets.zip")
    assert (facts.class_names, facts.class_counts) == (("cat", "dog"), (24, 24))
    assert any("folders test and train are pooled" in note for note in facts.notes)
    assert any(note.startswith("24 images in folders inside") for note in facts.notes)
    assert not any("no images" in note for note in facts.notes)


def test_a_few_damaged_images_are_left_out_by_name_and_many_are_refused() -> None:
    good = pictures()
    raw = packed({**good, "all/dark/bad.png": good["all/dark/0.png"][:60]})
    facts, _ = keep(raw, "shades.zip", side=8)
    assert facts.size == 24
    assert "Left out, images that cannot be read: all/dark/bad.png" in facts.notes
    raw = packed({name: content[:20] for name, content in good.items()})
    assert "24 of 24 images cannot be read, the first all/dark/0.png" in refused(raw, "shades.zip")


def bomb() -> bytes:
    """400 MB of zeros in a small archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive, \
            archive.open("a/1.png", "w") as member:
        for _ in range(400):
            member.write(bytes(2**20))
    return stream.getvalue()


def encrypted() -> bytes:
    raw = bytearray(packed({"a/1.png": b"x"}))
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    return bytes(raw)


def huge() -> bytes:
    """The head of an image of 60,000 x 60,000 pixels."""
    raw = bytearray(picture(1))
    raw[16:24] = struct.pack(">II", 60_000, 60_000)
    return bytes(raw)
ARCHIVE_FAULTS = {
    "size when unpacked: 400 MB, and at most 300 MB": bomb,
    "a/1.png is encrypted": encrypted,
    "1.png is not in a class folder": lambda: packed({"1.png": picture(1)}),
    "none of 1 files is an image": lambda: packed({"a/1.txt": b"x"}),
    "1 of 1 images cannot be read, the first a/1.png": lambda: packed({"a/1.png": huge()}),
    "files in the archive: 20,001": lambda: packed({f"a/{n}": b"" for n in range(20_001)}),
    "the target folder holds only 'a'": lambda: packed(
        {f"a/{n}.png": picture(n) for n in range(30)}
    ),
    "this is an Excel file": lambda: packed({"xl/workbook.xml": b"<x/>"}),
    "this is a Keras model": lambda: packed({"config.json": b"{}", "model.weights.h5": b"x"}),
    "the archive cannot be read": lambda: packed({"a/1.png": b"x"})[:-30],
}


@pytest.mark.parametrize("words", ARCHIVE_FAULTS)
def test_archives_that_do_not_fit_are_refused(words: str) -> None:
    assert words in refused(ARCHIVE_FAULTS[words](), "images.zip")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"\x80\x04\x95\x10", "Pickles can run programs"),
        (b"\x89HDF\r\n\x1a\n", "Model files are never read"),
        (b"\x1f\x8b\x08\x00", "Unpack it first"),
        (b"\x93NUMPY\x01\x00", "Save x and y together"),
        (b"%PDF-1.7", "Save the table as CSV"),
    ],
)
def test_files_of_other_formats_are_recognised_by_their_bytes(raw: bytes, words: str) -> None:
    assert words in refused(raw, "data.csv")


def test_the_limits_are_in_the_docs() -> None:
    text = (ROOT / "docs/own-data.md").read_text(encoding="utf-8")
    for limit in limits.LIMITS:
        assert re.search(rf"\| {re.escape(limit.words)} *\|", text), limit.what
    config = (ROOT / ".streamlit/config.toml").read_text(encoding="utf-8")
    assert f"maxUploadSize = {limits.FILE.most}" in config
