"""Training in the process of the caller, recorded like a run of the app."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from lrdash.api.run import Run, load
from lrdash.checkpoints.folder import CheckpointFolder, interval
from lrdash.core.errors import InvalidField
from lrdash.core.events import Event, RunEnded, Sink, fan_out, stopped_after
from lrdash.core.spec import RunSpec
from lrdash.jobs.presence import Presence, StopRequests, tidy
from lrdash.planning.external import refuse
from lrdash.planning.plan import Plan, make
from lrdash.store import Store, home

if TYPE_CHECKING:
    from lrdash.training.checkpoints import CheckpointWriter

Progress = Callable[[Event], None]


def train(
    spec: RunSpec | None = None,
    *,
    build_model: Callable[[], Any] | None = None,
    data: Any = None,
    engine: str = "auto",
    name: str = "",
    progress: Progress | Literal[False] | None = None,
    **fields: Any,
) -> Run:
    """Train one run in this process, to its end.

    Ctrl-C, or Stop in the app, stops it; what was trained so far is kept. The random seeds of
    Python, NumPy and TensorFlow are set, and TensorFlow is held to repeatable operations.

    Args:
        spec: what to train; the default spec if there is none.
        build_model: makes your own Keras model, in place of a registered one; see `compare`.
        data: what that is trained on; see `compare`.
        engine: `auto` or an engine by name.
        name: shown in the app.
        progress: is told every event of the run; a fault in it ends the run. False: say nothing.
            Without it a notebook shows a line, a terminal a bar.
        fields: fields of `RunSpec`, in place of those of the spec. For your own model also `loss`,
            `metrics` and `steps_per_epoch`; see `compare`.

    Returns:
        The run, whatever its end: look at `status` and `reason`.

    Raises:
        InvalidField, UnknownName, EngineUnavailable: for a field that is wrong; then no run is
            made.
        StoreError: if the database cannot be used.
    """
    from lrdash.api.own import own_task, refuse_taken

    if build_model is not None:
        with own_task(build_model, data, spec, fields) as task:
            strategy = {"base_lr": task.rate} if task.rate else {}
            own = RunSpec(**{**strategy, **task.fields})
            return _record(check(own, engine), engine, name, progress, keep=False)
    refuse_taken(fields, data)
    prepare()
    if not isinstance(spec, RunSpec | None):
        raise InvalidField("spec", "must be a RunSpec", spec)
    plan = check(RunSpec(**fields) if spec is None else spec.replace(**fields), engine)
    return _record(plan, engine, name, progress)


def _record(
    plan: Plan, engine: str, name: str, progress: Progress | Literal[False] | None, *,
    keep: bool = True,
) -> Run:
    """Train a plan, recorded."""
    from lrdash.api.telling import told

    store = Store()
    try:
        with as_worker(store) as worker_id:
            run_id = store.runs.create(
                plan.spec, steps_per_epoch=plan.steps_per_epoch, updates=plan.updates,
                parameters=plan.parameters, engine=engine, name=name, worker_id=worker_id,
            )
            wanted = (lambda _run, event: progress(event)) if callable(progress) else progress
            with told({run_id: plan.spec.epochs}, wanted) as sink:
                _train(plan, run_id, store, engine, sink, keep=keep)
        return load(run_id, store)
    finally:
        store.close()


def prepare() -> None:
    """Settle what TensorFlow and Keras read when they are imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")


def check(spec: RunSpec, engine: str = "auto") -> Plan:
    """The plan of a spec that an engine of this name can train; TensorFlow is not needed for it.

    Raises:
        InvalidField, UnknownName: for a field that is wrong.
        DatasetUnavailable: if its data was deleted.
        EngineUnavailable: if the engine cannot train it.
        NotHere: if its model and data are a script's own.
    """
    from lrdash.training import check_engine

    check_engine(engine)
    refuse([spec])
    plan = make(spec)
    plan.dataset.require()
    check_engine(engine, plan)
    return plan


def _train(
    plan: Plan, run_id: str, store: Store, engine: str, progress: Sink | None, *, keep: bool
) -> None:
    from lrdash.jobs.commands import Commands
    from lrdash.jobs.outbox import Outbox
    from lrdash.training import train as fit

    outbox, keeper = Outbox(store.runs.record), new_keeper(keep=keep)
    tell = progress or (lambda _run_id, _event: None)
    asked = StopRequests(store, [run_id])
    began, done = monotonic(), 0

    def watch(_run_id: str, event: Event) -> None:
        nonlocal done
        done = getattr(event, "epoch", done)
        tell(run_id, event)

    try:
        fit(
            plan, run_id=run_id, sink=fan_out(outbox, watch),
            should_stop=lambda: bool(asked()), engine=engine, keeper=keeper,
            mailbox=Commands(store.branches, [run_id]),
        )
    except KeyboardInterrupt:
        seconds = monotonic() - began
        ended = RunEnded(status="stopped", reason=stopped_after(done), seconds=seconds)
        outbox(run_id, ended)
        tell(run_id, ended)
    finally:
        keeper.close()
        outbox.close()


def new_keeper(
    done: Mapping[str, int] | None = None,
    origins: Mapping[str, tuple[int, Sequence[str]]] | None = None,
    engines: Mapping[str, str] | None = None,
    *,
    keep: bool = True,
) -> CheckpointWriter:
    """The checkpoints of this machine.

    Args:
        done: epochs recorded of each run that goes on.
        origins: of those that are branches, as the store gives them.
        engines: that trained what these share with their parents, likewise.
        keep: whether there are any at all.
    """
    from lrdash.training.checkpoints import CheckpointWriter, Origin

    if not keep:
        return CheckpointWriter()
    left = {
        run: Origin(epoch=at, run_ids=line, engine=(engines or {}).get(run, ""))
        for run, (at, line) in (origins or {}).items()
    }
    return CheckpointWriter(CheckpointFolder(home()), done, interval(), left)


@contextmanager
def as_worker(store: Store) -> Iterator[str]:
    """This process as a worker of the store, its heart beating.

    What it leaves behind unfinished is marked interrupted.
    """
    worker_id = f"python-{uuid.uuid4().hex[:12]}"
    presence = Presence(store, worker_id)
    presence.begin()
    try:
        yield worker_id
    finally:
        presence.end()
        store.workers.mark_interrupted(worker_id)
        store.workers.forget(worker_id)
        tidy(store)
