"""The process that trains: `python -m lrdash.jobs.worker`. The only one that holds TensorFlow.

The laboratory starts it and talks with it in lines of JSON. Standard input brings the ids of runs
to train together, `{"runs": ["...", ...]}`, of one run, `{"run": "..."}`, or of a range test,
`{"range_test": "..."}`. Standard output answers `{"ready": true}` once and, for each such line,
`{"ended": ...}` with the same value, and `unsaved` (the reason) if an ending could not be stored.
When standard input closes, because the server closed or died, the process ends.
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
from collections.abc import Callable, Iterable, Sequence
from types import FrameType
from typing import Any

from lrdash import training
from lrdash.core.errors import LrdashError, StoreError
from lrdash.core.events import SHUT_DOWN, RunEnded, Status
from lrdash.core.spec import RunSpec
from lrdash.jobs import range_test
from lrdash.jobs.outbox import patiently
from lrdash.jobs.presence import Presence
from lrdash.jobs.session import Session, by_engine
from lrdash.planning.plan import Plan, make
from lrdash.store import RunRow, Store, keep_pace, known_paces
from lrdash.training.failures import ending, in_words
from lrdash.training.pace import Pace

IDLE = 0.3  # seconds without a job before the warm-up runs
WARM_UP_RUNS, WARM_UP_EPOCHS = 8, 3
PARTING = 0.7  # seconds for the last writes to the store

log = logging.getLogger("lrdash.jobs.worker")


class Worker:
    """Trains group after group in one thread, while other threads send heartbeats.

    Args:
        say: takes each answer to the laboratory.
    """

    def __init__(self, worker_id: str, store: Store, say: Callable[[dict[str, Any]], None]) -> None:
        self._id, self._store, self._say = worker_id, store, say
        self._session, self._presence = Session(store, worker_id), Presence(store, worker_id)
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
            os._exit(0)  # TensorFlow's threads would delay an orderly exit

    def _part(self) -> None:
        try:
            self._store.workers.mark_interrupted(self._id, SHUT_DOWN)
            self._store.workers.forget(self._id)
        except StoreError as fault:
            log.warning("%s", fault)

    def _work(self) -> None:
        try:
            import lrdash.training.keras.engine  # noqa: F401 (takes seconds)

            gc.collect()
            gc.freeze()  # garbage collection after each run skips TensorFlow's modules
            self._say({"ready": True})
            try:
                job = self._jobs.get(timeout=IDLE)
            except queue.Empty:
                _warm_up()
                job = self._jobs.get()
            while True:
                self._say(self._done(job))
                job = self._jobs.get()
        except BaseException:
            log.exception("the worker cannot continue")
            os._exit(1)

    def _done(self, job: dict[str, Any]) -> dict[str, Any]:
        """Do a job; gives the answer, with the ending that the laboratory has to record instead."""
        key = next(name for name in ("range_test", "runs", "run") if name in job)
        try:
            if key == "range_test":
                self._do_range_test(job[key])
            else:
                self._do([job[key]] if key == "run" else job[key])
        except Exception as fault:
            log.exception("%s %s could not be stored", key, job[key])
            return {"ended": job[key], "unsaved": in_words(fault)}
        return {"ended": job[key]}

    def _do(self, run_ids: Sequence[str]) -> None:
        claimed = patiently(lambda: self._store.runs.claim_group(run_ids, self._id))
        try:
            self._train(claimed)
        except Exception as fault:
            log.exception("runs %s failed", " ".join(claimed))
            self._fail(claimed, in_words(fault), ending(fault))

    def _do_range_test(self, range_test_id: str) -> None:
        if patiently(lambda: self._store.range_tests.claim(range_test_id, self._id)):
            range_test.run(self._store, range_test_id, self._id)

    def _fail(self, run_ids: Iterable[str], reason: str, status: Status = "failed") -> None:
        """End those that have not ended."""
        ended = RunEnded(status=status, reason=reason)
        batch = [(run_id, ended) for run_id in run_ids]
        patiently(lambda: self._store.runs.record(batch, self._id))

    def _train(self, run_ids: Sequence[str]) -> None:
        rows = patiently(lambda: self._store.runs.listing(run_ids=run_ids))
        for engine, some in by_engine(rows).items():
            plans = self._plans(some)
            if plans:
                pace = Pace(list(plans.values()))
                done = {row.run_id: row.epochs_done for row in some}
                self._session.train(plans, engine=engine, done=done, progress=pace)
                if pace.kind == "convolutional":  # warm-up runs do not measure these
                    _keep(pace)
        if len(rows) < len(run_ids):
            unreadable = patiently(self._store.runs.unreadable)
            for run_id in run_ids:
                if run_id in unreadable:
                    self._fail([run_id], unreadable[run_id])

    def _plans(self, rows: Iterable[RunRow]) -> dict[str, Plan]:
        """Plans by run id; runs that cannot be planned fail."""
        plans: dict[str, Plan] = {}
        for row in rows:
            try:
                plans[row.run_id] = make(row.spec)
            except LrdashError as fault:
                self._fail([row.run_id], str(fault))
        return plans


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
            log.warning("the server no longer listens")

    return say


def _warm_up() -> None:
    """Train some small runs, so that the first real one starts fast; measures their pace once."""
    plans = [make(RunSpec(epochs=WARM_UP_EPOCHS, seed=seed)) for seed in range(WARM_UP_RUNS)]
    pace = Pace(plans)
    training.train_group(
        plans, run_ids=[f"warm-up {run}" for run in range(WARM_UP_RUNS)],
        sink=pace, should_stop=lambda: set(),
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
