"""The page shell: the same head, activity line and error boundary on every page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from lrdash.core import wording
from lrdash.core.errors import LrdashError
from lrdash.ui import resources
from lrdash.ui.components.address import checked_address
from lrdash.ui.components.errors import error_boundary, show_error
from lrdash.ui.components.live import live
from lrdash.ui.components.steady_chart import preload

ICON = Path(__file__).parent / "icon.svg"
EVERY = 2.0  # seconds between two looks at what trains

STYLE = """<style>
[data-testid="stMainBlockContainer"] {
  padding-top: 4.2rem; padding-bottom: 3rem; max-width: 1440px;
}
h1 {font-size: 1.7rem !important; padding-bottom: .6rem !important;}
h2 {font-size: 1.12rem !important;}
[data-testid="stMetricValue"] {font-size: 1.45rem; font-variant-numeric: tabular-nums;}
[data-testid="stCaptionContainer"] {opacity: 1;}
[data-testid="stCaptionContainer"] p {color: inherit; opacity: .8;}
[data-testid="stMultiSelectTagsContainer"] [data-tag] {background-color: #0067a3 !important;}
[data-testid="stButtonGroup"] [aria-checked="true"] p {color: light-dark(#0067a3, #6cb8ea);}
button:is([kind="secondary"], [kind="tertiary"]):is(:hover, :active) {
  color: light-dark(#0067a3, #6cb8ea) !important;
}
[data-testid="stCode"] pre .token:is(.comment, .punctuation, .operator, .decorator) {
  color: light-dark(#5b6370, #a3acb8);
}
[data-testid="stCode"] pre .token:is(.keyword, .function, .class-name, .builtin, .boolean) {
  color: light-dark(#0067a3, #6cb8ea);
}
[data-testid="stCode"] pre .token:is(.string, .number) {color: light-dark(#2b6e3a, #7fc994);}
.stApp .katex-display {overflow: visible !important;}
.st-key-outlook {position: sticky; top: 4.5rem;}
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] {padding-left: 1rem; padding-right: 1rem;}
  [data-testid="stMetricValue"] {font-size: 1.15rem;}
  .stApp .katex-display {font-size: .68em !important;}
}
</style>"""


def own_navigation() -> None:
    """Let app.py alone say which pages there are.

    Without this, Streamlit would list the files of pages/ to the first visitor of a server who
    opens a page directly; it stops once `st.navigation` has been called in the process.
    """
    PagesManager.uses_pages_directory = False


def setup(title: str) -> None:
    """Page settings and style; harmless when called twice in a run."""
    own_navigation()
    # An icon of our own: Streamlit fetches the named ones from the network.
    st.set_page_config(page_title=f"{title} · lrdash", page_icon=str(ICON), layout="wide")
    st.html(STYLE)


@contextmanager
def page(title: str) -> Iterator[None]:
    """A page: its head, then the block that draws it, inside the error boundary."""
    setup(title)
    st.title(title, anchor=False)
    try:
        resources.laboratory()
    except LrdashError as error:
        show_error(error)
        st.stop()
    with checked_address(), error_boundary():
        with suppress(_Stop):
            yield
        preload(idle=True)


class _Stop(Exception):
    """Ends the block of a page."""


def stop() -> NoReturn:
    """End a page early, as whole as any other: after `st.stop()`, Streamlit would not forget the
    widgets of the page before, and their values would come back.
    """
    raise _Stop


def activity() -> None:
    """A line that says what trains now; refreshes itself only while something does."""
    counts = resources.store().runs.counts()
    busy = counts.get("running", 0) + counts.get("queued", 0) > 0
    live(_activity, EVERY if busy else None)


def _activity() -> None:
    counts = resources.store().runs.counts()
    running, queued = counts.get("running", 0), counts.get("queued", 0)
    parts = [f"{wording.plural(running, 'run')} training"] if running else []
    parts += [f"{queued} queued"] if queued else []
    if parts:
        st.caption(f":material/model_training: {', '.join(parts)}")
