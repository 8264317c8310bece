"""The reference engine: one run by `model.compile` and `model.fit` with Keras' own callbacks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras

from lrdash.core.events import Mailbox, RunEnded, Sink, no_mail, stopped_after
from lrdash.datasets.base import Split
from lrdash.planning.plan import Plan
from lrdash.strategies.program import RateProgram
from lrdash.training.checkpoints import CheckpointPolicy, CheckpointWriter
from lrdash.training.commands import RunCommands
from lrdash.training.determinism import deterministic
from lrdash.training.failures import Diverged, Stopped, Turned
from lrdash.training.keras.callbacks import Stream
from lrdash.training.keras.checkpoints import CheckpointCallback, early
from lrdash.training.keras.decisions import steering
from lrdash.training.keras.pipeline import training_batches, validation_batches
from lrdash.training.keras.rates import RateTable, first_rate
from lrdash.training.losses import loss_of, metrics_of, targets_of
from lrdash.training.optimizers import optimizer_of
from lrdash.training.own.model import recipe_of
from lrdash.training.versions import started


@deterministic()
def fit(
    plan: Plan, *, run_id: str, sink: Sink, should_stop: Callable[[], bool],
    writer: CheckpointWriter, note: str = "", mailbox: Mailbox = no_mail,
) -> RunEnded:
    """Train one run and give how it ended.

    The same plan gives the same bits on the same machine, paused or not.

    Args:
        sink: receives all events but `RunEnded`.
        should_stop: asked between batches.
        writer: has the checkpoint to resume from, and takes new ones.
        note: why this engine trains it, where another one is usual.
    """
    own = recipe_of(plan)
    split = None if own else plan.dataset.load(plan.spec.examples)
    try:
        policy = writer.start(run_id, plan, "keras")
        if should_stop():
            return RunEnded(status="stopped", reason=stopped_after(policy.epoch))
        emit, commands = partial(sink, run_id), RunCommands(run_id, mailbox, policy.recorded)
        emit(started(plan, "keras", note))
        while True:
            try:
                return _fit(plan, split, emit, should_stop, policy, commands)
            except Turned as turned:  # exact, like every resumed run
                plan = turned.turn.plan
                policy = policy.turned(plan, turned.found)
    finally:
        if not own:  # what a run leaves behind would accumulate in a warm worker
            keras.backend.clear_session()


def _fit(
    plan: Plan, split: Split | None, emit: Callable[[Any], None], should_stop: Callable[[], bool],
    policy: CheckpointPolicy, commands: RunCommands,
) -> RunEnded:
    program, own = plan.program(), recipe_of(plan)
    model = _compiled(plan, program)
    if policy.ended is not None:
        if (decision := policy.first(program)) is not None:
            emit(decision)
        return policy.ended
    stream = Stream(emit, should_stop, epoch=policy.epoch, seconds=policy.seconds)
    stopper = _stopper(plan)
    keep = CheckpointCallback(policy, plan, program, stream, commands, emit)
    before, after = steering(program, keep.hear, by_batch=own is not None and own.by_batch)
    keep.restore(model, after[0], next(iter(stopper), None))
    if (decision := policy.first(program)) is not None:
        emit(decision)
    data = _batches(plan, split, policy.epoch)
    renamed = own.callbacks() if own else []
    try:
        model.fit(
            **data,
            epochs=plan.spec.epochs,
            initial_epoch=policy.epoch,
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


def _compiled(plan: Plan, program: RateProgram) -> keras.Model:
    spec, shape, own = plan.spec, plan.dataset.shape, recipe_of(plan)
    keras.utils.set_random_seed(spec.seed)
    by_expression = program.plain and program.strategy.id == "custom"
    steered = program.table is None or by_expression or (own is not None and own.by_batch)
    rate = first_rate(program) if steered else RateTable(program.table)  # type: ignore[arg-type]
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
    return [keras.callbacks.EarlyStopping(mode=wanted.mode, **wanted.as_dict())]
