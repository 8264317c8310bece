"""Commands, called as a shell would, in this process."""

from __future__ import annotations

import json
from typing import Any

from typer.testing import CliRunner, Result

from lrdash.cli import app


def call(*words: str, **more: Any) -> Result:
    return CliRunner().invoke(app, list(words), **more)


def as_json(*words: str) -> Any:
    """What a command prints with --json, which must be all that it prints."""
    result = call(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(*words: str) -> str:
    """The one line with which a command refuses its input."""
    result = call(*words)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr
