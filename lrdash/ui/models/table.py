"""The table of the Models page: rows of layers as typed, with what each outputs and what is wrong.

The session holds the rows that the table began with; later edits stay in the table's own widget,
which keeps its place and its focus as long as its key and its number of rows stay the same. Hence
adding, deleting or moving a row begins a new table, and an edit does not. The address follows the
rows as text. The browser sends the address that it had when somebody typed, which may be an earlier
one: a text that this session wrote is opened only by Back and Forward and when the page is entered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import pandas as pd
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from lrdash.core.errors import InvalidField
from lrdash.core.wording import escaped, listed
from lrdash.models import drafts, rows
from lrdash.models.drafts import NUMBERS, Draft, Finding
from lrdash.models.layers import NONE, RULES, Activation
from lrdash.models.own_layers import OwnLayers
from lrdash.models.rows import Row
from lrdash.ui.components.errors import show_error

FIELD = "layers"  # in the address
STATE = "layers-state"
HERE = "layers-kind"  # key of a box that is drawn whenever the page is
LABELS = {rule.label: kind for kind, rule in RULES.items()}
SETTINGS = ("kind", "size", "kernel", "strides", "activation", "rate")
MOST_UNDONE = 100  # edits


def current() -> list[Draft]:
    """The rows of the address or the session, with later edits."""
    asked = st.query_params.get(FIELD)
    if _is_asked(asked):
        _open(asked)
    elif HERE not in st.session_state:  # back on the page: the widget has forgotten its edits
        begin(st.session_state[STATE]["now"])
    state = st.session_state[STATE]
    now = state["now"] = _now()
    if state["fault"] and now == state["rows"]:
        show_error(state["fault"])
    _write(now, asked)
    return now


def begin(given: Sequence[Draft]) -> None:
    """Begin a new table with these rows."""
    state: dict[str, Any] = st.session_state.setdefault(
        STATE, {"version": 0, "known": set(), "past": []}
    )
    state |= {"rows": list(given), "now": list(given), "version": state["version"] + 1,
              "address": rows.typed(given), "fault": ""}


def renew() -> None:
    """Begin a new table with the same rows: after a button had the focus, the browser takes the
    next click into the table for its old cell, and typing goes there.
    """
    begin(_now())


def undo() -> None:
    """Bring back the rows before the last change."""
    past = st.session_state[STATE]["past"]
    past.pop()
    begin(drafts.read(past[-1]))


def can_undo() -> bool:
    """Whether a row has changed since the page was opened."""
    return len(st.session_state[STATE]["past"]) > 1


def table(found: Sequence[Finding]) -> None:
    """Draw the current rows, with the result of checking each."""
    column, number = st.column_config, st.column_config.NumberColumn
    st.data_editor(
        frame(_ground(), found), key=_key(), hide_index=True, num_rows="fixed",
        disabled=["row", "shape", "weights", "note"], placeholder="–",
        column_order=[
            "row", *SETTINGS, "shape", "weights", *(["note"] if any(map(remark, found)) else []),
        ],
        column_config={
            "row": number("Row", width=45, pinned=True),
            "kind": column.SelectboxColumn("Layer", options=list(LABELS), required=True, width=170),
            **{name: number(Row.model_fields[name].title, width=75,
                            help=Row.model_fields[name].description) for name in NUMBERS},
            "activation": column.SelectboxColumn(
                "Activation", options=[NONE, *get_args(Activation)], width=95,
                help=Row.model_fields["activation"].description,
            ),
            "shape": column.TextColumn("Output", width=95),
            "weights": number("Weights", format="localized", width=90),
            "note": column.TextColumn("Problem", width="large"),
        },
    )
    st.caption("A dash marks a setting that the layer does not have.")


def mistakes(given: Sequence[Draft], found: Sequence[Finding]) -> None:
    """List what is wrong, in full; the table has room for the beginning only."""
    remarks = [
        f"**Row {number}, {RULES[draft['kind']].label}.** {escaped(remark(one))}"
        for number, (draft, one) in enumerate(zip(given, found, strict=True), start=1)
        if remark(one)
    ]
    if remarks:
        box = st.error if any(one.fault for one in found) else st.info
        box("  \n".join(remarks), icon=":material/error:")


def frame(given: Sequence[Draft], found: Sequence[Finding]) -> pd.DataFrame:
    """A line for each row: its number, settings as typed, output shape, weights, and a remark."""
    lines = [
        {
            "row": number, **draft, "kind": RULES[draft["kind"]].label,
            "shape": " × ".join(str(side) for side in one.step.shape) if one.step else "",
            "weights": one.step.parameters if one.step else None, "note": remark(one),
        }
        for number, (draft, one) in enumerate(zip(given, found, strict=True), start=1)
    ]
    whole = dict.fromkeys(("row", "weights"), "Int64")
    typed = dict.fromkeys(NUMBERS, "Float64")  # as typed: a size of 2.5 is reported, not rounded
    columns = ["row", *SETTINGS, "shape", "weights", "note"]
    return pd.DataFrame(lines, columns=columns).astype({**whole, **typed})


def remark(one: Finding) -> str:
    """What is wrong with a row, or which settings it ignores; empty if there is nothing."""
    if one.fault or not one.idle:
        return one.fault
    return f"This layer ignores {listed(Row.model_fields[name].title for name in one.idle)}."


def _key() -> str:
    return f"layer-table-{st.session_state[STATE]['version']}"


def _is_asked(text: str | None) -> bool:
    if STATE not in st.session_state or _going_back():
        return True
    if text is None:
        return False
    return HERE not in st.session_state or text not in st.session_state[STATE]["known"]


def _going_back() -> bool:
    """Whether this run comes from the browser's Back or Forward."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def _open(text: str | None) -> None:
    """Begin with the rows of the address; with the default ones if it has none that can be read."""
    default, fault = drafts.read(rows.as_text(OwnLayers().layers)), ""
    try:
        begin(default if text is None else drafts.read(text))
    except InvalidField as wrong:
        begin(default)
        fault = f"The {wrong} The address could not be read, so the table starts with the default."
    # The address stays as it is: the same rows may be written in more than one way.
    st.session_state[STATE] |= {"address": text, "fault": fault}


