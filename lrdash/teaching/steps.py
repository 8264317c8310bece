"""The algorithms of the callbacks, step by step, in words and in code.

Sources: keras.callbacks.ReduceLROnPlateau and LearningRateScheduler (Keras 3.15),
torch.optim.lr_scheduler.ReduceLROnPlateau; the names of the variables are shortened.
"""

from __future__ import annotations

from dataclasses import dataclass

from lrdash.core.wording import plural
from lrdash.strategies.plateau import Plateau

# Places of the steps; the two rules count the cooldown down at different ones.
READ, BETTER, WORSE, PATIENCE, CUT, AGAIN = 0, 3, 4, 5, 6, 7
COUNTDOWN = {"keras": 1, "torch": 4}
COMPARE = {"keras": 2, "torch": 1}
KEPT = {"keras": 3, "torch": 2}
WAIT = {"keras": 4, "torch": 3}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of an algorithm."""

    title: str  # in words
    code: str  # one line of Python


def plateau_steps(rule: Plateau) -> tuple[Step, ...]:
    """The eight steps of the plateau rule, in the order in which Keras or PyTorch take them."""
    read = Step(title="Read the watched metric", code=f'value = logs["{rule.monitor}"]')
    return (read, *(_torch(rule) if rule.rules == "torch" else _keras(rule)), *_end(rule))


def scheduler_steps(expression: str) -> tuple[Step, ...]:
    """What LearningRateScheduler does as each epoch begins, with the code of the schedule given."""
    return (
        Step(title="Read the rate in force", code="lr = optimizer.learning_rate"),
        Step(title="Ask the schedule for the new one", code=f"new = {expression}"),
        Step(title="Set it for the epoch that begins", code="optimizer.learning_rate = new"),
    )


def _keras(rule: Plateau) -> tuple[Step, ...]:
    return (
        Step(title="Count the cooldown down", code="if cooldown > 0: cooldown -= 1; wait = 0"),
        Step(title="Compare with the best so far", code=_comparison(rule)),
        Step(title="Better: keep it as the new best", code="best = value; wait = 0"),
        Step(title="Not better: wait one more epoch, unless resting",
             code="elif cooldown == 0: wait += 1"),
    )


def _torch(rule: Plateau) -> tuple[Step, ...]:
    return (
        Step(title="Compare with the best so far", code=_comparison(rule)),
        Step(title="Better: keep it as the new best", code="best = value; wait = 0"),
        Step(title="Not better: wait one more epoch", code="else: wait += 1"),
        Step(title="Rest during the cooldown", code="if cooldown > 0: cooldown -= 1; wait = 0"),
    )


def _end(rule: Plateau) -> tuple[Step, ...]:
    torch = rule.rules == "torch"
    sign = ">" if torch else ">="
    floor = "" if torch else "if rate > min_lr: "
    return (
        Step(title="Is the patience used up?", code=f"if wait {sign} {rule.patience}:"),
        Step(title="Cut the rate, but not below the lowest",
             code=f"{floor}rate = max(rate * {rule.factor:g}, {rule.min_lr:g})"),
        Step(title="Start again, with a rest", code=f"wait = 0; cooldown = {rule.cooldown}"),
    )


def _comparison(rule: Plateau) -> str:
    sign = ("> best +" if rule.rising else "< best -") if rule.min_delta else ""
    margin = f"{sign} {rule.min_delta:g}" if sign else f"{'>' if rule.rising else '<'} best"
    return f"if value {margin}:"


def remarks(rule: Plateau) -> tuple[str, ...]:
    """Surprising effects of these settings, in sentences; often none."""
    found = []
    if rule.rules == "keras" and rule.cooldown == 1:
        found.append("Keras decreases the cooldown before it compares, so a cooldown of 1 has no "
                     "effect.")
    elif rule.rules == "keras" and rule.cooldown > 1:
        found.append(f"Keras decreases the cooldown before it compares, so a cooldown of "
                     f"{rule.cooldown} lasts {plural(rule.cooldown - 1, 'epoch')}.")
    if rule.rules == "keras" and rule.patience == 0:
        found.append("A patience of 0 acts as 1: the wait is increased before it is compared.")
    if rule.rules == "torch":
        found.append("PyTorch cuts when the wait is above the patience, one epoch later than "
                     "Keras, and compares the first value with infinity.")
    known = rule.monitor.removeprefix("val_") in ("loss", "accuracy")  # a script's may be others
    if known and rule.mode != "auto" and rule.rising != rule.monitor.endswith("accuracy"):
        found.append(f"Mode {rule.mode} counts a worse {rule.monitor} as better, so the rate falls "
                     "while training goes well.")
    return tuple(found)
