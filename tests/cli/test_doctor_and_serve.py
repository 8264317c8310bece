"""`lrdash doctor` and `lrdash serve`."""

from __future__ import annotations

import json
import socket
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import lrdash
from lrdash.cli import checks
from tests.factories.shell import as_json, call, refused


def serve_with(monkeypatch: pytest.MonkeyPatch, *words: str, **env: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    fake = types.ModuleType("lrdash.server")
    fake.serve = lambda **values: seen.update(values)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lrdash.server", fake)
    monkeypatch.setattr(lrdash, "server", fake, raising=False)
    result = call("serve", *words, env=env)
    assert result.exit_code == 0, result.output
    return seen


def test_serve_takes_options_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert serve_with(monkeypatch) == {
        "host": "127.0.0.1", "port": 8501, "base_path": "", "browser": True,
        "resume_interrupted": False,
    }
    env = {"LRDASH_HOST": "0.0.0.0", "PORT": "9000", "LRDASH_BASE_PATH": "lr",
           "LRDASH_RESUME_INTERRUPTED": "1"}
    assert serve_with(monkeypatch, "--no-browser", **env) == {
        "host": "0.0.0.0", "port": 9000, "base_path": "lr", "browser": False,
        "resume_interrupted": True,
    }
    assert serve_with(monkeypatch, "--port", "9001", **env)["port"] == 9001


def test_serve_on_a_port_in_use_says_which_and_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = refused("serve", "--port", str(port), "--no-browser")
    assert str(port) in message
    assert "--port" in message


def test_doctor_finds_no_problem_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "CHECKS", tuple(c for c in checks.CHECKS if c != checks.tensorflow))
    value = as_json("doctor")
    assert value["ok"]
    assert {"Python", "keras", "home folder", "disk", "database", "datasets", "port"} <= {
        finding["name"] for finding in value["checks"]
    }
    assert "Everything works." in call("doctor").stdout


def test_doctor_names_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("LRDASH_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(checks, "CHECKS", (checks.folder, checks.database))
    result = call("doctor", "--json")
    assert result.exit_code == 1
    states = {f["name"]: f["state"] for f in json.loads(result.stdout)["checks"]}
    assert (states["home folder"], states["database"]) == ("wrong", "wrong")
    assert "WRONG" in call("doctor").stdout


def test_a_home_that_other_users_can_read_is_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRDASH_HOME", str(tmp_path / "mine"))
    assert next(checks.folder()).state == "ok"
    (tmp_path / "mine").chmod(0o755)
    finding = next(checks.folder())
    assert (finding.state, "chmod 700" in finding.detail) == ("note", True)


def test_a_taken_port_is_a_note_since_the_app_may_run() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (finding,) = checks.address("127.0.0.1", taken.getsockname()[1])
    assert finding.state == "note"


def test_doctor_tries_tensorflow_in_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    class Done:
        returncode, stdout, stderr = 1, "", "Traceback\nImportError: no libcuda\n"

    monkeypatch.setattr(checks.subprocess, "run", lambda *_a, **_k: Done)
    (finding,) = checks.tensorflow()
    assert (finding.state, "no libcuda" in finding.detail) == ("wrong", True)
