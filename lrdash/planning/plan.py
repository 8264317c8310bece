"""From a spec to a plan: complete, and checked across dataset, model and strategy.

A `RunSpec` checks each field for itself. Whether the fields go together is settled here, once, and
before anything costly is loaded: neither Keras nor the examples are needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from lrdash.core.errors import InvalidField, LrdashError
from lrdash.core.spec import Facts, Piece, RunSpec
from lrdash.datasets import DATASETS, Dataset
from lrdash.models import MODELS, Model
from lrdash.planning import external
from lrdash.strategies import STRATEGIES
from lrdash.strategies.base import Rates, Rule, Strategy
from lrdash.strategies.program import RateProgram
from lrdash.strategies.rate_table import tabled
from lrdash.strategies.recorded import Recorded
from lrdash.strategies.snippet import call

KERAS_LOSSES = {"cross_entropy": "sparse_categorical_crossentropy"}  # others have the same name
MEASURED = ("loss", "val_loss", "accuracy", "val_accuracy")  # by a run of which no more is known
MAX_UPDATES = 5_000_000  # of one run; the rates of all updates are held in memory, 8 bytes each


@dataclass(frozen=True, kw_only=True)
class _Subject:
    """What a run trains, and how it is measured."""

    dataset: Dataset
    model: Model
    train_examples: int
    validation_examples: int
    steps_per_epoch: int  # updates an epoch; the last batch may be smaller than the others
    loss: str  # cross_entropy, mse, mae or huber; in words for a model from outside lrdash
    metrics: tuple[str, ...]  # what each epoch is measured by


@dataclass(frozen=True, kw_only=True)
class Plan(_Subject):
    """A run, complete and checked."""

    spec: RunSpec  # complete: every default is written out
    strategy: Strategy
    updates: int  # in all
    parameters: int  # trainable weights
    followers: tuple[Strategy | None, ...] = ()  # one a piece; None: the previous rates continue

    def program(self) -> RateProgram:
        """A fresh rate program, at the start of the run."""
        return _program(self.spec, self.strategy, self.followers, self.steps_per_epoch)

    def steered(self, piece: Piece) -> Plan:
        """The plan with a piece more, checked like any other.

        Raises:
            UnknownName, InvalidField: as in `make`.
        """
        return make(self.spec.steered(piece))

    def rates(self) -> Rates:
        """The rate that each update will use, float64 [updates].

        What a rule will do is not known beforehand: its rates are those for a metric that improves
        in every epoch.
        """
        program = self.program()
        if program.table is not None:
            return program.table
        return np.concatenate([program.rates(epoch) for epoch in range(self.spec.epochs)])

    def keras_code(self) -> str:
        """The same recipe as a Keras script; see `Strategy.keras_code`.

        Rates in pieces, or spread over another length, become a table of all of them.

        Raises:
            InvalidField: where they are not known beforehand.
        """
        spec, code = self.spec, None
        if spec.pieces or spec.horizon:
            table = self.program().table
            if table is None:
                problem = (
                    "must be known beforehand to be written as Keras code; export the script of "
                    "the run, or its rates"
                )
                raise InvalidField("strategy", problem, spec.strategy)
            code = tabled(table)
        return self.strategy.keras_code(
            base_lr=spec.base_lr, epochs=spec.epochs, steps_per_epoch=self.steps_per_epoch,
            warmup_epochs=spec.warmup_epochs, warmup_start_factor=spec.warmup_start_factor,
            code=code, optimizer=spec.optimizer, momentum=spec.momentum, nesterov=spec.nesterov,
            weight_decay=spec.weight_decay, batch_size=spec.batch_size,
            loss=KERAS_LOSSES.get(self.loss, self.loss), label_smoothing=spec.label_smoothing,
            metrics=("accuracy",) if "accuracy" in self.metrics else (),
            more_callbacks=_early_stopping(spec),
        )


def _early_stopping(spec: RunSpec) -> tuple[str, ...]:
    wanted = spec.early_stopping
    if wanted is None:
        return ()
    return (call("keras.callbacks.EarlyStopping", mode=wanted.mode, **wanted.as_dict()),)


def make(spec: RunSpec) -> Plan:
    """Complete a spec and check it across the rooms.

    The plan's spec has every setting written out, `examples` and `loss` included; making a plan of
    it gives the same plan. Specs that differ only in defaults left out get equal ones.

    Raises:
        UnknownName: a dataset, model or strategy that does not exist.
        InvalidField: a setting that is wrong, or does not go with the others.
    """
    kind = _strategy_kind(spec)
    subject = _outside(spec, spec.facts) if spec.facts else _here(spec)
    if kind is not Recorded:
        _bound_updates(spec, subject.steps_per_epoch)
    strategy, followers = kind(**spec.params), tuple(_follower(piece) for piece in spec.pieces)
    _check_monitors(spec, [strategy, *followers], subject)
    # Refuses what does not fit the length of the training.
    _program(spec, strategy, followers, subject.steps_per_epoch)
    return Plan(
        spec=_completed(spec, strategy, followers, subject), strategy=strategy,
        followers=followers, updates=subject.steps_per_epoch * spec.epochs,
        parameters=subject.model.parameters(subject.dataset.shape), **vars(subject),
    )


def shown(spec: RunSpec, *, steps_per_epoch: int, parameters: int) -> Plan:
    """The plan of a stored run, to show what it recorded.

    Placeholders replace a dataset, model or strategy that is not here, or whose settings were
    different when the run was stored: of a package that was removed, of an earlier version.

    Args:
        steps_per_epoch, parameters: as they were stored.
    """
    facts = Facts(steps_per_epoch=steps_per_epoch, parameters=parameters, metrics=MEASURED)
    outside = spec.replace(origin="import", facts=facts.as_dict())
    for known in (spec, outside):
        with suppress(LrdashError):
            return make(known)
    return make(outside.replace(strategy=Recorded.id, params={}, pieces=(), horizon=None))


def _here(spec: RunSpec) -> _Subject:
    dataset = DATASETS[spec.dataset]
    model = _model(spec, dataset)
    train, validation = dataset.sizes(spec.examples)
    return _Subject(
        dataset=dataset, model=model, train_examples=train, validation_examples=validation,
        steps_per_epoch=_steps_per_epoch(spec, dataset, train), loss=_loss(spec, dataset),
        metrics=_metrics(dataset),
    )


def _outside(spec: RunSpec, facts: Facts) -> _Subject:
    dataset, model = external.found(spec)
    train, validation = dataset.sizes()
    return _Subject(
        dataset=dataset, model=model, train_examples=train, validation_examples=validation,
        steps_per_epoch=facts.steps_per_epoch, loss=facts.loss, metrics=facts.metrics,
    )


def _completed(
    spec: RunSpec, strategy: Strategy, followers: Sequence[Strategy | None], subject: _Subject
) -> RunSpec:
    """The spec with every default written out."""
    own = {
        "examples": subject.dataset.used(spec.examples), "loss": subject.loss,
        "model_params": subject.model.as_dict(),
    }
    pieces = [
        piece if follower is None
        else piece.replace(params=follower.as_dict(), base_lr=piece.base_lr or spec.base_lr)
        for piece, follower in zip(spec.pieces, followers, strict=True)
    ]
    return spec.replace(
        **(own if spec.trainable_here else {}), params=strategy.as_dict(),
        pieces=pieces,
    )


def _model(spec: RunSpec, dataset: Dataset) -> Model:
    kind = MODELS[spec.model]
    misfit = kind.misfit(dataset.shape)
    if misfit is not None:
        fit = ", ".join(name for name in MODELS if MODELS[name].misfit(dataset.shape) is None)
        problem = f"must fit the dataset {spec.dataset} ({spec.model} {misfit}; these fit: {fit})"
        raise InvalidField("model", problem, spec.model)
    return kind(**spec.model_params)


def _steps_per_epoch(spec: RunSpec, dataset: Dataset, train: int) -> int:
    """Updates an epoch, the last one of what is left over."""
    if spec.batch_size > train:
        called = spec.dataset if spec.dataset in list(DATASETS) else dataset.label
        problem = f"must be at most {train}, the training examples of {called}"
        raise InvalidField("batch_size", problem, spec.batch_size)
    return -(-train // spec.batch_size)


def _bound_updates(spec: RunSpec, steps: int) -> None:
    if steps * spec.epochs > MAX_UPDATES:
        problem = (
            f"must be at most {MAX_UPDATES // steps} with {steps} updates an epoch "
            f"({MAX_UPDATES} updates in all; a larger batch_size needs fewer)"
        )
        raise InvalidField("epochs", problem, spec.epochs)


def _strategy_kind(spec: RunSpec) -> type[Strategy]:
    """The strategy of a run, by its name."""
    if spec.strategy == Recorded.id and not spec.trainable_here:
        return Recorded
    return STRATEGIES[spec.strategy]


def _loss(spec: RunSpec, dataset: Dataset) -> str:
    """The loss by its own name."""
    classes = dataset.task == "classification"
    if spec.loss == "cross_entropy" and not classes:
        problem = f"must be one of auto, mse, mae, huber, since {spec.dataset} has no classes"
        raise InvalidField("loss", problem, spec.loss)
    automatic = "cross_entropy" if classes else "mse"
    loss = automatic if spec.loss == "auto" else spec.loss
    if spec.label_smoothing and loss != "cross_entropy":
        problem = f"must be 0 unless the loss is cross_entropy (here it is {loss})"
        raise InvalidField("label_smoothing", problem, spec.label_smoothing)
    return loss


def _metrics(dataset: Dataset) -> tuple[str, ...]:
    losses = ("loss", "val_loss")
    return (*losses, "accuracy", "val_accuracy") if dataset.num_classes else losses


def _check_monitors(
    spec: RunSpec, strategies: Sequence[Strategy | None], subject: _Subject
) -> None:
    watched = {
        f"{strategy.prefix}monitor": strategy.monitor
        for strategy in strategies
        if isinstance(strategy, Rule)
    }
    if spec.early_stopping:
        watched["early_stopping.monitor"] = spec.early_stopping.monitor
    for name, metric in watched.items():
        if metric not in subject.metrics:
            known = ", ".join(subject.metrics)
            problem = f"must be one of {known}, the metrics of {subject.dataset.id}"
            raise InvalidField(name, problem, metric)


def _follower(piece: Piece) -> Strategy | None:
    """The strategy of a piece; None where the previous rates continue."""
    if not piece.strategy:
        return None
    strategy = STRATEGIES[piece.strategy](**piece.params)
    if piece.from_start and isinstance(strategy, Rule):
        problem = "must be off for a strategy that decides as it goes: it has no horizon"
        raise InvalidField("pieces.from_start", problem, piece.from_start)
    if piece.state and not isinstance(strategy, Rule):
        problem = "must be empty for a strategy that does not decide as it goes"
        raise InvalidField("pieces.state", problem, piece.strategy)
    return strategy


def _program(
    spec: RunSpec, strategy: Strategy, followers: Sequence[Strategy | None], steps_per_epoch: int
) -> RateProgram:
    if isinstance(strategy, Recorded):  # one rate for all: nothing is known, however long it is
        return RateProgram(strategy, base_lr=spec.base_lr, epochs=1, steps_per_epoch=1)
    return RateProgram(
        strategy, base_lr=spec.base_lr, epochs=spec.epochs, steps_per_epoch=steps_per_epoch,
        warmup_epochs=spec.warmup_epochs, warmup_start_factor=spec.warmup_start_factor,
        horizon=spec.horizon, pieces=list(zip(spec.pieces, followers, strict=True)),
    )
