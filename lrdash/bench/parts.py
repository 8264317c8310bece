"""The parts of the benchmark: what is compared with what, and the goals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Literal

from lrdash.bench.child import run_task

TURNS = 3  # times that each side is measured
RUNS, MANY = 40, 216
KS = (1, 8, 40, 216, 1000)
EPOCHS = 30
PAIRS = 8  # of fits with and without the monitor
WATCHED = {
    "variable": "ReduceLROnPlateau", "schedule": "a schedule",
    "batches": "an own callback at each batch",
}

Run = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a part found."""

    ratio: float
    detail: str  # the two sides in words, with their units
    values: Mapping[str, Any]  # JSON types: what was measured


@dataclass(frozen=True, kw_only=True)
class Part:
    """One figure.

    A ratio "at most" the goal is a share of the other side's time; one of "at least" says how many
    times faster.
    """

    name: str
    title: str
    goal: float | None
    bound: Literal["at most", "at least"]
    measure: Callable[[Run], Outcome]  # takes what runs a task in a process of its own

    def reached(self, ratio: float) -> bool | None:
        """Whether the goal is reached; None without one."""
        if self.goal is None:
            return None
        return ratio <= self.goal if self.bound == "at most" else ratio >= self.goal


def _forty(place: int) -> Callable[[Run], Outcome]:
    """40 runs, the first time in a process (0) or once more (1), against one fit."""

    def measure(run: Run) -> Outcome:
        ours, fits = _turns(
            lambda: run("lanes", runs=RUNS, epochs=EPOCHS, times=place + 1)[place],
            lambda: run("fit", epochs=EPOCHS)[0],
        )
        state = ("cold: compiling and storing included", "warm: the worker trained such a group "
                 "before, storing included")[place]
        return _share(f"{RUNS} runs ({state})", ours, "one model.fit", fits)

    return measure


def _fits(
    what: str, runs: int, *, times: int = 1, epochs: int = EPOCHS, model: str = "mlp"
) -> Callable[[Run], Outcome]:
    """Runs, trained so many times in a process, the last of which counts, against a fit each."""

    def measure(run: Run) -> Outcome:
        ours, fits = _turns(
            lambda: run("lanes", runs=runs, epochs=epochs, model=model, times=times)[-1],
            lambda: run("fit", epochs=epochs, model=model)[0], turns=2,
        )
        other = f"one model.fit, times {runs}" if runs > 1 else "its model.fit"
        return _times(what, ours, other, [runs * seconds for seconds in fits])

    return measure


def _pairs(run: Run) -> Outcome:
    """The slowest of all pairs of a shape and a model."""
    found: dict[str, float] = {}
    for dataset, model in run("pairs"):
        ours, fits = _turns(
            lambda: run("lanes", dataset=dataset, model=model, runs=1, updates=60, times=2)[1],  # noqa: B023
            lambda: run("fit", dataset=dataset, model=model, updates=60, times=2)[1],  # noqa: B023
            turns=1,
        )
        found[f"{dataset} + {model}"] = fits[0] / ours[0]
    slowest = min(found, key=lambda name: found[name])
    shown = ", ".join(f"{name} {ratio:.3g}x" for name, ratio in found.items())
    return Outcome(
        ratio=found[slowest], values={"pairs": found},
        detail=f"slowest {slowest}; one warm run of 60 updates an epoch on examples made for it, "
        f"against its warm model.fit: {shown}",
    )


def _jax(run: Run) -> Outcome:
    ours, theirs = _turns(
        lambda: run("lanes", runs=RUNS, epochs=EPOCHS, times=2, store=False)[1],
        lambda: run("jax", runs=RUNS, epochs=EPOCHS, times=2)[1],
    )
    return _share(f"{RUNS} warm runs", ours, "JAX, jit of vmap of the same training, warm", theirs)


def _linear(run: Run) -> Outcome:
    each = {
        k: min(run("lanes", runs=k, epochs=_epochs(k), times=2, store=False)) / k / _epochs(k)
        for k in KS
    }
    shown = ", ".join(f"{k}: {1000 * seconds:.3g} ms" for k, seconds in each.items())
    return Outcome(
        ratio=each[KS[-1]] / each[RUNS], detail=f"a lane's epoch at K = {shown}",
        values={"seconds_per_lane_epoch": each},
    )


def _finder(run: Run) -> Outcome:
    """The median over all pairs of the factor by which the preferred rule misses."""
    from lrdash.analysis.range_test import PREFERRED

    found = run("finder")
    rules = list(dict.fromkeys(row["rule"] for row in found))
    values = {}
    for rule in rules:
        own = [row for row in found if row["rule"] == rule]
        factors = [row["factor"] for row in own if row["factor"] is not None]
        values[rule] = {
            "factor": median(factors) if factors else None, "found": len(factors),
            "pairs": len(own), "inside": sum(row["inside"] for row in own) / len(own),
        }
    shown = ", ".join(
        f"{rule} {row['factor'] or float('nan'):.3g}x, {row['inside']:.0%} in the bowl"
        for rule, row in values.items()
    )
    return Outcome(
        ratio=values[PREFERRED]["factor"], values={"rules": values, "pairs": found},
        detail=f"factor between suggestion and best rate of a sweep (median of "
        f"{values[PREFERRED]['pairs']} pairs), and share of them in the sweep's bowl of 10%: "
        f"{shown}",
    )


