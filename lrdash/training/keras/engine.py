"""The reference engine: one run by `model.compile` and `model.fit` with Keras' own callbacks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from lrdash.core.events import Mailbox, RunEnded, RunStarted, Sink, no_mail, stopped_after
from lrdash.datasets.base import Split
from lrdash.planning.plan import Plan
from lrdash.strategies.program import RateProgram
from lrdash.training.checkpoints import CheckpointPolicy, CheckpointWriter
from lrdash.training.failures import Diverged, Stopped, Turned
from lrdash.training.keras.callbacks import Stream
from lrdash.training.keras.checkpoints import CheckpointCallback, Watchers, early
from lrdash.training.keras.decisions import steering
from lrdash.training.keras.pipeline import training_batches, validation_batches
from lrdash.training.keras.rates import RateTable, first_rate
from lrdash.training.losses import loss_of, metrics_of, targets_of
from lrdash.training.optimizers import optimizer_of
from lrdash.training.own.model import recipe_of
from lrdash.training.steering import RunCommands
from lrdash.training.versions import versions


def fit(
    plan: Plan, *, run_id: str, sink: Sink, should_stop: Callable[[], bool],
    keeper: CheckpointWriter, note: str = "", mailbox: Mailbox = no_mail,
) -> RunEnded:
    """Train one run; the same plan gives the same bits on the same machine, paused or not.

    Args:
        plan: what to train.
        run_id: stands beside each event.
        sink: receives all events but `RunEnded`.
        should_stop: asked between batches.
        keeper: has the checkpoint to go on from, and takes new ones.
        note: why this engine, where another is usual.
        mailbox: where commands of its user arrive.

    Returns:
        How the run ended.
    """
    own = recipe_of(plan)
    split = None if own else plan.dataset.load(plan.spec.examples)
    try:
        notes = keeper.start(run_id, plan, "keras")
        if should_stop():
            return RunEnded(status="stopped", reason=stopped_after(notes.epoch))
        emit, wheel = partial(sink, run_id), RunCommands(run_id, mailbox, notes.recorded)
        emit(_started(plan, note))
        while True:
            try:
                return _fit(plan, split, emit, should_stop, notes, wheel)
            except Turned as turned:  # exact, as every run that goes on from a checkpoint
                plan = turned.turn.plan
                notes = notes.turned(plan, turned.found)
    finally:
        if not own:  # what a run leaves behind would pile up in a warm worker
            keras.backend.clear_session()


def _fit(
    plan: Plan, split: Split | None, emit: Callable[[Any], None], should_stop: Callable[[], bool],
    notes: CheckpointPolicy, wheel: RunCommands,
) -> RunEnded:
    course, own = plan.program(), recipe_of(plan)
    model = _compiled(plan, course)
    if notes.ended is not None:
        decision = course.reported(notes.decision, notes.epoch)
        if decision is not None:
            emit(decision)
        return notes.ended
    stream = Stream(emit, should_stop, epoch=notes.epoch, seconds=notes.seconds)
    stopper = _stopper(plan)
    keep = CheckpointCallback(notes, plan, course, stream, wheel, emit)
    before, after = steering(course, keep.hear)
    keep.restore(model, Watchers(rule=after[0], stopper=next(iter(stopper), None)))
    first = course.reported(notes.decision, notes.epoch) if notes.found else course.before_start()
    if first is not None:
        emit(first)
    data = _batches(plan, split, notes.epoch)
    renamed = own.callbacks() if own else []
    try:
        model.fit(
            **data,
            epochs=plan.spec.epochs,
            initial_epoch=notes.epoch,
            verbose=0,
            shuffle=False,
            callbacks=[*renamed, *before, stream, *after, *stopper, keep],
        )
    except Stopped:
        reason = stopped_after(stream.epochs_done)
        return RunEnded(status="stopped", reason=reason, seconds=stream.seconds)
    except Diverged as fault:
        return RunEnded(status="diverged", reason=str(fault), seconds=stream.seconds)
    return RunEnded(
        status="finished", reason=early(plan, stream.model, stream.epochs_done),
        seconds=stream.seconds,
    )


def _compiled(plan: Plan, course: RateProgram) -> keras.Model:
    spec, shape, own = plan.spec, plan.dataset.shape, recipe_of(plan)
    keras.utils.set_random_seed(spec.seed)
    tf.config.experimental.enable_op_determinism()
    by_expression = course.plain and course.strategy.id == "custom"
    steered = course.table is None or by_expression
    rate = first_rate(course) if steered else RateTable(course.table)  # type: ignore[arg-type]
    if own:
        return own.compiled(spec, rate)
    model = plan.model.build(shape)
    model.compile(
        optimizer=optimizer_of(spec, rate),
        loss=loss_of(spec, plan.loss),
        metrics=metrics_of(spec, plan.loss, shape),
        jit_compile=False,  # XLA has no deterministic form of some operations
    )
    return model


def _batches(plan: Plan, split: Split | None, first: int) -> dict[str, Any]:
    spec, shape, own = plan.spec, plan.dataset.shape, recipe_of(plan)
    if own or split is None:
        return own.data.fitting(epochs=spec.epochs, seed=spec.seed) if own else {}
    train, validation = (
        targets_of(labels, spec, plan.loss, shape) for labels in (split.y_train, split.y_val)
    )
    return {
        "x": training_batches(
            split.x_train, train, batch_size=spec.batch_size, epochs=spec.epochs, seed=spec.seed,
            first=first,
        ),
        "validation_data": validation_batches(
            split.x_val, validation, batch_size=spec.batch_size
        ),
        "steps_per_epoch": plan.steps_per_epoch,
    }


def _stopper(plan: Plan) -> list[Any]:
    wanted = plan.spec.early_stopping
    if wanted is None:
        return []
    return [
        keras.callbacks.EarlyStopping(
            monitor=wanted.monitor,
            mode="max" if wanted.monitor.endswith("accuracy") else "min",
            patience=wanted.patience,
            min_delta=wanted.min_delta,
            restore_best_weights=wanted.restore_best_weights,
        )
    ]


def _started(plan: Plan, note: str) -> RunStarted:
    return RunStarted(
        engine="keras",
        parameters=plan.parameters,
        steps_per_epoch=plan.steps_per_epoch,
        updates=plan.updates,
        versions=versions(),
        note=note,
    )
