"""The thread that keeps workers warm, gives them queued runs, and replaces dead ones."""

from __future__ import annotations

import atexit
import logging
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from time import monotonic

from lrdash.core.errors import StoreError
from lrdash.core.events import ACTIVE, SHUT_DOWN, Event, RunEnded, stopped_after
from lrdash.jobs import hindsight
from lrdash.jobs.laboratory.process import WorkerProcess, WorkerStatus
from lrdash.jobs.laboratory.standstill import patience
from lrdash.jobs.laboratory.waiting import Waiting
from lrdash.store import Store, home

TICK = 0.1  # seconds between two looks at queue and workers
SWEEP = 3.0  # seconds between two searches for dead workers of any process
PATIENCE = 0.7  # seconds that a worker has to stop before it is killed
SILENT = "it gave no sign of life"
PARTING = 1.0  # seconds that workers have to end when the laboratory closes
GROUPS_EACH = 200  # after which a worker is renewed: TensorFlow keeps some megabytes of each
EARLY_DEATHS = 3  # in a row, before the first answer; then queued runs fail
LONGEST_PAUSE = 30.0  # seconds between two attempts to start a worker that dies at once
FIRST_LOOK = 30.0  # seconds after the start; runs found dead in them died before it

log = logging.getLogger(__name__)


