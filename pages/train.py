"""Train: pick a dataset, a model and a strategy, start, and watch loss and rate being drawn."""

from lrdash.ui import shell
from lrdash.ui.train import page

with shell.page("Train"):
    page.body()
