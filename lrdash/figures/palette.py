"""The colour and dash of each strategy, the same on every page.

The hues are those of Okabe and Ito, "Color Universal Design" (2008), which people with any common
colour blindness can distinguish. Black, orange, sky blue, yellow and purple are shifted in
lightness so that every line keeps a contrast of at least 3:1 on a white and on a near-black page
(WCAG 2.2, 1.4.11).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

from lrdash.strategies import STRATEGIES

BLUE = "#0072B2"
ORANGE = "#C47F00"
GREEN = "#009E73"
VERMILLION = "#D55E00"
PURPLE = "#C06A98"
SKY = "#3A94C6"
OLIVE = "#9A8B00"
GREY = "#808080"
NAMED = {
    "blue": BLUE, "orange": ORANGE, "green": GREEN, "vermillion": VERMILLION, "purple": PURPLE,
    "sky": SKY, "olive": OLIVE, "grey": GREY,
}
COLOURS = tuple(NAMED.values())

LINE_WIDTH = 2  # pixels
DASHED = {"width": 2, "dash": "6px,4px"}  # of exact lines; finer than the dashes of strategies
GRID = "rgba(128, 128, 128, 0.2)"


@dataclass(frozen=True, kw_only=True)
class Style:
    """How a strategy's line is drawn."""

    colour: str  # #RRGGBB
    dash: str  # Plotly's name: solid, dash, dot, dashdot

    def faint(self, opacity: float = 0.45) -> str:
        """The colour, partly transparent, as CSS rgba()."""
        red, green, blue = (int(self.colour[i : i + 2], 16) for i in (1, 3, 5))
        return f"rgba({red}, {green}, {blue}, {opacity:g})"

    def line(self, **more: Any) -> dict[str, Any]:
        """A line as Plotly draws it; `more` are further settings, or others."""
        return {"color": self.colour, "width": LINE_WIDTH, "dash": self.dash, **more}


def style_of(strategy: str) -> Style:
    """The strategy's style; one that names none gets a lasting one from its name."""
    if strategy in STRATEGIES and (colour := NAMED.get(STRATEGIES[strategy].colour)):
        return Style(colour=colour, dash=STRATEGIES[strategy].dash)
    place = zlib.crc32(strategy.encode()) % len(COLOURS)
    return Style(colour=COLOURS[place], dash="dashdot")
