"""A caller's own model and data, made fit for the engines.

`inspect.inspect` looks at both once: it builds the model, evaluates it on a few examples, and finds
out what is needed of a plan and whether its runs can be lanes. What it gives lives in the process
of the caller only; the store gets a spec with `Facts`.
"""
