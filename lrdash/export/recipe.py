"""One run's recipe in sections: a complete Keras program that does not need lrdash.

It trains with the same initial weights, the same batches in the same order and the same rate
for every update as the Keras engine, and so ends with the same metrics.
"""

from __future__ import annotations

from dataclasses import dataclass

from lrdash.analysis.words import OPTIMIZERS
from lrdash.core.errors import InvalidField
from lrdash.core.source import modules_of
from lrdash.export.samples import data_lines
from lrdash.export.steering import steering_lines
from lrdash.planning.external import refuse
from lrdash.planning.plan import Plan
from lrdash.strategies.base import Horizon, Rates, Schedule
from lrdash.strategies.plateau import Plateau
from lrdash.strategies.program import RateProgram
from lrdash.strategies.rate_table import table_lines

VALIDATION_BATCH = 512  # as in training: the batches of validation are at least so large
LOSSES = {"mse": "MeanSquaredError", "mae": "MeanAbsoluteError", "huber": "Huber"}

Lines = list[str]


@dataclass(frozen=True, kw_only=True)
class Section:
    """One step of the recipe."""

    title: str
    text: str  # what it does, in a sentence or two
    code: str  # Python, without a newline at its end


def sections(plan: Plan, used: Rates | None = None) -> list[Section]:
    """The recipe, step by step.

    Args:
        used: the rate of each update of a finished run, for those that no plan knows beforehand.

    Raises:
        InvalidField: for a dataset, model or strategy that is not written for scripts.
        NotHere: for a run whose model and data lrdash does not have.
    """
    refuse([plan.spec])
    steps = [
        ("Settings", _settings_text(plan), _settings(plan)),
        ("Data", f"{plan.dataset.label}: {plan.dataset.scaling}",
         [*data_lines(plan.dataset, plan.spec.examples or 0), "", *_targets(plan)]),
        ("Model", f"{plan.model.label}, {plan.parameters:,} trainable weights.",
         ["keras.utils.set_random_seed(SEED)",
          "tf.config.experimental.enable_op_determinism()",
          *plan.model.keras_code(plan.dataset.shape)]),
        ("Learning rate", _rates_text(plan), _rates(plan, used)),
        ("Training", "The batches follow one seeded permutation of the examples an epoch.",
         _training(plan)),
        ("Result", "What the last epoch measured.", _result(plan)),
    ]
    return [
        Section(title=title, text=text, code="\n".join(lines).strip("\n"))
        for title, text, lines in steps
    ]


def _settings_text(plan: Plan) -> str:
    return (
        f"{plan.train_examples:,} examples train and {plan.validation_examples:,} validate; "
        f"{plan.steps_per_epoch:,} updates an epoch."
    )


def _settings(plan: Plan) -> Lines:
    spec = plan.spec
    return [
        "import os", "",
        'os.environ.setdefault("KERAS_BACKEND", "tensorflow")', "",
        "import keras", "import numpy as np", "import tensorflow as tf", "",
        f"SEED = {spec.seed}",
        f"EPOCHS = {spec.epochs}",
        f"BATCH_SIZE = {spec.batch_size}",
        f"STEPS = {plan.steps_per_epoch}  # updates an epoch",
        f"BASE_LR = {spec.base_lr!r}  # the peak rate",
    ]


def _targets(plan: Plan) -> Lines:
    shape = plan.dataset.shape
    parts = ("y_train", "y_val")
    if shape.task == "regression":
        return [f"{part} = {part}.reshape(-1, 1)" for part in parts]
    if _sparse(plan):
        return [f"{part} = {part}.astype(np.int32)" for part in parts]
    return [
        "# The loss wants one-hot rows.",
        *(f"{part} = np.eye({shape.num_classes}, dtype=np.float32)[{part}]" for part in parts),
    ]


def _rates_text(plan: Plan) -> str:
    later = (f"After epoch {one.start}: {one.text}." for one in plan.program().segments[1:])
    return " ".join((plan.strategy.sentence(), *later))


def _rates(plan: Plan, used: Rates | None) -> Lines:
    program, spec = plan.program(), plan.spec
    if not program.plain or not isinstance(plan.strategy, Schedule | Plateau):
        return [*table_lines(_every_rate(program, used)), "", *TABLE.splitlines()]
    warm = [
        f"WARMUP = {program.warmup}  # updates",
        "line = np.arange(1, WARMUP + 1, dtype=np.float64) / WARMUP",
        f"start = {spec.warmup_start_factor!r}  # share of the peak rate",
        "ramp = BASE_LR * (start + (1.0 - start) * line)",
    ]
    if not isinstance(plan.strategy, Schedule):
        return [*(warm if program.warmup else []), *steering_lines(plan, program)]
    lines = rate_lines(plan.strategy, program.horizon)
    if program.warmup:
        lines = [*lines, "", *warm, "rates = np.concatenate([ramp, rates])"]
    return [*lines, "", *TABLE.splitlines()]


