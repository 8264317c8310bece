"""From a spec to a plan: complete, and checked across dataset, model and strategy.

A `RunSpec` checks each field for itself. Whether the fields go together is settled here, once, and
before anything costly is loaded: neither Keras nor the examples are needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrdash.datasets import DATASETS, Dataset
from lrdash.errors import InvalidField
from lrdash.models import MODELS, Model
from lrdash.spec import RunSpec
from lrdash.strategies import STRATEGIES
from lrdash.strategies.base import Rates, Rule, Strategy
from lrdash.strategies.course import Course
from lrdash.strategies.snippet import call

KERAS_LOSSES = {"cross_entropy": "sparse_categorical_crossentropy"}  # others have the same name
MAX_UPDATES = 5_000_000  # of one run; the rates of all updates are held in memory, 8 bytes each


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A run that can be trained as it stands."""

    spec: RunSpec  # complete: no default is left open
    dataset: Dataset
    model: Model
    strategy: Strategy
    train_examples: int
    validation_examples: int
    steps_per_epoch: int  # updates an epoch; the last batch may be smaller than the others
    updates: int  # in all
    parameters: int  # trainable weights
    loss: str  # cross_entropy, mse, mae or huber
    metrics: tuple[str, ...]  # what each epoch is measured by

    def course(self) -> Course:
        """A fresh course of the rate."""
        return _course(self.spec, self.strategy, self.steps_per_epoch)

    def rates(self) -> Rates:
        """The rate that each update will use, float64 [updates].

        What a rule will do is not known beforehand: its rates are those of a run whose metric
        improves in every epoch.
        """
        course = self.course()
        if course.table is not None:
            return course.table
        return np.concatenate([course.rates(epoch) for epoch in range(self.spec.epochs)])

    def keras_code(self) -> str:
        """The same recipe as a Keras script; see `lrdash.strategies.code.keras_code`."""
        spec = self.spec
        return self.strategy.keras_code(
            base_lr=spec.base_lr, epochs=spec.epochs, steps_per_epoch=self.steps_per_epoch,
            warmup_epochs=spec.warmup_epochs, warmup_start_factor=spec.warmup_start_factor,
            optimizer=spec.optimizer, momentum=spec.momentum, nesterov=spec.nesterov,
            weight_decay=spec.weight_decay, batch_size=spec.batch_size,
            loss=KERAS_LOSSES.get(self.loss, self.loss), label_smoothing=spec.label_smoothing,
            metrics=("accuracy",) if "accuracy" in self.metrics else (),
            more_callbacks=_early_stopping(spec),
        )


def _early_stopping(spec: RunSpec) -> tuple[str, ...]:
    wanted = spec.early_stopping
    if wanted is None:
        return ()
    mode = "max" if wanted.monitor.endswith("accuracy") else "min"
    return (call("keras.callbacks.EarlyStopping", mode=mode, **wanted.as_dict()),)


def make(spec: RunSpec) -> Plan:
    """Complete a spec and check it across the rooms.

    The plan's spec has every setting written out, `examples` and `loss` included; making a plan of
    it gives the same plan. Specs that differ only in defaults left out get equal ones.

    Raises:
        UnknownName: a dataset, model or strategy that does not exist.
        InvalidField: a setting that is wrong, or does not go with the others.
    """
    dataset, strategy_kind = DATASETS[spec.dataset], STRATEGIES[spec.strategy]
    model = _model(spec, dataset)
    train, validation = dataset.sizes(spec.examples)
    steps = _steps_per_epoch(spec, train)
    loss = _loss(spec, dataset)
    metrics = _metrics(dataset)
    strategy = strategy_kind(**spec.params)
    _check_monitors(spec, strategy, dataset, metrics)
    _course(spec, strategy, steps)  # refuses what the length of the training does not bear
    complete = spec.replace(
        examples=dataset.used(spec.examples), model_params=model.as_dict(),
        params=strategy.as_dict(), loss=loss,
    )
    return Plan(
        spec=complete, dataset=dataset, model=model, strategy=strategy,
        train_examples=train, validation_examples=validation,
        steps_per_epoch=steps, updates=steps * spec.epochs,
        parameters=model.parameters(dataset.shape), loss=loss, metrics=metrics,
    )


def _model(spec: RunSpec, dataset: Dataset) -> Model:
    kind = MODELS[spec.model]
    misfit = kind.misfit(dataset.shape)
    if misfit is not None:
        fit = ", ".join(name for name in MODELS if MODELS[name].misfit(dataset.shape) is None)
        problem = f"must fit the dataset {spec.dataset} ({spec.model} {misfit}; these fit: {fit})"
        raise InvalidField("model", problem, spec.model)
    return kind(**spec.model_params)


def _steps_per_epoch(spec: RunSpec, train: int) -> int:
    """Updates an epoch, the last one of what is left over."""
    if spec.batch_size > train:
        problem = f"must be at most {train}, the training examples of {spec.dataset}"
        raise InvalidField("batch_size", problem, spec.batch_size)
    steps = -(-train // spec.batch_size)
    if steps * spec.epochs > MAX_UPDATES:
        problem = (
            f"must be at most {MAX_UPDATES // steps} with {steps} updates an epoch "
            f"({MAX_UPDATES} updates in all; a larger batch_size needs fewer)"
        )
        raise InvalidField("epochs", problem, spec.epochs)
    return steps


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
    spec: RunSpec, strategy: Strategy, dataset: Dataset, metrics: tuple[str, ...]
) -> None:
    watched = {}
    if isinstance(strategy, Rule):
        watched[f"{strategy.prefix}monitor"] = strategy.monitor
    if spec.early_stopping:
        watched["early_stopping.monitor"] = spec.early_stopping.monitor
    for name, metric in watched.items():
        if metric not in metrics:
            problem = f"must be one of {', '.join(metrics)}, the metrics of {dataset.id}"
            raise InvalidField(name, problem, metric)


def _course(spec: RunSpec, strategy: Strategy, steps_per_epoch: int) -> Course:
    return Course(
        strategy, base_lr=spec.base_lr, epochs=spec.epochs, steps_per_epoch=steps_per_epoch,
        warmup_epochs=spec.warmup_epochs, warmup_start_factor=spec.warmup_start_factor,
    )
