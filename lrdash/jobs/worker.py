"""The process that trains: `python -m lrdash.jobs.worker`. The only one that holds TensorFlow.

It is started by the laboratory and talks with it in lines of JSON. On standard input come the ids
of runs to be trained together, `{"runs": ["...", ...]}`, or one, `{"run": "..."}`, or that of a
range test, `{"range_test": "..."}`; on standard output it says `{"ready": true}` once and, for each
such line, `{"ended": ...}` with the same value, and `unsaved` (the reason) if an ending could not
be stored. Standard input is also its leash: when it closes, because the server closed or died, the
process ends.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FrameType
from typing import Any

from lrdash import training
from lrdash.checkpoints.folder import CheckpointFolder, interval
from lrdash.core.errors import LrdashError, StoreError
from lrdash.core.events import SHUT_DOWN, Event, RunEnded, Sink, Status, fan_out
from lrdash.core.spec import RunSpec
from lrdash.jobs import range_test
from lrdash.jobs.commands import Commands
from lrdash.jobs.outbox import Outbox, patiently
from lrdash.jobs.presence import Presence, StopRequests
from lrdash.planning import plan
from lrdash.store import RunRow, Store, home, keep_pace, known_paces
from lrdash.training.checkpoints import CheckpointWriter, Origin
from lrdash.training.failures import ending, in_words
from lrdash.training.pace import Pace

IDLE = 0.3  # seconds without a job before the first practice
PRACTICE_RUNS, PRACTICE_EPOCHS = 8, 3
PARTING = 0.7  # seconds for the last words to the store

log = logging.getLogger("lrdash.jobs.worker")


class Worker:
    """Trains group after group in one thread, while others show that it lives.

    Args:
        worker_id: its id in the store.
        store: where specs come from and events go.
        say: takes each answer to the laboratory.
    """

    def __init__(self, worker_id: str, store: Store, say: Callable[[dict[str, Any]], None]) -> None:
        self._id, self._store, self._say = worker_id, store, say
        self._vault, self._presence = CheckpointFolder(home()), Presence(store, worker_id)
        self._jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._leaving = threading.Event()

    def serve(self, lines: Iterable[str]) -> None:
        """Take jobs from lines of JSON until they end, then leave the process."""
        patiently(self._presence.begin)
        threading.Thread(target=self._work, name="lrdash_work", daemon=True).start()
        for line in lines:
            self._jobs.put(json.loads(line))
        self.leave()

    def leave(self) -> None:
        """End the process at once; its runs are marked interrupted if the store allows."""
        if not self._leaving.is_set():
            self._leaving.set()
            parting = threading.Thread(target=self._part, daemon=True)
            parting.start()
            parting.join(PARTING)
            os._exit(0)  # TensorFlow's threads would hold up an orderly exit

    def _part(self) -> None:
        try:
            self._store.workers.mark_interrupted(self._id, SHUT_DOWN)
            self._store.workers.forget(self._id)
        except StoreError as fault:
            log.warning("%s", fault)

    def _work(self) -> None:
        try:
            import lrdash.training.keras.engine  # noqa: F401 (the seconds that it takes)

            gc.collect()
            gc.freeze()  # the collections after each run need not look at TensorFlow's modules
            self._say({"ready": True})
            try:
                job = self._jobs.get(timeout=IDLE)
            except queue.Empty:
                _practise()
                job = self._jobs.get()
            while True:
                if "range_test" in job:
                    asked = job["range_test"]
                    self._say({"ended": asked, **self._do_range_test(asked)})
                else:
                    asked = job["runs"] if "runs" in job else job["run"]
                    run_ids = [asked] if isinstance(asked, str) else list(asked)
                    self._say({"ended": asked, **self._do(run_ids)})
                job = self._jobs.get()
        except BaseException:
            log.exception("the worker cannot go on")
            os._exit(1)

    def _do(self, run_ids: Sequence[str]) -> dict[str, str]:
        """Train runs; gives what the laboratory has to write down in their place."""
        try:
            claimed = patiently(lambda: self._store.runs.claim_group(run_ids, self._id))
            try:
                self._train(claimed)
            except Exception as fault:
                log.exception("runs %s failed", " ".join(claimed))
                self._fail(claimed, in_words(fault), ending(fault))
        except Exception as fault:
            log.exception("runs %s could not be stored", " ".join(run_ids))
            return {"unsaved": in_words(fault)}
        return {}

    def _do_range_test(self, range_test_id: str) -> dict[str, str]:
        """Make a range test; gives what the laboratory has to write down in its place."""
        try:
            tests = self._store.range_tests
            if patiently(lambda: tests.claim(range_test_id, self._id)):
                range_test.run(self._store, range_test_id, self._id)
        except Exception as fault:
            log.exception("range test %s could not be stored", range_test_id)
            return {"unsaved": in_words(fault)}
        return {}

    def _fail(self, run_ids: Iterable[str], reason: str, status: Status = "failed") -> None:
        """End those that have not ended."""
        ended = RunEnded(status=status, reason=reason)
        batch = [(run_id, ended) for run_id in run_ids]
        patiently(lambda: self._store.runs.record(batch, self._id))

    def _train(self, run_ids: Sequence[str]) -> None:
        rows = patiently(lambda: self._store.runs.listing(run_ids=run_ids))
        by_engine: dict[str, dict[str, RunRow]] = {}
        for row in reversed(rows):
            by_engine.setdefault(row.engine, {})[row.run_id] = row
        for engine, found in by_engine.items():
            self._train_group(found, engine)
        if len(rows) < len(run_ids):
            unreadable = patiently(self._store.runs.unreadable)
            for run_id in run_ids:
                if run_id in unreadable:
                    self._fail([run_id], unreadable[run_id])

    def _train_group(self, rows: Mapping[str, RunRow], engine: str) -> None:
        outbox = Outbox(lambda batch: self._store.runs.record(batch, self._id))
        try:
            plans: dict[str, plan.Plan] = {}
            for run_id, row in rows.items():
                try:
                    plans[run_id] = plan.make(row.spec)
                except LrdashError as fault:
                    outbox(run_id, RunEnded(status="failed", reason=str(fault)))
            if plans:
                done = {run_id: row.epochs_done for run_id, row in rows.items()}
                self._train_plans(plans, outbox, engine, done)
        finally:
            outbox.close()

    def _train_plans(
        self, plans: Mapping[str, plan.Plan], sink: Sink, engine: str, done: Mapping[str, int]
    ) -> None:
        made, run_ids = list(plans.values()), list(plans)
        left = patiently(lambda: self._store.branches.origins(run_ids))
        engines = patiently(lambda: self._store.branches.engines(run_ids))
        origins = {
            run: Origin(epoch=at, run_ids=line, engine=engines.get(run, ""))
            for run, (at, line) in left.items()
        }
        pace, keeper = Pace(made), CheckpointWriter(self._vault, done, interval(), origins)
        try:
            training.train_group(
                made, run_ids=run_ids, sink=fan_out(sink, pace), engine=engine,
                should_stop=StopRequests(self._store, run_ids, self._id), keeper=keeper,
                mailbox=Commands(self._store.branches, run_ids),
            )
        except LrdashError as fault:
            for run_id in run_ids:
                sink(run_id, RunEnded(status=ending(fault), reason=str(fault)))
        finally:
            keeper.close()
        if pace.kind == "convolutional":  # what practice does not measure
            _keep(pace)


def main(arguments: list[str] | None = None) -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m lrdash.jobs.worker", description=__doc__)
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
    """Train some small runs, so that the first real one starts fast, and take their time once."""

    def forget(_run_id: str, _event: Event) -> None:
        pass

    plans = [plan.make(RunSpec(epochs=PRACTICE_EPOCHS, seed=seed)) for seed in range(PRACTICE_RUNS)]
    pace = Pace(plans)
    training.train_group(
        plans, run_ids=[f"practice {run}" for run in range(PRACTICE_RUNS)],
        sink=fan_out(forget, pace), should_stop=lambda: set(),
    )
    if pace.kind not in known_paces():
        keep_pace("start", pace.start)
        _keep(pace)


def _keep(pace: Pace) -> None:
    """Remember how fast this machine is, for estimates."""
    if pace.per_multiply_add is not None:
        keep_pace(pace.kind, pace.per_multiply_add)


if __name__ == "__main__":
    main()
