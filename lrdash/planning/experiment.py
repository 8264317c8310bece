"""What to compare: strategies, peak rates and seeds on one base, and the runs that this makes.

Runs of one seed start from the same weights and see the same batches in the same order, so that
arms are compared in pairs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self

import pydantic

from lrdash.core.errors import InvalidField
from lrdash.core.record import Definition, Record, field, several
from lrdash.core.spec import MAX_RATE, RunSpec
from lrdash.planning import plan as planning
from lrdash.planning.plan import Plan
from lrdash.strategies import STRATEGIES, make

MAX_ARMS = 20
MAX_RATES = 50
MAX_SEEDS = 200
MAX_RUNS = 5000
LARGEST_SEED = 2**31 - 1
LABEL_LIMIT = 80  # characters
VARIED = ("strategy", "params", "base_lr", "seed")  # fields of a run that vary in a comparison
# Peak rates in use where nothing is known: for adaptive optimizers the default of Keras, for SGD
# what the published recipes for small networks begin with.
USUAL = {"sgd": 0.1, "rmsprop": 0.001, "adam": 0.001, "adamw": 0.001}
PLAIN_SGD = 3.0  # times as much without momentum, which lengthens each step by 1 / (1 - momentum)
STEADY = 0.5  # momentum from which that counts

Rate = Annotated[float, pydantic.Field(gt=0, le=MAX_RATE)]
Seed = Annotated[int, pydantic.Field(ge=0, le=LARGEST_SEED)]


class Arm(Record):
    """One strategy with its settings, as it enters a comparison."""

    prefix = "arm."

    strategy: str = field(
        ..., label="Strategy", help="How the learning rate moves: the shape of its curve."
    )
    params: dict[str, Any] = field(
        {}, label="Strategy settings", help="The strategy's own settings, which shape its curve."
    )
    label: str = field(
        "", label="Label", max_length=LABEL_LIMIT,
        help="Its name in charts and tables. Empty: the strategy's own name.",
    )


class Experiment(Definition):
    """Every arm at every peak rate with every seed, all else being equal.

    Raises:
        InvalidField: for a value that is not allowed, for values given twice and for more than
            `MAX_RUNS` runs.
    """

    kept_as = "experiment"

    base: RunSpec = field(
        ..., label="Base",
        help="What all runs share; its strategy, params, base_lr and seed are not used.",
    )
    arms: tuple[Arm, ...] = field(
        ..., label="Strategies",
        help=f"What to compare: 1 to {MAX_ARMS} strategies, each a curve of its own.",
    )
    base_lrs: tuple[Rate, ...] = field(
        ..., label="Peak rates", help="Each strategy is trained at each of these peak rates."
    )
    seeds: tuple[Seed, ...] = field(
        (0,), label="Seeds", help="Each strategy and rate is trained once with each seed."
    )
    target: float | None = field(
        None, label="Target", ge=0,
        help="A validation loss to reach. The leaderboard shows how many epochs that took.",
    )

    @pydantic.field_validator("arms", "base_lrs", "seeds", mode="wrap")
    @classmethod
    def _explain_list(
        cls, value: Any, check: pydantic.ValidatorFunctionWrapHandler, info: pydantic.ValidationInfo
    ) -> Any:
        most, what = {
            "arms": (MAX_ARMS, "strategies"),
            "base_lrs": (MAX_RATES, f"different rates above 0 and at most {MAX_RATE:g}"),
            "seeds": (MAX_SEEDS, f"different whole numbers from 0 to {LARGEST_SEED}"),
        }[str(info.field_name)]
        values = several(value, check, most, what, twice=info.field_name == "arms")
        return tuple(sorted(values)) if info.field_name == "base_lrs" else values

    @pydantic.model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.size > MAX_RUNS:
            problem = (
                f"must make at most {MAX_RUNS:,} runs ({len(self.arms)} strategies x "
                f"{len(self.base_lrs)} rates x {len(self.seeds)} seeds)"
            )
            raise InvalidField("experiment", problem, self.size)
        return self

    @property
    def size(self) -> int:
        """Number of runs."""
        return len(self.arms) * len(self.base_lrs) * len(self.seeds)

    def labels(self) -> tuple[str, ...]:
        """The name of each arm, all different, in the order of the arms.

        Raises:
            UnknownName: for a strategy that does not exist.
            InvalidField: for settings that are not allowed, or arms that cannot be distinguished.
        """
        complete = [_complete(arm) for arm in self.arms]
        labels: list[str] = []
        for arm, params in zip(self.arms, complete, strict=True):
            label = " ".join(arm.label.split()) or STRATEGIES[arm.strategy].label
            others = [
                other for same, other in zip(self.arms, complete, strict=True)
                if same.strategy == arm.strategy and other is not params
            ]
            if params in others:
                raise InvalidField("arms", "must differ in strategy or settings", label)
            if others and not arm.label.strip():
                label = f"{label} ({_what_differs(params, others)})"
            labels.append(label)
        _refuse_doubles(self.arms, labels)
        return tuple(
            label if labels.count(label) == 1 else f"{label} {labels[:place].count(label) + 1}"
            for place, label in enumerate(labels)
        )

    def specs(self) -> list[tuple[str, RunSpec]]:
        """Label and spec of every run, in the order arms x base_lrs x seeds.

        Raises:
            UnknownName, InvalidField: as in `labels`.
        """
        return [
            (label, spec.model_copy(update={"base_lr": rate, "seed": seed}))
            for label, spec in zip(self.labels(), self._first_specs(), strict=True)
            for rate in self.base_lrs
            for seed in self.seeds
        ]

    def extended(
        self,
        *,
        base_lrs: Iterable[float] = (),
        seeds: Iterable[int] = (),
        arms: Iterable[Arm] = (),
    ) -> Self:
        """A larger experiment: these rates, seeds and arms on top of the present ones.

        What is there already is skipped. The present arms keep their labels. `missing` gives the
        runs that are new.

        Raises:
            UnknownName, InvalidField: as for a new experiment.
        """
        present = [
            arm.replace(label=label) for arm, label in zip(self.arms, self.labels(), strict=True)
        ]
        known = [(arm.strategy, _complete(arm)) for arm in present]
        added = [arm for arm in arms if (arm.strategy, _complete(arm)) not in known]
        return type(self)(
            base=self.base, arms=(*present, *added), target=self.target,
            base_lrs=tuple(dict.fromkeys((*self.base_lrs, *base_lrs))),
            seeds=tuple(dict.fromkeys((*self.seeds, *seeds))),
        )

    def _first_specs(self) -> list[RunSpec]:
        """One spec an arm, at the first rate and seed."""
        return [
            self.base.replace(
                strategy=arm.strategy, params=arm.params,
                base_lr=self.base_lrs[0], seed=self.seeds[0],
            )
            for arm in self.arms
        ]


def suggested_peak(optimizer: str, momentum: float) -> float:
    """A starting peak rate."""
    usual = USUAL[optimizer]
    return usual * PLAIN_SGD if optimizer == "sgd" and momentum < STEADY else usual


def peaks_around(centre: float, number: int = 5) -> tuple[float, ...]:
    """Peak rates evenly spread on a log scale, two a decade, with two digits."""
    first = -(number // 2)
    return tuple(float(f"{centre * 10 ** ((first + n) / 2):.2g}") for n in range(number))


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One run of an experiment, complete and checked."""

    label: str  # of its arm
    plan: Plan


