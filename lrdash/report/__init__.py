"""What was found, as one HTML file: no server, no network and no other file is needed for it."""

from lrdash.report.command import compare_command, train_command
from lrdash.report.comparison import comparison_report
from lrdash.report.run import run_report

__all__ = ["compare_command", "comparison_report", "run_report", "train_command"]
