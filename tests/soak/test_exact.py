"""Workers and servers killed at random moments: every run ends, and none differs by one bit."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from lrdash.jobs.laboratory import Laboratory
from lrdash.store import Store
from tests import ROOT
from tests.factories.jobs import eventually
from tests.soak.exact import CASES, Case, queue, undisturbed
from tests.soak.runs import ask
from tests.soak.struck import check, finished, over, wait_for_training, written

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3000)]

WORKER_KILLS, SERVER_KILLS = 5, 4  # of every case: 40 and 32
SEED = 46_021
EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest.fixture(autouse=True)
def many_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRDASH_CHECKPOINT_SECONDS", "0.2")


@EVERY_CASE
def test_killed_workers_leave_no_trace_in_metrics_rates_and_weights(
    case: Case, laboratory: Laboratory, store: Store, home: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    moments, kills, gone = random.Random(f"{SEED} {case.name}"), 0, set[str]()
    run_ids = queue(store, case)
    for kill in range(WORKER_KILLS):
        if not wait_for_training(store, run_ids, moments, gone, anywhere=kill == 1):
            break
        (worker,) = laboratory.status()
        os.kill(worker.pid, signal.SIGKILL)
        kills += 1
        eventually(lambda: over(store, run_ids), "the death is noticed")
        store.runs.requeue(run_ids)
    epochs = check(store, case, run_ids, home, undisturbed(case, tmp_path / "undisturbed"))
    with capsys.disabled():
        print(f"\n{case.name}: {kills} workers killed; {epochs:,} epochs are the same")
    assert kills >= WORKER_KILLS - 1


def serve(port: int) -> subprocess.Popen[bytes]:
    """The server as users start it, which continues interrupted runs automatically."""
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


@EVERY_CASE
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
        eventually(lambda: finished(store, run_ids), f"{case.name} ends", 900)
        eventually(lambda: written(store, run_ids), "the last checkpoints are written")
    finally:
        end(server)
    epochs = check(store, case, run_ids, home, undisturbed(case, tmp_path / "undisturbed"))
    with capsys.disabled():
        print(f"\n{case.name}: {kills} servers killed; {epochs:,} epochs are the same")
    assert kills >= SERVER_KILLS - 1
