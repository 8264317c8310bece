"""A strategy as a Keras script: warm-up in front, optimizer behind, ready to be pasted and run.

The numbers are those of lrdash to 1e-6 of the peak rate: Keras computes in float32. Schedules go
into the optimizer. Strategies that are callbacks cannot (Keras refuses to set the rate of an
optimizer that holds a schedule), so there the warm-up is a callback too and wraps the other.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from lrdash.core.errors import UnknownName
from lrdash.strategies.base import KerasCode, Strategy
from lrdash.strategies.course import Course
from lrdash.strategies.snippet import OPS, call, literal

_WARMUP = '''
@keras.saving.register_keras_serializable()
class Warmup(keras.optimizers.schedules.LearningRateSchedule):
    """A straight line up to the peak rate over the first updates, then the schedule."""

    def __init__(self, schedule, peak, updates, start_factor):
        self.schedule = schedule
        self.peak = peak
        self.updates = updates
        self.start_factor = start_factor

    def __call__(self, step):
        step = ops.cast(step, "float32")
        share = (step + 1.0) / self.updates  # the first update never uses a rate of 0
        line = self.peak * (self.start_factor + (1.0 - self.start_factor) * share)
        after = self.schedule
        if callable(after):
            after = after(ops.maximum(step - self.updates, 0.0))
        return ops.where(step < self.updates, line, after)

    def get_config(self):
        schedule = keras.saving.serialize_keras_object(self.schedule)
        return {**vars(self), "schedule": schedule}

    @classmethod
    def from_config(cls, config):
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(**{**config, "schedule": schedule})
'''

_WARMUP_CALLBACK = '''
class WarmupThen(keras.callbacks.Callback):
    """A straight line up to the peak rate over the first updates, then the callback.

    The callback begins with the first epoch that begins after the warm-up.
    """

    def __init__(self, callback, peak, updates, start_factor, first_epoch):
        super().__init__()
        self.callback = callback
        self.peak = peak
        self.updates = updates
        self.start_factor = start_factor
        self.first_epoch = first_epoch

    def set_model(self, model):
        super().set_model(model)
        self.callback.set_model(model)

    def on_train_begin(self, logs=None):
        self.update = 0
        self.callback.on_train_begin(logs)

    def on_train_batch_begin(self, batch, logs=None):
        self.update += 1
        if self.update <= self.updates:
            share = self.update / self.updates  # the first update never uses a rate of 0
            rate = self.peak * (self.start_factor + (1.0 - self.start_factor) * share)
            self.model.optimizer.learning_rate = rate

    def on_epoch_begin(self, epoch, logs=None):
        if epoch >= self.first_epoch:
            self.callback.on_epoch_begin(epoch - self.first_epoch, logs)

    def on_epoch_end(self, epoch, logs=None):
        if epoch >= self.first_epoch:
            self.callback.on_epoch_end(epoch - self.first_epoch, logs)
'''


def keras_code(
    strategy: Strategy,
    *,
    base_lr: float,
    epochs: int,
    steps_per_epoch: int = 1,
    warmup_epochs: float = 0.0,
    warmup_start_factor: float = 0.0,
    optimizer: str = "sgd",
    momentum: float = 0.9,
    nesterov: bool = False,
    weight_decay: float = 0.004,
    batch_size: int = 32,
    loss: str = "sparse_categorical_crossentropy",
    metrics: Sequence[str] = ("accuracy",),
    label_smoothing: float = 0.0,
    more_callbacks: Sequence[str] = (),
) -> str:
    """A complete Keras script that defines `learning_rate`, `callbacks` and `optimizer`.

    Args:
        strategy: the schedule or rule.
        base_lr: peak rate.
        epochs: epochs in all, warm-up included.
        steps_per_epoch: updates an epoch.
        warmup_epochs: length of the warm-up, fractions allowed.
        warmup_start_factor: where the warm-up starts, as a share of base_lr.
        optimizer: sgd, rmsprop, adam or adamw.
        momentum: of sgd and rmsprop.
        nesterov: of sgd.
        weight_decay: of adamw.
        batch_size: examples an update, for the commented call of `fit`.
        loss: for the commented call of `compile`.
        metrics: for the commented call of `compile`.
        label_smoothing: of the loss, which then is the cross-entropy of one-hot targets.
        more_callbacks: further callbacks as Python expressions, e.g. an early stopping.

    Raises:
        InvalidField: warm-up as long as the training, or settings that the horizon does not bear.
        UnknownName: for another optimizer.
    """
    course = Course(
        strategy, base_lr=base_lr, epochs=epochs, steps_per_epoch=steps_per_epoch,
        warmup_epochs=warmup_epochs, warmup_start_factor=warmup_start_factor,
    )
    code = strategy.keras(course.horizon)
    if course.warmup:
        code = _warmed(code, course, warmup_start_factor)
    update_rule = _optimizer(optimizer, momentum, nesterov, weight_decay)
    title = (
        f"# {strategy.label}: {_counted(epochs, 'epoch')} of {_counted(steps_per_epoch, 'update')}."
        "\n# With another number of updates an epoch the rates move.\n"
    )
    blocks = [f"{title}\n{_sorted_imports(code.imports)}"]
    if code.definitions.strip():
        blocks.append(f"\n{code.definitions.strip()}\n")
    blocks.append(
        f"learning_rate = {code.learning_rate}\n"
        f"callbacks = {_listed([*code.callbacks, *more_callbacks])}\n"
        f"optimizer = {update_rule}"
    )
    minimised = literal(loss)
    if label_smoothing:
        minimised = call(
            "keras.losses.CategoricalCrossentropy", label_smoothing=float(label_smoothing)
        )
    blocks.append(_fit(epochs, batch_size, minimised, metrics))
    return "\n\n".join(blocks) + "\n"


def _warmed(code: KerasCode, course: Course, start_factor: float) -> KerasCode:
    """The code with warm-up in front."""
    peak, updates = course.horizon.base_lr, course.warmup
    if not code.callbacks:
        after = textwrap.indent(code.learning_rate, "    ").lstrip()
        return KerasCode(
            learning_rate=(
                f"Warmup(\n    schedule={after},\n    peak={literal(float(peak))},\n"
                f"    updates={updates},\n    start_factor={literal(float(start_factor))},\n)"
            ),
            definitions="\n\n\n".join(filter(None, (code.definitions.strip(), _WARMUP.strip()))),
            imports=(*code.imports, *OPS),
        )
    wrapped = tuple(
        f"WarmupThen(\n    {textwrap.indent(callback, '    ').lstrip()},\n"
        f"    peak={literal(float(peak))},\n    updates={updates},\n"
        f"    start_factor={literal(float(start_factor))},\n"
        f"    first_epoch={course.first_epoch},\n)"
        for callback in code.callbacks
    )
    both = "\n\n\n".join(filter(None, (code.definitions.strip(), _WARMUP_CALLBACK.strip())))
    return KerasCode(
        learning_rate=code.learning_rate, callbacks=wrapped, definitions=both,
        imports=code.imports,
    )


def _optimizer(name: str, momentum: float, nesterov: bool, weight_decay: float) -> str:
    """The constructor call, with the settings that the optimizer has."""
    ahead: dict[str, object] = {"nesterov": True} if nesterov else {}
    settings: dict[str, tuple[str, dict[str, object]]] = {
        "sgd": ("SGD", {"momentum": float(momentum), **ahead}),
        "rmsprop": ("RMSprop", {"momentum": float(momentum)}),
        "adam": ("Adam", {}),
        "adamw": ("AdamW", {"weight_decay": float(weight_decay)}),
    }
    if name not in settings:
        raise UnknownName("optimizer", name, settings)
    cls, arguments = settings[name]
    text = call(f"keras.optimizers.{cls}", learning_rate=0.0, **arguments)
    return text.replace("learning_rate=0.0", "learning_rate=learning_rate")


def _sorted_imports(lines: Iterable[str]) -> str:
    """Each import once; the standard library's first."""
    once = dict.fromkeys(lines)
    standard = sorted((line for line in once if "keras" not in line), key=_import_order)
    others = sorted((line for line in once if "keras" in line), key=_import_order)
    return "\n\n".join("\n".join(group) for group in (standard, others) if group)


def _import_order(line: str) -> tuple[bool, str]:
    """Plain imports before `from` imports."""
    return line.startswith("from"), line


def _listed(expressions: Sequence[str]) -> str:
    if not expressions:
        return "[]"
    inside = "".join(f"{textwrap.indent(text, '    ')},\n" for text in expressions)
    return f"[\n{inside}]"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _fit(epochs: int, batch_size: int, loss: str, metrics: Sequence[str]) -> str:
    """The commented calls of `compile` and `fit`."""
    measured = f", metrics={literal(list(metrics))}" if metrics else ""
    rows = bool(metrics) and not loss.startswith('"sparse')
    one_hot = "# The targets are one-hot rows.\n" if rows else ""
    return (
        f"{one_hot}# model.compile(optimizer=optimizer, loss={loss}{measured})\n"
        "# model.fit(\n"
        "#     x_train, y_train, validation_data=(x_val, y_val),\n"
        f"#     epochs={epochs}, batch_size={batch_size}, callbacks=callbacks,\n"
        "# )"
    )
