"""The models that can be trained, by id. A new one is one new file and one line here.

Other packages bring theirs by entry points of the group `lrdash.models`.
"""

from __future__ import annotations

from typing import Any

from lrdash.core.registry import Registry
from lrdash.models.base import ImageModel, Model
from lrdash.models.cnn import Cnn
from lrdash.models.layers import Layer, Work
from lrdash.models.lenet import Lenet
from lrdash.models.linear import Linear
from lrdash.models.mlp import Mlp
from lrdash.models.noisy_quadratic import NoisyQuadratic
from lrdash.models.own_layers import OwnLayers
from lrdash.models.resnet import Resnet


def _problem(name: str, entry: Any) -> str:
    if not (isinstance(entry, type) and issubclass(entry, Model)):
        return "is no class made from lrdash.models.Model"
    return "" if getattr(entry, "id", None) == name else f"has the id {entry.id!r}"


MODELS: Registry[type[Model]] = Registry("model", group="lrdash.models", problem=_problem)
for _model in (Linear, Mlp, Cnn, Lenet, Resnet, NoisyQuadratic, OwnLayers):
    MODELS.add(_model.id, _model)

__all__ = ["MODELS", "ImageModel", "Layer", "Model", "Work"]
