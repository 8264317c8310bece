"""A strategy under which no training ends before its test does, however fast the machine is."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

from lrdash.core.events import RateDecided
from lrdash.core.record import field
from lrdash.strategies import Rule

PAUSE = 0.05  # seconds after each epoch: 10,000 epochs take longer than a test may


class Endless(Rule):
    """The rate stays; each epoch ends with a pause."""

    id: ClassVar[str] = "endless"
    label: ClassVar[str] = "Endless"
    formula: ClassVar[str] = r"\eta_t = \eta_0"
    symbols: ClassVar[str] = "t: update"
    source: ClassVar[str] = "made up"
    when: ClassVar[str] = "In tests."
    prefix: ClassVar[str] = "endless."

    monitor: str = field("loss", label="Watched", help="Metric.")

    def sentence(self) -> str:
        return "Stays as it is."

    def start(self, base_lr: float) -> dict[str, Any]:
        return {"rate": base_lr}

    def decide(
        self, state: dict[str, Any], epoch: int, value: float
    ) -> tuple[dict[str, Any], RateDecided]:
        threading.Event().wait(PAUSE)
        rate = state["rate"]
        return state, RateDecided(
            epoch=epoch, rate_before=rate, rate_after=rate, reason="stays", wait=0
        )
