"""The valley: gradient descent on surfaces that one can see, strategies side by side."""

from lrdash.ui import shell
from lrdash.ui.valley import page

with shell.page("Valley"):
    page.body()
