"""Words of users inside Markdown: shown as they are."""

from __future__ import annotations

import re

SIGNS = re.compile(r"([\\`*_{}\[\]()#+!|<>~$:.-])")


def plain(text: str) -> str:
    """The text such that Markdown shows it letter by letter."""
    return SIGNS.sub(r"\\\1", text)
