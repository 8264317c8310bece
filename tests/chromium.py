"""Finds the Chromium that drives the browser tests; as a script, prints its path."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLACES = (
    "/usr/bin/chromium",
    "/snap/bin/chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def chromium_path() -> Path:
    """The browser to test with: $CHROMIUM, else one of the system, else Playwright's own.

    Raises:
        FileNotFoundError: there is none, or $CHROMIUM names no file.
    """
    asked = os.environ.get("CHROMIUM", "")
    if asked:
        if not Path(asked).is_file():
            raise FileNotFoundError(f"CHROMIUM must name a browser's program file, got {asked!r}.")
        return Path(asked)
    for candidate in _candidates():
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    raise FileNotFoundError(
        "The browser tests need Chromium: install your system's package, run "
        "`playwright install chromium`, or name a browser's program file in CHROMIUM."
    )


def _candidates() -> Iterator[str | None]:
    yield from map(shutil.which, COMMANDS)
    yield from PLACES
    yield _of_playwright()  # last, since asking takes a second


def _of_playwright() -> str:
    """Where Playwright would keep its Chromium; empty without Playwright."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return ""
    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


if __name__ == "__main__":
    try:
        print(chromium_path())
    except FileNotFoundError as fault:
        sys.exit(str(fault))
