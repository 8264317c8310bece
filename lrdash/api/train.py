"""Training in the process of the caller, recorded like a run of the app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from lrdash.api.checks import base_spec, check
from lrdash.api.own import task_of
from lrdash.api.reporting import reporting
from lrdash.api.results.run import Run, load_run
from lrdash.core.events import Event
from lrdash.core.spec import RunSpec
from lrdash.jobs.session import in_process
from lrdash.planning.plan import Plan
from lrdash.store import open_store

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

    Ctrl-C, or Stop in the app, stops it; its epochs so far are kept. The random seeds of Python,
    NumPy and TensorFlow are set, and TensorFlow uses repeatable operations.

    Args:
        spec: what to train; by default the default spec.
        build_model: makes your own Keras model; see `compare`.
        data: what it is trained on; see `compare`.
        engine: `auto` or an engine by name.
        name: shown in the app.
        progress: receives every event of the run; a fault in it ends the run. False: show nothing.
            By default a notebook shows a line, a terminal a bar.
        fields: fields of `RunSpec` that replace those of the spec. For your own model also `loss`,
            `metrics` and `steps_per_epoch`; see `compare`.

    Returns:
        The run, however it ended: see `status` and `reason`.

    Raises:
        InvalidField, UnknownName, EngineUnavailable: for a wrong field; then no run is made.
        StoreError: if the database cannot be used.
    """
    with task_of(build_model, data, spec, fields) as task:
        strategy = {"base_lr": task.rate} if task.rate else {}
        plan = check(base_spec(task.spec, {**strategy, **task.fields}), engine)
        return _train(plan, engine, name, progress, checkpoints=not task.own)


def _train(
    plan: Plan, engine: str, name: str, progress: Progress | Literal[False] | None, *,
    checkpoints: bool,
) -> Run:
    wanted = (lambda _run_id, event: progress(event)) if callable(progress) else progress
    with open_store() as store:
        with in_process(store, checkpoints=checkpoints) as session:
            run_id = store.runs.add(
                plan, engine=engine, name=name, worker_id=session.worker_id
            )
            with reporting({run_id: plan.spec.epochs}, wanted) as sink:
                session.train({run_id: plan}, engine=engine, progress=sink)
        return load_run(run_id, store)
