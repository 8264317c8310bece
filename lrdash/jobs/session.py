"""One training session: what a process needs to train runs of the store, assembled once.

Workers, scripts, notebooks and the shell train through a `Session`: events go through an outbox to
the store, checkpoints to their folder, and requests to stop and commands come back.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from time import monotonic

from lrdash import training
from lrdash.checkpoints import CheckpointFolder, interval
from lrdash.core.errors import EngineUnavailable
from lrdash.core.events import Command, EpochEnded, Event, RunEnded, Sink, fan_out, stopped_after
from lrdash.jobs.outbox import Outbox, patiently
from lrdash.jobs.presence import Poll, Presence, tidy
from lrdash.planning.grouping import cut
from lrdash.planning.plan import Plan, make
from lrdash.store import RunRow, Store, home
from lrdash.training.checkpoints import CheckpointWriter, Origin


class Session:
    """Trains runs in this process and records them. Use it from one thread.

    Args:
        store: where events go, and where requests to stop and commands come from.
        worker_id: this process. Runs that another worker has taken over are stopped here.
        checkpoints: write them, so that runs can be resumed and branched later.
    """

    def __init__(self, store: Store, worker_id: str, *, checkpoints: bool = True) -> None:
        self.store, self.worker_id, self._checkpoints = store, worker_id, checkpoints

    def train(
        self, plans: Mapping[str, Plan], *, engine: str = "auto",
        groups: Sequence[Sequence[int]] | None = None, done: Mapping[str, int] | None = None,
        progress: Sink | None = None,
    ) -> None:
        """Train runs of this worker to their ends, or to Ctrl-C, which stops those still training.

        Args:
            plans: by run id.
            engine: `auto` or an engine by name.
            groups: places in `plans`, each once: runs to train together; by default all of them.
            done: epochs of resumed runs that are recorded already, by run id.
            progress: receives every event, too.

        Raises:
            StoreError: if something could not be recorded.
        """
        prepare()
        run_ids, unfinished = list(plans), _Unfinished(plans, done or {})
        listeners = [progress] if progress else []
        with (
            closing(Outbox(lambda batch: self.store.runs.record(batch, self.worker_id))) as outbox,
            closing(self._writer(run_ids, done)) as writer,
        ):
            try:
                for group in groups or [range(len(run_ids))]:
                    ids = [run_ids[place] for place in group]
                    training.train_group(
                        [plans[run_id] for run_id in ids], run_ids=ids, engine=engine,
                        sink=fan_out(outbox, unfinished, *listeners), writer=writer,
                        should_stop=self._stops(ids), mailbox=self._commands(ids),
                    )
            except KeyboardInterrupt:
                for run_id, ended in unfinished.stopped():
                    fan_out(outbox, *listeners)(run_id, ended)

    def train_rows(self, rows: Iterable[RunRow], progress: Sink | None = None) -> None:
        """Train stored runs of this worker, resumed ones from their checkpoints; see `train`.

        Raises:
            InvalidField, UnknownName: for a run that cannot be planned.
        """
        for engine, some in by_engine(rows).items():
            plans = {row.run_id: make(row.spec) for row in some}
            self.train(
                plans, engine=engine, groups=cut(list(plans.values())), progress=progress,
                done={row.run_id: row.epochs_done for row in some},
            )

    def _writer(self, run_ids: Sequence[str], done: Mapping[str, int] | None) -> CheckpointWriter:
        if not self._checkpoints:
            return CheckpointWriter()
        left = patiently(lambda: self.store.branches.origins(run_ids)) if done else {}
        origins = {
            run_id: Origin(epoch=epoch, run_ids=line, engine=engine)
            for run_id, (epoch, line, engine) in left.items()
        }
        return CheckpointWriter(CheckpointFolder(home()), done, interval(), origins)

    def _stops(self, run_ids: Sequence[str]) -> Callable[[], set[str]]:
        """Asks for the runs that have to stop; one that had to stop once always has to."""
        asked = set[str]()
        poll = Poll(
            "requests to stop",
            lambda: self.store.runs.stop_requests(run_ids, self.worker_id), asked,
        )

        def stops() -> set[str]:
            asked.update(poll())
            return asked

        return stops

    def _commands(self, run_ids: Sequence[str]) -> Callable[[str], Sequence[Command]]:
        """The mailbox of some runs; it may give a command again that has been followed."""
        found: Mapping[str, Sequence[Command]] = {}
        poll = Poll("commands", lambda: self.store.branches.commands(run_ids), found)
        return lambda run_id: poll().get(run_id, ())


class _Unfinished:
    """A sink that knows which runs have not ended, and how far they are."""

    def __init__(self, run_ids: Iterable[str], done: Mapping[str, int]) -> None:
        self._epochs = {run_id: done.get(run_id, 0) for run_id in run_ids}
        self._began = monotonic()

    def __call__(self, run_id: str, event: Event) -> None:
        if isinstance(event, RunEnded):
            self._epochs.pop(run_id, None)
        elif isinstance(event, EpochEnded) and run_id in self._epochs:
            self._epochs[run_id] = max(self._epochs[run_id], event.epoch)

    def stopped(self) -> list[tuple[str, RunEnded]]:
        """The ending of each, stopped by its user."""
        seconds = monotonic() - self._began
        return [
            (run_id, RunEnded(
                status="stopped", reason=stopped_after(epochs), seconds=seconds if epochs else 0.0
            ))
            for run_id, epochs in self._epochs.items()
        ]


@contextmanager
def in_process(store: Store, *, checkpoints: bool = True) -> Iterator[Session]:
    """A session of this process, a worker of the store for as long as it lasts.

    What it leaves unfinished is marked interrupted.
    """
    prepare()
    worker_id = f"python-{uuid.uuid4().hex[:12]}"
    presence = Presence(store, worker_id)
    patiently(presence.begin)
    try:
        yield Session(store, worker_id, checkpoints=checkpoints)
    finally:
        presence.end()
        patiently(lambda: store.workers.mark_interrupted(worker_id))
        patiently(lambda: store.workers.forget(worker_id))
        tidy(store)


def by_engine(rows: Iterable[RunRow]) -> dict[str, list[RunRow]]:
    """Runs as the store lists them, newest first, by the engine that they ask for, oldest first."""
    found: dict[str, list[RunRow]] = {}
    for row in reversed(list(rows)):
        found.setdefault(row.engine, []).append(row)
    return found


def prepare() -> None:
    """Set what TensorFlow and Keras read when they are imported.

    Raises:
        EngineUnavailable: if Keras uses, or is to use, another backend.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if "keras" in sys.modules:
        backend = sys.modules["keras"].config.backend()
    if backend != "tensorflow":
        raise EngineUnavailable(
            f"lrdash trains with TensorFlow, but Keras uses {backend} in this process. Set "
            "KERAS_BACKEND=tensorflow before Keras is imported, or train with your own fit and "
            "watch it with lrdash.Monitor."
        )
