"""What an export takes: runs with all that they said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lrdash.store.rows import EpochRow, RunRow


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Runs with their epochs."""

    rows: tuple[RunRow, ...]
    epochs: Mapping[str, Sequence[EpochRow]]  # by run id; a run without any may be missing
    name: str = ""  # of the comparison that they belong to

    def epochs_of(self, row: RunRow) -> Sequence[EpochRow]:
        """The epochs of a run, in their order."""
        return self.epochs.get(row.run_id, ())

    def all_epochs(self) -> list[EpochRow]:
        """The epochs of all runs, run after run."""
        return [epoch for row in self.rows for epoch in self.epochs_of(row)]


def recorded(
    rows: Iterable[RunRow], epochs: Mapping[str, Sequence[EpochRow]], name: str = ""
) -> Recorded:
    """Runs and epochs as the store gives them."""
    return Recorded(rows=tuple(rows), epochs=epochs, name=name)
