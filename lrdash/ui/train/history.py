"""What this browser session has read of a run: each tick appends new rows, none is read twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from weakref import WeakValueDictionary

import numpy as np
import streamlit as st

from lrdash.analysis import RateChange, rate_changes, rate_jumps
from lrdash.core.events import RateDecided
from lrdash.planning.plan import Plan
from lrdash.store import EpochRow, RunRow, Store
from lrdash.strategies.base import Rates
from lrdash.strategies.program import RateProgram
from lrdash.strategies.recorded import Recorded

GLIDE = 50  # changes of the rate from which a schedule counts as gliding

_seen: WeakValueDictionary[tuple[str, int], EpochRow] = WeakValueDictionary()


@dataclass
class History:
    """One run as the page knows it; lives in `st.session_state`, used by one session only."""

    run: RunRow
    plan: Plan
    glides: bool  # the rate moves with almost every update, not at single places
    recorded: bool  # the rates are not lrdash's: only those used are known
    program: RateProgram  # replays the rates from the stored metrics: what should have been used
    epochs: list[EpochRow] = field(default_factory=list)
    decisions: list[RateDecided] = field(default_factory=list)
    difference: float = 0.0  # largest |rate shown - rate used| so far, in float32
    uneven: bool = False  # epochs have different numbers of updates
    changes: tuple[RateChange, ...] = ()  # where the rate changed so far, and why

    def catch_up(self, store: Store) -> bool:
        """Append what is new; True if anything changed.

        Raises:
            NotFound: the run was deleted meanwhile.
        """
        run = store.runs.one(self.run.run_id)
        if run.version == self.run.version and self.epochs:
            return False
        if run.spec != self.run.spec:  # steered or lengthened: replay the new rates
            self.plan = run.plan
            self.program, self.difference = self.plan.program(), 0.0
            self.glides = _glides(self.program)
            for row in self.epochs:
                self._compare(row)
        for row in store.runs.epochs(run.run_id, after=self.epochs[-1].epoch if self.epochs else 0):
            self.epochs.append(_shared(row))
            self._compare(row)
        after = self.decisions[-1].epoch if self.decisions else -1
        self.decisions.extend(store.runs.decisions(run.run_id, after=after))
        self.run = run
        used = [row.rates for row in self.epochs]
        rates = np.concatenate(used) if used else np.empty(0, np.float32)
        marks = self.program.marks()
        if self.recorded:
            marks = rate_jumps(rates, GLIDE)
            self.glides = bool(np.count_nonzero(np.diff(rates)) > GLIDE)
        sizes = [len(part) for part in used]
        self.uneven = len(set(sizes)) > 1
        self.changes = rate_changes(
            rates, sizes or run.steps_per_epoch, self.decisions, marks,
            before=self.epochs[0].epoch - 1 if self.epochs else 0,
        )
        return True

    def _compare(self, row: EpochRow) -> None:
        """Measure whether the rate shown is the rate used."""
        if self.recorded:
            return
        shown = self.program.rates(row.epoch - 1).astype(np.float32)
        if shown.shape != row.rates.shape:  # stored by another program
            self.difference = np.inf
            return
        gap = np.abs(shown.astype(np.float64) - row.rates.astype(np.float64)).max(initial=0.0)
        self.difference = max(self.difference, float(gap))
        self.program.end_epoch(row.epoch - 1, row.metrics)

    @property
    def used(self) -> Rates:
        """The rate of every update so far, float64 [updates]."""
        parts = [row.rates for row in self.epochs]
        return np.concatenate(parts).astype(np.float64) if parts else np.empty(0)

    def ahead(self, plan: Plan, done: int) -> Rates:
        """The rates of a run that shares the epochs done with this one, float64 [updates].

        What a rule will decide is unknown: its rate is drawn as if it held.
        """
        program, parts = plan.program(), []
        for epoch in range(plan.spec.epochs):
            parts.append(program.rates(epoch))
            if epoch < done:
                program.end_epoch(epoch, self.epochs[epoch].metrics)
        return np.concatenate(parts)


def of(run_id: str, store: Store) -> History:
    """The session's history of a run, up to date.

    Raises:
        NotFound: there is no such run.
    """
    key = f"history:{run_id}"
    known: History | None = st.session_state.get(key)
    if known is None:
        run = store.runs.one(run_id)
        plan = run.plan
        program = plan.program()
        known = History(
            run=run, plan=plan, program=program, glides=_glides(program),
            recorded=plan.spec.strategy == Recorded.id,
        )
        st.session_state[key] = known
    known.catch_up(store)
    return known


def _shared(row: EpochRow) -> EpochRow:
    """The row that other sessions hold already, if any: fifty viewers keep one copy."""
    known = _seen.setdefault((row.run_id, row.epoch), row)
    if (known.seconds, known.metrics) == (row.seconds, row.metrics):
        return known
    _seen[row.run_id, row.epoch] = row  # trained again
    return row


def _glides(program: RateProgram) -> bool:
    table = program.table
    return table is not None and bool(np.count_nonzero(np.diff(table)) > GLIDE)
