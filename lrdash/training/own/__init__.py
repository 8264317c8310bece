"""A caller's own model and data, prepared for the engines.

`inspect.inspect` looks at both once: it builds the model, evaluates it on a few examples, and finds
out what a plan needs and whether its runs can be lanes. Its result exists only in the process of
the caller; the store gets a spec with `Facts`.
"""
