"""What every dataset, model and strategy has to keep, whoever wrote it.

`pytest --pyargs lrdash.testing` runs these tests over all that the registries hold, those of other
packages included; `-k NAME` picks one. They need no network: what has to be fetched first is only
held to its facts.
"""
