"""Verdicts in one or two sentences, arms of the same standing together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lrdash.analysis.verdicts.metrics import Metric
from lrdash.analysis.verdicts.pairs import BETTER, OPEN, WORSE
from lrdash.core.wording import escaped, listed, plural

REACH = 50  # seeds to propose, at most
NAMED = 4  # arms in a list; of more only the number
CLAUSES = 2  # groups of winners
ROUGH = 3  # seeds, below which nothing is known about the noise
COUNTS = {0: "no seed decides", 1: "one seed decides", 2: "two seeds decide"}


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Which arm is better than which."""

    pairs: pd.DataFrame  # `Verdicts.pairs`
    fewest: int  # seeds with which a pair can be decided, if all are open
    order: tuple[str, ...]  # arms, the lowest mean cost first
    beats: Mapping[str, frozenset[str]]

    @property
    def leaders(self) -> tuple[str, ...]:
        """Arms that no other is better than."""
        beaten = frozenset[str]().union(*self.beats.values())
        return tuple(label for label in self.order if label not in beaten)

    def among(self, labels: Sequence[str]) -> pd.DataFrame:
        """The open pairs of these arms with one another."""
        inside = self.pairs["first"].isin(labels) & self.pairs["second"].isin(labels)
        return self.pairs[inside & (self.pairs["verdict"] == OPEN)]

    def against(self, label: str) -> pd.DataFrame:
        """The open pairs of one arm."""
        own = (self.pairs["first"] == label) | (self.pairs["second"] == label)
        return self.pairs[own & (self.pairs["verdict"] == OPEN)]


def standing(pairs: pd.DataFrame, order: Sequence[str], fewest: int) -> Standing:
    """Which arm is better than which, by the verdicts of all pairs."""
    beats: dict[str, set[str]] = {label: set() for label in order}
    for row in pairs.itertuples():
        if row.verdict == BETTER:
            beats[str(row.first)].add(str(row.second))
        elif row.verdict == WORSE:
            beats[str(row.second)].add(str(row.first))
    frozen = {label: frozenset(beaten) for label, beaten in beats.items()}
    return Standing(pairs=pairs, fewest=fewest, order=tuple(order), beats=frozen)


def in_focus(found: Standing, baseline: str | None) -> pd.DataFrame:
    """The open pairs that the sentence names, and that more seeds should decide."""
    if baseline is not None:
        return found.against(baseline)
    several = found.among(found.leaders)
    if len(several):
        return several
    return found.among(found.order)


def more_seeds(found: Standing, open_pairs: pd.DataFrame) -> int:
    """How many more seeds would decide the pairs that at most 50 more can decide; 0 if none.

    Where nothing is known about that, the fewest with which a verdict is possible.
    """
    seeds = int(open_pairs["seeds"].max()) if len(open_pairs) else ROUGH
    if seeds < ROUGH:
        return max(0, found.fewest - seeds)
    extra = open_pairs["seeds_needed"] - open_pairs["seeds"]
    within = extra[np.isfinite(extra) & (extra <= REACH)]
    return max(1, int(within.max())) if len(within) else 0


def nothing_reached(metric: Metric) -> str:
    """The sentence where all runs diverged or failed, or none reached the target."""
    if metric.kind == "time":
        return f"By {metric.title}: no run of any strategy reached it, so there is no verdict."
    return (
        f"By {metric.title}: every run diverged or failed, so there is no verdict. Lower peak "
        "rates may help."
    )


def sentence(found: Standing, baseline: str | None, metric: str, *, provisional: bool) -> str:
    """Which strategy is better than which, in Markdown.

    Args:
        found: the standing.
        baseline: an arm to compare all others with; None: which ones lead.
        metric: what was judged, in words.
        provisional: some runs are unfinished.
    """
    if len(found.order) < 2:
        return "There is only one strategy, so there is nothing to compare it with."
    seeds = int(found.pairs["seeds"].max())
    if seeds < 2:
        return _too_few(found, seeds)
    words = _against(found, baseline) if baseline is not None else _leaders(found)
    end = " Some runs are unfinished, so this is provisional." if provisional else ""
    return f"By {metric}: {words}{end}"


