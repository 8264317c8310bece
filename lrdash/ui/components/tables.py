"""Tables to read, and tables whose rows can be ticked, by id."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from hashlib import md5
from typing import Any, Literal, TypeVar

import pandas as pd
import streamlit as st

from lrdash.core.errors import LrdashError
from lrdash.core.record import Definition
from lrdash.core.wording import escaped
from lrdash.store.repository import Repository

Entry = TypeVar("Entry")
Defined = TypeVar("Defined", bound=Definition)


def show_table(frame: pd.DataFrame, *, key: str, columns: Mapping[str, Any]) -> None:
    """Draw a table: the columns of a frame by name, each with its label or its configuration.

    Infinite numbers are empty cells.
    """
    finite = frame.replace([math.inf, -math.inf], math.nan)
    st.dataframe(finite, hide_index=True, key=key, column_config=dict(columns),
                 column_order=list(columns))


def pick_rows(
    frame: pd.DataFrame, ids: Sequence[str], *, key: str, columns: Mapping[str, Any],
    order: Sequence[str] | None = None, several: bool = False,
    height: int | Literal["auto"] = "auto",
) -> list[str]:
    """Draw the table; gives the ids of the rows that are ticked, in their order.

    Streamlit keeps ticks by position. So the table gets another key when its rows change, and
    begins with the ticks of the rows that are still there.

    Args:
        frame: a row for each id.
        ids: in the order of the rows.
        key: of the table on the page.
        columns: their configuration, by name.
        order: columns to show; by default those configured.
        several: whether more than one row can be ticked.
        height: in pixels.
    """
    ticked = f"{key}-ticked"
    earlier = set(st.session_state.get(ticked, ()))
    start: Any = {"selection": {"rows": [at for at, name in enumerate(ids) if name in earlier]}}
    event = st.dataframe(
        frame, hide_index=True, on_select="rerun", height=height, column_config=dict(columns),
        column_order=list(order or columns), selection_default=start,
        selection_mode="multi-row" if several else "single-row",
        key=f"{key}-{md5(' '.join(ids).encode(), usedforsecurity=False).hexdigest()[:8]}",
    )
    picked = [ids[at] for at in event.selection.rows if at < len(ids)]
    st.session_state[ticked] = picked
    return picked


def page_of(entries: Sequence[Entry], size: int, *, key: str, title: str = "") -> Sequence[Entry]:
    """The entries on the page that is chosen, below the title; all of them if they fit on one."""
    pages = -(-len(entries) // size)
    if pages < 2:
        return entries
    if title:
        st.caption(title)
    page = st.pagination(pages, key=key)
    return entries[(page - 1) * size : page * size]


def defined(
    repository: Repository[Entry], kind: type[Defined], limit: int
) -> list[tuple[Entry, Defined]]:
    """The latest rows of a repository with what they define, newest first; a note names those that
    cannot be read.
    """
    found, faults = [], list(repository.unreadable(limit).values())
    for row in repository.listing(limit=limit):
        try:
            found.append((row, kind.from_json(row.definition)))  # type: ignore[attr-defined]
        except LrdashError as fault:
            faults.append(str(fault))
    show_unreadable(faults)
    return found


def show_unreadable(faults: Sequence[str]) -> None:
    """Name the first of what cannot be read and is left out, with the reason."""
    more = f" `lrdash doctor` lists {len(faults) - 1} more." if len(faults) > 1 else ""
    if faults:
        st.warning(f"{escaped(faults[0])}{more}", icon=":material/warning:")


def earlier_list(
    title: str, lines: Mapping[str, Mapping[str, Any]], *, key: str, columns: Mapping[str, Any],
) -> str | None:
    """A list of earlier results under its title; gives the id of the one to open, if any.

    `lines` has the values by column for each id, the newest first.
    """
    if not lines:
        return None
    st.header(title, anchor=False)
    picked = pick_rows(pd.DataFrame(list(lines.values())), list(lines), key=key, columns=columns)
    st.caption("Tick the box at the left of a row to open it.")
    if not picked:
        return None
    del st.session_state[f"{key}-ticked"]
    return picked[0]
