"""Reduce-on-plateau as callbacks of a script: Keras' own, or PyTorch's rules written out."""

from __future__ import annotations

from lrdash.planning.plan import Plan
from lrdash.strategies.plateau import Plateau
from lrdash.strategies.program import RateProgram

Lines = list[str]

WARM_UP = '''\
class WarmUp(keras.callbacks.Callback):
    """Sets the rate of every update up to the first epoch that begins after the warm-up."""

    def on_epoch_begin(self, epoch, logs=None):
        self.first = epoch * STEPS

    def on_train_batch_begin(self, batch, logs=None):
        if self.first < FIRST_EPOCH * STEPS:
            update = self.first + batch
            rate = ramp[update] if update < WARMUP else BASE_LR
            self.model.optimizer.learning_rate = float(np.float32(rate))
'''
KERAS = '''\
class ReduceOnPlateau(keras.callbacks.ReduceLROnPlateau):
    """Keras decides when to cut; the rate is kept unrounded from one cut to the next."""

    rate = BASE_LR

    def on_epoch_end(self, epoch, logs=None):
        if epoch < FIRST_EPOCH:
            return
        before = float(self.model.optimizer.learning_rate)
        super().on_epoch_end(epoch, logs)
        if float(self.model.optimizer.learning_rate) < before:
            self.rate = max(self.rate * self.factor, self.min_lr)
            self.model.optimizer.learning_rate = float(np.float32(self.rate))
'''
TORCH = '''\
class ReduceOnPlateau(keras.callbacks.Callback):
    """Cuts the rate after more than PATIENCE epochs without improvement, as PyTorch does."""

    rate = BASE_LR
    best = float("{worst}")
    wait = 0
    cooldown = 0

    def on_epoch_end(self, epoch, logs=None):
        if epoch < FIRST_EPOCH:
            return
        if logs["{monitor}"] {better} MIN_DELTA:
            self.best = logs["{monitor}"]
            self.wait = 0
        else:
            self.wait += 1
        if self.cooldown > 0:
            self.cooldown -= 1
            self.wait = 0
        if self.wait > PATIENCE:
            self.rate = min(self.rate, max(self.rate * FACTOR, MIN_LR))
            self.model.optimizer.learning_rate = float(np.float32(self.rate))
            self.cooldown = COOLDOWN
            self.wait = 0
'''


def steering_lines(plan: Plan, program: RateProgram) -> Lines:
    """The lines that leave `learning_rate` and `callbacks`; with a warm-up they use `ramp`."""
    rule = plan.strategy
    assert isinstance(rule, Plateau)  # noqa: S101 (a narrowing: others have a table)
    parts = [f"FIRST_EPOCH = {program.first_epoch}  # that begins after the warm-up", "", ""]
    if program.warmup:
        parts += [*WARM_UP.splitlines(), "", ""]
    made = _keras(rule) if rule.rules == "keras" else _torch(rule)
    first = "WarmUp(), " if program.warmup else ""
    start = "float(np.float32(ramp[0]))" if program.warmup else "float(np.float32(BASE_LR))"
    return [*parts, *made, f"learning_rate = {start}", f"callbacks = [{first}plateau]"]


def _keras(rule: Plateau) -> Lines:
    mode = "max" if rule.rising else "min"
    return [
        *KERAS.splitlines(), "", "",
        "plateau = ReduceOnPlateau(",
        f'    monitor="{rule.monitor}", mode="{mode}", factor={rule.factor!r}, '
        f"patience={rule.patience},",
        f"    min_delta={rule.min_delta!r}, cooldown={rule.cooldown}, min_lr={rule.min_lr!r},",
        ")",
    ]


def _torch(rule: Plateau) -> Lines:
    better, worst = ("> self.best +", "-inf") if rule.rising else ("< self.best -", "inf")
    text = TORCH.format(worst=worst, monitor=rule.monitor, better=better)
    return [
        f"PATIENCE, COOLDOWN = {rule.patience}, {rule.cooldown}  # epochs",
        f"FACTOR, MIN_DELTA, MIN_LR = {rule.factor!r}, {rule.min_delta!r}, {rule.min_lr!r}",
        "", "", *text.splitlines(), "", "", "plateau = ReduceOnPlateau()",
    ]
