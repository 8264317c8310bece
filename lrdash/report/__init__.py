"""What was found, as one HTML file that needs nothing else: no server, no network, no other file."""

from lrdash.report.command import compare_command
from lrdash.report.comparison import comparison_report
from lrdash.report.run import run_report

__all__ = ["compare_command", "comparison_report", "run_report"]