class Laboratory:
    """Trains what the store has queued, oldest first, in worker processes of its own.

    One for each server process; several may share a store. All methods may be called from any
    thread. Faults of the store are logged and tried again; the thread lives until `close`.

    Args:
        store: where the queue is; must stay open until `close`.
        workers: processes, and so the number of groups trained at a time.
        resume: resume runs that are found interrupted at the start, each once. Not those whose
            worker dies later: a run that fills the memory would begin again for ever.

    Raises:
        StoreError: if the folder of the logs cannot be made.
        InvalidField: if LRDASH_STALL_SECONDS is not a number of at least 1.
    """

    def __init__(self, store: Store, workers: int = 1, *, resume: bool = False) -> None:
        self._store, self._size, self._logs = store, workers, home() / "logs"
        self._waiting = Waiting(store, 2 * workers)
        self._resume, self._patience = resume, patience()
        self._own, self._tried = set[str](), set[str]()  # its workers' ids; runs that were resumed
        self._wake, self._closing = threading.Event(), threading.Event()
        self._lock = threading.Lock()  # over starting and closing
        self._thread: threading.Thread | None = None
        self._workers: tuple[WorkerProcess, ...] = ()  # replaced, never changed
        self._pending: deque[Callable[[], object]] = deque()  # writes to the store
        self._early_deaths = 0
        self._start_at = self._sweep_at = self._resume_until = 0.0

    def start(self) -> None:
        """Begin; harmless if it has begun already, without effect after `close`."""
        with self._lock:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(
                    target=self._run, name="lrdash-laboratory", daemon=True
                )
                self._thread.start()
                atexit.register(self.close)

    def close(self) -> None:
        """End the workers and mark their runs; returns when they are gone. Harmless twice."""
        with self._lock:
            self._closing.set()
            self._wake.set()
            if self._thread is not None:
                self._thread.join()
                self._thread = None
                atexit.unregister(self.close)

    def wake(self) -> None:
        """Look at the queue now: something was queued or has to stop."""
        self._wake.set()

    def alive(self) -> bool:
        """Whether the thread runs."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def status(self) -> tuple[WorkerStatus, ...]:
        """The workers and what each of them is doing."""
        return tuple(worker.status for worker in self._workers if worker.alive)

    def _run(self) -> None:
        self._resume_until = monotonic() + FIRST_LOOK if self._resume else 0.0
        while not self._closing.is_set():
            pause = TICK
            try:
                self._tick()
            except StoreError as fault:
                log.warning("%s", fault)
                pause = 1.0
            except Exception:
                log.exception("fault in the laboratory")
                pause = 1.0
            self._wake.wait(pause)
            self._wake.clear()
        self._end_workers()

    def _tick(self) -> None:
        for worker in self._workers:
            self._read_answers(worker)
            if not worker.alive:
                self._clear_away(worker)
            elif not worker.busy and worker.groups >= GROUPS_EACH:
                self._renew(worker)
        if len(self._workers) < self._size and monotonic() >= self._start_at:
            self._add_worker()
        self._write_pending()
        self._stop_overdue()
        self._hand_out()
        if monotonic() >= self._sweep_at and not self._pending:
            self._sweep_at = monotonic() + SWEEP
            self._sweep()

    def _sweep(self) -> None:
        """Mark runs of dead workers, resume interrupted ones, end workers that hang."""
        self._store.workers.mark_interrupted()
        self._waiting.look_again()
        if monotonic() < self._resume_until:
            self._resume_interrupted()
        ready = [worker.worker_id for worker in self._workers if worker.ready]
        silent = self._store.workers.silent(ready)
        trained = [run_id for worker in self._workers for run_id in worker.run_ids]
        versions = self._store.runs.versions(trained)
        for worker in self._workers:
            worker.trim_log()
            if worker.worker_id in silent:
                self._kill_hung(worker, SILENT)
            elif worker.stalled(versions):
                self._kill_hung(worker, f"it did nothing for {self._patience:.0f} s")

    def _resume_interrupted(self) -> None:
        """Queue runs that were interrupted before the start, each once."""
        found = {
            row.run_id
            for row in self._store.runs.listing(status="interrupted")
            if row.worker_id not in self._own
        }
        again = self._store.runs.requeue(found - self._tried)
        self._tried |= found
        if again:
            log.info("%d interrupted runs are resumed", len(again))

    def _kill_hung(self, worker: WorkerProcess, why: str) -> None:
        """Kill a worker that hangs; it is cleared away like any other."""
        worker.ended_for = f"the training process was ended: {why}"
        worker.kill()

    def _read_answers(self, worker: WorkerProcess) -> None:
        for answer in worker.answers():
            if "ready" in answer:
                worker.ready, self._early_deaths = True, 0
                continue
            run_ids, test = worker.run_ids, worker.range_test_id
            reason, ended = str(answer.get("unsaved", "")), answer.get("ended")
            if run_ids and ended == list(run_ids):
                if reason:
                    event = RunEnded(status="interrupted", reason=reason)
                    batch = [(run_id, event) for run_id in run_ids]
                    self._pending.append(partial(self._store.runs.record, batch, worker.worker_id))
                worker.run_ids = ()
            elif test is not None and ended == test:
                if reason:
                    end = self._store.range_tests.end
                    self._pending.append(partial(end, test, "failed", reason))
                worker.range_test_id = None

    def _renew(self, worker: WorkerProcess) -> None:
        """End an idle worker that has trained enough; another takes its place."""
        worker.terminate()
        worker.kill(after=PARTING)
        self._remove(worker)
        self._release(worker, SHUT_DOWN)

    def _remove(self, worker: WorkerProcess) -> None:
        self._workers = tuple(other for other in self._workers if other is not worker)

    def _clear_away(self, worker: WorkerProcess) -> None:
        """Remove a dead worker; record how its runs ended, and when to start the next."""
        self._read_answers(worker)
        worker.kill()
        self._remove(worker)
        cause = worker.cause_of_death()
        reason = worker.ended_for or f"the training process ended unexpectedly ({cause})"
        log.error("worker %s: %s", worker.worker_id, reason)
        self._release(worker, reason)
        if not worker.ready:
            self._early_deaths += 1
            self._start_at = monotonic() + min(LONGEST_PAUSE, 0.5 * 2**self._early_deaths)
            if self._early_deaths >= EARLY_DEATHS:
                self._give_up(worker, cause)

    def _release(self, worker: WorkerProcess, reason: str) -> None:
        """Mark the unfinished runs of a worker that is gone."""
        mark = self._store.workers.mark_interrupted
        self._pending.append(partial(mark, worker.worker_id, reason))
        self._pending.append(partial(self._store.workers.forget, worker.worker_id))

    def _give_up(self, worker: WorkerProcess, cause: str) -> None:
        """Fail everything queued: no worker could be started several times."""
        reason = f"no training process can be started ({cause}); see {worker.log}"
        for run_id in self._store.runs.queued():
            self._pending.append(partial(self._store.runs.end, run_id, "failed", reason))
        tests = self._store.range_tests
        for test in tests.queued():
            self._pending.append(partial(tests.end, test, "failed", reason))

    def _add_worker(self) -> None:
        worker = WorkerProcess(self._store.url, self._logs, self.wake, self._patience)
        self._own.add(worker.worker_id)
        self._workers = (*self._workers, worker)

    def _write_pending(self) -> None:
        """Do the pending writes; a fault leaves the rest for the next time."""
        while self._pending:
            self._pending[0]()
            self._pending.popleft()

    def _stop_overdue(self) -> None:
        """Kill workers that do not stop in time, for example while they build a model.

        Only if all their runs have to stop, for the sake of the others of a group.
        """
        busy = [worker for worker in self._workers if worker.busy]
        run_ids = [run_id for worker in busy for run_id in worker.run_ids]
        asked = self._store.runs.stop_requests(run_ids) if run_ids else set()
        for worker in busy:
            if not self._has_to_stop(worker, asked):
                worker.stop_seen = None
            elif worker.stop_seen is None:
                worker.stop_seen = monotonic()
            elif monotonic() - worker.stop_seen > PATIENCE:
                self._kill_for_stop(worker)

    def _has_to_stop(self, worker: WorkerProcess, asked: set[str]) -> bool:
        """Whether its range test or all its active runs have to stop."""
        if worker.range_test_id is not None:
            return self._store.range_tests.stop_asked(worker.range_test_id)
        going = set(worker.run_ids) - asked
        if len(going) == len(worker.run_ids):
            return False
        return not (going and self._store.runs.listing(run_ids=going, status=ACTIVE))

    def _kill_for_stop(self, worker: WorkerProcess) -> None:
        self._read_answers(worker)
        if not worker.busy:
            return  # it has stopped in the meantime
        worker.kill()
        self._remove(worker)
        self._pending.append(partial(self._note_stop, worker))
        self._release(worker, "the training process was ended by a stop")
        self._write_pending()  # at once, before others find the runs without their process

    def _note_stop(self, worker: WorkerProcess) -> None:
        if worker.range_test_id is not None:
            reason = "stopped by the user"
            self._store.range_tests.end(worker.range_test_id, "stopped", reason)
        batch: list[tuple[str, Event]] = [
            (row.run_id, RunEnded(status="stopped", reason=stopped_after(row.epochs_done)))
            for row in self._store.runs.listing(run_ids=worker.run_ids, status="running")
        ]
        self._store.runs.record(batch, worker.worker_id)

    def _hand_out(self) -> None:
        idle = [worker for worker in self._workers if worker.ready and not worker.busy]
        idle = self._hand_out_tests(idle) if idle else idle
        if not idle:
            return
        for search in self._store.hindsights.due():
            hindsight.advance(self._store, search)
        taken = {run_id for worker in self._workers for run_id in worker.run_ids}
        for worker, group in zip(idle, self._waiting.groups(taken), strict=False):
            worker.give(group)

    def _hand_out_tests(self, idle: list[WorkerProcess]) -> list[WorkerProcess]:
        """Range tests go first, as they take seconds; gives the workers left over."""
        taken = {worker.range_test_id for worker in self._workers}
        given = 0
        for worker, test in zip(idle, self._waiting.range_tests(taken), strict=False):
            worker.give_range_test(test)
            given += 1
        return idle[given:]

    def _end_workers(self) -> None:
        """All at once: ask, wait, kill; then mark the runs that they were training."""
        deadline = monotonic() + PARTING
        for worker in self._workers:
            worker.terminate()
        for worker in self._workers:
            worker.kill(after=max(0.0, deadline - monotonic()))
            self._read_answers(worker)
            self._release(worker, SHUT_DOWN)
        self._workers = ()
        try:
            self._write_pending()
        except StoreError as fault:
            log.warning("%s", fault)
