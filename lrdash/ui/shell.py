"""The page shell: the same head and activity line on every page; faults become messages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from lrdash.core.errors import LrdashError
from lrdash.ui import resources
from lrdash.ui.components.steady_chart import preload

ICON = Path(__file__).parent / "icon.svg"

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

    Streamlit would list the files of pages/ to the first visitor of a server if that visitor comes
    straight to a page; it stops when `st.navigation` has been called once in the process.
    """
    PagesManager.uses_pages_directory = False


def setup(title: str) -> None:
    """Page settings and style; harmless when called twice in a run."""
    own_navigation()
    # An icon of our own: Streamlit fetches the named ones from the network.
    st.set_page_config(page_title=f"{title} · lrdash", page_icon=str(ICON), layout="wide")
    st.html(STYLE)


def page(title: str, body: Callable[[], None]) -> None:
    """A page: the head, then its body; a fault that lrdash explains is shown, never a traceback."""
    setup(title)
    st.title(title, anchor=False)
    try:
        resources.laboratory()
        body()
        preload(idle=True)
    except LrdashError as fault:
        st.error(str(fault), icon=":material/error:")


def activity() -> None:
    """A line that says what trains now; refreshes itself only while something does."""
    counts = resources.store().runs.counts()
    busy = counts.get("running", 0) + counts.get("queued", 0) > 0
    st.fragment(_guarded, run_every=2.0 if busy else None)()


def _guarded() -> None:
    try:
        _activity()
    except LrdashError as fault:  # a fragment runs outside the page's own frame
        st.caption(f":material/error: {fault}")


def _activity() -> None:
    counts = resources.store().runs.counts()
    running, queued = counts.get("running", 0), counts.get("queued", 0)
    if not running and not queued:
        return
    parts = []
    if running:
        parts.append(f"{running} {'run' if running == 1 else 'runs'} training")
    if queued:
        parts.append(f"{queued} queued")
    st.caption(f":material/model_training: {', '.join(parts)}")
