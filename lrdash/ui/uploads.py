"""How much uploads may hold: Streamlit keeps every file of a session in memory until it ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import runtime

from lrdash.core.files import UPLOAD_MB

PATH = "/_stcore/upload_file/"
SESSION_MB, SERVER_MB = 5 * UPLOAD_MB, 25 * UPLOAD_MB  # of one session, of all
MB = 2**20  # bytes


def held() -> Mapping[str, int]:
    """Bytes of uploads in memory, by session."""
    files = getattr(runtime.get_instance().uploaded_file_mgr, "file_storage", {})
    return {
        session: sum(len(file.data) for file in list(some.values()))
        for session, some in list(files.items())
    }


class UploadLimit:
    """ASGI middleware that refuses an upload for which there is no room.

    Args:
        app: what comes behind.
        held: gives the bytes held, by session.
    """

    def __init__(self, app: ASGIApp, held: Callable[[], Mapping[str, int]] = held) -> None:
        self.app = app
        self._held = held
        self._coming: Counter[str] = Counter()  # bytes of uploads under way, by session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the upload or pass the request on."""
        _, found, ids = scope.get("path", "").rpartition(PATH)
        if scope["type"] != "http" or scope["method"] != "PUT" or not found:
            await self.app(scope, receive, send)
            return
        session = ids.partition("/")[0]
        size = _size(scope)
        if problem := self._problem(session, size):
            await PlainTextResponse(problem, 413)(scope, receive, send)
            return
        self._coming[session] += size
        try:
            await self.app(scope, receive, send)
        finally:
            self._coming[session] -= size
            self._coming += Counter()  # forgets sessions with nothing under way

    def _problem(self, session: str, size: int) -> str:
        held = Counter(self._held()) + self._coming
        if held[session] + size > SESSION_MB * MB:
            return f"A visit holds at most {SESSION_MB} MB of files. Reload the page to free them."
        if held.total() + size > SERVER_MB * MB:
            return f"All visits together hold {SERVER_MB} MB of files. Try again in a few minutes."
        return ""


def upload_limit() -> Middleware:
    """The limit of a server."""
    return Middleware(UploadLimit)


def _size(scope: Scope) -> int:
    """Bytes of the body; the largest that Streamlit takes if the request does not say."""
    with suppress(ValueError, KeyError):
        return min(int(Headers(scope=scope)["content-length"]), UPLOAD_MB * MB)
    return UPLOAD_MB * MB
