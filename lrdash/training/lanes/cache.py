"""Compiled programs, kept for the next group of the same shape. For one thread at a time."""

from __future__ import annotations

import json
from collections import OrderedDict

from lrdash.planning.grouping import shared_values
from lrdash.planning.plan import Plan
from lrdash.training.lanes.layout import Layout, layout_of
from lrdash.training.lanes.placed import still_placed
from lrdash.training.lanes.program import Program

KEPT = 8  # programs

_programs: OrderedDict[tuple[str, Layout], Program] = OrderedDict()
_units: dict[str, int] = {}  # of the widest layer, by shape


def program_for(plan: Plan, lanes: int, layout: Layout | None = None) -> Program:
    """The program of a group.

    Args:
        plan: any of the group.
        layout: its form, if not the one that suits the group.
    """
    shape = json.dumps(shared_values(plan.spec), sort_keys=True)
    if shape not in _units:
        _units[shape] = _widest(plan)
    key = shape, layout or layout_of(plan, lanes, _units[shape])
    if key not in _programs:
        _programs[key] = Program(plan, key[1])
    _programs.move_to_end(key)
    for old in list(_programs)[:-KEPT]:
        del _programs[old]
    for other, program in list(_programs.items()):
        if other != key and not still_placed(program.data):
            del _programs[other]
    return _programs[key]


def forget(token: str) -> None:
    """Forget the programs of a script's own model: another one may get its token."""
    for key in [key for key in _programs if f'"token": "{token}"' in key[0]]:
        del _programs[key]


def clear() -> None:
    """Forget all programs."""
    _programs.clear()


def _widest(plan: Plan) -> int:
    """Units of the widest layer: the largest bias, scale or shift."""
    weights = plan.model.build(plan.dataset.shape).trainable_variables
    return max((weight.shape[0] for weight in weights if len(weight.shape) == 1), default=1)
