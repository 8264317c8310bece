"""Damaged files by the thousand: each is refused in words or loaded right."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lrdash.core.errors import DataRefused
from lrdash.datasets import stored
from lrdash.datasets.own import Facts, Profile, apart
from lrdash.datasets.own.child import ANSWER, FILE, JOB
from tests.factories.files import csv, npz, packed, pictures

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

FILES = int(os.environ.get("SOAK_FILES", "10000"))
BATCH = 100  # files of one child
TRICKS = (
    b"\0", b'"', b"'", b",", b";", b"\n", b"\r", b"\xff\xfe", b"PK\x03\x04", b"nan", b"1e999",
    b"-inf", b"\xc3\x28", b"{}", b"__import__('os')", b"\x93NUMPY", b"9" * 400, b"\xff" * 8,
    b"1,234", b"$5", b"7%", b"\n# note\n", b"sep=;\n", b"NA", b"2024-02-30",
)
READ_AS: tuple[dict[str, object], ...] = (
    {}, {}, {"header": "yes"}, {"header": "no", "missing": ["2", "a"]},
    {"texts": ["size"], "numbers": ["kind"]},
)


def seeds() -> list[tuple[str, bytes]]:
    """Whole files of every sort."""
    table = pd.read_csv(io.StringIO(csv(60)))
    parquet = io.BytesIO()
    table.to_parquet(parquet)
    x = np.arange(240.0).reshape(60, 4)
    y = np.arange(60) % 3
    grey = (np.arange(60 * 64) % 251).astype(np.uint8).reshape(60, 8, 8)
    return [
        ("fruit.csv", csv(60).encode()), ("fruit.tsv", csv(60, delimiter="\t").encode("utf-16")),
        ("fruit.csv", csv(60, delimiter=";", end="\r\n").encode("latin-1")),
        ("fruit.parquet", parquet.getvalue()), ("arrays.npz", npz(x=x, y=y)),
        ("images.npz", npz(x=grey, y=y.astype(str))), ("shades.zip", packed(pictures())),
    ]


def mutated(raw: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """One to eight small or large changes."""
    content = bytearray(raw)
    for _ in range(chance.choice((1, 1, 1, 1, 2, 4))):
        place = chance.randrange(len(content) + 1)
        length = chance.choice((1, 1, 2, 8, 64))
        match chance.randrange(7):
            case 0:
                content[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                content = content[:place]
            case 2:
                del content[place : place + length]
            case 3:
                content[place:place] = content[place : place + length]
            case 4:
                content[place : place + length] = chance.choice(TRICKS)
            case 5:
                other = chance.choice(others)
                start = chance.randrange(len(other))
                content[place : place + length] = other[start : start + length]
            case _:
                for spot in range(place, min(place + length, len(content))):
                    content[spot] ^= 1 << chance.randrange(8)
    return bytes(content)


def jobs(count: int) -> Iterator[tuple[str, bytes, dict[str, object]]]:
    """Names, contents, and what to do with them; the same at every call."""
    chance, whole = random.Random(7), seeds()
    for number in range(count):
        name, raw = chance.choice(whole)
        content = mutated(raw, [other for _, other in whole], chance)
        do = "profile" if number % 4 == 0 else "prepare"
        yield name, content, {"do": do, "recipe": chance.choice(READ_AS)}


def written(folder: Path, name: str, content: bytes, do: dict[str, object]) -> Path:
    folder.mkdir()
    (folder / FILE).write_bytes(content)
    job = {"file": name, "name": "Soak", **do}
    (folder / JOB).write_text(json.dumps(job))
    return folder


def answered(folders: list[Path]) -> int:
    """Let one child answer many; gives those that had to be asked one by one, as the server does,
    since the child did not outlive one of them.
    """
    command = [sys.executable, "-m", "lrdash.datasets.own.child", *map(str, folders)]
    subprocess.run(command, env=apart.environment(), capture_output=True, timeout=600, check=False)
    left = [folder for folder in folders if not (folder / ANSWER).exists()]
    for folder in left:
        name = json.loads((folder / JOB).read_text())["file"]
        try:
            values = apart.answer(folder, name)
        except DataRefused as fault:
            values = {"fault": str(fault)}
        (folder / ANSWER).write_text(json.dumps(values))
    return len(left)


def judged(folder: Path) -> str:
    """What became of a file; raises if that is neither a clear refusal nor a correct load."""
    name = json.loads((folder / JOB).read_text())["file"]
    values = json.loads((folder / ANSWER).read_text())
    if "fault" in values:
        fault = values["fault"]
        assert fault.startswith(f"{name}: "), fault
        assert len(fault) < 2000
        assert "Traceback" not in fault
        unknown = "cannot be read (" in fault and "it cannot" in fault
        return "unknown fault" if unknown else "refused"
    if "profile" in values:
        assert Profile(**values["profile"]).rows > 0
        return "looked at"
    facts = Facts(**values["facts"])
    split = stored.dataset_of(facts, folder).load()
    assert np.isfinite(split.x_train).all()
    assert np.isfinite(split.x_val).all()
    assert len(split.x_train) + len(split.x_val) == facts.size
    return "loaded"


def test_damaged_files_are_refused_in_words_or_loaded_right(tmp_path: Path) -> None:
    became: Counter[str] = Counter()
    batch: list[Path] = []
    for number, (name, content, do) in enumerate(jobs(FILES), start=1):
        batch.append(written(tmp_path / f"{number}", name, content, do))
        if len(batch) == BATCH or number == FILES:
            became["asked alone"] += answered(batch)
            for folder in batch:
                became[judged(folder)] += 1
                for path in folder.iterdir():
                    path.unlink()
                folder.rmdir()
            batch = []
    print(dict(became))
    assert became["refused"] > FILES / 10
    assert became["loaded"] + became["looked at"] > FILES / 10
    assert became["unknown fault"] < FILES / 20
