"""A block of lanes and how far it is in its epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lrdash.training.lanes.checkpoints import values_of
from lrdash.training.lanes.graph import State
from lrdash.training.lanes.lane import Lane
from lrdash.training.lanes.program import Bounds, Program
from lrdash.training.lanes.tally import blank, read

TARGET = 0.25  # seconds that a call may take, so that a stop is quick
FIRST_GUESS = 2e9  # multiply-adds a second of one core, before anything is measured

Orders = Callable[[int, int], NDArray[np.int32]]  # seed and epoch to the order, padded


@dataclass(frozen=True, kw_only=True)
class Call:
    """What one call of the program did."""

    state: State
    counts: NDArray[np.float32]
    bounds: Bounds
    work: float  # multiply-adds
    seconds: float  # 0 if it compiled the program


class Portions:
    """Measures calls, so that the next takes about `TARGET` seconds."""

    def __init__(self, program: Program, update: float, block: float) -> None:
        self._program = program
        self._update, self._block = update, block  # multiply-adds of one
        self._speed = FIRST_GUESS

    def bounds(self, update: int, block: int) -> Bounds:
        """The part of an epoch to do next, from this update and validation block on."""
        budget = self._speed * TARGET
        updates = min(self._program.updates - update, max(1, int(budget / self._update)))
        budget -= updates * self._update
        blocks = 0
        if update + updates == self._program.updates:
            least = 0 if updates else 1
            blocks = min(self._program.blocks - block, max(least, int(budget / self._block)))
        return Bounds(update, update + updates, block, block + blocks)

    def work(self, bounds: Bounds) -> float:
        """Multiply-adds within the bounds."""
        return (
            (bounds.last_update - bounds.update) * self._update
            + (bounds.last_block - bounds.block) * self._block
        )

    def learn(self, call: Call) -> None:
        """Take the time of a call into account."""
        if call.seconds > 0.01 * TARGET:
            self._speed = call.work / call.seconds


class Block:
    """Lanes that share the calls of a program. One thread at a time may use it.

    Args:
        lanes: at most the width of the program; free places copy the first lane.
    """

    def __init__(
        self, program: Program, lanes: Sequence[Lane], state: State, orders: Orders
    ) -> None:
        self.program, self.lanes, self._orders = program, list(lanes), orders
        self._state = state
        self._update = self._block = 0  # done in this epoch
        self._prepare()

    @property
    def active(self) -> list[int]:
        """Places of the lanes that have not ended."""
        return [place for place, lane in enumerate(self.lanes) if lane.ended is None]

    @property
    def between_epochs(self) -> bool:
        """Whether an epoch has ended and the next has not begun."""
        return self._update == 0

    def advance(self, portions: Portions) -> Call:
        """Do the next part of the epoch. Touches nothing but the program's tensors."""
        began, compiled = perf_counter(), self.program.compiled
        bounds = portions.bounds(self._update, self._block)
        state, counts = self.program.run(self._state, self._rates, self._order, bounds)
        return Call(
            state=state, counts=counts, bounds=bounds, work=portions.work(bounds),
            seconds=perf_counter() - began if compiled else 0.0,
        )

    def take(self, call: Call) -> None:
        """Continue from the result of a call, and update the lanes."""
        self._state = call.state
        self._update, self._block = call.bounds.last_update, call.bounds.last_block
        over = self._block == self.program.blocks and self._update == self.program.updates
        tallies = read(call.counts)
        for place in self.active:
            lane, tally = self.lanes[place], tallies[place]
            lane.check(tally, self._update)
            if over and lane.ended is None:
                lane.end_epoch(tally)
        if over:
            self._save()
            self._update = self._block = 0
            counts = tf.constant(blank(self.program.layout.width))
            self._state = self._state._replace(counts=counts)
            self._prepare()

    def join(self, other: Block) -> Block:
        """One block of the active lanes of two blocks between epochs."""
        width = self.program.layout.width
        keep = [*self.active, *(width + place for place in other.active)]
        places = tf.constant((keep + keep[:1] * width)[:width])

        def pick(mine: tf.Tensor, theirs: tf.Tensor) -> tf.Tensor:
            return tf.gather(tf.concat([mine, theirs], axis=0), places)

        state = State(*tf.nest.map_structure(pick, tuple(self._state), tuple(other._state)))
        lanes = [block.lanes[place] for block in (self, other) for place in block.active]
        return Block(self.program, lanes, state, self._orders)

    def _save(self) -> None:
        """Save the lanes that are due."""
        due = [place for place, lane in enumerate(self.lanes) if lane.due]
        if due:
            values = values_of(self._state)
            for place in due:
                mine = {name: np.array(array[place]) for name, array in values.items()}
                self.lanes[place].save(mine)

    def _prepare(self) -> None:
        """Rates and orders of the next epoch; places of lanes that have ended copy others."""
        active = self.active
        if not active:
            return
        places = [
            place if place in active else active[0]
            for place in range(self.program.layout.width)
        ]
        lanes = [self.lanes[place] for place in places]
        self._rates = np.stack([lane.rates for lane in lanes])
        self._order = np.stack(
            [self._orders(lane.plan.spec.seed, lane.epochs_done) for lane in lanes]
        )
