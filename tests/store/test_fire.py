"""The store under fire: a full disk, a lock, a read-only folder, clocks that jump, two servers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from lrdash.checkpoints import BackgroundWriter, CheckpointFolder
from lrdash.core.errors import StoreError
from lrdash.core.events import EpochEnded, now
from lrdash.core.spec import RunSpec
from lrdash.jobs.outbox import Outbox
from lrdash.store import NewRun, Store, home
from lrdash.store.settings import sqlite_url
from tests import ROOT
from tests.factories.database import add_run, epoch, raw, sized_checkpoint

MOUNT = "mount -t tmpfs -o size={size} tmpfs {folder}"
LOCKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.readline()
"""


def in_namespace(script: str, folder: Path, set_up: str) -> subprocess.CompletedProcess[str] | None:
    """Run Python with a folder mounted as the shell commands say, which needs no root; None where
    the system allows no user namespaces.
    """
    folder.mkdir(parents=True, exist_ok=True)
    enter = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec"]
    try:
        subprocess.run([*enter, set_up], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    python = f'{set_up}\nexec "$0" -c "$1"'
    return subprocess.run(
        [*enter, python, sys.executable, script], capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "LRDASH_HOME": str(folder)}, timeout=120, check=False,
    )


FULL_DATABASE = """
import os
from lrdash.core.errors import StoreError
from lrdash.store import Store, home
from tests.factories.database import add_run, epoch
store = Store()
run_id = add_run(store)
kept = 0
filler = home() / "somebody-elses.bin"
filler.write_bytes(bytes(600_000))
try:
    while kept < 500:
        store.runs.record([(run_id, epoch(kept + 1, updates=5000))])
        kept += 1
    raise SystemExit("the disk never filled")
except StoreError as fault:
    said = str(fault)
assert f"the disk of {home()} is full. Free some space there" in said, said
assert kept > 0
assert [row.epoch for row in store.runs.epochs(run_id)] == list(range(1, kept + 1))
assert store.runs.one(run_id).epochs_done == kept
filler.unlink()
store.runs.record([(run_id, epoch(kept + 1))])
assert store.runs.one(run_id).epochs_done == kept + 1
assert store.unsound() == []
store.close()
print("held")
"""

FULL_CHECKPOINTS = """
import logging, sys
import numpy as np
from lrdash.checkpoints import CheckpointFolder, BackgroundWriter
from lrdash.store import home
from tests.factories.database import sized_checkpoint
logging.basicConfig(stream=sys.stdout)
vault = CheckpointFolder(home())
writer = BackgroundWriter(vault)
for number in range(1, 4):
    writer("run", sized_checkpoint(number, size=20_000 if number == 1 else 200_000))
writer.close()
assert [kept.epoch for kept in vault.of("run")] == [1], vault.of("run")
assert vault.damaged() == []
assert [path.name for path in (vault.folder / "run").iterdir()] == ["000001.npz"]
print("held")
"""

LIFT = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""

READ_ONLY = """
from lrdash.core.errors import StoreError
from lrdash.store import Store, home
from tests.factories.database import add_run
try:
    store = Store()
    add_run(store)
except StoreError as fault:
    print(fault)
"""


def locked(path: Path) -> subprocess.Popen[str]:
    """Another process that holds the database until it is spoken to."""
    process = subprocess.Popen(
        [sys.executable, "-c", LOCKER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


# Full disks


def limited(script: str, tmp_path: Path, limit: int) -> subprocess.CompletedProcess[str]:
    """Run Python with a bound on the size of each file."""
    bound = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, -1))\n"
    return subprocess.run(
        [sys.executable, "-c", bound + script], capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "LRDASH_HOME": str(tmp_path / "limited")}, timeout=120, check=False,
    )


