"""Workers that hang, servers that die beside others, and runs that go on by themselves."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lrdash import api, training
from lrdash.cli import app
from lrdash.core.errors import InvalidField
from lrdash.jobs.laboratory import Laboratory, standstill, supervisor
from lrdash.jobs.laboratory.standstill import Standstill, cpu_seconds, patience
from lrdash.store import Store
from lrdash.store.processes import this
from tests import ROOT
from tests.factories.jobs import ENDLESS, ended, eventually, freeze, gone, queue, running

# A worker without TensorFlow that claims what it is given and then waits for ever.
IDLER = """
import sys, threading, types
name = "lrdash.training.keras.engine"
sys.modules[name] = types.ModuleType(name)
from lrdash.jobs import worker
def wait(self, run_ids):
    self._store.runs.claim_group(run_ids, self._id)
    {body}
worker.Worker._do = wait
worker._practise = lambda: None
worker.main(sys.argv[1:])
"""
WAITS, COMPUTES = "threading.Event().wait()", "while True: sum(range(1000))"
SERVER = """
import sys
from lrdash.jobs.laboratory import Laboratory
from lrdash.store import Store
laboratory = Laboratory(Store())
laboratory.start()
print("started", flush=True)
sys.stdin.readline()
"""

Imitate = Callable[[str], None]


@pytest.fixture
def imitate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Imitate:
    """Has workers be ones that do no more than this."""

    def use(body: str) -> None:
        (tmp_path / "idler.py").write_text(IDLER.format(body=body))
        python = tmp_path / "python"
        start = shlex.join([sys.executable, str(tmp_path / "idler.py")])
        python.write_text(f'#!/bin/sh\nshift 2\nexec {start} "$@"\n')
        python.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(python))

    return use


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is noticed soon."""
    monkeypatch.setattr("lrdash.store.heartbeats.SILENCE", 2.5)
    monkeypatch.setattr("lrdash.store.heartbeats.GRACE", 0.5)
    monkeypatch.setattr(supervisor, "SWEEP", 0.6)


@pytest.fixture
def laboratory(store: Store) -> Iterator[Callable[..., Laboratory]]:
    """Starts a laboratory, and ends it after the test."""
    begun: list[Laboratory] = []

    def start(**more: bool) -> Laboratory:
        made = Laboratory(store, **more)
        begun.append(made)
        made.start()
        return made

    yield start
    for made in begun:
        made.close()


def test_a_frozen_worker_loses_its_run_and_its_place(
    store: Store, laboratory: Callable[..., Laboratory], imitate: Imitate, quick: None
) -> None:
    imitate(WAITS)
    run_id, waiting = queue(store, **ENDLESS), queue(store)
    lab = laboratory()
    eventually(lambda: store.runs.one(run_id).status == "running")
    frozen = lab.status()[0]
    freeze(frozen.pid, store)
    row = ended(store, run_id)
    assert row.status == "interrupted"
    assert row.reason == "the training process gave no sign of life for 10 s"
    eventually(lambda: gone(frozen.pid))
    eventually(lambda: store.runs.one(waiting).status == "running")
    assert store.runs.one(waiting).worker_id != frozen.worker_id


def test_a_worker_that_freezes_while_idle_holds_up_no_queue(
    store: Store, laboratory: Callable[..., Laboratory], imitate: Imitate, quick: None
) -> None:
    imitate(WAITS)
    lab = laboratory()
    eventually(lambda: lab.status() and lab.status()[0].state == "warm")
    frozen = lab.status()[0]
    freeze(frozen.pid, store)
    run_id = queue(store)
    eventually(lambda: store.runs.one(run_id).status == "running")
    assert store.runs.one(run_id).worker_id != frozen.worker_id
    assert gone(frozen.pid)


