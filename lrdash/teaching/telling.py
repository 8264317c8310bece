"""What a descent did and why, in words made from its own numbers.

On a quadratic of curvature c a step multiplies the distance to the floor by 1 - rate * c. So below
1 / c it stops short of the floor, between 1 / c and 2 / c it jumps over the floor and lands lower
on the other wall, and above 2 / c it lands higher than it began.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lrdash.core.wording import setting
from lrdash.strategies.words import percent
from lrdash.teaching.descent import Path
from lrdash.teaching.surfaces import Surface


def number(value: float) -> str:
    """Three significant digits.

    >>> number(0.09876), number(1.234e-7), number(12345.6)
    ('0.0988', '1.23e-7', '12,300')
    """
    return setting(float(f"{value:.3g}")).replace("e-0", "e-")


def path_in_words(surface: Surface, path: Path, name: str) -> str:
    """One path: how often it jumped over the floor, why that ended or not, and where it came to.

    Args:
        surface: where it walked.
        path: the descent.
        name: what to call it.
    """
    if path.ended != "done":
        return f"**{name}** {_gone(path)}"
    if surface.noise:
        return f"**{name}** {_thrown(surface, path)}"
    return f"**{name}** {_walk(path)} {_rest(surface, path)}"


def compare_in_words(paths: Sequence[Path], names: Sequence[str]) -> str:
    """Which path ends lowest, and by how much; empty for fewer than two."""
    if len(paths) < 2:
        return ""
    here = [(settled(path), name) for path, name in zip(paths, names, strict=True)
            if path.ended == "done"]
    lost = [name for path, name in zip(paths, names, strict=True) if path.ended != "done"]
    if not here:
        return "No path stayed in the picture. Lower the peak rate."
    (best, first), (worst, last) = min(here), max(here)
    gone = f" {_listed(lost)} left the picture." if lost else ""
    if len(here) < 2 or worst <= best * 1.05:
        alone = f"{first} stays in the picture" if len(here) < 2 else "All end about as low"
        return f"{alone}, at a loss of {number(best)}.{gone}"
    times = f", {number(worst / best)} times that" if best > 0 and worst / best < 1e6 else ""
    return (
        f"{first} ends lowest, at a loss of {number(best)}. "
        f"{last} ends highest, at {number(worst)}{times}.{gone}"
    )


def settled(path: Path) -> float:
    """The loss that a path came to: the mean over its last tenth, which noise needs."""
    return float(path.losses[-max(1, path.steps // 10) :].mean())


def noise_floor(surface: Surface, rate: float) -> float | None:
    """The mean loss that noise upholds on a quadratic at a constant rate; None above the limit.

    Each part of curvature c has, once settled, the mean loss rate * s^2 / (2 * (2 - rate * c)) with
    noise of standard deviation s: the variance v of x <- (1 - rate * c) x - rate * s * e solves
    v = (1 - rate * c)^2 v + rate^2 s^2.

    Reference: Bottou, Curtis and Nocedal, Optimization Methods for Large-Scale Machine Learning
    (2018), theorem 4.6, for the bound of which this is the exact case.
    """
    curvatures = np.linalg.eigvalsh(surface.hessian(np.array(surface.minima[0].place)))
    if rate * curvatures[-1] >= 2:
        return None
    return float((rate * surface.noise**2 / (2 * (2 - rate * curvatures))).sum())


def _gone(path: Path) -> str:
    at, rate, bend = path.steps, float(path.rates[-1]), float(path.curvatures[-2])
    how = "diverged and left the picture" if path.ended == "diverged" else "left the picture"
    told = f"{how} at step {at} with a loss of {number(path.losses[-1])}"
    if rate * bend > 2:
        return (
            f"{told} (it began at {number(path.losses[0])}): its rate {number(rate)} was above "
            f"the limit {number(2 / bend)} there, and such a step lands {number(rate * bend - 1)} "
            "times as far from the floor as it began. The path stops here."
        )
    length = float(np.linalg.norm(path.places[-1] - path.places[-2]))
    return (
        f"{told}: the slope was so steep that a rate of {number(rate)} made a step of length "
        f"{number(length)}. The path stops here."
    )


def _walk(path: Path) -> str:
    """How often it jumped over the floor and what ended that."""
    total, jumps = path.steps, len(path.crossings)
    ratio = path.rates * path.curvatures[:-1]  # below 1 stops short, above 2 lands higher
    if not jumps:
        most = float(np.nanmax(ratio))
        return (
            "never jumps over the floor: its rate stays below 1 / curvature"
            f" ({percent(float(f'{most:.2g}'))} of it at most), so each step stops short of it."
            if most < 1 else "never jumps over the floor."
        )
    last = path.crossings[-1]
    often = f"jumps over the floor at {jumps} of {total} steps"
    if last > total - max(2, total // 10):
        return f"{often}, to the very end. {_still(float(path.rates[-1]), path)}"
    after = f"{often}, the last time at step {last}."
    rate, bend = float(path.rates[last]), float(path.curvatures[last])
    highest = float(path.rates[:last].max())
    if rate < 0.9 * highest and rate * bend < 1.1 and highest * bend >= 1:
        return (
            f"{after} By then its rate has fallen to {number(rate)}, which no longer exceeds "
            f"1 / curvature ({number(1 / bend)}): from there each step stops short of the floor, "
            "and it falls in."
        )
    if 0 < rate * bend < 1:
        return (
            f"{after} From there the walls are flat enough (curvature {number(bend)}) for a rate "
            f"of {number(rate)} to stop short of the floor."
        )
    if path.losses[last + 1 :].max(initial=0.0) < 1e-12:
        return f"{after} By then it has reached the bottom."
    return f"{after} From there it follows the floor."


def _still(rate: float, path: Path) -> str:
    bend = float(path.curvatures[-2])
    if bend <= 0:
        return ""
    share, times = percent(float(f"{rate * bend / 2:.3g}")), number(abs(1 - rate * bend))
    falls = bool(path.rates[-1] < path.rates.max() * 0.99)
    kept = "Even at the end its rate" if falls else "Its rate"
    effect = (
        "so it bounces instead of falling in" if abs(1 - rate * bend) > 0.5
        else "so near the best rate 1 / curvature that it falls in all the same"
    )
    return (
        f"{kept} {number(rate)} is {share} of the limit {number(2 / bend)} there: each step lands "
        f"on the other wall, {times} times as far out, {effect}."
    )


def _thrown(surface: Surface, path: Path) -> str:
    """With noise: how high it is held at its rates, by the path and by theory."""
    tenth = max(1, path.steps // 10)
    first, last = float(path.rates.max()), float(path.rates[-tenth:].mean())
    told = (
        f"comes to a loss of {number(settled(path))} (mean of its last {tenth} steps). "
    )
    high, low = noise_floor(surface, first), noise_floor(surface, last)
    if last > 0.5 * first:
        floor = f" by theory to {number(low)} on average" if low is not None else ""
        return (
            f"{told}Its rate is still {number(last)}: the noise of every step throws it about in "
            f"proportion to the rate,{floor or ' without end'}, however long it runs."
        )
    held = f" At its highest rate, noise would hold it at {number(high)} on average;" \
        if high is not None else ""
    return (
        f"{told}Its rate has fallen from {number(first)} to {number(last)}, so that the noise of "
        f"many steps averages out.{held} at the rate of the end,"
        f" at {number(low)}." if held and low is not None else told
    )


def _rest(surface: Surface, path: Path) -> str:
    """Where it came to: the loss, how far is left to go, and into which of several valleys."""
    told = f"The loss ends at {number(path.losses[-1])}"
    end = path.places[-1]
    if len(surface.minima) > 1:
        nearest = min(surface.minima, key=lambda m: float(np.linalg.norm(end - m.place)))
        bend, _ = surface.curvature(np.array(nearest.place))
        return f"{told}, by the {nearest.label}, whose limit is {number(2 / bend)} at its bottom."
    left = float(np.linalg.norm(end - surface.minima[0].place))
    return f"{told}, {number(left)} from the minimum."


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
