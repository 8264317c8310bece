"""What the figures of a comparison share: the looks of its arms, and light arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lrdash.figures.palette import COLOURS, Style, style_of

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
Styles = Mapping[str, Style]


def arm_styles(arms: pd.DataFrame) -> dict[str, Style]:
    """A look for each arm, all different up to 48 arms.

    The first arm of a strategy looks as the strategy does everywhere; further ones keep its colour
    with another dash, and take another colour where its dashes are used up.

    Args:
        arms: any frame with the columns label and strategy, e.g. an `arms_frame`.
    """
    named = arms.drop_duplicates("label")
    pairs = dict(zip(named["label"], named["strategy"], strict=True))
    styles: dict[str, Style] = {}
    usual = {label: style_of(strategy) for label, strategy in pairs.items()}
    for label, style in usual.items():
        if style not in styles.values():
            styles[label] = style
    for label, style in usual.items():
        if label not in styles:
            styles[label] = _unused(style, styles)
    return {label: styles[label] for label in pairs}


def by_arm(
    frame: pd.DataFrame, styles: Styles | None = None
) -> Iterator[tuple[str, pd.DataFrame, Style]]:
    """Label, rows and look of each arm; one that was given no look has its strategy's.

    Args:
        frame: with the columns label and strategy.
        styles: looks by label; by default `arm_styles(frame)`.
    """
    looks = arm_styles(frame) if styles is None else styles
    for label, part in frame.groupby("label", sort=False):
        name, strategy = str(label), str(part["strategy"].iloc[0])
        yield name, part, looks.get(name) or style_of(strategy)


def light(values: ArrayLike) -> NDArray[np.float32]:
    """Numbers as 32-bit floats; what is not finite becomes NaN, a gap in the line."""
    with np.errstate(over="ignore", invalid="ignore"):
        small = np.asarray(values, dtype=np.float64).astype(np.float32)
    small[~np.isfinite(small)] = np.nan
    return small


def _unused(usual: Style, styles: Styles) -> Style:
    taken = list(styles.values())
    free = (
        style
        for colour in (usual.colour, *COLOURS)
        for dash in DASHES
        if (style := Style(colour=colour, dash=dash)) not in taken
    )
    return next(free, usual)
