"""Results as one HTML file that needs no server, no network and no other file."""

from lrdash.export.report.command import compare_command, train_command
from lrdash.export.report.comparison import comparison_report
from lrdash.export.report.run import run_report

__all__ = ["compare_command", "comparison_report", "run_report", "train_command"]
