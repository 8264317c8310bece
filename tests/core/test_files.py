"""Files are written whole, and the limit of an upload is the same everywhere."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from lrdash.core.files import UPLOAD_MB, write_whole
from lrdash.datasets.own import limits
from lrdash.tracking.importing import UPLOAD_LIMIT
from tests import ROOT


def test_a_file_is_replaced_as_a_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kept.txt"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lrdash.core.files.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"three")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("kept.txt", b"two")]


def test_the_server_data_and_imports_have_one_limit_for_an_upload() -> None:
    config = tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))
    assert config["server"]["maxUploadSize"] == UPLOAD_MB == limits.FILE.most
    assert UPLOAD_LIMIT <= UPLOAD_MB * 2**20
