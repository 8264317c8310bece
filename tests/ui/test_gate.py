"""Who may reach the server: host names, pages of other sites, frames."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from lrdash.ui.gate import gate_for


async def behind(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the name that it was called by."""
    host = dict(scope["headers"])[b"host"].decode()
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept", "headers": []})
        await send({"type": "websocket.send", "text": host})
    else:
        await PlainTextResponse(host)(scope, receive, send)


class Visitor:
    """A browser before a server that is bound to `host`."""

    def __init__(self, host: str = "127.0.0.1", allowed: str = "") -> None:
        made = gate_for(host, allowed)
        self.gate = made.cls(behind, *made.args, **made.kwargs)

    def ask(self, host: str, origin: str | None = None, **scope: Any) -> list[Message]:
        """What the server sends back."""
        sent: list[Message] = []
        headers = {"host": host} | ({"origin": origin} if origin else {})

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        full = {
            "type": "http", "method": "GET", "path": "/",
            "headers": [(key.encode(), value.encode()) for key, value in headers.items()], **scope,
        }
        with suppress(StopIteration):  # nothing here waits: no event loop, of which a browser of
            self.gate(full, receive, send).send(None)  # the same process may have one
        return sent

    def status(self, host: str, origin: str | None = None, method: str = "GET") -> int:
        return int(self.ask(host, origin, method=method)[0]["status"])

    def opens(self, host: str, origin: str | None = None) -> str:
        """The name that the websocket was opened by; empty if it was refused."""
        first, *rest = self.ask(host, origin, type="websocket", method=None)
        if first["type"] == "websocket.close":
            return ""
        return str(rest[0]["text"])


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST", "localhost."])
def test_this_machine_reaches_its_own_server(name: str) -> None:
    host = f"{name}:8501"
    visitor = Visitor()
    assert visitor.status(host) == 200
    assert visitor.opens(host, f"http://{host}") == host.lower()
    assert visitor.opens(host)  # not a browser


@pytest.mark.parametrize(
    "host", ["rebound.example", "rebound.example:8501", "127.0.0.1.nip.example", "", "[::1", "a@b"]
)
def test_a_name_that_was_led_here_gets_no_answer(host: str) -> None:
    start, body = Visitor().ask(host)
    assert start["status"] == 403
    assert b"LRDASH_ALLOWED_HOSTS" in body["body"]
    assert not Visitor().opens(host)


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://localhost:9999", "http://localhost",
     "http://127.0.0.1:8501", "file://", "http://localhost:8501.evil.example"],
)
def test_a_page_of_another_site_or_port_may_not_call(origin: str) -> None:
    visitor, host = Visitor(), "localhost:8501"
    assert not visitor.opens(host, origin)
    assert visitor.status(host, origin, "POST") == 403
    assert visitor.status(host, origin) == 200


def test_the_operator_allows_other_names() -> None:
    visitor = Visitor("0.0.0.0", "lr.example, *.lab.example,")
    for host in ("lr.example", "a.lab.example", "localhost:8501"):
        assert visitor.opens(host, f"https://{host}"), host
    assert not visitor.opens("other.example", "https://other.example")
    assert not visitor.opens("lr.example", "https://evil.example")


def test_a_proxy_may_rewrite_the_host() -> None:
    visitor = Visitor(allowed="lr.example,lr.example:8443")
    for caller in ("lr.example", "lr.example:8443"):
        opened = visitor.opens("127.0.0.1:8501", f"https://{caller}")
        assert opened == caller  # so that Streamlit has nothing to look up
    assert not visitor.opens("127.0.0.1:8501", "https://lr.example:9999")


def test_a_server_for_other_machines_answers_to_all_names_but_only_to_its_own_pages() -> None:
    visitor = Visitor("0.0.0.0")
    assert visitor.opens("10.0.0.7:8501", "http://10.0.0.7:8501")
    assert not visitor.opens("10.0.0.7:8501", "http://evil.example")


def test_no_other_site_may_show_it_in_a_frame() -> None:
    headers = dict(Visitor().ask("localhost")[0]["headers"])
    policy = headers[b"content-security-policy"].decode()
    assert {"frame-ancestors 'self'", "img-src 'self' data: blob:"} <= set(policy.split("; "))
