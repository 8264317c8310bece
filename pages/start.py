"""Start here: three guided experiments that explain what your own results show."""

from lrdash.ui import shell, start

shell.page("Start here", start.body)
