"""Learning-rate strategies by id, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lrdash.registry import Registry
from lrdash.strategies.base import Strategy
from lrdash.strategies.constant import Constant
from lrdash.strategies.cosine import Cosine
from lrdash.strategies.cosine_restarts import CosineRestarts
from lrdash.strategies.custom import Custom
from lrdash.strategies.cyclic import Cyclic
from lrdash.strategies.exponential import Exponential
from lrdash.strategies.flat_cosine import FlatCosine
from lrdash.strategies.inverse_sqrt import InverseSqrt
from lrdash.strategies.inverse_time import InverseTime
from lrdash.strategies.linear import Linear
from lrdash.strategies.multistep import MultiStep
from lrdash.strategies.one_cycle import OneCycle
from lrdash.strategies.plateau import Plateau
from lrdash.strategies.points import Points
from lrdash.strategies.polynomial import Polynomial
from lrdash.strategies.step import Step
from lrdash.strategies.wsd import WarmupStableDecay

STRATEGIES: Registry[type[Strategy]] = Registry("strategy")
for _strategy in (
    Constant, Step, MultiStep, Exponential, InverseTime, InverseSqrt, Polynomial, Linear, Cosine,
    CosineRestarts, Cyclic, OneCycle, FlatCosine, WarmupStableDecay, Points, Custom, Plateau,
):
    STRATEGIES.add(_strategy.id, _strategy)


def make(strategy: str, params: Mapping[str, Any] | None = None) -> Strategy:
    """The strategy of this id with these settings.

    Raises:
        UnknownName: no such strategy; offers the nearest.
        InvalidField: a setting is not allowed.
    """
    return STRATEGIES[strategy](**(params or {}))