def plan_all(experiment: Experiment) -> list[Planned]:
    """The plans of all runs, in the order of `Experiment.specs`.

    Raises:
        UnknownName: a dataset, model or strategy that does not exist.
        InvalidField: a setting that is wrong, or does not go with the others.
    """
    planned = []
    for label, spec in zip(experiment.labels(), experiment._first_specs(), strict=True):
        for rate in experiment.base_lrs:
            first = planning.make(spec.model_copy(update={"base_lr": rate}))
            for seed in experiment.seeds:  # no check depends on the seed
                complete = first.spec.model_copy(update={"seed": seed})
                plan = dataclasses.replace(first, spec=complete)
                planned.append(Planned(label=label, plan=plan))
    return planned


def missing(planned: Iterable[Planned], existing: Iterable[RunSpec]) -> list[Planned]:
    """Those that have no run yet.

    Args:
        existing: complete specs of the runs that exist.
    """
    known = {spec.to_json() for spec in existing}
    return [run for run in planned if run.plan.spec.to_json() not in known]


def _complete(arm: Arm) -> dict[str, Any]:
    return make(arm.strategy, arm.params).as_dict()


def _what_differs(params: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> str:
    """The settings that distinguish an arm from others of its strategy: `factor 0.5`."""
    parts = [
        f"{name.replace('_', ' ')} {_plain(value)}"
        for name, value in params.items()
        if any(other[name] != value for other in others)
    ]
    return ", ".join(parts)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LABEL_LIMIT // 2 else f"{text[: LABEL_LIMIT // 2]}…"


def _refuse_doubles(arms: Sequence[Arm], labels: Sequence[str]) -> None:
    """Two arms must not have the same name if the user chose it."""
    for arm, label in zip(arms, labels, strict=True):
        if arm.label.strip() and labels.count(label) > 1:
            raise InvalidField("arms", "must have different labels", label)
