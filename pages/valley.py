"""The valley: gradient descent on surfaces that one can see, strategies side by side."""

from lrdash.ui import shell, valley

shell.page("Valley", valley.body)
