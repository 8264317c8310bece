"""The page Glossary: the field's terms, searched or reached by their own addresses."""

from __future__ import annotations

import streamlit as st

from lrdash.teaching import GROUPS, look_up
from lrdash.ui.components import fields

STYLE = """<style>
.st-key-glossary h2 {margin-top: .6rem;}
.st-key-glossary h3 {font-size: 1rem; padding: .5rem 0 0; scroll-margin-top: 5rem;}
.st-key-glossary p {max-width: 44rem;}
</style>"""
# Streamlit goes to the term of the address at once, when a narrow page has not its last widths yet.
# So this goes there again for a moment, unless the visitor has begun to move about.
TO_TERM = """<script>{
const stop = () => clearInterval(again), end = performance.now() + 3000;
const again = setInterval(() => {
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
  if (!location.hash || performance.now() > end) stop();
}, 150);
for (const hand of ["wheel", "touchstart", "keydown", "pointerdown"])
  addEventListener(hand, stop, {once: true, passive: true});
}</script>"""


def body() -> None:
    """A field to search in, and the terms that were found."""
    number = sum(len(terms) for terms in GROUPS.values())
    text = st.text_input(
        "Find a term", key="term", placeholder=f"one of {number} terms, or a word about it",
        width=420, **fields.PERSIST,
    )
    found = look_up(text or "")
    if not found:
        st.info(f"No term has {text} in its name or meaning.", icon=":material/search_off:")
        return
    st.html(STYLE)
    with st.container(key="glossary"):
        for group, terms in found.items():
            st.header(group, anchor=False)
            st.markdown("\n\n".join(f"### {term}\n{told}" for term, told in terms.items()))
    st.html(TO_TERM, unsafe_allow_javascript=True)
