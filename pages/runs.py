"""Runs: everything that was trained, to open, name, tag, export, train again or delete."""

from lrdash.ui import runs, shell

shell.page("Runs", runs.body)
