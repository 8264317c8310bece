"""The process that trains: `python -m lrdash.worker`. The only one that holds TensorFlow.

It is started by the laboratory and talks with it in lines of JSON. On standard input come ids of
runs, `{"run": "..."}`; on standard output it says `{"ready": true}` once and, for each run,
`{"ended": "..."}`, with `unsaved` (the reason) if the run's ending could not be stored. Standard
input is also its leash: when it closes, because the server closed or died, the process ends.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from time import monotonic
from types import FrameType
from typing import Any

from lrdash import plan, training
from lrdash.errors import LrdashError, StoreError
from lrdash.events import SHUT_DOWN, Event, RunEnded
from lrdash.spec import RunSpec
from lrdash.store import Store
from lrdash.training.failures import in_words
from lrdash.training.outbox import Outbox, patiently

HEARTBEAT = 1.0  # seconds
POLL = 0.2  # seconds between two looks whether a stop was asked for
IDLE = 0.3  # seconds without a run before the first practice
PARTING = 0.7  # seconds for the last words to the store

log = logging.getLogger("lrdash.worker")


class Worker:
    """Trains run after run in one thread, while another keeps its heart beating.

    Args:
        worker_id: its id in the store.
        store: where specs come from and events go.
        say: takes each answer to the laboratory.
    """

    def __init__(self, worker_id: str, store: Store, say: Callable[[dict[str, Any]], None]) -> None:
        self._id, self._store, self._say = worker_id, store, say
        self._jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._run_id: str | None = None  # being trained
        self._leaving = threading.Event()

    def serve(self, lines: Iterable[str]) -> None:
        """Take run ids from lines of JSON until they end, then leave the process."""
        patiently(lambda: self._store.register_worker(self._id, socket.gethostname(), os.getpid()))
        for job in (self._beat, self._work):
            threading.Thread(target=job, name=f"lrdash{job.__name__}", daemon=True).start()
        for line in lines:
            self._jobs.put(str(json.loads(line)["run"]))
        self.leave()

    def leave(self) -> None:
        """End the process at once; the run under way is marked interrupted if the store allows."""
        if not self._leaving.is_set():
            self._leaving.set()
            parting = threading.Thread(target=self._part, daemon=True)
            parting.start()
            parting.join(PARTING)
            os._exit(0)  # TensorFlow's threads would hold up an orderly exit

    def _part(self) -> None:
        try:
            if self._run_id is not None:
                self._store.end(self._run_id, "interrupted", SHUT_DOWN)
            self._store.forget_worker(self._id)
        except StoreError as fault:
            log.warning("%s", fault)

    def _beat(self) -> None:
        while not self._leaving.wait(HEARTBEAT):
            try:
                self._store.beat(self._id)
            except StoreError as fault:
                log.warning("no heartbeat: %s", fault)

    def _work(self) -> None:
        try:
            from lrdash.training import keras_engine  # noqa: F401 (the seconds that it takes)

            gc.collect()
            gc.freeze()  # the collections after each run need not look at TensorFlow's modules
            self._say({"ready": True})
            try:
                run_id = self._jobs.get(timeout=IDLE)
            except queue.Empty:
                _practise()
                run_id = self._jobs.get()
            while True:
                self._say({"ended": run_id, **self._do(run_id)})
                run_id = self._jobs.get()
        except BaseException:
            log.exception("the worker cannot go on")
            os._exit(1)

    def _do(self, run_id: str) -> dict[str, str]:
        """Train a run; gives what the laboratory has to write down in its place."""
        try:
            if not patiently(lambda: self._store.claim(run_id, self._id)):
                return {}
            self._run_id = run_id
            try:
                self._train(run_id)
            except Exception as fault:
                log.exception("run %s failed", run_id)
                reason = in_words(fault)
                patiently(lambda: self._store.end(run_id, "failed", reason))
        except Exception as fault:
            log.exception("run %s could not be stored", run_id)
            return {"unsaved": in_words(fault)}
        finally:
            self._run_id = None
        return {}

    def _train(self, run_id: str) -> None:
        row = patiently(lambda: self._store.run(run_id))
        outbox = Outbox(self._store.record)
        asked = _StopRequests(self._store, run_id)
        try:
            made = plan.make(row.spec)
            training.train(made, run_id=run_id, sink=outbox, should_stop=asked, engine=row.engine)
        except LrdashError as fault:
            outbox(run_id, RunEnded(status="failed", reason=str(fault)))
        finally:
            outbox.close()


class _StopRequests:
    """Asks the store whether a run has to stop, at most every `POLL` seconds."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store, self._run_id = store, run_id
        self._due, self._asked = 0.0, False

    def __call__(self) -> bool:
        if not self._asked and monotonic() >= self._due:
            self._due = monotonic() + POLL
            try:
                self._asked = bool(self._store.stop_requests([self._run_id]))
            except StoreError as fault:
                log.warning("cannot tell whether to stop: %s", fault)
        return self._asked


def main(arguments: list[str] | None = None) -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m lrdash.worker", description=__doc__)
    parser.add_argument("--worker-id", required=True, help="its id, new for each process")
    parser.add_argument("--database", help="SQLAlchemy URL (default: LRDASH_DATABASE_URL)")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C belongs to the server
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    say = _answers()
    try:
        worker = Worker(options.worker_id, Store(options.database), say)

        def leave(_number: int, _frame: FrameType | None) -> None:
            worker.leave()

        signal.signal(signal.SIGTERM, leave)
        worker.serve(sys.stdin)
    except StoreError as fault:
        sys.exit(str(fault))


def _answers() -> Callable[[dict[str, Any]], None]:
    """Keep standard output for the answers; whatever libraries print goes to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(answer: dict[str, Any]) -> None:
        try:
            print(json.dumps(answer), file=out, flush=True)
        except BrokenPipeError:  # the server is gone; standard input says so, too
            log.warning("nobody listens any more")

    return say


def _practise() -> None:
    """Train the smallest run there is, so that the first real one starts fast."""

    def forget(_run_id: str, _event: Event) -> None:
        pass

    training.train(
        plan.make(RunSpec(epochs=1, batch_size=1000)),
        run_id="practice", sink=forget, should_stop=lambda: False,
    )


if __name__ == "__main__":
    main()
