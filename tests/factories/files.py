"""Files as users upload them, made in memory."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lrdash.core.errors import DataRefused
from lrdash.datasets import Dataset, stored
from lrdash.datasets.own import Facts, Profile, Recipe
from lrdash.datasets.own.prepare import prepare
from lrdash.datasets.own.profiles import profile


def csv(rows: int = 40, *, delimiter: str = ",", end: str = "\n") -> str:
    """A table of two numbers, a text with quoted commas and a text target of two classes."""
    lines = [delimiter.join(["size", "weight", "city", "kind"])]
    for row in range(rows):
        kind = "plum" if row % 2 else "pear"
        city = ('"Ghent, BE"', "Riga")[row % 3 == 0]
        lines.append(delimiter.join([str(row % 7 + row % 2), f"{row / 8}", city, kind]))
    return end.join(lines) + end


def npz(**arrays: Any) -> bytes:
    """An NPZ file."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def packed(members: Mapping[str, bytes]) -> bytes:
    """A ZIP archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def picture(
    shade: int, size: tuple[int, int] = (20, 12), kind: str = "PNG", mode: str = "RGB"
) -> bytes:
    """One image of a single shade."""
    stream = io.BytesIO()
    Image.new("RGB", size, (shade, shade, 255 - shade)).convert(mode).save(stream, kind)
    return stream.getvalue()


def pictures(each: int = 12) -> dict[str, bytes]:
    """Two class folders below a common one, and what systems leave behind."""
    made = {
        f"all/{name}/{number}.{kind.lower()}": picture(shade + number, kind=kind)
        for name, shade, kind in (("dark", 10, "PNG"), ("light", 200, "JPEG"))
        for number in range(each)
    }
    return {**made, "__MACOSX/all/dark/._0.png": b"x", "all/.DS_Store": b"x", "all/notes.txt": b"x"}


def keep(raw: bytes | str, file: str, **choices: Any) -> tuple[Facts, Dataset]:
    """What is made of a file in this very process, where it would be kept."""
    content = raw.encode() if isinstance(raw, str) else raw
    place = stored.data_folder()
    place.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=place))
    facts = prepare(content, file, Recipe(**choices), "Mine", made)
    if (place / facts.id).exists():
        shutil.rmtree(made)
    else:
        made.rename(place / facts.id)
    dataset = stored.find(facts.id)
    assert dataset is not None
    return facts, dataset


GAPS = "a,b,y\n" + "\n".join(
    f"{'' if n % 7 == 3 else n % 11},{n % 5},{(n % 11) / 2 + n % 5}" for n in range(60)
)


TWENTY = np.arange(20) % 2


def looked(raw: bytes | str, file: str = "table.csv") -> Profile:
    return profile(raw.encode() if isinstance(raw, str) else raw, file)


def refused(raw: bytes | str, file: str = "table.csv", **choices: object) -> str:
    with pytest.raises(DataRefused) as caught:
        keep(raw, file, **choices)
    return str(caught.value)


# Parquet
def parquet(frame: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.to_parquet(stream)
    return stream.getvalue()
