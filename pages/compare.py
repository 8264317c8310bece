"""Compare: strategies, peak rates and seeds side by side, from one press to the leaderboard."""

from lrdash.ui import compare, shell

shell.page("Compare", compare.body)
