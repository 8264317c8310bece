"""An architecture that a user built layer by layer."""

from __future__ import annotations

import dataclasses
from typing import Any

import pydantic

from lrdash.core.errors import InvalidField
from lrdash.core.record import Knob, PartFault, field
from lrdash.core.spec import DataShape
from lrdash.models import rows
from lrdash.models.base import Model
from lrdash.models.layers import Layer, Misplaced, Shape, Step
from lrdash.models.rows import Row

DEEPEST = 60  # rows
MOST_WEIGHTS = 50_000_000
FIRST = (
    {"kind": "flatten"}, {"kind": "dense", "size": 64, "activation": "relu"},
    {"kind": "dense", "size": 32, "activation": "relu"},
)


class OwnLayers(Model):
    """Rows of layers, one after the other; the output layer is added automatically.

    Images are flattened before the output. The settings hold the whole architecture, so that a run
    names exactly the network that it trained.

    >>> digits = DataShape(task="classification", input_shape=(8, 8, 1), num_classes=10)
    >>> OwnLayers().parameters(digits)  # 64*64 + 64, 64*32 + 32, 32*10 + 10
    6570
    """

    id = "layers"
    label = "Own layers"
    description = (
        "A network that you build layer by layer. The output layer is added automatically."
    )
    source = "You"

    layers: tuple[Row, ...] = field(
        tuple(Row(**row) for row in FIRST), label="Layers",
        help=f"1 to {DEEPEST} layers, first to last, separated by semicolons, e.g. flatten; "
        "dense size=64 activation=relu. The Models page has a table for it.",
    )

    @pydantic.field_validator("layers", mode="before")
    @classmethod
    def _explain_rows(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = rows.from_text(value)
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= DEEPEST:
            raise ValueError(f"must be a list of 1 to {DEEPEST} layers")
        return tuple(read_row(row, number) for number, row in enumerate(value, start=1))

    @classmethod
    def knobs(cls) -> tuple[Knob, ...]:
        """The rows as text that users can type."""
        (knob,) = super().knobs()
        return (dataclasses.replace(knob, kind="text", default=rows.as_text(knob.default)),)

    @property
    def convolutional(self) -> bool:  # type: ignore[override]
        """Whether it reads images as such; a residual block does where it is flattened later."""
        kinds = [row.kind for row in self.layers]
        images = {"max_pooling", "average_pooling", "global_average_pooling", "flatten"}
        later = kinds[kinds.index("residual") :] if "residual" in kinds else []
        return "conv2d" in kinds or bool(images.intersection(later))

    def rows(self, shape: DataShape) -> list[Layer]:  # noqa: ARG002 (of every model)
        """One for each row, named by its place."""
        return [row.layer(f"layer_{number}") for number, row in enumerate(self.layers, start=1)]

    def steps(self, shape: DataShape) -> list[Step]:
        """What each row outputs and costs, for such data.

        Raises:
            InvalidField: names the first row that does not fit where it is.
        """
        found: list[Step] = []
        for number, row in enumerate(self.layers, start=1):
            try:
                found.append(rows.step(row, found[-1].shape if found else shape.input_shape))
            except Misplaced as fault:
                problem = f"must be fixed in row {number}: {fault}"
                raise InvalidField("layers", problem, rows.as_text([row])) from None
        return found

    def network(self, shape: DataShape) -> list[tuple[Layer, Shape, Step]]:
        """The rows and the output.

        Raises:
            InvalidField: if a row does not fit where it is, or there are too many weights.
        """
        self.steps(shape)
        whole = super().network(shape)
        count = sum(step.parameters for _, _, step in whole)
        if count > MOST_WEIGHTS:
            problem = f"must have at most {MOST_WEIGHTS:,} weights in total"
            raise InvalidField("layers", problem, count)
        return whole


def read_row(given: Any, number: int) -> Row:
    """One row of several.

    Args:
        given: the row, or its settings by name.
        number: its place from 1, for the message.

    Raises:
        PartFault: it is no row, or a setting is wrong.
    """
    if isinstance(given, Row):
        return given
    if not isinstance(given, dict):
        problem = f"must have a layer with its settings in row {number}, e.g. dense size=64"
        raise PartFault(problem, given)
    try:
        return Row(**given)
    except InvalidField as fault:
        problem = f"must be fixed in row {number}: {rows.problem(fault)}"
        raise PartFault(problem, fault.given) from None
