"""The terms of the glossary, each with an address."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

STYLE = """<style>
.st-key-glossary h2 {margin-top: .6rem;}
.st-key-glossary h3 {font-size: 1rem; padding: .5rem 0 0; scroll-margin-top: 5rem;}
.st-key-glossary p {max-width: 44rem;}
</style>"""
# Streamlit scrolls to the term of the address at once, before a narrow page has its final layout.
# This scrolls there again for a moment, unless the visitor has begun to move.
TO_TERM = """<script>{
const stop = () => clearInterval(again), end = performance.now() + 3000;
const again = setInterval(() => {
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
  if (!location.hash || performance.now() > end) stop();
}, 150);
for (const input of ["wheel", "touchstart", "keydown", "pointerdown"])
  addEventListener(input, stop, {once: true, passive: true});
}</script>"""


def show(groups: Mapping[str, Mapping[str, str]]) -> None:
    """A heading for each group and each term, and its meaning."""
    st.html(STYLE)
    with st.container(key="glossary"):
        for group, terms in groups.items():
            st.header(group, anchor=False)
            st.markdown("\n\n".join(f"### {term}\n{text}" for term, text in terms.items()))
    st.html(TO_TERM, unsafe_allow_javascript=True)
