"""Many viewers of one live run, on the real server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import numpy as np
import pytest

from lrdash.store import Store
from lrdash.store.settings import DATABASE_FILE, sqlite_url
from tests.browser.app import Server
from tests.factories.jobs import ended, eventually
from tests.factories.runs import trained
from tests.soak.runs import queue
from tests.soak.viewer import Answer, Viewer, viewer

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]

VIEWERS = 50
RUNS = 800  # in the table
EPOCHS = 3000  # of the run they watch; more than any machine trains meanwhile
SECONDS = 20.0  # in which each viewer ticks once a second, or as often as it is answered
LEAST = 3  # ticks of each viewer, however slow the machine
MEMORY = 400.0  # MB of the server's own
WHOLE, PART = "FINISHED_SUCCESSFULLY", "FINISHED_FRAGMENT_RUN_SUCCESSFULLY"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the viewers were answered, each in its own row."""

    loads: list[Answer]
    ticks: list[list[Answer]]
    lasts: list[Answer]  # to the tick after the run's end
    still_ticking: list[bool]  # after that
    memory: list[float]  # MB, once a second
    work: float  # seconds of a processor that the server spent while they ticked


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path)
    try:
        eventually(started.healthy, "the server answers")
        yield started
    finally:
        started.close()


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    opened = Store(sqlite_url(server.home / DATABASE_FILE))
    yield opened
    opened.close()


def test_fifty_viewers_of_a_live_run_get_every_tick_answered(
    server: Server, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = queue(
        store, dataset="digits", model="cnn", strategy="cosine", base_lr=0.05, epochs=EPOCHS
    )
    eventually(lambda: store.runs.one(run_id).epochs_done > 0, "the run trains")
    alone = server.memory_mb()
    seen = asyncio.run(watch(server, store, run_id))
    with capsys.disabled():
        epochs = store.runs.one(run_id).epochs_done
        print(f"\n{report(seen)}, {alone:.0f} MB before; {epochs} epochs")
    everything = [*seen.loads, *seen.lasts, *(tick for row in seen.ticks for tick in row)]
    assert [words for answer in everything for words in answer.errors] == []
    assert {answer.outcome for answer in seen.loads} == {WHOLE}
    assert len(seen.ticks) == VIEWERS
    for row in seen.ticks:
        assert len(row) >= LEAST
        assert {tick.outcome for tick in row} == {PART}
        assert {len(tick.fragments) for tick in row} == {1}
        found = [tick.epochs for tick in row if tick.epochs is not None]
        assert len(found) == len(row)
        assert found == sorted(found)
        assert found[0] < found[-1]
    assert {answer.outcome for answer in seen.lasts} == {WHOLE}
    assert {answer.epochs for answer in seen.lasts} == {store.runs.one(run_id).epochs_done}
    assert not any(seen.still_ticking)
    assert max(seen.memory) < MEMORY


def test_fifty_viewers_of_the_table_of_runs_share_what_it_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(sqlite_url(tmp_path / DATABASE_FILE))
    for number in range(RUNS):
        trained(store, epochs=10, seed=number)
    store.close()
    server = Server(tmp_path)
    try:
        eventually(server.healthy, "the server answers")
        alone = server.memory_mb()
        answers = asyncio.run(look(server))
        with capsys.disabled():
            print(f"\n{alone:.0f} MB before, {server.memory_mb():.0f} MB after")
        assert {answer.outcome for answer in answers} == {WHOLE}
        assert [words for answer in answers for words in answer.errors] == []
        assert server.memory_mb() < MEMORY
    finally:
        server.close()


async def look(server: Server) -> list[Answer]:
    """Load the page Runs in every session at once, twice."""
    async with AsyncExitStack() as sessions:
        viewers = [
            await sessions.enter_async_context(viewer(server.port, "", "runs"))
            for _ in range(VIEWERS)
        ]
        found = [await asyncio.gather(*(one.load() for one in viewers)) for _ in range(2)]
    return [answer for answers in found for answer in answers]


async def watch(server: Server, store: Store, run_id: str) -> Seen:
    """Load the page in every session, then let all tick, then end the run and tick once more."""
    memory: list[float] = []
    async with AsyncExitStack() as sessions, asyncio.TaskGroup() as beside:
        sampling = beside.create_task(sample(server, memory))
        viewers = [
            await sessions.enter_async_context(viewer(server.port, f"run={run_id}"))
            for _ in range(VIEWERS)
        ]
        loads = await asyncio.gather(*(one.load() for one in viewers))
        before = worked(server)
        ticks = await asyncio.gather(*(
            follow(one, number / VIEWERS) for number, one in enumerate(viewers)
        ))
        work = worked(server) - before
        store.runs.request_stop(run_id)
        await asyncio.to_thread(ended, store, run_id)
        lasts = await asyncio.gather(*(one.tick() for one in viewers))
        sampling.cancel()
    return Seen(
        loads=loads, ticks=ticks, lasts=lasts, memory=memory, work=work,
        still_ticking=[bool(one.ticking) for one in viewers],
    )


async def follow(one: Viewer, delay: float) -> list[Answer]:
    """Tick once a second, or as soon after as the last tick was answered."""
    answers = []
    due = monotonic() + delay
    end = due + SECONDS
    while due < end or len(answers) < LEAST:
        await asyncio.sleep(due - monotonic())
        answers.append(await one.tick())
        due = max(due + 1.0, monotonic())
    return answers


async def sample(server: Server, memory: list[float]) -> None:
    """Note the server's memory every second."""
    while True:
        memory.append(server.memory_mb())
        await asyncio.sleep(1.0)


def worked(server: Server) -> float:
    """Seconds of a processor that the server has spent so far; no busy neighbour changes them."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def report(seen: Seen) -> str:
    """The figures in one line."""
    ticks = [tick for row in seen.ticks for tick in row]
    kilobytes = np.mean([tick.size for tick in ticks]) / 1000
    work = 1000 * seen.work / len(ticks)
    return (
        f"{VIEWERS} sessions: page {times(seen.loads)}; {len(ticks)} ticks {times(ticks)}, "
        f"{kilobytes:.1f} kB and {work:.0f} ms of a processor each; "
        f"memory at most {max(seen.memory):.0f} MB"
    )


def times(answers: Sequence[Answer]) -> str:
    """Median and 95th percentile of how long the answers took."""
    middle, high = np.percentile([answer.milliseconds for answer in answers], [50, 95])
    return f"p50 {middle:.0f} ms, p95 {high:.0f} ms"
