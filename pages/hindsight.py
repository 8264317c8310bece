"""Hindsight: the schedule that would have been near best for a run, and how far others are."""

from lrdash.ui import shell
from lrdash.ui.hindsight import page

with shell.page("Hindsight"):
    page.body()
