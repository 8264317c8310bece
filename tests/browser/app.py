"""The app under test: starts the real server; the one place that knows the page's ids."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, TimeoutError, expect

CHART = ".lrdash-chart"
LOOKS = 4  # of a page that may still be changing
UI_TIMEOUT = 120_000  # ms; generous, since the machine may be busy


class Server:
    """`lrdash serve` on a free port with its own home; used by one test process."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = (home / "server.log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lrdash", "serve", "--no-browser", "--port", str(self.port)],
            env={**os.environ, "LRDASH_HOME": str(home)}, stdout=self.log, stderr=self.log,
        )

    def healthy(self) -> bool:
        """Whether the server answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def memory_mb(self) -> float:
        """Memory of the server process alone, in MB: workers and library pages that all
        processes share are not counted."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]

    def workers(self) -> list[int]:
        """Process ids of the worker processes that this server started."""
        found = subprocess.run(
            ["pgrep", "-P", str(self.process.pid), "-f", "lrdash.jobs.worker"],
            capture_output=True, text=True, check=False,
        )
        return [int(pid) for pid in found.stdout.split()]

    def close(self) -> int:
        """Ask the server to end as an operator does; returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        finally:
            self.process.kill()
            self.log.close()


def idle(page: Page) -> None:
    """Wait until the script, if the page has one, has ended and what moves has arrived."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-testid=stApp]')]"
        ".every(app => app.dataset.testScriptState === 'notRunning')", polling=100,
        timeout=UI_TIMEOUT,
    )
    page.wait_for_function(
        "() => document.getAnimations().every(a => a.playState !== 'running'"
        " || a.effect.getComputedTiming().endTime === Infinity)", polling=100,
        timeout=UI_TIMEOUT,
    )


def settle(page: Page) -> None:
    """Wait until the page's own content is there."""
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=UI_TIMEOUT)


@contextmanager
def phone(browser: Browser, look: str) -> Iterator[Page]:
    """A page of a narrow screen, light or dark, that has not been anywhere yet."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        color_scheme=look,  # type: ignore[arg-type]
    )
    page = context.new_page()
    yield page
    context.close()


def barriers(page: Page) -> list[tuple[str, str, str]]:
    """Serious faults of accessibility that axe finds: the rule, what is wrong, and where.

    What fades in or out as the page is drawn has less contrast than it will have: a fault counts
    if it is there at each of some looks.
    """
    found: list[tuple[str, str, str]] = []
    for _ in range(LOOKS):
        idle(page)
        found = [
            (fault["id"], fault["nodes"][0]["failureSummary"], fault["nodes"][0]["html"][:200])
            for fault in Axe().run(page).response["violations"]
            if fault["impact"] in ("serious", "critical")
        ]
        if not found:
            break
    return found


def fits(page: Page) -> bool:
    """Whether nothing sticks out at the side, once the page has taken its width."""
    width = page.viewport_size["width"]  # type: ignore[index]
    try:
        page.wait_for_function(
            "width => document.documentElement.scrollWidth <= width", arg=width, timeout=5000
        )
    except TimeoutError:
        return False
    return True


def number(page: Page, label: str) -> Locator:
    """The number field with this label, whatever its unit."""
    return page.get_by_role("spinbutton", name=re.compile(rf"^{label}( \(|$)"))


def button(page: Page, key: str) -> Locator:
    """The button, download or popover of this key."""
    return page.locator(f".st-key-{key} button").first


def type_number(page: Page, label: str, value: str) -> None:
    """Type a value and leave the field."""
    field = number(page, label)
    expect(field).to_have_count(1)  # the old one may still be there while the page reruns
    field.fill(value)
    field.press("Tab")


def choose(page: Page, label: str, option: str) -> None:
    """Pick an option of a select box by keyboard."""
    box = page.get_by_role("combobox", name=re.compile(label))
    box.click()
    page.get_by_role("option", name=option, exact=True).click()


def start(page: Page) -> str:
    """Press Start; returns the run's id from the address."""
    button(page, "start").click()
    page.wait_for_url(re.compile(r"run="), timeout=UI_TIMEOUT)
    return re.search(r"run=([a-z0-9]+)", page.url)[1]  # type: ignore[index]


def epochs_drawn(page: Page) -> int:
    """Epochs that the live chart shows; 0 before the first."""
    return int(page.evaluate(f"document.querySelector('{CHART}')?.dataset.epochs ?? 0"))


def wait_epochs(page: Page, at_least: int) -> None:
    """Wait until the live chart shows so many epochs."""
    page.wait_for_function(
        f"(n) => +(document.querySelector('{CHART}')?.dataset.epochs ?? 0) >= n", arg=at_least,
        polling=200,  # ms; animation frames rest in a tab that is not in front
        timeout=120_000,
    )


def x_range(page: Page) -> list[float]:
    """The visible range of the epoch axis."""
    found: list[float] = page.evaluate(
        f"document.querySelector('{CHART}')._fullLayout.xaxis.range.slice()"
    )
    return found
