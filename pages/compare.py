"""Compare: strategies, peak rates and seeds side by side, from one press to the leaderboard."""

from lrdash.ui import shell
from lrdash.ui.compare import page

with shell.page("Compare"):
    page.body()