def fill_up(tmp_path: Path, *, mounted: bool) -> subprocess.CompletedProcess[str]:
    """Fill a small disk, or one on which no file may grow; the latter is another fault to SQLite,
    and all there is where no disk can be mounted.
    """
    small = tmp_path / "small"
    done = None
    if mounted:
        done = in_namespace(FULL_DATABASE, small, MOUNT.format(size="2m", folder=small))
    if done is None:
        script = FULL_DATABASE.replace("is full. Free some space there", "reports an error")
        done = limited(script.replace("filler.unlink()", LIFT), tmp_path, limit=700_000)
    return done


@pytest.mark.parametrize("mounted", [True, False], ids=["disk", "size of files"])
def test_a_disk_that_fills_up_loses_no_epoch_and_names_the_folder(
    mounted: bool, tmp_path: Path
) -> None:
    done = fill_up(tmp_path, mounted=mounted)
    assert (done.returncode, done.stdout) == (0, "held\n"), done.stderr


def test_a_disk_full_of_checkpoints_keeps_the_whole_ones_and_says_what_to_free(
    tmp_path: Path,
) -> None:
    done = in_namespace(
        FULL_CHECKPOINTS, tmp_path / "small", MOUNT.format(size="100k", folder=tmp_path / "small")
    ) or limited(FULL_CHECKPOINTS, tmp_path, limit=100_000)
    *said, last = done.stdout.splitlines()
    assert (done.returncode, last) == (0, "held"), done.stderr
    (warning,) = said  # once, although it happened twice
    assert "/checkpoints: " in warning
    assert "Training continues without checkpoints; free some space there: delete runs" in warning


def test_a_run_whose_epochs_find_no_room_is_interrupted_and_can_go_on(store: Store) -> None:
    from lrdash.planning.plan import make

    run_id = add_run(store)
    room = [2]

    def write(batch: Any) -> None:
        if any(isinstance(said, EpochEnded) for _, said in batch):
            if not room[0]:
                raise StoreError("the disk is full")
            room[0] -= 1
        store.runs.record(batch)

    plan = make(RunSpec(dataset="wine", model="linear", epochs=6))
    from tests.factories.training import train_one  # brings Keras

    ended = train_one(
        plan, run_id=run_id, sink=lambda name, said: write([(name, said)]),
        should_stop=lambda: False, engine="keras",
    )
    assert (ended.status, ended.reason) == ("interrupted", "the disk is full")
    assert store.runs.one(run_id).status == "interrupted"
    assert [row.epoch for row in store.runs.epochs(run_id)] == [1, 2]
    assert store.runs.requeue([run_id]) == [run_id]


# Locks


def test_epochs_said_while_another_process_holds_the_database_come_through(store: Store) -> None:
    run_id = add_run(store)
    outbox = Outbox(store.runs.record, interval=0.0)
    holder = locked(home() / "lrdash.db")
    for number in range(1, 6):
        outbox(run_id, epoch(number))
    assert store.runs.one(run_id).epochs_done == 0, "readers need not wait"
    holder.communicate("\n")
    outbox.close()
    assert [row.epoch for row in store.runs.epochs(run_id)] == [1, 2, 3, 4, 5]


def test_a_database_that_is_held_for_ever_is_told_and_what_was_committed_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lrdash.jobs.outbox.patiently.__defaults__", ((0.01,),))
    store = Store(busy_timeout=0.05)
    run_id = add_run(store)
    store.runs.record([(run_id, epoch(1))])
    holder = locked(home() / "lrdash.db")
    outbox = Outbox(store.runs.record, interval=0.0)
    outbox(run_id, epoch(2))
    with pytest.raises(StoreError, match=r"is locked by another process\. Close the"):
        outbox.close()
    assert [row.epoch for row in store.runs.epochs(run_id)] == [1]
    holder.kill()
    holder.communicate()
    store.runs.record([(run_id, epoch(2))])
    assert store.runs.one(run_id).epochs_done == 2
    store.close()


