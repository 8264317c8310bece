"""Inside the callback: what decided about the rate, step by step, and what if."""

from lrdash.ui import shell
from lrdash.ui.inside import page

with shell.page("Inside the callback"):
    page.body()
