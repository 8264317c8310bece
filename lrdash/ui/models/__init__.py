"""Models: the table of layers."""
