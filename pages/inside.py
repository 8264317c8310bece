"""Inside the callback: what decided about the rate, step by step, and what if."""

from lrdash.ui import inside, shell

shell.page("Inside the callback", inside.body)
