"""What all results have in common: an id, how they ended, a table, a figure, a report."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from lrdash.api.files import write_bytes
from lrdash.core.events import Status

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, kw_only=True, repr=False)
class Result(ABC):
    """Something stored, as it was when it was read."""

    kind: ClassVar[str]  # in words, the title of one without a name
    id_field: ClassVar[str]  # of the row

    row: Any  # as the store has it

    @property
    def id(self) -> str:
        """Its id in the store, in the app and in the shell; `lrdash.load` takes it."""
        return str(getattr(self.row, self.id_field))

    @property
    def status(self) -> Status:
        """`finished`, `stopped`, `failed`, `diverged`, `interrupted`, or `running` so far."""
        status: Status = self.row.status
        return status

    @property
    def reason(self) -> str:
        """Why it ended so, in words; may be empty."""
        return str(self.row.reason)

    @abstractmethod
    def frame(self) -> pd.DataFrame:
        """Its numbers."""

    @abstractmethod
    def figure(self) -> go.Figure:
        """It, drawn."""

    @abstractmethod
    def table(self) -> list[dict[str, str]]:
        """Its most important numbers in words: one row each, columns by title."""

    @abstractmethod
    def headline(self) -> str:
        """How it went, in one line."""

    def notes(self) -> tuple[str, ...]:
        """Remarks, for example about the data or the engine."""
        return ()

    def report(self, path: str | PathLike[str]) -> Path:
        """Write the report: one HTML file that needs nothing else; see `lrdash.export.report`.

        Args:
            path: of the file; one that exists is replaced.

        Returns:
            The path.

        Raises:
            InvalidField: if the file cannot be written.
        """
        return write_bytes(path, self._report().encode())

    def _report(self) -> str:
        from lrdash.export.report import short_report

        return short_report(
            self._title(), self._settings(), self.headline(), self.figure(), self.table()
        )

    def _title(self) -> str:
        return f"{self.kind} {self.id}"

    def _settings(self) -> str:
        """What was trained, in words; may be empty."""
        return ""

    def __repr__(self) -> str:
        words = "; ".join(filter(None, (self._settings(), self.headline())))
        return f"<{type(self).__name__} {self.id}: {words}>"

    def _repr_html_(self) -> str:
        reason = self.reason if self.reason not in self.headline() else ""
        lines = "".join(
            f"<br>{escape(line)}" for line in (self._settings(), self.headline(), reason) if line
        )
        notes = "".join(f"<br><small>{escape(note)}</small>" for note in self.notes())
        title = f"<strong>{escape(self._title())}</strong>"
        return f"<div>{title}{lines}{notes}{_html(self._shown())}</div>"

    def _shown(self) -> list[dict[str, str]]:
        """The table that a notebook shows."""
        return self.table()


def _html(table: list[dict[str, str]]) -> str:
    if not table:
        return ""
    head = "".join(f"<th>{escape(name)}</th>" for name in table[0])
    cells = ("".join(f"<td>{escape(value)}</td>" for value in row.values()) for row in table)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
