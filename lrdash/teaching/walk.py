"""Reduce on plateau, epoch by epoch: which steps it took, and what they decided.

The rule itself (`lrdash.strategies.plateau`) decides everything; what happened is read off its
states before and after, so there is no second copy of the algorithm that could differ.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from lrdash.core.events import finite
from lrdash.strategies.plateau import Plateau
from lrdash.teaching import steps
from lrdash.teaching.moments import (
    Moment,
    Outcome,
    Recorded,
    Variable,
    Walk,
    digits,
    held,
    variable,
)

State = dict[str, Any]


class Turn(NamedTuple):
    """What lies between two states of the rule."""

    before: State
    after: State
    outcome: Outcome
    wait: int  # as counted, before a cut sets it to 0


def walk_plateau(rule: Plateau, recorded: Recorded) -> Walk:
    """The walk of the rule, with the settings that it had or others, over a recorded metric.

    Returns:
        One moment an epoch, those of the warm-up included, in which the rule is asleep; none for
        epochs without the metric.
    """
    state, moments = rule.start(recorded.base_lr), []
    for epoch, value in enumerate(recorded.values, start=1):
        if epoch in recorded.missing:
            continue
        if epoch <= len(recorded.lead):
            moments.append(_asleep(rule, recorded, epoch))
            continue
        after, decision = rule.decide(state, epoch, value)
        moments.append(_moment(rule, _turn(rule, state, after), value, decision.reason, epoch))
        state = after
    return Walk(
        kind=rule.rules, steps=steps.plateau_steps(rule), moments=tuple(moments),
        patience=rule.patience,
    )


def _turn(rule: Plateau, before: State, after: State) -> Turn:
    torch = rule.rules == "torch"
    resting = before["cooldown"] - (0 if torch else 1)  # Keras counts down before it judges
    if before["best"] != after["best"]:
        return Turn(before, after, "improved", 0)
    if resting > 0:
        return Turn(before, after, "resting", 0)
    wait = (0 if before["cooldown"] else before["wait"]) + 1
    if after["rate"] < before["rate"]:
        return Turn(before, after, "cut", wait)
    full = wait > rule.patience if torch else wait >= rule.patience
    return Turn(before, after, "floor" if full else "waited", wait)


def _moment(rule: Plateau, turn: Turn, value: float, reason: str, epoch: int) -> Moment:
    before, after, outcome, wait = turn
    decided = {
        "improved": steps.KEPT[rule.rules], "waited": steps.WAIT[rule.rules],
        "cut": steps.CUT, "floor": steps.CUT,
        "resting": steps.COUNTDOWN["torch"] if rule.rules == "torch" else steps.WAIT["keras"],
    }
    return Moment(
        epoch=epoch, outcome=outcome, step=decided[outcome],
        notes=_notes(rule, turn, value, reason), variables=_variables(rule, turn, value),
        words=reason, rate=before["rate"], rate_after=after["rate"], value=finite(value),
        best=finite(_number(after["best"])), bar=_bar(rule, before), wait=wait,
    )


def _notes(rule: Plateau, turn: Turn, value: float, reason: str) -> dict[int, str]:
    """The steps that were taken, each with its numbers."""
    before, after, outcome, wait = turn
    kind = rule.rules
    notes = {
        steps.READ: digits(value),
        steps.COMPARE[kind]: re.split("[:;]", reason, maxsplit=1)[0],
    }
    if before["cooldown"]:
        notes[steps.COUNTDOWN[kind]] = f"cooldown {before['cooldown']} to {before['cooldown'] - 1}"
    if outcome == "improved":
        notes[steps.KEPT[kind]] = _kept(before, after)
        return notes
    if outcome == "resting":
        notes[steps.WAIT[kind]] = "resting: nothing is counted"
        return notes
    notes[steps.WAIT[kind]] = f"wait {wait - 1} to {wait}"
    full = outcome in ("cut", "floor")
    sign = ">" if kind == "torch" else ">="
    notes[steps.PATIENCE] = f"{wait} {sign} {rule.patience}: {'yes' if full else 'no'}"
    if full:
        notes[steps.CUT] = _cut(rule, turn)
    if outcome == "cut" or (full and kind == "torch"):
        notes[steps.AGAIN] = f"wait {wait} to 0" + (
            f", cooldown 0 to {after['cooldown']}" if after["cooldown"] else ""
        )
    return notes


def _kept(before: State, after: State) -> str:
    best = digits(_number(after["best"]))
    first = before["best"] is None
    kept = f"best is {best}" if first else f"best {digits(_number(before['best']))} to {best}"
    return f"{kept}, wait {before['wait']} to 0" if before["wait"] else kept


def _cut(rule: Plateau, turn: Turn) -> str:
    before, after = turn.before["rate"], turn.after["rate"]
    if turn.outcome == "floor":
        return f"already at the lowest rate, {before:.6g}"
    if after > before * rule.factor:
        return f"{before:.6g} × {rule.factor:g} is below the lowest: {after:.6g}"
    return f"{before:.6g} × {rule.factor:g} = {after:.6g}"


def _variables(rule: Plateau, turn: Turn, value: float) -> tuple[Variable, ...]:
    before, after, _, counted = turn
    limit = f"{'more than ' if rule.rules == 'torch' else ''}{rule.patience}"
    reset = after["wait"] < counted
    wait = variable(
        "wait", f"epochs without improvement; cut at {limit}",
        str(counted if reset else before["wait"]), str(after["wait"]),
    )
    return (
        Variable(name="value", meaning=f"{rule.monitor} of this epoch", now=digits(value)),
        variable("best", "the last value that counted as better",
                 digits(_number(before["best"])), digits(_number(after["best"]))),
        wait,
        variable("cooldown", "epochs of rest, as the callback counts them",
                 str(before["cooldown"]), str(after["cooldown"])),
        *_rates(rule, before["rate"], after["rate"]),
    )


def _rates(rule: Plateau, before: float, after: float) -> tuple[Variable, ...]:
    shown = variable("rate", "from the next update on", digits(before), digits(after))
    if rule.rules == "torch":
        return (shown,)
    kept = variable("in float32", "the same rate as Keras' variable holds it",
                    held(before), held(after))
    return (shown, kept)


def _asleep(rule: Plateau, recorded: Recorded, epoch: int) -> Moment:
    rate = recorded.lead[epoch - 1]
    awake = epoch == len(recorded.lead)
    following = recorded.base_lr if awake else recorded.lead[epoch]
    value = recorded.values[epoch - 1]
    return Moment(
        epoch=epoch, outcome="asleep", step=-1, notes={}, words="warm-up: the rule sleeps",
        variables=(
            Variable(name="value", meaning=f"{rule.monitor} of this epoch", now=digits(value)),
            variable("rate", "at the end of this epoch, and of the next", digits(rate),
                     digits(following)),
        ),
        rate=rate, rate_after=following, value=finite(value),
    )


def _number(best: object) -> float | None:
    """`best` of a state, in which what JSON has no number for is text."""
    return None if best is None else float(str(best))


def _bar(rule: Plateau, before: State) -> float | None:
    best = finite(_number(before["best"]))
    if best is None:
        return None
    return best + rule.min_delta if rule.rising else best - rule.min_delta
