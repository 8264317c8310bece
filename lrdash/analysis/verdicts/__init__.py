"""Is one strategy better than another, or is it seed noise?

Runs are scored (`scores`), each arm gets its peak rate from other seeds (`crossfit`), each pair of
arms is tested seed by seed (`flips`, `effects`, `pairs`), and the result is put into words
(`sentence`, `method`).
"""

from lrdash.analysis.verdicts.judge import Verdicts, judge
from lrdash.analysis.verdicts.metrics import METRICS
from lrdash.analysis.verdicts.sentence import plain as without_markdown
from lrdash.analysis.verdicts.survival import median_wait
from lrdash.analysis.verdicts.views import against, verdict_matrix

__all__ = [
    "METRICS", "Verdicts", "against", "judge", "median_wait", "verdict_matrix",
    "without_markdown",
]
