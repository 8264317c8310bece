"""Compare: the form, the live comparison, its results and verdicts."""