def bold(label: str) -> str:
    """A label in bold, with what Markdown would read as a mark escaped."""
    return f"**{escaped(label)}**"


def plain(text: str) -> str:
    """A sentence of this file without its Markdown."""
    return re.sub(r"\\(.)", r"\1", re.sub(r"(?<!\\)\*\*", "", text))


def _too_few(found: Standing, seeds: int) -> str:
    if not seeds:
        return "No two strategies have a run with the same seed yet."
    return (
        "One seed decides nothing: any difference may be luck. "
        f"Add {plural(found.fewest - seeds, 'seed')}: a clear difference can show with "
        f"{found.fewest}."
    )


def _leaders(found: Standing) -> str:
    leaders = found.leaders
    groups: dict[frozenset[str], list[str]] = {}
    for label in found.order:
        if found.beats[label]:
            groups.setdefault(found.beats[label], []).append(label)
    if not groups:
        end = _decide(found, found.pairs)
        return f"no evidence of a difference between {_listed(found.order)}{end}."
    groups_won = list(groups.items())[:CLAUSES]
    first = "; ".join(_wins(found, winners, beaten) for beaten, winners in groups_won)
    inside = found.among(leaders)
    if len(inside):
        second = f"No evidence of a difference between {_listed(leaders)}{_decide(found, inside)}."
        return f"{first}. {second}"
    rest = found.among(found.order)
    if not len(rest):
        return f"{first}. Every pair is decided."
    count = f"{len(rest)} of {len(found.pairs)} pairs {'is' if len(rest) == 1 else 'are'}"
    return f"{first}. {count} open{_decide(found, rest)}."


def _wins(found: Standing, winners: Sequence[str], beaten: frozenset[str]) -> str:
    verb = "is" if len(winners) == 1 else "are"
    losers = [label for label in found.order if label in beaten]
    if len(losers) > NAMED and len(losers) + len(winners) == len(found.order):
        return f"{_listed(winners)} {verb} better than all {len(losers)} others"
    return f"{_listed(winners)} {verb} better than {_listed(losers)}"


def _against(found: Standing, baseline: str) -> str:
    worse = [label for label in found.order if label in found.beats[baseline]]
    better = [label for label in found.order if baseline in found.beats[label]]
    level = [
        label for label in found.order if label not in (*worse, *better) and label != baseline
    ]
    clauses = [
        f"{_listed(labels)} {'is' if len(labels) == 1 else 'are'} {word}"
        for labels, word in ((better, "better"), (worse, "worse")) if labels
    ]
    if level:
        clauses.append(
            f"for {_listed(level)} there is no evidence{_decide(found, found.against(baseline))}"
        )
    return f"compared with {bold(baseline)}, {'; '.join(clauses)}."


def _decide(found: Standing, open_pairs: pd.DataFrame) -> str:
    """What would decide open pairs, as the end of a sentence; with few seeds, what could."""
    most = int(open_pairs["seeds"].max())
    if most < ROUGH:
        return f": {COUNTS[most]} nothing, a clear difference can show with {found.fewest}"
    more = more_seeds(found, open_pairs)
    if not more:
        return f", and {REACH} more seeds would probably not change that"
    extra = open_pairs["seeds_needed"] - open_pairs["seeds"]
    beyond = int((extra > REACH).sum())
    seeds = f"about {plural(more, 'more seed')} would decide"
    if not beyond:
        return f": {seeds}"
    near = len(open_pairs) - beyond
    return f": {seeds} {near} of {len(open_pairs)} pairs, the rest are too close"


def _listed(labels: Sequence[str]) -> str:
    if len(labels) > NAMED:
        named = ", ".join(bold(label) for label in labels[: NAMED - 1])
        return f"{named} and {len(labels) - NAMED + 1} more"
    return listed(map(bold, labels))
