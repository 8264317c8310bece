"""Find LR: one short test over all rates, and the rates that four rules read off it."""

from lrdash.ui import shell
from lrdash.ui.find_lr import page

with shell.page("Find LR"):
    page.body()
