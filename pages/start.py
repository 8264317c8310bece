"""Start here: three guided experiments that explain what your own results show."""

from lrdash.ui import shell
from lrdash.ui.start import page

with shell.page("Start here"):
    page.body()
