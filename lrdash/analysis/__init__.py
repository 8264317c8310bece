"""Numbers and sentences about runs: what a chart shows, computed and in words."""

from lrdash.analysis.changes import RateChange, last_change, rate_changes, rate_jumps
from lrdash.analysis.compare import (
    band,
    best_peaks,
    bowl,
    distinct_names,
    leaderboard,
    planned_rates,
    relative,
    settings_diff,
    smooth,
    without_effect,
)
from lrdash.analysis.drawn import as_points
from lrdash.analysis.estimate import expected_group_seconds, expected_seconds
from lrdash.analysis.exact import at_best_peaks, exact_curves, exact_losses, exact_note
from lrdash.analysis.families import as_tree, branch_in_words, piece_in_words
from lrdash.analysis.quadratic import Expected, expected_losses
from lrdash.analysis.summary import summary
from lrdash.analysis.verdicts import (
    METRICS,
    Verdicts,
    against,
    judge,
    verdict_matrix,
    without_markdown,
)
from lrdash.analysis.words import (
    data_and_model,
    dataset_in_words,
    inputs_in_words,
    known_settings,
    notes_of,
    notes_of_spec,
    optimizer_in_words,
    settings_in_words,
    strategy_in_words,
    time_left,
)

__all__ = [
    "METRICS", "Expected", "RateChange", "Verdicts", "against", "as_points", "as_tree",
    "at_best_peaks", "band", "best_peaks", "bowl", "branch_in_words", "data_and_model",
    "dataset_in_words", "distinct_names", "exact_curves", "exact_losses", "exact_note",
    "expected_group_seconds", "expected_losses", "expected_seconds", "inputs_in_words", "judge",
    "known_settings", "last_change", "leaderboard", "notes_of", "notes_of_spec",
    "optimizer_in_words", "piece_in_words", "planned_rates", "rate_changes", "rate_jumps",
    "relative", "settings_diff", "settings_in_words", "smooth", "strategy_in_words", "summary",
    "time_left", "verdict_matrix", "without_effect", "without_markdown",
]
