"""Train: pick a dataset, a model and a strategy, start, and watch loss and rate being drawn."""

from lrdash.ui import shell, train

shell.page("Train", train.body)
