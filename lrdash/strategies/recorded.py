"""The rate of a run that another program trained: only what was used is known."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from lrdash.core.errors import InvalidField
from lrdash.core.record import field
from lrdash.core.spec import RunSpec
from lrdash.strategies.base import Horizon, KerasCode, Rates, Schedule
from lrdash.strategies.plateau import KERAS, Plateau

DRAWN = {"ReduceLROnPlateau": "plateau", "LearningRateScheduler": "custom"}


def drawn_as(spec: RunSpec, run_id: str) -> str:
    """The strategy in whose colour a run is drawn; one of its own where none is known."""
    if spec.strategy != Recorded.id:
        return spec.strategy
    return DRAWN.get(Recorded(**spec.params).callback, f"{spec.strategy} {run_id}")


class WatchedPlateau(Plateau):
    """ReduceLROnPlateau in somebody's script: the metric may have any name and any size."""

    monitor: str = field(  # type: ignore[assignment]  # wider than a form offers
        "val_loss", label="Watch", help="The metric that has to improve."
    )
    min_delta: float = field(
        1e-4, label="Smallest improvement", ge=0, step=0.0001,
        help="A smaller change of the metric does not count.",
    )


class Recorded(Schedule):
    r"""Whatever a script or another program did.

    No form offers it and it cannot be trained. Where one of Keras' two callbacks decided about the
    rate, it keeps the settings, so that its decisions can be shown step by step.

    Reference: keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler.

    >>> Recorded(callback="ReduceLROnPlateau", patience=3, factor=0.2).in_words()
    'ReduceLROnPlateau (factor 0.2, patience 3)'
    """

    id = "recorded"
    label = "As recorded"
    formula = r"\eta_t"
    symbols = "eta_t: the rate that update t used"
    source = "the program that trained it"
    when = "The rate was set outside lrdash and is shown as it was recorded."

    known: Literal["updates", "epochs", "none"] = field(
        "updates", label="Rates", help="Known of every update, of each epoch, or not at all."
    )
    callback: Literal["", "ReduceLROnPlateau", "LearningRateScheduler"] = field(
        "", label="Callback", help="What decided about the rate between the epochs, if known."
    )
    monitor: str = field("val_loss", label="Watch", help="As in ReduceLROnPlateau.")
    mode: Literal["min", "max"] = field("min", label="Better is", help="As in the callback.")
    factor: float = field(0.1, label="Factor", gt=0, lt=1, help="As in the callback.")
    patience: int = field(10, label="Patience", ge=0, le=10_000, help="As in the callback.")
    min_delta: float = field(1e-4, label="Smallest improvement", ge=0, help="As there.")
    cooldown: int = field(0, label="Cooldown", ge=0, le=10_000, help="As in the callback.")
    min_lr: float = field(0.0, label="Lowest rate", ge=0, le=1000, help="As in the callback.")

    def in_words(self) -> str:
        """The callback and its settings, or that the rate is as it was."""
        if self.callback != "ReduceLROnPlateau":
            unknown = "rate not recorded" if self.known == "none" else "rate as recorded"
            return self.callback or unknown
        settings = [f"factor {self.factor:g}", f"patience {self.patience}"]
        if self.monitor != "val_loss":
            settings.insert(0, self.monitor)
        if self.cooldown:
            settings.append(f"cooldown {self.cooldown}")
        if self.min_lr:
            settings.append(f"min_lr {self.min_lr:g}")
        return f"{self.callback} ({', '.join(settings)})"

    def sentence(self) -> str:
        """What is known of it, in words."""
        return f"{self.when[:-1]}: {self.in_words()}." if self.callback else self.when

    def as_dict(self) -> dict[str, Any]:
        """The values as JSON types; those of a rule only where there was one."""
        values = super().as_dict()
        kept = values if self.callback == "ReduceLROnPlateau" else ("known", "callback")
        return {name: values[name] for name in kept}

    def rule(self) -> WatchedPlateau:
        """The rule by which ReduceLROnPlateau decided.

        Raises:
            InvalidField: if another callback decided, or none.
        """
        if self.callback != "ReduceLROnPlateau":
            raise InvalidField("recorded.callback", "must be ReduceLROnPlateau", self.callback)
        return WatchedPlateau(**{name: getattr(self, name) for name in KERAS})

    def rates(self, horizon: Horizon) -> Rates:
        """Nothing is known beforehand: the peak rate throughout, float64 [T]."""
        return np.full(horizon.updates, horizon.base_lr)

    def keras_code(self, **_settings: Any) -> str:
        """Refuse, before anything is computed; see `keras`."""
        return self.keras(Horizon(base_lr=1.0, steps_per_epoch=1, updates=1)).learning_rate

    def keras(self, horizon: Horizon) -> KerasCode:  # noqa: ARG002
        """Refuse: what set the rate is in the program that trained it."""
        problem = "must be a strategy of lrdash to be written as Keras code"
        raise InvalidField("strategy", problem, self.id)
