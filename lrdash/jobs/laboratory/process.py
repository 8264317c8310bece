"""One worker process, seen from the server."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from lrdash.jobs.laboratory.standstill import STALL, Standstill, cpu_seconds

LOG_LIMIT = 1_000_000  # bytes of one worker's log
LOGS_KEPT = 20  # files

State = Literal["starting", "warm", "training"]


@dataclass(frozen=True, kw_only=True)
class WorkerStatus:
    """A worker as a page shows it."""

    worker_id: str
    pid: int
    state: State
    run_id: str | None  # what it trains, the first of a group
    run_ids: tuple[str, ...] = ()  # the whole group
    range_test_id: str | None = None  # what it makes instead


class WorkerProcess:
    """A started process with its pipes, its log and its answers.

    Not safe for several threads, apart from `status`. The process ends when its standard input
    closes, so it cannot outlive this one. It is in a session of its own, so that Ctrl-C in the
    terminal does not reach it.

    Args:
        database: URL of the store.
        patience: seconds that it may do nothing.
        wake: called from another thread whenever it has answered or ended.
    """

    def __init__(
        self, database: str, logs: Path, wake: Callable[[], None], patience: float = STALL
    ) -> None:
        self.worker_id = uuid.uuid4().hex[:12]
        self.log = logs / f"worker-{self.worker_id}.log"
        self.run_ids: tuple[str, ...] = ()  # being trained, together
        self.range_test_id: str | None = None  # being made, while nothing is trained
        self.groups = 0  # given to it so far
        self.ready = False
        self.started = monotonic()
        self.stop_seen: float | None = None  # when the request to stop all its runs was noticed
        self.ended_for = ""  # why the laboratory killed it, if it did
        self._standstill = Standstill(patience)
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        _prune(logs)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
                [sys.executable, "-m", "lrdash.jobs.worker", "--worker-id", self.worker_id],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                env=_environment(database), start_new_session=True,
            )
        self.pid = self._process.pid
        threading.Thread(
            target=self._listen, args=(wake,), name="lrdash-answers", daemon=True
        ).start()

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    @property
    def busy(self) -> bool:
        """Whether it is training or making a range test."""
        return bool(self.run_ids) or self.range_test_id is not None

    @property
    def status(self) -> WorkerStatus:
        """What it is doing."""
        run_ids = self.run_ids
        state: State = "training" if self.busy else "warm" if self.ready else "starting"
        return WorkerStatus(
            worker_id=self.worker_id, pid=self.pid, state=state,
            run_id=run_ids[0] if run_ids else None, run_ids=run_ids,
            range_test_id=self.range_test_id,
        )

    def stalled(self, versions: Mapping[str, int]) -> bool:
        """Whether it has done nothing for as long as it may.

        Args:
            versions: of the runs that it trains; they grow with every event.
        """
        signs = (self.ready, self.run_ids, tuple(versions.get(name) for name in self.run_ids))
        idle = self.ready and not self.run_ids  # waits for work
        return self._standstill.reached(None if idle else signs, cpu_seconds(self.pid)) and not idle

    def answers(self) -> list[dict[str, Any]]:
        """Its answers since the last call."""
        found = []
        while not self._answers.empty():
            found.append(self._answers.get())
        return found

    def give(self, run_ids: Sequence[str]) -> None:
        """Give it runs to train together; check `alive` afterwards."""
        self.run_ids = tuple(run_ids)
        self._send({"runs": self.run_ids})

    def give_range_test(self, range_test_id: str) -> None:
        """Give it a range test to make, like `give`."""
        self.range_test_id = range_test_id
        self._send({"range_test": range_test_id})

    def _send(self, job: dict[str, Any]) -> None:
        self.stop_seen = None
        self.groups += 1
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.write(json.dumps(job) + "\n")
                self._process.stdin.flush()

    def terminate(self) -> None:
        """Ask it to end."""
        if self.alive:
            self._process.terminate()

    def kill(self, after: float = 0.0) -> None:
        """Wait for its end at most `after` seconds, then kill it."""
        try:
            self._process.wait(after)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            with suppress(OSError):  # nobody reads what was not sent yet
                self._process.stdin.close()

    def trim_log(self) -> None:
        """Empty the log once it is too long; the process keeps appending."""
        with suppress(OSError):
            if self.log.stat().st_size > LOG_LIMIT:
                os.truncate(self.log, 0)

    def last_words(self) -> str:
        """The last line of its log, shortened; may be empty."""
        try:
            lines = self.log.read_text("utf-8", "replace").split("\n")
        except OSError:
            return ""
        return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")

    def cause_of_death(self) -> str:
        """Why the dead process ended, for the reason of its runs."""
        code = self._process.returncode
        if code == -signal.SIGKILL:
            return "signal 9; the machine may have run out of memory"
        if code is not None and code < 0:
            return f"signal {-code}"
        words = self.last_words()
        return f"exit status {code}: {words}" if words else f"exit status {code}"

    def _listen(self, wake: Callable[[], None]) -> None:
        out = self._process.stdout
        if out is None:
            return
        with out:
            for line in out:
                self._answers.put(json.loads(line))
                wake()
        wake()


def _environment(database: str) -> dict[str, str]:
    """That of this process, with the database (arguments could be read by all users of the machine)
    and the place of lrdash.
    """
    root = str(Path(__file__).resolve().parents[3])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "LRDASH_DATABASE_URL": database,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
    }


def _prune(logs: Path) -> None:
    """Remove the oldest logs, so that they do not pile up."""
    logs.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):  # another server may be doing the same
        found = sorted(logs.glob("worker-*.log"), key=lambda path: path.stat().st_mtime)
        for path in found[: 1 - LOGS_KEPT]:
            path.unlink(missing_ok=True)