def _write(now: Sequence[Draft], asked: str | None) -> None:
    """Bring the address up to date with the table."""
    state, text = st.session_state[STATE], rows.typed(now)
    if not state["past"] or state["past"][-1] != text:
        state["past"] = [*state["past"], text][-MOST_UNDONE:]
    address = state["address"] if text == rows.typed(state["rows"]) else text
    state["known"] |= {text, address}
    if address is not None and address != asked:
        st.query_params[FIELD] = address


def _now() -> list[Draft]:
    """The rows that the table began with, with later edits."""
    edits = _edits()
    begun = st.session_state[STATE]["rows"]
    return [_edited(row, edits.get(place, {})) for place, row in enumerate(begun)]


def _edits() -> dict[int, dict[str, Any]]:
    """Edits since the table began: cells by row, counted from 0."""
    edits: dict[int, dict[str, Any]] = st.session_state.get(_key(), {}).get("edited_rows", {})
    return edits


def _start(row: Draft, cells: dict[str, Any]) -> Draft:
    """A row without its edits; one that became another kind starts with the settings of that."""
    kind: str = cells.get("kind", RULES[row["kind"]].label)
    return row if LABELS[kind] == row["kind"] else drafts.fresh(LABELS[kind])


def _edited(row: Draft, cells: dict[str, Any]) -> Draft:
    typed = {name: value for name, value in cells.items() if name in SETTINGS[1:]}
    return {**_start(row, cells), **typed}


def _ground() -> list[Draft]:
    """The rows as the table's data: the browser lays the edits over them, and forgets an edit that
    is in the data already.
    """
    edits = _edits()
    return [
        {**_start(row, edits.get(place, {})), "kind": row["kind"]}
        for place, row in enumerate(st.session_state[STATE]["rows"])
    ]
