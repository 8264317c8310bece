"""Runs: everything that was trained, imported or watched."""
