"""Writes the table of `docs/strategies.md` again; `make docs` runs it."""

from __future__ import annotations

import re

from lrdash.strategies import settings_table
from tests import ROOT

PAGE = ROOT / "docs" / "strategies.md"


def written(text: str) -> str:
    """The page's text with the table of today."""
    return re.sub(r"^\| strategy \|.*?\n(?=\n)", lambda _: f"{settings_table()}\n", text,
                  flags=re.MULTILINE | re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
