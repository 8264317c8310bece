"""Data: your own table, arrays or images, made into a dataset to train on."""

from lrdash.ui import shell
from lrdash.ui.data import page

with shell.page("Data"):
    page.body()
