"""Results as one HTML file that needs no server, no network and no other file."""

from lrdash.export.report.command import compare_command, train_command
from lrdash.export.report.comparison import comparison_report
from lrdash.export.report.run import run_report
from lrdash.export.report.short import short_report

__all__ = [
    "compare_command", "comparison_report", "run_report", "short_report", "train_command",
]
