"""The reference engine: one run by `model.compile` and `model.fit` with Keras' own callbacks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lrdash.datasets.base import Split
from lrdash.events import RunEnded, RunStarted, Sink, stopped_after
from lrdash.plan import Plan
from lrdash.strategies.course import Course
from lrdash.training.callbacks import Stream
from lrdash.training.decisions import steering
from lrdash.training.failures import Diverged, Stopped
from lrdash.training.keep import Keep, early
from lrdash.training.keeping import Keeper, Notes
from lrdash.training.losses import loss_of, metrics_of, targets_of
from lrdash.training.optimizers import optimizer_of
from lrdash.training.pipeline import training_batches, validation_batches
from lrdash.training.rates import RateTable, first_rate
from lrdash.training.versions import versions


def fit(
    plan: Plan, *, run_id: str, sink: Sink, should_stop: Callable[[], bool], keeper: Keeper,
    note: str = "",
) -> RunEnded:
    """Train one run; the same plan gives the same bits on the same machine, paused or not.

    Args:
        plan: what to train.
        run_id: stands beside each event.
        sink: receives all events but `RunEnded`.
        should_stop: asked between batches.
        keeper: has the checkpoint to go on from, and takes new ones.
        note: why this engine, where another is usual.

    Returns:
        How the run ended.
    """
    split = plan.dataset.load(plan.spec.examples)
    try:
        notes = keeper.start(run_id, plan, "keras")
        return _fit(plan, split, partial(sink, run_id), should_stop, notes, note)
    finally:
        keras.backend.clear_session()  # what a run leaves behind would pile up in a warm worker


def _fit(
    plan: Plan, split: Split, emit: Callable[[Any], None], should_stop: Callable[[], bool],
    notes: Notes, note: str,
) -> RunEnded:
    if should_stop():
        return RunEnded(status="stopped", reason=stopped_after(notes.epoch))
    course = plan.course()
    model = _compiled(plan, course)
    emit(_started(plan, model, note))
    first = notes.decision if notes.found else course.before_start()
    if first is not None:
        emit(first)
    if notes.ended is not None:
        return notes.ended
    stream = Stream(emit, should_stop, epoch=notes.epoch, seconds=notes.seconds)
    stopper = _stopper(plan)
    keep = Keep(notes, plan, course, stream)
    before, after = steering(course, keep.hearing(emit))
    keep.restore(model, [*after, *stopper])
    data = _batches(plan, split, notes.epoch)
    try:
        model.fit(
            **data,
            epochs=plan.spec.epochs,
            initial_epoch=notes.epoch,
            steps_per_epoch=plan.steps_per_epoch,
            verbose=0,
            shuffle=False,
            callbacks=[*before, stream, *after, *stopper, keep],
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


def _compiled(plan: Plan, course: Course) -> keras.Model:
    spec, shape = plan.spec, plan.dataset.shape
    keras.utils.set_random_seed(spec.seed)
    tf.config.experimental.enable_op_determinism()
    model = plan.model.build(shape)
    steered = course.table is None or course.strategy.id == "custom"
    rate = first_rate(course) if steered else RateTable(course.table)  # type: ignore[arg-type]
    model.compile(
        optimizer=optimizer_of(spec, rate),
        loss=loss_of(spec, plan.loss),
        metrics=metrics_of(spec, plan.loss, shape),
        jit_compile=False,  # XLA has no deterministic form of some operations
    )
    return model


def _batches(plan: Plan, split: Split, first: int) -> dict[str, Any]:
    spec, shape = plan.spec, plan.dataset.shape
    train, validation = (
        targets_of(labels, spec, plan.loss, shape) for labels in (split.y_train, split.y_val)
    )
    return {
        "x": training_batches(
            split.x_train, train, batch_size=spec.batch_size, epochs=spec.epochs, seed=spec.seed,
            first=first,
        ),
        "validation_data": validation_batches(split.x_val, validation, spec.batch_size),
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


def _started(plan: Plan, model: keras.Model, note: str) -> RunStarted:
    return RunStarted(
        engine="keras",
        parameters=sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        steps_per_epoch=plan.steps_per_epoch,
        updates=plan.updates,
        versions=versions(),
        note=note,
    )
