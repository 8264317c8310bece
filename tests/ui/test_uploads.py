"""Uploads never hold more memory than they may, however many are sent at once."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from lrdash.ui.uploads import MB, PATH, SERVER_MB, SESSION_MB, UploadLimit


class Server:
    """A server that holds some uploads; `arriving` ones stay under way until they are closed."""

    def __init__(self, **megabytes: int) -> None:
        self.held = {session: size * MB for session, size in megabytes.items()}
        self.limit = UploadLimit(self.behind, lambda: self.held)
        self.waits = False

    async def behind(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.waits:
            await Pause()
        await PlainTextResponse("taken")(scope, receive, send)

    def put(
        self, session: str, megabytes: float | None, method: str = "PUT", path: str = PATH
    ) -> str:
        """What the answer to an upload says; without a size the request does not name it."""
        sent: list[Message] = []
        with suppress(StopIteration):
            self._call(session, megabytes, method, path, sent).send(None)
        return f"{sent[0]['status']} {sent[1]['body'].decode()}"

    def begin(self, session: str, megabytes: float) -> Any:
        """An upload that does not end."""
        self.waits = True
        call = self._call(session, megabytes, "PUT", PATH, [])
        call.send(None)
        self.waits = False
        return call

    def _call(
        self, session: str, megabytes: float | None, method: str, path: str, sent: list[Message]
    ) -> Any:
        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        size = [] if megabytes is None else [(b"content-length", b"%d" % (megabytes * MB))]
        scope = {"type": "http", "method": method, "path": f"{path}{session}/f1", "headers": size}
        return self.limit(scope, receive, send)


class Pause:
    def __await__(self) -> Generator[None, None, None]:
        yield


def test_an_upload_passes_while_its_session_has_room() -> None:
    server = Server(ada=SESSION_MB - 20)
    assert server.put("ada", 20) == "200 taken"
    refused = Server(ada=SESSION_MB - 19).put("ada", 20)
    assert refused.startswith(f"413 A visit holds at most {SESSION_MB} MB")
    assert server.put("ada", None) == "200 taken"
    assert server.put("bob", 20) == "200 taken"
    assert Server(ada=SESSION_MB).put("ada", 1, path=f"/lr{PATH}").startswith("413")


def test_all_sessions_together_have_a_limit() -> None:
    server = Server(**{f"s{n}": SESSION_MB for n in range(SERVER_MB // SESSION_MB)})
    assert server.put("new", 1).startswith(f"413 All visits together hold {SERVER_MB} MB")


def test_uploads_that_arrive_at_once_count_before_they_are_kept() -> None:
    server = Server(ada=SESSION_MB - 30)
    first = server.begin("ada", 20)
    assert server.put("ada", 20).startswith("413")
    first.close()
    assert server.put("ada", 20) == "200 taken"


def test_other_requests_pass() -> None:
    server = Server(ada=SESSION_MB)
    assert server.put("ada", 20, method="DELETE") == "200 taken"
    assert server.put("ada", 20, path="/media/") == "200 taken"
