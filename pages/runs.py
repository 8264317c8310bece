"""Runs: everything that was trained, to open, name, tag, export, train again or delete."""

from lrdash.ui import shell
from lrdash.ui.runs import page

with shell.page("Runs"):
    page.body()
