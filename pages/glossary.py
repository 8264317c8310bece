"""Glossary: the terms of the field in one or two plain sentences each."""

import streamlit as st

from lrdash.core.wording import escaped
from lrdash.teaching import GROUPS, look_up
from lrdash.ui import shell
from lrdash.ui.components import fields
from lrdash.ui.glossary import terms

with shell.page("Glossary"):
    number = sum(map(len, GROUPS.values()))
    text = st.text_input(
        "Find a term", key="term", placeholder=f"one of {number} terms, or a word about it",
        width=420, **fields.PERSIST,
    )
    found = look_up(text or "")
    if not found:
        st.info(f"No term has {escaped(text)} in its name or description.",
                icon=":material/search_off:")
        shell.stop()
    terms.show(found)
