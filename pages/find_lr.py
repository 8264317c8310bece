"""Find LR: one short test over all rates, and the rates that four rules read off it."""

from lrdash.ui import find_lr, shell

shell.page("Find LR", find_lr.body)
