"""Runs: everything that was trained, to open, compare by eye, name, tag, export or delete."""

import streamlit as st

from lrdash.ui import runs, shell

with shell.page("Runs"):
    st.title("Runs", anchor=False)
    shell.activity()
    runs.table()