def rate_lines(schedule: Schedule, horizon: Horizon) -> Lines:
    """The lines that leave the rate of every update after warm-up in `rates`, float64 [UPDATES].

    Raises:
        InvalidField: for a strategy that cannot be written as a script.
    """
    text = schedule.text(horizon)
    return [
        *modules_of(text.definitions), "", "", *text.definitions.splitlines(), "", "",
        f"UPDATES = {horizon.updates}", "t = np.arange(UPDATES, dtype=np.float64)", *text.lines,
    ]


def _every_rate(program: RateProgram, used: Rates | None) -> Rates:
    """The rate of each update, in pieces or by a rule that only another package has."""
    if program.table is not None:
        return program.table
    if used is None:
        problem = (
            "must not be a rule that watches a metric, with other rates in between or of another "
            "package, before the run is finished, to be written as a script"
        )
        raise InvalidField("strategy", problem, program.strategy.id)
    return used


TABLE = '''\

class RateTable(keras.optimizers.schedules.LearningRateSchedule):
    """Looks the rate of each update up in a table, so that nothing is rounded twice."""

    def __init__(self, rates):
        self.rates = tf.constant(rates, tf.float32)

    def __call__(self, step):
        return tf.gather(self.rates, tf.minimum(tf.cast(step, tf.int32), len(self.rates) - 1))

    def get_config(self):
        return {"rates": self.rates.numpy().tolist()}


learning_rate = RateTable(rates)
callbacks = []'''


def _training(plan: Plan) -> Lines:
    return [
        "", "def batches():",
        "    for epoch in range(EPOCHS):",
        "        order = np.random.default_rng([SEED, epoch]).permutation(len(x_train))",
        "        for first in range(0, len(x_train), BATCH_SIZE):",
        "            chosen = order[first : first + BATCH_SIZE]",
        "            yield x_train[chosen], y_train[chosen]",
        "", "",
        *_early_stopping(plan),
        "model.compile(",
        f"    optimizer={_optimizer(plan)},",
        f"    loss={_loss(plan)},",
        f"    metrics={_metrics(plan)},",
        "    jit_compile=False,",
        ")",
        "history = model.fit(",
        "    batches(), epochs=EPOCHS, steps_per_epoch=STEPS, shuffle=False, verbose=2,",
        "    callbacks=callbacks,",
        "    validation_data=(x_val, y_val),",
        f"    validation_batch_size=max(BATCH_SIZE, {VALIDATION_BATCH}),",
        ").history",
    ]


RESTARTED = '''\
class EarlyStopping(keras.callbacks.EarlyStopping):
    """Its patience starts again where other rates take over."""

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if epoch + 1 in {epochs}:
            self.wait = self.stopped_epoch = 0
            self.model.stop_training = False
'''


def _early_stopping(plan: Plan) -> Lines:
    wanted, pieces = plan.spec.early_stopping, [piece.epoch for piece in plan.spec.pieces]
    if wanted is None:
        return []
    restarted = [*RESTARTED.format(epochs=pieces).splitlines(), "", ""] if pieces else []
    return [
        *restarted,
        "callbacks.append(",
        f"    {'EarlyStopping' if pieces else 'keras.callbacks.EarlyStopping'}(",
        f'        monitor="{wanted.monitor}", mode="{wanted.mode}", patience={wanted.patience},',
        f"        min_delta={wanted.min_delta!r}, "
        f"restore_best_weights={wanted.restore_best_weights},",
        "    )", ")",
    ]


def _optimizer(plan: Plan) -> str:
    spec = plan.spec
    more = {
        "sgd": f", momentum={spec.momentum!r}" + (", nesterov=True" * spec.nesterov),
        "rmsprop": f", momentum={spec.momentum!r}", "adam": "",
        "adamw": f", weight_decay={spec.weight_decay!r}",
    }[spec.optimizer]
    return f"keras.optimizers.{OPTIMIZERS[spec.optimizer]}(learning_rate{more})"


def _loss(plan: Plan) -> str:
    if plan.loss in LOSSES:
        return f"keras.losses.{LOSSES[plan.loss]}()"
    if plan.spec.label_smoothing:
        smoothing = f"label_smoothing={plan.spec.label_smoothing!r}"
        return f"keras.losses.CategoricalCrossentropy({smoothing})"
    return "keras.losses.SparseCategoricalCrossentropy()"


def _metrics(plan: Plan) -> str:
    if plan.dataset.task == "regression":
        return "[]"
    kind = "SparseCategoricalAccuracy" if _sparse(plan) else "CategoricalAccuracy"
    return f'[keras.metrics.{kind}(name="accuracy")]'


def _sparse(plan: Plan) -> bool:
    return plan.loss == "cross_entropy" and not plan.spec.label_smoothing


def _result(plan: Plan) -> Lines:
    shown = [name for name in ("loss", "val_loss", "val_accuracy") if name in plan.metrics]
    return [f'print(f"{name}: {{history[\'{name}\'][-1]:.6f}}")' for name in shown]
