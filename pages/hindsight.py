"""Hindsight: the schedule that would have been near best for a run, and how far others are."""

from lrdash.ui import hindsight, shell

shell.page("Hindsight", hindsight.body)
