"""The losses of a range test: all seeds side by side, each from a fresh model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from lrdash.planning.grouping import cut
from lrdash.planning.plan import Plan
from lrdash.planning.range_test import PlannedTest
from lrdash.training.determinism import deterministic
from lrdash.training.failures import Stopped
from lrdash.training.lanes.cache import program_for
from lrdash.training.lanes.graph import State
from lrdash.training.lanes.layout import SAME_ORDER, WIDEST, Layout, processors
from lrdash.training.lanes.program import Program

PART = 0.25  # seconds that a call may take, so that a stop is quick
FIRST_PART = 5  # updates of the first call, before anything is measured

Losses = NDArray[np.float32]
OnProgress = Callable[[int, Losses], None]


@dataclass
class _Lanes:
    """Some seeds that are trained together, and their losses so far."""

    seeds: list[int]
    state: State
    losses: list[Losses] = field(default_factory=list)  # parts [lanes, updates of the part]


@deterministic()
def measure(
    test: PlannedTest, *, on_progress: OnProgress, should_stop: Callable[[], bool]
) -> Losses:
    """The losses of a test; the same test gives the same bits on the same machine.

    Args:
        on_progress: receives, several times a second, the updates done and the losses so far
            [seeds, updates], NaN where there are none yet.
        should_stop: asked as often.

    Returns:
        The loss of each batch before its update, penalties of the weights included, float32
        [seeds, updates]. It may be infinite or NaN once a seed has diverged; when all have, the
        rest is not trained and NaN.

    Raises:
        Stopped: when a stop was requested; `on_progress` has the losses so far.
        InvalidField: if a seed does not fit into the memory.
    """
    spec, plan = test.spec, test.plan
    layout = _layout(plan, len(spec.seeds))
    program = program_for(plan, layout.width, layout)
    seeds, lanes = list(spec.seeds), list[_Lanes]()
    for first in range(0, len(seeds), layout.width):
        part = seeds[first : first + layout.width]
        padded = part + part[:1] * (layout.width - len(part))
        lanes.append(_Lanes(padded, program.start(padded)))
    done = 0
    for first, last in _parts(program, spec.updates):
        if should_stop():
            raise Stopped
        _advance(program, lanes, spec.rates, first, last)
        done = last
        losses = _gathered(lanes, len(seeds), spec.updates)
        on_progress(done, losses)
        if not np.isfinite(losses[:, done - 1]).any():
            break
    return _gathered(lanes, len(seeds), spec.updates)


def _layout(plan: Plan, seeds: int) -> Layout:
    """Dense models are stacked, as many lanes as there are seeds; others have a lane a call."""
    groups = cut([plan] * seeds)  # as many as fit into the memory
    if plan.model.convolutional:
        return Layout(stacked=False, width=1)
    return Layout(stacked=True, width=max(1, min(WIDEST, len(groups[0]), _calm(plan))))


def _calm(plan: Plan) -> int:
    """Lanes up to which XLA sums in one order; see `layout.SAME_ORDER`."""
    widths = [int(width) for width in plan.spec.model_params.get("widths", [])]
    return (SAME_ORDER - 1) // max(widths, default=1)


def _parts(program: Program, updates: int) -> Iterator[tuple[int, int]]:
    """Stretches of updates, none across the end of an epoch, of about `PART` seconds each."""
    done, size = 0, FIRST_PART
    while done < updates:
        left = program.updates - done % program.updates
        last = min(updates, done + min(size, left))
        compiled, began = program.tested, perf_counter()
        yield done, last
        if compiled:
            each = (perf_counter() - began) / (last - done)
            size = max(1, int(PART / max(each, 1e-6)))
        done = last


def _advance(
    program: Program, lanes: list[_Lanes], rates: NDArray[np.float32], first: int, last: int
) -> None:
    """Do these updates of the test in all lanes."""
    epoch, begin = divmod(first, program.updates)
    own = np.zeros((program.layout.width, program.updates), np.float32)
    own[:, : len(rates) - epoch * program.updates] = \
        rates[epoch * program.updates : (epoch + 1) * program.updates]

    def move(some: _Lanes) -> None:
        order = np.stack([program.order(seed, epoch) for seed in some.seeds])
        some.state, losses = program.losses(some.state, own, order, begin, begin + last - first)
        some.losses.append(losses)

    at_once = min(len(lanes), processors())
    if at_once == 1 or not program.tested:
        for some in lanes:
            move(some)
        return
    with ThreadPoolExecutor(at_once, "lrdash-range") as pool:
        list(pool.map(move, lanes))


def _gathered(lanes: list[_Lanes], seeds: int, updates: int) -> Losses:
    """All losses so far [seeds, updates], NaN where there are none."""
    rows = np.concatenate([np.concatenate(some.losses, axis=1) for some in lanes])[:seeds]
    whole = np.full((seeds, updates), np.nan, np.float32)
    whole[:, : rows.shape[1]] = rows
    return whole
