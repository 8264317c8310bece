"""Hindsight: which rates would have been near best for a run, found by a beam search.

At each of n decision points every branch that is left is forked over a grid of factors on its rate,
and the best m by validation loss are kept. The search is made of stages: the run itself, a round
for each point, and a check on fresh seeds, where what was found and what it is compared with are
trained again. All of it is data; `lrdash.jobs` turns a stage into runs.

Where branches are judged: by default at the end of the run. A branch judged at the next point
costs less, but a cut of the rate always helps at once and costs progress only later, so such
a search cuts the rate too early (Wu et al., "Understanding short-horizon bias in
stochastic meta-optimization", ICLR 2018, arXiv 1803.02021).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, Self

import pydantic

from lrdash.core.errors import InvalidField
from lrdash.core.record import Definition, field, several
from lrdash.core.spec import MAX_RATE, Piece, RunSpec
from lrdash.planning.experiment import LARGEST_SEED, Arm, Rate, Seed
from lrdash.strategies import STRATEGIES, make

MOST_POINTS, MOST_FACTORS, MOST_BRANCHES = 20, 20, 20
MOST_RIVALS, MOST_FRESH = 20, 50
POINTS, FACTORS, BEAM, FRESH = 4, (0.1, 0.3, 3.0), 3, 5  # defaults
RIVALS = ("constant", "linear", "cosine", "plateau")
FOUND, ITSELF = "Hindsight", "As it was"  # labels of the schedule found and of the run's own

Factor = Annotated[float, pydantic.Field(gt=0, le=MAX_RATE)]
Point = Annotated[int, pydantic.Field(ge=1)]
Ahead = Literal["end", "next"]
Role = Literal["base", "branch", "fresh", "rival"]
Moves = tuple[tuple[int, float], ...]  # epochs done, factor on the rate from there


class Rival(Arm):
    """A strategy that the schedule found is compared with."""

    prefix = "rival."

    base_lr: Rate | None = field(
        None, label="Peak rate", help="Its peak rate. Empty: that of the run."
    )


class Search(Definition):
    """A beam search over the rates of one run.

    Raises:
        InvalidField: for a value that is not allowed, or that does not go with the others.
    """

    prefix = "hindsight."
    kept_as = "hindsight"

    base: RunSpec = field(..., label="Run", help="The run to search better rates for.")
    points: tuple[Point, ...] = field(
        ..., label="Decision points", help="Epochs done when the rate may change."
    )
    factors: tuple[Factor, ...] = field(
        FACTORS, label="Factors",
        help="What the rate may be multiplied by at each point; 1, no change, is always tried.",
    )
    beam: int = field(
        BEAM, label="Branches kept", ge=1, le=MOST_BRANCHES, step=1,
        help="How many of the best branches continue to the next point. More find better rates and "
        "take longer.",
    )
    ahead: Ahead = field(
        "end", label="Branches are judged",
        help="end: by the validation loss at the end of the run. next: by that at the next point, "
        "which is faster and cuts the rate too early.",
    )
    rivals: tuple[Rival, ...] = field(
        (), label="Compared with", help="Strategies to compare the result with."
    )
    seeds: tuple[Seed, ...] = field(
        ..., label="Fresh seeds",
        help="Seeds that the search has not seen. All strategies are trained again with each.",
    )
    engine: str = field("auto", label="Engine", help="What trains it.")

    @pydantic.field_validator("points", "factors", "seeds", "rivals", mode="wrap")
    @classmethod
    def _explain(
        cls, value: Any, check: pydantic.ValidatorFunctionWrapHandler, info: pydantic.ValidationInfo
    ) -> Any:
        name = str(info.field_name)
        if name == "rivals":
            values = check(value)
            if len(values) > MOST_RIVALS:
                raise ValueError(f"must be a list of at most {MOST_RIVALS} strategies")
            return values
        most, what = {
            "points": (MOST_POINTS, "different epochs, each at least 1"),
            "factors": (MOST_FACTORS, f"different numbers above 0 and at most {MAX_RATE:g}"),
            "seeds": (MOST_FRESH, f"different whole numbers from 0 to {LARGEST_SEED}"),
        }[name]
        values = several(value, check, most, what)
        return values if name == "seeds" else tuple(sorted(values))

    @pydantic.model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if self.points[-1] >= self.base.epochs:
            problem = f"must be below {self.base.epochs}, the epochs of the run"
            raise InvalidField("hindsight.points", problem, self.points[-1])
        taken = {piece.epoch for piece in self.base.pieces} & set(self.points)
        if taken:
            problem = "must not be an epoch at which the rate of the run changes already"
            raise InvalidField("hindsight.points", problem, min(taken))
        if self.base.seed in self.seeds:
            problem = "must be fresh: the run itself uses this seed"
            raise InvalidField("hindsight.seeds", problem, self.base.seed)
        if not self.moves:
            raise InvalidField("hindsight.factors", "must hold one that is not 1", self.factors)
        return self

    @property
    def moves(self) -> tuple[float, ...]:
        """The factors that change something."""
        return tuple(factor for factor in self.factors if factor != 1)

    @property
    def rounds(self) -> int:
        """Number of decision points."""
        return len(self.points)

    @property
    def check(self) -> int:
        """Number of the stage on fresh seeds, the last; stage 0 is the run itself."""
        return self.rounds + 1

    def until(self, stage: int) -> int:
        """Epochs of the branches of a round: those of the run, or up to the next point."""
        if self.ahead == "end" or stage == self.rounds:
            return self.base.epochs
        return self.points[stage]

    def spec(self, moves: Moves, until: int | None = None) -> RunSpec:
        """The run's spec with these changes of the rate, cut off after some epochs."""
        epochs = self.base.epochs if until is None else until
        settled = self.base if epochs == self.base.epochs else self.base.settled()
        made = [*settled.pieces, *(Piece(epoch=at, factor=factor) for at, factor in moves)]
        kept = sorted((piece for piece in made if piece.epoch < epochs), key=lambda one: one.epoch)
        return settled.replace(epochs=epochs, pieces=kept)

    def contestants(self) -> dict[str, RunSpec]:
        """Specs to compare the result with, by label: the run as it was, then the rivals that
        differ from it.
        """
        specs = [
            self.base.replace(
                strategy=rival.strategy, params=make(rival.strategy, rival.params).as_dict(),
                base_lr=rival.base_lr or self.base.base_lr, pieces=[], horizon=None,
            )
            for rival in self.rivals
        ]
        return {ITSELF: self.base} | {
            label: spec
            for label, spec in zip(_labels(self.rivals, specs), specs, strict=True)
            if spec != self.base
        }


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One run of a search, with what is known of it."""

    run_id: str
    stage: int  # 0: the run itself; 1 to n: rounds; n + 1: the check on fresh seeds
    role: Role
    label: str  # of the strategy that it belongs to, empty of a branch
    seed: int
    moves: Moves  # of a branch: where the rate was changed
    val_loss: float  # after its last epoch; infinite if it diverged or failed, NaN if not known yet
    epochs: int  # done


class Wanted(NamedTuple):
    """A run that a stage needs."""

    spec: RunSpec
    role: Role
    label: str
    moves: Moves
    parent: str | None  # the run that it leaves
    epoch: int  # epochs shared with it


def spread(epochs: int, number: int, taken: Iterable[int] = ()) -> tuple[int, ...]:
    """Decision points evenly over a run, as far as it has room for them.

    Args:
        taken: epochs that are not to be among them.

    >>> spread(30, 4)
    (6, 12, 18, 24)
    """
    steps = (round(epochs * step / (number + 1)) for step in range(1, number + 1))
    return tuple(sorted({step for step in steps if 0 < step < epochs} - set(taken)))


def survivors(search: Search, tried: Sequence[Tried], stage: int) -> list[Tried]:
    """The best branches after a round, best first; of equals the one that changed less, then the
    older one.

    Args:
        stage: the round; 0 gives the run itself.
    """
    if stage == 0:
        return [one for one in tried if one.role == "base"]
    before = survivors(search, tried, stage - 1)
    point = search.points[stage - 1]
    staying = before if search.ahead == "end" else [one for one in before if one.epochs < point]
    pool = [*staying, *(one for one in tried if one.role == "branch" and one.stage == stage)]
    return _best(pool)[: search.beam]


def best(search: Search, tried: Sequence[Tried]) -> Tried | None:
    """The branch that the search found: the lowest of those that ran to the end, the run itself
    among them; None if all diverged or failed.
    """
    pool = [*survivors(search, tried, 0), *survivors(search, tried, search.rounds)]
    return next(iter(_best(pool)), None)


def round_of(search: Search, tried: Sequence[Tried], stage: int) -> list[Wanted]:
    """The branches of a round. Where branches are judged at the end, no change needs no
    branch: the parent did that.
    """
    point, until = search.points[stage - 1], search.until(stage)
    factors = search.moves if search.ahead == "end" else (1.0, *search.moves)
    wanted = []
    for parent in survivors(search, tried, stage - 1):
        if parent.epochs < point:  # it stopped early: nothing to branch from
            continue
        for factor in factors:
            moves = (*parent.moves, (point, factor)) if factor != 1 else parent.moves
            spec = search.spec(moves, until)
            wanted.append(Wanted(spec, "branch", "", moves, parent.run_id, point))
    return wanted


def check_of(search: Search, found: Tried) -> list[Wanted]:
    """The runs of the check: rivals with the seed of the search, all with the fresh seeds."""
    contestants = search.contestants()
    lines = [
        Wanted(spec, "rival", label, (), None, 0)
        for label, spec in contestants.items() if label != ITSELF
    ]
    specs = {FOUND: search.spec(found.moves), **contestants}
    if not found.moves:  # the run itself was best: there is nothing else to train
        del specs[FOUND]
    return lines + [
        Wanted(spec.replace(seed=seed), "fresh", label, found.moves if label == FOUND else (),
               None, 0)
        for label, spec in specs.items() for seed in search.seeds
    ]


def lengths(search: Search) -> list[list[int]]:
    """Epochs of each run that a search trains after the run itself, stage by stage, at most: a
    branch may begin at a checkpoint, or not be worth a branch.
    """
    width, found = 1, []
    for stage in range(1, search.rounds + 1):
        factors = len(search.moves) + (search.ahead == "next")
        begun = 0 if search.ahead == "end" else search.points[stage - 1]
        found.append([search.until(stage) - begun] * (width * factors))
        width = min(search.beam, width * (len(search.moves) + 1))
    rivals = len(search.contestants()) - 1
    return [*found, [search.base.epochs] * (rivals + (rivals + 2) * len(search.seeds))]


def _best(pool: Sequence[Tried]) -> list[Tried]:
    known = [one for one in pool if math.isfinite(one.val_loss)]
    return sorted(known, key=lambda one: (one.val_loss, len(one.moves), one.stage))


def _labels(rivals: Sequence[Rival], specs: Sequence[RunSpec]) -> list[str]:
    """A name for each, all different and none of those of the search itself."""
    own = [" ".join(one.label.split()) or STRATEGIES[one.strategy].label for one in rivals]
    named = [
        f"{label} at {spec.base_lr:.3g}" if own.count(label) > 1 else label
        for label, spec in zip(own, specs, strict=True)
    ]
    taken, labels = {FOUND, ITSELF}, list[str]()
    for label in named:
        numbered = (f"{label} {number}" for number in itertools.count(2))
        labels.append(next(name for name in itertools.chain([label], numbered)
                           if name not in taken))
        taken.add(labels[-1])
    return labels
