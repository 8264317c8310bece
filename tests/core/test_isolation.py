"""What tests/conftest.py promises to every other test."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest


def test_every_test_has_a_home_of_its_own(home: Path, tmp_path: Path) -> None:
    assert os.environ["LRDASH_HOME"] == str(home)
    assert home.is_relative_to(tmp_path)


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_no_test_reaches_another_machine(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as link, pytest.raises(PermissionError, match="need no network"):
        link.connect((address, 443))


def test_a_test_may_talk_to_a_server_on_this_machine() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    with server, socket.create_connection(server.getsockname()) as link:
        assert link.getpeername() == server.getsockname()
