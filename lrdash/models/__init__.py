"""The models that can be trained, by id. A new one is one new file and one line here."""

from __future__ import annotations

from lrdash.models.base import ImageModel, Model
from lrdash.models.cnn import Cnn
from lrdash.models.lenet import Lenet
from lrdash.models.linear import Linear
from lrdash.models.mlp import Mlp
from lrdash.models.noisy_quadratic import NoisyQuadratic
from lrdash.models.own_layers import OwnLayers
from lrdash.models.resnet import Resnet
from lrdash.registry import Registry

MODELS: Registry[type[Model]] = Registry("model")
for _model in (Linear, Mlp, Cnn, Lenet, Resnet, NoisyQuadratic, OwnLayers):
    MODELS.add(_model.id, _model)

__all__ = ["MODELS", "ImageModel", "Model"]
