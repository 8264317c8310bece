"""How many lanes one program holds, and whether XLA compiles them stacked.

Dense layers stack well: lanes become the batch dimension of one matrix product, and XLA fuses the
rest. XLA's convolutions on a CPU are several times slower than TensorFlow's own kernels, so models
with convolutions are not stacked; each lane is then a graph of its own, run beside the others.
"""

from __future__ import annotations

from dataclasses import dataclass

from lrdash.plan import Plan

WIDEST = 16  # lanes of a block
# Multiply-adds of a block's forward pass over one batch, below which what the program does around
# them takes longer than they do: small models share the cost among more lanes. Measured on a CPU of
# 2 cores: a lane of digits with the default MLP (0.55 million) takes half the time in a block of 4.
ENOUGH_WORK = 1_500_000


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The form of a program."""

    stacked: bool  # lanes are one more dimension of every tensor, compiled by XLA
    width: int  # lanes of a block


def layout_of(plan: Plan) -> Layout:
    """The form that suits the plan; equal for all plans of a group."""
    if plan.model.convolutional:
        return Layout(stacked=False, width=1)
    work = plan.spec.batch_size * plan.model.work(plan.dataset.shape).multiply_adds
    width = 1
    while width < WIDEST and width * work < ENOUGH_WORK:
        width *= 2
    return Layout(stacked=True, width=width)
