"""Layers while a user edits them: what each outputs, or what is wrong with it.

A draft is one row as typed: its kind and its settings, whatever their values. Rows that are not
allowed stay as they are until the user fixes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lrdash.core.errors import InvalidField
from lrdash.core.record import PartFault
from lrdash.models import rows
from lrdash.models.layers import RULES, Misplaced, Shape, Step
from lrdash.models.own_layers import DEEPEST, read_row
from lrdash.models.rows import Row

Draft = Mapping[str, Any]
NUMBERS = ("size", "kernel", "strides", "rate")
FRESH: Mapping[str, Mapping[str, Any]] = {  # settings of a new row that differ from the defaults
    "dense": {"activation": "relu"},
    "conv2d": {"size": 16, "activation": "relu"},
    "activation": {"activation": "relu"},
    "residual": {"size": 16, "activation": "relu"},
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of checking a draft."""

    row: Row | None  # None: a setting has a value that is not allowed
    step: Step | None  # None: this row or one before it is wrong
    fault: str  # what is wrong and how to fix it; empty: nothing
    idle: tuple[str, ...]  # settings with a value that this kind of layer ignores


def fresh(kind: str) -> Draft:
    """A new row of this kind, with the settings that it uses."""
    return _used(Row(**{"kind": kind, **FRESH.get(kind, {})}))


def read(text: str) -> list[Draft]:
    """The rows of a text, with all settings that they use; none for an empty text.

    Raises:
        InvalidField: there are too many rows, or one that a table cannot show: of a kind, with a
            setting or a word that does not exist.
    """
    try:
        given = rows.from_text(text)
        if len(given) > DEEPEST:
            raise PartFault(f"must be at most {DEEPEST} layers", len(given))
        return [_read(one, number) for number, one in enumerate(given, start=1)]
    except PartFault as fault:
        raise InvalidField("layers", str(fault), fault.given) from None


def look(drafts: Sequence[Draft], shape: Shape) -> list[Finding]:
    """Check each row, for examples of this shape."""
    found: list[Finding] = []
    before: Shape | None = shape
    for draft in drafts:
        one = _look(draft, before)
        before = one.step.shape if one.step else None
        found.append(one)
    return found


def _look(draft: Draft, before: Shape | None) -> Finding:
    uses = RULES[draft["kind"]].uses
    idle = tuple(
        name for name, value in draft.items() if name not in ("kind", *uses) and value is not None
    )
    row, step, fault = None, None, ""
    try:
        row = Row(**{name: draft[name] for name in ("kind", *uses)})
        step = rows.step(row, before) if before is not None else None
    except InvalidField as wrong:
        fault = f"{rows.problem(wrong)}, {_given(wrong.given)}."
    except Misplaced as wrong:
        fault = f"{str(wrong)[0].upper()}{str(wrong)[1:]}."
    return Finding(row=row, step=step, fault=fault, idle=idle)


def _given(given: Any) -> str:
    if given is None:
        return "and is empty"
    return f"got {given:,.10g}" if isinstance(given, int | float) else f"got {given}"


def _read(given: Draft, number: int) -> Draft:
    """A row with its defaults filled in; numbers may be out of bounds."""
    numbers = {
        name: given[name] for name in NUMBERS if name in given and (
            given[name] is None
            or (isinstance(given[name], int | float) and math.isfinite(given[name]))
        )
    }
    others = {name: value for name, value in given.items() if name not in numbers}
    row = read_row(others, number)
    return {**_used(row), **numbers}


def _used(row: Row) -> Draft:
    """The settings of a row that its kind uses."""
    return {"kind": row.kind, **{name: getattr(row, name) for name in RULES[row.kind].uses}}