def test_living_workers_survive_a_database_that_nobody_could_write(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    run_id = beating_run(store, "w1")
    assert store.workers.mark_interrupted() == []
    clock.passes(60.0)  # another program held the lock; no heart could beat
    assert store.workers.mark_interrupted() == []
    clock.passes(1.0)
    store.workers.beat("w1")
    clock.passes(2.0)
    assert store.workers.mark_interrupted() == []
    assert store.runs.one(run_id).status == "running"


# Read-only folders


def test_a_read_only_folder_is_told_with_the_way_out_even_to_root(tmp_path: Path) -> None:
    folder = tmp_path / "fixed"
    Store(sqlite_url(made(folder) / "lrdash.db")).close()
    bind = f"mount --bind {folder} {folder}; mount -o remount,ro,bind {folder}"
    done = in_namespace(READ_ONLY, folder, bind)
    if done is None:
        folder.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY], capture_output=True, text=True, cwd=ROOT,
            env={**os.environ, "LRDASH_HOME": str(folder)}, check=False,
        )
        folder.chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert f"The database {folder}/lrdash.db" in done.stdout
    assert "LRDASH_HOME" in done.stdout
    assert "writable" in done.stdout


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


# Clocks


class Clock:
    """The watcher's monotonic clock, which a test moves on; the wall clock is set apart."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.moment, self.wall = 1000.0, timedelta(0)
        patch.setattr("lrdash.store.heartbeats.monotonic", lambda: self.moment)
        patch.setattr("lrdash.store.workers.now", lambda: now() + self.wall)

    def passes(self, seconds: float) -> None:
        self.moment += seconds
        self.wall += timedelta(seconds=seconds)

    def is_set(self, hours: float) -> None:
        self.wall += timedelta(hours=hours)


def beating_run(store: Store, worker_id: str, host: str = "") -> str:
    store.workers.register(worker_id, host or socket.gethostname(), os.getpid())
    return store.runs.create(
        RunSpec(), steps_per_epoch=2, updates=4, parameters=1, worker_id=worker_id
    )


@pytest.mark.parametrize("hours", [5.0, -5.0])
@pytest.mark.parametrize("host", ["", "another-host"])
def test_a_clock_that_is_set_marks_no_living_run(
    hours: float, host: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    run_id = beating_run(store, "w1", host)
    for _ in range(8):
        assert store.workers.mark_interrupted() == []
        clock.is_set(hours)
        assert store.workers.mark_interrupted() == []
        clock.passes(3.0)
        store.workers.beat("w1")
    assert store.runs.one(run_id).status == "running"


@pytest.mark.parametrize("hours", [5.0, -5.0])
def test_a_clock_that_is_set_keeps_no_dead_worker_alive(
    hours: float, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    run_id = beating_run(store, "w1", "another-host")
    marked = []
    for _ in range(7):
        marked += store.workers.mark_interrupted()
        clock.is_set(hours)
        clock.passes(3.0)
    assert marked == [run_id]


def test_each_server_judges_by_what_it_has_seen_itself(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    run_id = beating_run(store, "w1", "another-host")
    for _ in range(4):
        assert store.workers.mark_interrupted() == []
        clock.passes(3.0)
    newcomer = Store()
    assert newcomer.workers.mark_interrupted() == [], "it has only begun to watch"
    newcomer.close()
    store.workers.mark_interrupted()
    clock.passes(3.0)
    assert store.workers.mark_interrupted() == [run_id]


# Two servers


def test_two_stores_never_claim_a_run_twice_and_the_late_one_hears_to_stop(store: Store) -> None:
    other = Store()
    run_ids = [queued(store) for _ in range(20)]
    assert store.runs.claim_group(run_ids[:12], "w1") == run_ids[:12]
    assert other.runs.claim_group(run_ids, "w2") == run_ids[12:]
    store.workers.mark_interrupted("w1", "its server died")
    assert other.runs.requeue(run_ids[:12]) == run_ids[:12]
    assert other.runs.claim_group(run_ids[:12], "w2") == run_ids[:12]
    store.runs.record([(run_ids[0], epoch(1))], "w1")  # still alive after all, and no longer heard
    assert other.runs.epochs(run_ids[0]) == []
    assert store.runs.stop_requests(run_ids[:12], "w1") == set(run_ids[:12])
    assert other.runs.stop_requests(run_ids, "w2") == set()
    other.close()


# A long queue


def queued(store: Store) -> str:
    return store.runs.create(RunSpec(), steps_per_epoch=2, updates=4, parameters=1)


def fill(store: Store, runs: int) -> list[str]:
    new = [
        NewRun(spec=RunSpec(seed=n), label="", steps_per_epoch=2, updates=4, parameters=1)
        for n in range(runs)
    ]
    made_now = store.experiments.create("{}", new, groups=[[place] for place in range(runs)])
    return [row.run_id for row in reversed(store.runs.listing(experiment_id=made_now))]


@pytest.fixture
def statements(store: Store) -> Iterator[list[str]]:
    """All SQL that this store sends from now on."""
    said: list[str] = []

    def hear(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    engine = store._database._engine
    event.listen(engine, "before_cursor_execute", hear)
    yield said
    event.remove(engine, "before_cursor_execute", hear)


def test_a_thousand_queued_runs_are_claimed_in_order_with_as_few_questions_as_ten(
    store: Store,
) -> None:
    asked, statements, own = [], list[str](), threading.get_ident()

    def hear(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if threading.get_ident() == own:  # threads of earlier tests may still be ending
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    for runs in (10, 1000):
        run_ids = fill(store, runs)
        statements.clear()
        for expected in run_ids[:5]:
            (group,) = store.runs.queued_groups(limit=1)
            assert store.runs.claim_group(group, "w1") == [expected]
        asked.append(len(statements))
        store.runs.request_stop_all(store.runs.queued())
    event.remove(Engine, "before_cursor_execute", hear)
    assert asked[0] == asked[1]


def test_the_queue_is_read_by_an_index_however_many_runs_have_ended(
    store: Store, statements: list[str]
) -> None:
    fill(store, 3)
    statements.clear()
    store.runs.queued_groups(limit=2)
    store.runs.queued(limit=1)
    queries = [said for said in statements if said.startswith("SELECT")]
    assert len(queries) == 3
    connection = raw()
    for query in queries:
        given = [None] * query.count("?")
        plan = connection.execute(f"EXPLAIN QUERY PLAN {query}", given).fetchall()
        assert any("USING INDEX ix_runs_status" in row[3] for row in plan), (query, plan)
        assert not any(row[3] == "SCAN runs" for row in plan), plan
    connection.close()


@pytest.mark.parametrize("name", ["train", "runs"])
def test_the_pages_open_with_a_thousand_runs_in_the_queue(
    name: str, store: Store, monkeypatch: pytest.MonkeyPatch, statements: list[str]
) -> None:
    from lrdash.ui import resources
    from tests.factories.pages import page, words

    monkeypatch.setattr(resources, "store", lambda: store)
    monkeypatch.setattr(resources, "laboratory", lambda: None)
    run_ids = fill(store, 1000)
    statements.clear()
    test = page(name)
    assert not test.exception
    assert "1000 queued" in words(test).replace(",", "")
    assert len(statements) < 40, "it asks run by run"
    last = page("train", run=run_ids[-1])
    assert "It starts by itself after 999 more" in words(last)


def test_a_writer_that_fails_says_so_once_a_kind(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "checkpoints").write_text("a file where the folder should be")
    writer = BackgroundWriter(CheckpointFolder(tmp_path))
    for number in (1, 2):
        writer("run", sized_checkpoint(number, 100))
    writer.close()
    (said,) = caplog.messages
    assert f"in {tmp_path / 'checkpoints'}: " in said
