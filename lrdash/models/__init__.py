"""The models that can be trained, by id. To add one: a file here, and its name in `ENTRIES`.

Other packages bring theirs by entry points of the group `lrdash.models`.
"""

from __future__ import annotations

from typing import Any

from lrdash.core.registry import Registry, defined_in
from lrdash.models.base import ImageModel, Model
from lrdash.models.layers import Layer, Work

ENTRIES = (  # files of this folder; the order is that of every list
    "linear",
    "mlp",
    "cnn",
    "lenet",
    "resnet",
    "noisy_quadratic",
    "own_layers",
)


def _problem(name: str, entry: Any) -> str:
    if not (isinstance(entry, type) and issubclass(entry, Model)):
        return "is no class made from lrdash.models.Model"
    return "" if getattr(entry, "id", None) == name else f"has the id {entry.id!r}"


MODELS: Registry[type[Model]] = Registry("model", group="lrdash.models", problem=_problem)
for _name in ENTRIES:
    _model = defined_in(f"{__name__}.{_name}", Model)
    MODELS.add(_model.id, _model)

__all__ = ["MODELS", "ImageModel", "Layer", "Model", "Work"]
