"""Data: your own table, arrays or images, made into a dataset to train on."""

from lrdash.ui import data, shell

shell.page("Data", data.body)
