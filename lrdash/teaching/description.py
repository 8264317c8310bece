"""What a descent did and why, in sentences computed from its own numbers.

On a quadratic of curvature c a step multiplies the distance to the floor by 1 - rate * c. So below
1 / c it stops short of the floor, between 1 / c and 2 / c it jumps over the floor and lands lower
on the other wall, and above 2 / c it lands higher than it began.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lrdash.core.wording import listed, number, percent
from lrdash.core.wording import rate as written
from lrdash.teaching.descent import Path
from lrdash.teaching.surfaces import Surface


def path_in_words(surface: Surface, path: Path, name: str) -> str:
    """One path: how often it jumped over the floor, why that stopped or not, and where it ended."""
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
    left = [name for path, name in zip(paths, names, strict=True) if path.ended != "done"]
    if not here:
        return "No path stayed in the picture. Lower the peak rate."
    (best, first), (worst, last) = min(here), max(here)
    gone = f" {listed(left)} left the picture." if left else ""
    if len(here) < 2 or worst <= best * 1.05:
        alone = f"{first} stays in the picture" if len(here) < 2 else "All end about equally low"
        return f"{alone}, at a loss of {number(best)}.{gone}"
    times = f", {number(worst / best)} times that" if best > 0 and worst / best < 1e6 else ""
    return (
        f"{first} ends lowest, at a loss of {number(best)}. "
        f"{last} ends highest, at {number(worst)}{times}.{gone}"
    )


def settled(path: Path) -> float:
    """The loss at which a path ended: the mean over its last tenth, because of the noise."""
    return float(path.losses[-max(1, path.steps // 10) :].mean())


def noise_floor(surface: Surface, rate: float) -> float | None:
    """The mean loss that noise sustains on a quadratic at a constant rate; None above the limit.

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
    ended = f"{how} at step {at} with a loss of {number(path.losses[-1])}"
    if rate * bend > 2:
        return (
            f"{ended} (it began at {number(path.losses[0])}): its rate {written(rate)} was above "
            f"the limit {written(2 / bend)} there, and such a step lands {number(rate * bend - 1)} "
            "times as far from the floor as it began. The path stops here."
        )
    length = float(np.linalg.norm(path.places[-1] - path.places[-2]))
    return (
        f"{ended}: the slope was so steep that a rate of {written(rate)} made a step of length "
        f"{number(length)}. The path stops here."
    )


def _walk(path: Path) -> str:
    """How often it jumped over the floor and what stopped that."""
    total, jumps = path.steps, len(path.crossings)
    ratio = path.rates * path.curvatures[:-1]  # below 1 stops short, above 2 lands higher
    if not jumps:
        most = float(np.nanmax(ratio))
        return (
            "never jumps over the floor: its rate stays below 1 / curvature"
            f" ({percent(most)} of it at most), so each step stops short of the floor."
            if most < 1 else "never jumps over the floor."
        )
    last = path.crossings[-1]
    often = f"jumps over the floor at {jumps} of {total} steps"
    if last > total - max(2, total // 10):
        return f"{often}, until the end. {_still(float(path.rates[-1]), path)}"
    after = f"{often}, the last time at step {last}."
    rate, bend = float(path.rates[last]), float(path.curvatures[last])
    highest = float(path.rates[:last].max())
    if rate < 0.9 * highest and rate * bend < 1.1 and highest * bend >= 1:
        return (
            f"{after} By then its rate has fallen to {written(rate)}, which no longer exceeds "
            f"1 / curvature ({written(1 / bend)}): from there each step stops short of the floor, "
            "and the path settles."
        )
    if 0 < rate * bend < 1:
        return (
            f"{after} From there the walls are flat enough (curvature {number(bend)}) for a rate "
            f"of {written(rate)} to stop short of the floor."
        )
    if path.losses[last + 1 :].max(initial=0.0) < 1e-12:
        return f"{after} By then it has reached the bottom."
    return f"{after} From there it follows the floor."


def _still(rate: float, path: Path) -> str:
    bend = float(path.curvatures[-2])
    if bend <= 0:
        return ""
    share, times = percent(rate * bend / 2), number(abs(1 - rate * bend))
    falls = bool(path.rates[-1] < path.rates.max() * 0.99)
    kept = "Even at the end its rate" if falls else "Its rate"
    effect = (
        "so it bounces instead of settling" if abs(1 - rate * bend) > 0.5
        else "close enough to the best rate 1 / curvature to settle anyway"
    )
    return (
        f"{kept} {written(rate)} is {share} of the limit {written(2 / bend)} there: each step "
        f"lands on the other wall, {times} times as far out, {effect}."
    )


def _thrown(surface: Surface, path: Path) -> str:
    """With noise: how high the noise keeps it at its rates, by the path and by theory."""
    tenth = max(1, path.steps // 10)
    first, last = float(path.rates.max()), float(path.rates[-tenth:].mean())
    end = f"ends at a loss of {number(settled(path))} (mean of its last {tenth} steps)."
    high, low = noise_floor(surface, first), noise_floor(surface, last)
    if last > 0.5 * first:
        floor = f": in theory to {number(low)} on average" if low is not None else ""
        return (
            f"{end} Its rate is still {written(last)}, so the noise of every step scatters it in "
            f"proportion to the rate{floor}, however long it runs."
        )
    if high is None or low is None:
        return end
    return (
        f"{end} Its rate has fallen from {written(first)} to {written(last)}, so that the noise of "
        f"many steps averages out. In theory, noise holds it at {number(high)} on average at its "
        f"highest rate, and at {number(low)} at its last."
    )


def _rest(surface: Surface, path: Path) -> str:
    """Where it ended: the loss, the distance to the minimum, and which of several valleys."""
    loss = f"The loss ends at {number(path.losses[-1])}"
    end = path.places[-1]
    if len(surface.minima) > 1:
        nearest = min(surface.minima, key=lambda m: float(np.linalg.norm(end - m.place)))
        bend, _ = surface.curvature(np.array(nearest.place))
        return f"{loss}, in the {nearest.label}, whose limit is {written(2 / bend)} at its bottom."
    left = float(np.linalg.norm(end - surface.minima[0].place))
    return f"{loss}, {number(left)} from the minimum."
