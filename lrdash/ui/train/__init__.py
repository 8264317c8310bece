"""Train: the form, the live view of a run, and what can be done with it."""
