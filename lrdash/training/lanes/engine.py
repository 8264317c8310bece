"""The lanes engine: trains the runs of a group side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import lru_cache
from time import perf_counter

from lrdash.core.events import Mailbox, RunEnded, Sink, no_mail, stopped_after
from lrdash.planning.plan import Plan
from lrdash.training.checkpoints import CheckpointWriter
from lrdash.training.determinism import deterministic
from lrdash.training.lanes.block import Block, Call, Portions
from lrdash.training.lanes.cache import program_for
from lrdash.training.lanes.checkpoints import restored
from lrdash.training.lanes.lane import Lane
from lrdash.training.lanes.layout import Layout, layout_of_width, processors
from lrdash.training.lanes.program import Program
from lrdash.training.versions import started

POLL = 0.1  # seconds between two looks whether to stop

Stops = Callable[[], set[str]]


@deterministic()
def train_lanes(
    plans: Sequence[Plan],
    *,
    run_ids: Sequence[str],
    sink: Sink,
    should_stop: Stops,
    writer: CheckpointWriter,
    layout: Layout | None = None,
    mailbox: Mailbox = no_mail,
) -> None:
    """Train runs of one group; the same plans give the same bits on the same machine.

    Args (others as in `train_group`):
        plans: of one `grouping.group_key`.
        layout: the form of the program, if not the one that suits the plan.
    """
    stopped = should_stop()
    by_width: dict[int | None, list[Lane]] = {}  # of their blocks before; None: they begin
    for run_id, plan in zip(run_ids, plans, strict=True):
        policy = writer.start(run_id, plan, "lanes")
        if run_id in stopped:
            sink(run_id, RunEnded(status="stopped", reason=stopped_after(policy.epoch)))
        else:
            lane = Lane(run_id, plan, sink, policy, mailbox)
            by_width.setdefault(lane.width, []).append(lane)
    for width, part in by_width.items():
        before = layout_of_width(part[0].plan, width) if width else None
        program = program_for(part[0].plan, len(part), layout or before)
        for lane in part:
            lane.width = program.layout.width
        _train(part, program, should_stop)


def _train(lanes: Sequence[Lane], program: Program, should_stop: Stops) -> None:
    plan = lanes[0].plan
    for lane in lanes:
        lane.start(started(lane.plan, "lanes"))
    ready = deque(_blocks([lane for lane in lanes if lane.ended is None], program))
    if not ready:
        return
    width = program.layout.width
    work = width * plan.model.work(plan.dataset.shape).multiply_adds  # of one pass forward
    portions = Portions(program, 3 * plan.spec.batch_size * work, program.data.block * work)
    _take_turns(lanes, ready, portions, should_stop)


def _take_turns(
    lanes: Sequence[Lane], ready: deque[Block], portions: Portions, should_stop: Stops
) -> None:
    """Train the blocks, part of an epoch by part and one a core, until all lanes have ended."""
    cores, running, polled = processors(), dict[Future[Call], Block](), perf_counter()
    with ThreadPoolExecutor(min(len(ready), cores), "lrdash-lanes") as pool:
        while ready or running:
            while ready and len(running) < (cores if ready[0].program.compiled else 1):
                block = ready.popleft()
                running[pool.submit(block.advance, portions)] = block
            done, _ = wait(running, timeout=POLL, return_when=FIRST_COMPLETED)
            if perf_counter() - polled >= POLL:
                polled = perf_counter()
                _stop(lanes, should_stop())
            for future in done:
                block, call = running.pop(future), future.result()
                portions.learn(call)
                block.take(call)
                _give_back(block, ready)


def _give_back(block: Block, ready: deque[Block]) -> None:
    """Put a block back in the queue, merged with another if both fit into one."""
    width, active = block.program.layout.width, len(block.active)
    if not active:
        return
    if active < width and block.between_epochs:
        for other in ready:
            if other.between_epochs and 0 < len(other.active) <= width - active:
                ready.remove(other)
                block = other.join(block)
                break
    ready.append(block)


def _stop(lanes: Sequence[Lane], run_ids: set[str]) -> None:
    if run_ids:
        for lane in lanes:
            if lane.ended is None and lane.run_id in run_ids:
                lane.stop()


def _blocks(lanes: Sequence[Lane], program: Program) -> list[Block]:
    width = program.layout.width
    seeds = len({lane.plan.spec.seed for lane in lanes})
    orders = lru_cache(maxsize=2 * seeds)(program.order)  # each made once for all lanes of a seed
    blocks = []
    for first in range(0, len(lanes), width):
        part = lanes[first : first + width]
        own = [lane.plan.spec.seed for lane in part]
        state = program.start(own + own[:1] * (width - len(part)))
        state = restored(state, [lane.policy.found for lane in part])
        blocks.append(Block(program, part, state, orders))
    return blocks
