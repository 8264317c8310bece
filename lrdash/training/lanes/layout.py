"""How many lanes one program holds, and whether XLA compiles them stacked.

Dense layers stack well: lanes become the batch dimension of one matrix product, and XLA fuses the
rest. XLA's convolutions on a CPU are several times slower than TensorFlow's own kernels, so models
with convolutions are not stacked; each lane is then a graph of its own, run beside the others.

A stacked program is wide or narrow: wide for the many runs of a comparison, narrow for as few as
there are processors, since each place of a block costs its time, taken or not.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from lrdash.planning.plan import Plan

WIDEST = 16  # lanes of a block
FEW = 4  # lanes that are faster one by one, even with fewer processors
# Multiply-adds of a block's forward pass over one batch. With less, what a program does around the
# products takes longer than they do: on 2 processors a lane of digits with the default MLP (0.55
# million) takes 6.6 ms an epoch alone, 3.2 ms in a block of 4, 2.7 ms of 6 and 2.5 ms of 8.
ENOUGH_WORK = 3_500_000
# XLA sums the gradient of a bias in another order where a block has so many of them. Below that,
# blocks of all widths give the same bits (tested).
SAME_ORDER = 1024


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The form of a program."""

    stacked: bool  # lanes are one more dimension of every tensor, compiled by XLA
    width: int  # lanes of a block


def layout_of(plan: Plan, lanes: int, units: int) -> Layout:
    """The form for a group.

    Args:
        plan: any of the group.
        units: of the widest layer.
    """
    if plan.model.convolutional:
        return Layout(stacked=False, width=1)
    if lanes <= max(FEW, processors()):
        return Layout(stacked=True, width=1)
    work = plan.spec.batch_size * plan.model.work(plan.dataset.shape).multiply_adds
    width = min(WIDEST, -(-ENOUGH_WORK // work), (SAME_ORDER - 1) // units)
    return Layout(stacked=True, width=max(1, width))


def layout_of_width(plan: Plan, width: int) -> Layout:
    """The form with blocks of this width; a resumed run keeps the one in which it began.

    For small or odd shapes XLA rounds differently in blocks of another width.
    """
    return Layout(stacked=not plan.model.convolutional, width=width)


def processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
