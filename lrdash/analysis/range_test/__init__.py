"""What a range test shows: its curves, where the loss diverges, and what the rules suggest."""

from lrdash.analysis.range_test.advice import Advice, advice
from lrdash.analysis.range_test.agreement import agreement, agreement_in_words
from lrdash.analysis.range_test.curves import SMOOTHING, edge, edge_rates, range_frame, usable
from lrdash.analysis.range_test.rules import RULES, Rule
from lrdash.analysis.range_test.suggest import PREFERRED, headline, suggested, suggestions

__all__ = [
    "PREFERRED", "RULES", "SMOOTHING", "Advice", "Rule", "advice", "agreement",
    "agreement_in_words", "edge", "edge_rates", "headline", "range_frame", "suggested",
    "suggestions", "usable",
]
