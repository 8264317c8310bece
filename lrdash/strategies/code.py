"""A strategy as a Keras script: warm-up in front, optimizer behind, ready to be pasted and run.

The numbers are those of lrdash to 1e-6 of the peak rate: Keras computes in float32. Schedules go
into the optimizer. Strategies that are callbacks cannot (Keras refuses to set the rate of an
optimizer that holds a schedule), so there the warm-up is a callback too and wraps the other.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from lrdash.core.errors import UnknownName
from lrdash.core.wording import plural
from lrdash.strategies.horizon import WarmUp
from lrdash.strategies.snippet import OPS, KerasCode, call, literal

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


def keras_script(
    code: KerasCode, *, label: str, epochs: int, steps_per_epoch: int, optimizer: str,
    momentum: float, nesterov: bool, weight_decay: float, batch_size: int, loss: str,
    metrics: Sequence[str], label_smoothing: float, more_callbacks: Sequence[str],
) -> str:
    """The script of a strategy's code; see `Strategy.keras_code` for the other arguments.

    Raises:
        UnknownName: for another optimizer.
    """
    update_rule = _optimizer(optimizer, momentum, nesterov, weight_decay)
    title = (
        f"# {label}: {plural(epochs, 'epoch')} of {plural(steps_per_epoch, 'update')}."
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


def warmed(code: KerasCode, warmup: WarmUp, peak: float) -> KerasCode:
    """The code with warm-up in front, where there is one."""
    if not warmup.updates:
        return code
    start_factor = literal(float(warmup.start_factor))
    if not code.callbacks:
        after = textwrap.indent(code.learning_rate, "    ").lstrip()
        return KerasCode(
            learning_rate=(
                f"Warmup(\n    schedule={after},\n    peak={literal(float(peak))},\n"
                f"    updates={warmup.updates},\n    start_factor={start_factor},\n)"
            ),
            definitions="\n\n\n".join(filter(None, (code.definitions.strip(), _WARMUP.strip()))),
            imports=(*code.imports, *OPS),
        )
    wrapped = tuple(
        f"WarmupThen(\n    {textwrap.indent(callback, '    ').lstrip()},\n"
        f"    peak={literal(float(peak))},\n    updates={warmup.updates},\n"
        f"    start_factor={start_factor},\n"
        f"    first_epoch={warmup.first_epoch},\n)"
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
    foreign = [line for line in once if "keras" in line or "numpy" in line]
    standard = sorted((line for line in once if line not in foreign), key=_import_order)
    others = sorted(foreign, key=_import_order)
    return "\n\n".join("\n".join(group) for group in (standard, others) if group)


def _import_order(line: str) -> tuple[bool, str]:
    """Plain imports before `from` imports."""
    return line.startswith("from"), line


def _listed(expressions: Sequence[str]) -> str:
    if not expressions:
        return "[]"
    inside = "".join(f"{textwrap.indent(text, '    ')},\n" for text in expressions)
    return f"[\n{inside}]"


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