def _monitor(run: Run) -> Outcome:
    """The most expensive of three ways to set a rate.

    Each is the fastest fit with the monitor over the fastest without, since disturbances only make
    a fit slower, by more than the monitor does. The medians of pairs of neighbouring fits
    are shown as well.
    """
    pairs = {kind: run("watched", rate=kind, pairs=PAIRS) for kind in WATCHED}
    fastest = {
        kind: min(ours[0] for ours, _ in found) / min(other[0] for _, other in found)
        for kind, found in pairs.items()
    }
    clock, work = (
        {kind: median(ours[place] / other[place] for ours, other in found)
         for kind, found in pairs.items()} for place in (0, 1)
    )
    shown = ", ".join(
        f"{words} {fastest[kind]:.4g} (medians of pairs {clock[kind]:.4g}, of the processors' "
        f"time {work[kind]:.4g})" for kind, words in WATCHED.items()
    )
    return Outcome(
        ratio=max(fastest.values()),
        values={"fastest": fastest, "clock": clock, "processors": work},
        detail=f"the fastest of {PAIRS} fits of 5 epochs of 1,000 updates: {shown}",
    )


def _epochs(k: int) -> int:
    return EPOCHS if k <= MANY else 6


def _matmul(run: Run) -> Outcome:
    seconds = run("lanes", runs=RUNS, epochs=EPOCHS, times=2, store=False)[1]
    rate = run("matmul")
    work = run("work") * RUNS * EPOCHS / seconds
    return Outcome(
        ratio=work / rate, values={"ours": work, "machine": rate},
        detail=f"{work / 1e9:.3g} of {rate / 1e9:.3g} GFLOP/s that the machine reaches on 1024 x "
        "1024 products of float32",
    )


def _turns(
    ours: Callable[[], float], theirs: Callable[[], float], turns: int = TURNS
) -> tuple[list[float], list[float]]:
    """Seconds of both sides, measured in turn."""
    pairs = [(ours(), theirs()) for _ in range(turns)]
    return [one for one, _ in pairs], [other for _, other in pairs]


def _share(what: str, ours: Sequence[float], other: str, theirs: Sequence[float]) -> Outcome:
    return Outcome(
        ratio=median(ours) / median(theirs),
        detail=f"{what}: {_seconds(ours)}; {other}: {_seconds(theirs)}",
        values={"ours": list(ours), "other": list(theirs)},
    )


def _times(what: str, ours: Sequence[float], other: str, theirs: Sequence[float]) -> Outcome:
    share = _share(what, ours, other, theirs)
    return replace(share, ratio=1 / share.ratio)


def _seconds(values: Sequence[float]) -> str:
    spread = f" ({min(values):.3g} to {max(values):.3g})" if len(values) > 1 else ""
    return f"{median(values):.3g} s{spread}"


_LISTED = (
    Part(name="forty-cold", title="40 runs, cold, in the time of one fit", goal=1.0,
         bound="at most", measure=_forty(0)),
    Part(name="forty-warm", title="40 runs, warm, in half the time of one fit", goal=0.5,
         bound="at most", measure=_forty(1)),
    Part(name="many", title="216 runs against 216 fits", goal=70.0, bound="at least",
         measure=_fits(f"{MANY} runs, cold", MANY)),
    Part(name="one", title="one warm run against its fit", goal=10.0, bound="at least",
         measure=_fits("one run, warm", 1, times=3)),
    Part(name="cnn", title="8 runs of a CNN against 8 fits", goal=3.0, bound="at least",
         measure=_fits("8 runs, cold, CNN on digits, 5 epochs", 8, epochs=5, model="cnn")),
    Part(name="pairs", title="no pair of data and model slower than its fit", goal=1.0,
         bound="at least", measure=_pairs),
    Part(name="jax", title="40 runs against JAX vmap", goal=0.8, bound="at most", measure=_jax),
    Part(name="linear", title="cost of a lane at K = 1000 over that at K = 40", goal=1.1,
         bound="at most", measure=_linear),
    Part(name="finder", title="the range test's suggestion, off the best rate of a sweep",
         goal=2.5, bound="at most", measure=_finder),
    Part(name="monitor", title="a script with lrdash.Monitor over one without", goal=1.02,
         bound="at most", measure=_monitor),
    Part(name="matmul", title="share of the machine's matrix-product rate", goal=None,
         bound="at least", measure=_matmul),
)
PARTS: Mapping[str, Part] = {part.name: part for part in _LISTED}
QUICK = ("one",)


def measured(part: Part, run: Run = run_task) -> dict[str, Any]:
    """A part with what it found, as JSON types."""
    found = part.measure(run)
    return {
        "part": part.name, "title": part.title, "ratio": found.ratio, "goal": part.goal,
        "bound": part.bound, "reached": part.reached(found.ratio), "detail": found.detail,
        "values": {str(key): value for key, value in found.values.items()},
    }