def test_a_worker_that_lives_but_trains_nothing_is_ended_with_the_reason(
    store: Store, laboratory: Callable[..., Laboratory], imitate: Imitate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    imitate(WAITS)
    monkeypatch.setenv("LRDASH_STALL_SECONDS", "2")
    monkeypatch.setattr(supervisor, "SWEEP", 0.5)
    run_id = queue(store, **ENDLESS)
    lab = laboratory()
    eventually(lambda: store.runs.one(run_id).status == "running")
    idle = lab.status()[0]
    row = ended(store, run_id)
    assert row.status == "interrupted"
    assert row.reason == "the training process was ended: it did nothing for 2 s"
    assert gone(idle.pid)
    eventually(lambda: lab.status() and lab.status()[0].worker_id != idle.worker_id)


def test_a_worker_that_computes_without_events_is_left_alone(
    store: Store, laboratory: Callable[..., Laboratory], imitate: Imitate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    imitate(COMPUTES)
    monkeypatch.setenv("LRDASH_STALL_SECONDS", "1")
    looks = []
    monkeypatch.setattr(supervisor, "SWEEP", 0.2)
    monkeypatch.setattr(
        standstill.Standstill, "reached", counted(standstill.Standstill.reached, looks)
    )
    run_id = queue(store, **ENDLESS)
    laboratory()
    eventually(lambda: store.runs.one(run_id).status == "running")
    looks.clear()
    eventually(lambda: len(looks) > 15)
    assert not any(looks)
    assert store.runs.one(run_id).status == "running"


def counted(function: Callable[..., bool], answers: list[bool]) -> Callable[..., bool]:
    def ask(*words: object) -> bool:
        answers.append(function(*words))
        return answers[-1]

    return ask


def test_standing_still_needs_time_without_a_sign_and_without_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(standstill, "monotonic", lambda: clock[0])
    watched = Standstill(10.0)
    seen = []
    for sign, cpu, seconds in (
        ("a", 0.0, 0), ("a", 0.1, 9), ("b", 0.1, 9), ("b", 0.1, 9), ("b", 5.0, 9), ("b", 5.1, 9),
        ("b", 5.1, 9), ("b", None, 20), ("b", 5.1, 11),
    ):
        clock[0] += seconds
        seen.append(watched.reached(sign, cpu))
    assert seen == [False, False, False, False, False, False, True, False, False]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system has no /proc")
def test_the_processor_time_of_a_process_is_read() -> None:
    used = cpu_seconds(os.getpid())
    assert used is not None
    assert used > 0
    assert cpu_seconds(2**22 + 1) is None


@pytest.mark.parametrize("given", ["soon", "0", "nan", "inf"])
def test_a_patience_that_is_wrong_is_named(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRDASH_STALL_SECONDS", given)
    with pytest.raises(InvalidField, match="LRDASH_STALL_SECONDS must be a number of at least 1"):
        patience()


# Going on at the start


@pytest.mark.parametrize("resume", [True, False])
def test_interrupted_runs_are_resumed_at_the_start_on_request(
    resume: bool, store: Store, laboratory: Callable[..., Laboratory], imitate: Imitate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    imitate(WAITS)
    monkeypatch.setattr(supervisor, "SWEEP", 0.2)
    before, stopped, left = (queue(store, **ENDLESS) for _ in range(3))
    store.runs.claim_group([before, stopped, left], "worker-of-yesterday")
    store.workers.mark_interrupted("nobody")
    store.runs.end(before, "interrupted", "the server was shut down")
    store.runs.end(stopped, "stopped", "stopped by the user")
    laboratory(resume=resume)
    if resume:  # `left` was running when its machine went down
        eventually(lambda: store.runs.one(before).status == "running")
        assert store.runs.one(left).status == "queued"
    else:
        eventually(lambda: store.runs.one(left).status == "interrupted")
        assert store.runs.one(before).status == "interrupted"
    assert store.runs.one(stopped).status == "stopped"


def test_a_run_that_kills_its_worker_is_not_tried_for_ever(
    store: Store, laboratory: Callable[..., Laboratory], imitate: Imitate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    imitate("import os; os.kill(os.getpid(), 9)")
    monkeypatch.setattr(supervisor, "SWEEP", 0.2)
    run_id, following = queue(store), queue(store)
    laboratory(resume=True)
    eventually(lambda: store.runs.one(following).status == "interrupted")
    assert store.runs.one(run_id).status == "interrupted"
    assert "signal 9" in store.runs.one(run_id).reason


def test_the_shell_finds_runs_whose_process_is_gone_without_a_server(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    store.workers.register("w1", replace(this(), pid=dead.pid))
    run_id = queue(store)
    assert store.runs.claim(run_id, "w1")
    asked: list[list[str]] = []
    engine = types.ModuleType("lrdash.training.keras.engine")
    monkeypatch.setitem(sys.modules, "lrdash.training.keras.engine", engine)
    monkeypatch.setattr(training, "keras_engine", engine, raising=False)
    monkeypatch.setattr(api, "resume", lambda run_ids, **_: asked.append(run_ids) or [])
    result = CliRunner().invoke(app, ["runs", "resume", "--interrupted"])
    assert result.exit_code == 0, result.output
    assert asked == [[run_id]]


# Two servers


def other_server() -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    return process


def test_of_two_servers_one_takes_over_what_the_other_leaves_and_none_trains_a_run_twice(
    store: Store, laboratory: Callable[..., Laboratory]
) -> None:
    long_ones = [queue(store, **ENDLESS, seed=seed) for seed in range(2)]
    first = other_server()
    try:
        running(store, long_ones[0])
        here = laboratory()
        running(store, long_ones[1])
        owners = [store.runs.one(run_id).worker_id for run_id in long_ones]
        assert owners[0] != owners[1]
        assert [worker.run_ids for worker in here.status()] == [(long_ones[1],)]
        other = Store()  # what the other server's pages show
        assert {row.run_id for row in other.runs.listing(status="running")} == set(long_ones)
        other.close()
    finally:
        first.send_signal(signal.SIGKILL)
        first.communicate()
    assert ended(store, long_ones[0]).status == "interrupted"
    assert store.runs.one(long_ones[1]).status == "running"
    store.runs.requeue([long_ones[0]])
    store.runs.request_stop(long_ones[1])
    eventually(lambda: store.runs.one(long_ones[0]).worker_id == owners[1])
    assert [row.epoch for row in store.runs.epochs(long_ones[0])] == list(
        range(1, store.runs.one(long_ones[0]).epochs_done + 1)
    )
