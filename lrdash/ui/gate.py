"""Who may reach the server: the names it answers to, the pages that may call it or frame it.

A page of a foreign site can open a websocket to a server on the visitor's own machine, put it into
a frame, or be given a name that leads to this machine (DNS rebinding). Streamlit refuses the first
only after it has asked an outside service for its own address, in the event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Only pages of this server may frame it, and no page of it loads a picture from elsewhere, whatever
# a text on it says (https://www.w3.org/TR/CSP3/).
POLICY = (
    "frame-ancestors 'self'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "object-src 'none'"
)
READING = ("GET", "HEAD", "OPTIONS")


class Gate:
    """ASGI middleware that answers 403 before Streamlit sees the request.

    Args:
        app: what comes behind.
        names: host names that the server answers to, `*.example.org` for all below one, `*` for
            all.
        callers: names, with a port unless it is the usual one, whose pages may call the server
            through a proxy that rewrites `Host`.
    """

    def __init__(self, app: ASGIApp, names: Sequence[str], callers: Sequence[str] = ()) -> None:
        self.app = app
        self.names = names
        self.callers = callers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
        elif problem := self._problem(scope):
            if scope["type"] == "websocket":  # before it is accepted: the server answers 403
                await send({"type": "websocket.close", "code": 1008, "reason": problem})
            else:
                await PlainTextResponse(problem, 403)(scope, receive, send)
        else:
            await self.app(scope, receive, _with_policy(send))

    def _problem(self, scope: Scope) -> str | None:
        headers = MutableHeaders(scope=scope)
        host, origin = headers.get("host", "").lower(), headers.get("origin")
        name = _host_name(host)
        if not _among(name, self.names):
            return (
                f"This server does not answer to the name {name or host!r}. Its operator can allow "
                "it in LRDASH_ALLOWED_HOSTS."
            )
        if origin is None or scope.get("method") in READING:
            return None
        caller = origin.partition("://")[2].lower()
        if caller != host and not _among(caller, self.callers):
            return f"A page of {origin!r} may not call this server."
        headers["host"] = caller  # Streamlit, too, sees a page of its own
        return None


def gate_for(host: str, allowed: str) -> Middleware:
    """The gate of a server.

    Args:
        host: the address it is bound to.
        allowed: names separated by commas; loopback names are always allowed beside them. Empty:
            loopback names only, or all names if the server listens to other machines.
    """
    callers = [name for part in allowed.split(",") if (name := part.strip().lower())]
    names = [*LOOPBACK, *callers] if callers or host in LOOPBACK else ["*"]
    return Middleware(Gate, names=names, callers=callers)


def _among(name: str, known: Sequence[str]) -> bool:
    return any(
        pattern in ("*", name) or (pattern[:2] == "*." and name.endswith(pattern[1:]))
        for pattern in known
    )


def _host_name(host: str) -> str:
    """`localhost` of `localhost:8501`; empty if it can't be read."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _with_policy(send: Send) -> Send:
    """Adds to each answer who may show it in a frame, and what its page may load."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["Content-Security-Policy"] = POLICY
        await send(message)

    return sending
