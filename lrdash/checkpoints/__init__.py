"""Runs on disk: written whole, checked when read, pruned by a policy."""
