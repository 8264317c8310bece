"""Start here: the guided experiments."""
