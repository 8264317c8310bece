"""Workers and servers killed at random moments: no run is lost, and none differs by one bit."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lrdash.checkpoints import Vault
from lrdash.laboratory import Laboratory
from lrdash.store import Store, home
from tests.soak.exact import CASES, Case, differing, kept, queue, undisturbed
from tests.soak.runs import eventually
from tests.soak.test_kills import ask, integrity

pytestmark = [
    pytest.mark.soak, pytest.mark.timeout(1500),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

ROOT = Path(__file__).resolve().parents[2]
WORKER_KILLS, SERVER_KILLS = 5, 4  # of every case: 30 and 24
SEED = 46_021
LONGEST = 1.2  # seconds between a sign of training and the death


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("LRDASH_CHECKPOINT_SECONDS", "0.2")
    opened = Store()
    yield opened
    opened.close()


def training(store: Store, run_ids: list[str], beyond: int, gone: set[str]) -> bool:
    """Whether a worker that still lives trains a run, and has got further than `beyond`."""
    rows = store.runs(run_ids=run_ids)
    owners = {row.worker_id for row in rows if row.status == "running"}
    return bool(owners - gone) and sum(row.epochs_done for row in rows) > beyond


def over(store: Store, run_ids: list[str]) -> bool:
    return not any(row.active for row in store.runs(run_ids=run_ids))


def wait_for_training(
    store: Store, run_ids: list[str], moments: random.Random, gone: set[str], *, anywhere: bool
) -> str | None:
    """Return at a random moment of the training with the worker's id; None if it ended before.

    Args:
        gone: ids of workers that were killed; this one is added.
        anywhere: do not wait for a new epoch: the model may still be built or compiled.
    """
    done = sum(row.epochs_done for row in store.runs(run_ids=run_ids))
    beyond = -1 if anywhere else done
    eventually(
        lambda: training(store, run_ids, beyond, gone) or finished(store, run_ids),
        "training goes on",
    )
    threading.Event().wait(moments.uniform(0.0, LONGEST))
    rows = store.runs(run_ids=run_ids, status="running")
    if not rows or rows[0].worker_id is None:
        return None
    gone.add(rows[0].worker_id)
    return rows[0].worker_id


def finished(store: Store, run_ids: list[str]) -> bool:
    return len(store.runs(run_ids=run_ids, status="finished")) == len(run_ids)


def check(store: Store, case: Case, run_ids: list[str], folder: Path, expected: object) -> int:
    """Wait for the ends and compare; gives the number of epochs in which nothing differs."""
    eventually(lambda: over(store, run_ids), f"{case.name}: all runs end", 300)
    found = [kept(store, Vault(home()), run_id) for run_id in run_ids]
    assert differing(found, expected) == [], case.name  # type: ignore[arg-type]
    assert integrity(folder) == "ok"
    return sum(len(run["epochs"]) for run in found)


def test_killed_workers_leave_no_trace_in_metrics_rates_and_weights(
    store: Store, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moments, kills, epochs, gone = random.Random(SEED), 0, 0, set[str]()
    laboratory = Laboratory(store)
    laboratory.start()
    for number, case in enumerate(CASES):
        expected = undisturbed(case, tmp_path / str(number))
        run_ids = queue(store, case)
        for kill in range(WORKER_KILLS):
            if not wait_for_training(store, run_ids, moments, gone, anywhere=kill == 1):
                break
            (worker,) = laboratory.status()
            os.kill(worker.pid, signal.SIGKILL)
            kills += 1
            eventually(lambda: over(store, run_ids), "the death is noticed")  # noqa: B023
            store.requeue(run_ids)
        epochs += check(store, case, run_ids, home, expected)
    laboratory.close()
    with capsys.disabled():
        print(f"\n{kills} workers killed; {epochs:,} epochs of {len(CASES)} cases are the same")
    assert kills >= 26


def serve(port: int) -> subprocess.Popen[bytes]:
    """The server as users start it, continuing by itself what was interrupted."""
    return subprocess.Popen(
        [sys.executable, "-m", "lrdash", "serve", "--no-browser", "--port", str(port),
         "--resume-interrupted"],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )


def kill_worker(worker_id: str, home: Path) -> None:
    """Kill a worker by its id; it may have ended already."""
    for (pid,) in ask(home, f"SELECT pid FROM workers WHERE id = '{worker_id}'"):
        with suppress(ProcessLookupError):
            os.kill(int(str(pid)), signal.SIGKILL)


def end(server: subprocess.Popen[bytes]) -> None:
    server.kill()
    server.wait()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_killed_servers_go_on_where_they_were_and_leave_no_trace(
    case: Case, store: Store, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    moments, kills, gone = random.Random(f"{SEED} {case.name}"), 0, set[str]()
    run_ids = queue(store, case)
    for turn in range(SERVER_KILLS):
        server = serve(port)
        try:
            worker = wait_for_training(store, run_ids, moments, gone, anywhere=turn == 1)
            if worker and turn % 2 == 0:  # both at once: nobody can say goodbye
                kill_worker(worker, home)
        finally:
            end(server)
        if worker is None:
            break
        kills += 1
    server = serve(port)
    try:
        eventually(lambda: finished(store, run_ids), f"{case.name} ends", 300)
    finally:
        end(server)
    epochs = check(store, case, run_ids, home, undisturbed(case, tmp_path / "undisturbed"))
    with capsys.disabled():
        print(f"\n{case.name}: {kills} servers killed; {epochs:,} epochs are the same")
    assert kills >= SERVER_KILLS - 1
