"""A viewer without a browser: it speaks with the server as Streamlit's frontend does.

One websocket is one session. A request names a page, and a fragment of it or none; the answer is
all messages up to the one that says how the script ended. The messages are private to Streamlit
and may change with any release of it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

CHART = "lrdash_live_chart"
SILENCE = 60  # seconds without a message after which the server counts as stuck


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the server sent for one request."""

    milliseconds: float  # from the request to the last message
    size: int  # bytes
    outcome: str  # how the script ended, in Streamlit's words
    fragments: frozenset[str]  # whose elements were drawn; "" for the page outside of all
    errors: tuple[str, ...]  # what the error elements say
    epochs: int | None  # that the live chart got; None if it was not drawn


class Viewer:
    """One session that looks at one address; asks for one thing at a time."""

    def __init__(self, socket: ClientConnection, query: str, name: str) -> None:
        self._socket, self._query, self._name, self._page = socket, query, name, ""
        self.ticking: set[str] = set()  # fragments that asked to be run again and again

    async def load(self) -> Answer:
        """Run the whole page."""
        return await self._ask("")

    async def tick(self) -> Answer:
        """Run the page's only ticking fragment, as the frontend's timer does."""
        (fragment,) = self.ticking
        return await self._ask(fragment)

    async def _ask(self, fragment: str) -> Answer:
        request = BackMsg()
        wanted = request.rerun_script
        wanted.query_string, wanted.page_script_hash = self._query, self._page
        wanted.page_name = "" if self._page else self._name
        wanted.fragment_id, wanted.is_auto_rerun = fragment, bool(fragment)
        begun = perf_counter()
        await self._socket.send(request.SerializeToString())
        messages, size = [], 0
        async for message, length in self._messages():
            messages.append(message)
            size += length
        spent = perf_counter() - begun
        for message in messages:
            self._note(message)
        return _answer(messages, 1000 * spent, size)

    async def _messages(self) -> AsyncIterator[tuple[ForwardMsg, int]]:
        """What comes until the script has ended; one that restarts has not."""
        while True:
            async with asyncio.timeout(SILENCE):
                data = await self._socket.recv(decode=False)
            message = ForwardMsg.FromString(data)
            yield message, len(data)
            if message.WhichOneof("type") == "script_finished" and (
                message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
            ):
                return

    def _note(self, message: ForwardMsg) -> None:
        match message.WhichOneof("type"):
            case "new_session":
                self._page = message.new_session.page_script_hash
                if not message.metadata.run.fragment_ids:
                    self.ticking.clear()  # the page restarts and registers its fragments again
            case "auto_rerun":
                self.ticking.add(message.auto_rerun.fragment_id)
            case "stop_auto_rerun":
                self.ticking.difference_update(message.stop_auto_rerun.fragment_ids)


@asynccontextmanager
async def viewer(port: int, query: str, name: str = "") -> AsyncIterator[Viewer]:
    """A new session of the server on this machine's `port`, at the page of a name."""
    async with connect(
        f"ws://127.0.0.1:{port}/_stcore/stream", origin=Origin(f"http://127.0.0.1:{port}"),
        subprotocols=[Subprotocol("streamlit")], max_size=None, proxy=None,
    ) as socket:
        yield Viewer(socket, query, name)


def _answer(messages: Sequence[ForwardMsg], milliseconds: float, size: int) -> Answer:
    deltas = [message.delta for message in messages if message.HasField("delta")]
    elements = [delta.new_element for delta in deltas if delta.HasField("new_element")]
    found = [epochs for element in elements if (epochs := _epochs(element)) is not None]
    return Answer(
        milliseconds=milliseconds, size=size,
        outcome=ForwardMsg.ScriptFinishedStatus.Name(messages[-1].script_finished),
        fragments=frozenset(delta.fragment_id for delta in deltas),
        errors=tuple(words for element in elements if (words := _error(element))),
        epochs=found[-1] if found else None,
    )


def _error(element: Any) -> str:
    """What an error element says; empty for every other element."""
    if element.HasField("exception"):
        return f"{element.exception.type}: {element.exception.message}"
    if element.HasField("alert") and element.alert.format == Alert.ERROR:
        return str(element.alert.body) or "an error without words"
    return ""


def _epochs(element: Any) -> int | None:
    """Epochs in a message to the live chart; None for every other element."""
    if not element.HasField("bidi_component") or element.bidi_component.component_name != CHART:
        return None
    part = element.bidi_component
    text = part.mixed.json if part.WhichOneof("data") == "mixed" else part.json
    return int(json.loads(text)["have"])
