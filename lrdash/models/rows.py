"""The rows of the layer editor: one layer each, as a record and as text."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pydantic

from lrdash.core.errors import InvalidField
from lrdash.core.record import PartFault, Record, field
from lrdash.models import layers
from lrdash.models.layers import RULES, Activation, Kind, Layer, Misplaced, Shape, Step

LARGEST = 4096  # units or filters
MOST_NUMBERS = 5_000_000  # output by a layer, an example
POOLS = ("max_pooling", "average_pooling")


class Row(Record):
    """One layer; settings that its kind does not have are ignored."""

    prefix = "layer."

    kind: Kind = field(..., label="Layer", help="What the layer does.")
    size: int = field(
        64, label="Size", ge=1, le=LARGEST, step=1,
        help="Units of a dense layer, filters of a convolution, or side of a pool (2 by default). "
        "More units learn more and train slower.",
    )
    kernel: int = field(
        3, label="Kernel", unit="pixels", ge=1, le=15, step=1,
        help="Side of a convolution's filters.",
    )
    strides: int = field(
        1, label="Stride", unit="pixels", ge=1, le=8, step=1,
        help="Distance between two positions of a filter; 2 halves the image.",
    )
    activation: Literal[Activation, "none"] = field(
        "none", label="Activation", help="The nonlinearity after the layer."
    )
    rate: float = field(
        0.2, label="Dropout", unit="share of units", ge=0, lt=1, step=0.05,
        help="Share of the values that dropout silences in each update.",
    )

    @pydantic.model_validator(mode="before")
    @classmethod
    def _halve(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("kind") in POOLS:
            return {"size": 2} | given
        return given

    def layer(self, name: str = "") -> Layer:
        """The layer that the row describes."""
        return Layer(name=name, **self.as_dict())


def as_text(given: Sequence[Row]) -> str:
    """Rows as users type them: `conv2d size=16; flatten; dense size=64 activation=relu`."""
    return typed([row.as_dict() for row in given])


def typed(given: Sequence[Mapping[str, Any]]) -> str:
    """The same for rows that are not validated: `size=` where a setting was cleared."""
    return "; ".join(
        " ".join([row["kind"], *(
            f"{name}={'' if row[name] is None else row[name]}"
            for name in RULES[row["kind"]].uses if name in row
        )])
        for row in given
    )


def from_text(text: str) -> list[dict[str, Any]]:
    """The settings of each row of such a text, not validated yet.

    Raises:
        PartFault: a word that is no setting; names its row.
    """
    found: list[dict[str, Any]] = []
    for number, part in enumerate(filter(str.strip, re.split(r"[;\n]", text)), start=1):
        kind, *settings = part.split()
        row: dict[str, Any] = {"kind": kind}
        for setting in settings:
            name, equals, value = setting.partition("=")
            if not equals:
                raise PartFault(f"must have settings like size=64 in row {number}", setting)
            row[name] = _value(value) if value else None
        found.append(row)
    return found


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def problem(fault: InvalidField) -> str:
    """What a wrong setting of a row must be, under the label that users see."""
    name = fault.field.removeprefix(Row.prefix)
    info = Row.model_fields.get(name.partition(".")[0])
    return f"{info.title if info else name} {fault.problem}"


def step(row: Row, shape: Shape) -> Step:
    """The shape that a row outputs, and what it costs.

    Raises:
        Misplaced: the row does not take this shape, or makes too much of it.
    """
    done = layers.step(row.layer(), shape)
    if math.prod(done.shape) > MOST_NUMBERS:
        raise Misplaced(
            f"it would output {math.prod(done.shape):,} numbers an example, more than "
            f"{MOST_NUMBERS:,}; pool the image first"
        )
    return done
