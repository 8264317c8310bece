"""Compiled programs, kept for the next group of the same shape."""

from __future__ import annotations

import json
from collections import OrderedDict

from lrdash.grouping import SHARED
from lrdash.plan import Plan
from lrdash.training.lanes.layout import Layout, layout_of
from lrdash.training.lanes.placed import still_placed
from lrdash.training.lanes.program import Program

KEPT = 8  # programs

_programs: OrderedDict[tuple[str, Layout], Program] = OrderedDict()


def program_for(plan: Plan, layout: Layout | None = None) -> Program:
    """The program of the plan's group; main thread only.

    Args:
        plan: any of the group.
        layout: its form, if not the one that suits the plan.
    """
    key = _shape(plan), layout or layout_of(plan)
    if key not in _programs:
        _programs[key] = Program(plan, key[1])
    _programs.move_to_end(key)
    for old in list(_programs)[:-KEPT]:
        del _programs[old]
    for other, program in list(_programs.items()):
        if other != key and not still_placed(program.data):
            del _programs[other]
    return _programs[key]


def _shape(plan: Plan) -> str:
    """What the runs of a group share, but for the number of epochs: a program serves any."""
    values = {name: getattr(plan.spec, name) for name in SHARED if name != "epochs"}
    return json.dumps(values, sort_keys=True)


def clear() -> None:
    """Forget all programs."""
    _programs.clear()
