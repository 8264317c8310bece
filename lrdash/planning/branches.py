"""Specs of branches, of longer runs and of rates set by hand: pure functions of a spec."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from lrdash.core.errors import InvalidField
from lrdash.core.spec import MAX_RATE, Piece, RunSpec
from lrdash.strategies import STRATEGIES

How = Literal["hold", "stretch"]
SETTINGS = ("strategy", "params", "base_lr", "epochs", "factor", "state")


def branch(spec: RunSpec, epoch: int, wanted: float | Mapping[str, Any], rate: float) -> RunSpec:
    """The spec of a branch.

    Args:
        spec: of the parent, complete.
        epoch: epochs done when it leaves the parent.
        wanted: a factor on the rate, or a mapping with any of strategy, params, base_lr (by default
            the rate at that epoch), state (what a rule has seen and counted before, by default
            nothing), factor and epochs (in all).
        rate: of the parent's last update before that.

    Raises:
        InvalidField: for what is not allowed.
    """
    given = dict(wanted) if isinstance(wanted, Mapping) else {"factor": wanted}
    for name in given.keys() - set(SETTINGS):
        raise InvalidField("branches", f"must have settings among {', '.join(SETTINGS)}", name)
    epochs = given.pop("epochs", None) or spec.epochs
    if given.get("strategy"):
        given.setdefault("base_lr", rate)
    piece = Piece(epoch=epoch, **given)
    settled = spec if epochs == spec.epochs else spec.settled()
    kept = [one for one in settled.pieces if one.epoch < epoch]
    return settled.replace(epochs=epochs, pieces=[*kept, piece])


def longer(spec: RunSpec, done: int, epochs: int, how: str) -> RunSpec:
    """The spec of a run that trains more epochs.

    Args:
        done: epochs done.
        epochs: more of them.
        how: "hold": every strategy keeps its horizon, its last rate holds beyond it, and a rule
            continues; "stretch": the run's own strategy is laid over the whole, longer run and
            entered at the epoch that the run has reached.

    Raises:
        InvalidField: for what is not allowed.
    """
    if how not in ("hold", "stretch"):
        raise InvalidField("how", "must be one of hold, stretch", how)
    if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 1:
        raise InvalidField("epochs", "must be a whole number of at least 1", epochs)
    settled, early = spec.settled(), done < spec.epochs
    pieces = [one for one in settled.pieces if one.epoch < done]
    if how == "stretch" and not _decides(spec):
        if any(one.strategy and not one.from_start for one in spec.pieces):
            problem = "must be hold: the run ends in another strategy, which has its own length"
            raise InvalidField("how", problem, how)
        pieces.append(_own(spec, done))
    elif early:  # the patience of early stopping starts again
        pieces.append(Piece(epoch=done))
    return settled.replace(epochs=done + epochs, pieces=pieces)


def by_hand(
    spec: RunSpec, *, rate: float | None = None, factor: float | None = None, back: bool = False,
    left_at: float | None = None,
) -> Piece:
    """A change of the rate by hand as a piece, whose epoch is set when it takes over; exactly one
    of rate, factor and back is given.

    Args:
        rate: to hold.
        factor: on the rate; the strategy continues.
        back: to the run's own strategy.
        left_at: the rate at which a feedback rule was left, from which it starts again.

    Raises:
        InvalidField: for a value that is not allowed.
    """
    if (rate is not None) + (factor is not None) + back != 1:
        raise InvalidField("steer", "must be one of rate, factor, back", "none or several")
    for name, value in (("rate", rate), ("factor", factor)):
        if value is not None and not (math.isfinite(value) and 0 < value <= MAX_RATE):
            raise InvalidField(name, f"must be above 0 and at most {MAX_RATE:g}", value)
    if rate is not None:
        return Piece(epoch=1, strategy="constant", base_lr=rate)
    if factor is not None:
        return Piece(epoch=1, factor=factor)
    if not spec.pieces:
        raise InvalidField("back", "needs a run whose rate was changed", back)
    if _decides(spec):
        return Piece(
            epoch=1, strategy=spec.strategy, params=spec.params, base_lr=left_at or spec.base_lr
        )
    return Piece(
        epoch=1, strategy=spec.strategy, params=spec.params, base_lr=spec.base_lr, from_start=True,
        horizon=spec.horizon,
    )


def _own(spec: RunSpec, epoch: int) -> Piece:
    """The strategy in force at the end, spread over the whole run."""
    strategy, params, base_lr = spec.strategy, spec.params, spec.base_lr
    for piece in spec.pieces:
        if piece.strategy:
            strategy, params, base_lr = piece.strategy, piece.params, piece.base_lr or spec.base_lr
        else:
            base_lr *= piece.factor
    return Piece(epoch=epoch, strategy=strategy, params=params, base_lr=base_lr, from_start=True)


def _decides(spec: RunSpec) -> bool:
    """Whether the run's own strategy is a feedback rule, which has no horizon."""
    return STRATEGIES[spec.strategy].kind == "rule"
