"""Widgets from a record's own fields: label, help, unit, bounds and step come from the metadata."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

from lrdash.core.errors import InvalidField
from lrdash.core.record import Knob
from lrdash.models import rows
from lrdash.teaching import SETTINGS, anchor

PRESET = "preset_fields"  # in the session: keys that `preset` has filled
PENDING = "untold_fields"  # of these: not drawn since
PERSIST: dict[str, Any] = {"bind": "query-params"}


def draw(knobs: Sequence[Knob], *, prefix: str, columns: int = 2) -> dict[str, Any]:
    """Draw one widget a knob, row by row, and return the values by name.

    Raises:
        InvalidField: a list typed as text that can't be read.
    """
    values: dict[str, Any] = {}
    for first in range(0, len(knobs), columns):
        places = st.columns(columns, vertical_alignment="bottom")
        for place, knob in zip(places, knobs[first : first + columns], strict=False):
            with place:
                values[knob.name] = widget(knob, key=f"{prefix}{knob.name}", start=knob.default)
    return values


def label(knob: Knob) -> str:
    """The label with its unit."""
    known = not knob.unit or knob.unit in knob.label.lower()
    return knob.label if known else f"{knob.label} ({knob.unit})"


def helped(knob: Knob) -> str:
    """What the setting does, with a link to its term in the glossary if there is one."""
    term = SETTINGS.get(knob.name)
    return f"{knob.help} [{term} in the glossary](glossary#{anchor(term)})" if term else knob.help


def widget(knob: Knob, *, key: str, start: Any, in_address: bool = True) -> Any:
    """One widget; `start` is its value until the user or the address sets another."""
    shown = as_text(start) if knob.kind == "list" else start
    common: dict[str, Any] = {
        "help": helped(knob), **(bound(key, shown) if in_address else {"key": key}),
    }
    match knob.kind:
        case "number":
            return st.number_input(
                label(knob), min_value=knob.low, max_value=knob.high,
                value=None if start is None else float(start),
                step=float(knob.step or 0.1), format="%.6g", **common,
            )
        case "integer":
            low, high = (None if b is None else int(b) for b in (knob.low, knob.high))
            return st.number_input(
                label(knob), min_value=low, max_value=high, value=start,
                step=int(knob.step or 1),
                placeholder="default" if knob.optional else None,
                **common,
            )
        case "switch":
            return st.toggle(label(knob), bool(start), **common)
        case "choice":
            place = knob.choices.index(str(start))
            return st.selectbox(label(knob), knob.choices, place, **common)
        case "list":
            typed = st.text_input(label(knob), shown, **common)
            return as_list(typed, key)
        case _:
            return st.text_input(label(knob), str(start), **common)


def preset(key: str, value: Any) -> None:
    """Put a value into the widget of this key; call before the widget is drawn."""
    st.session_state[key] = value
    st.session_state.setdefault(PRESET, set()).add(key)
    st.session_state.setdefault(PENDING, set()).add(key)


def preset_all(prefix: str, values: Mapping[str, Any]) -> None:
    """Put settings into their widgets, whose keys begin with this prefix; lists as text."""
    for name, value in values.items():
        preset(prefix + name, as_text(value) if isinstance(value, list | tuple) else value)


def bound(key: str, start: Any, say: Callable[[Any], Any] = str) -> dict[str, Any]:
    """Arguments that tie a widget to the address, so that F5 keeps its value.

    Streamlit writes a value set by the program into the address only if the browser has shown the
    widget before. This writes it the first time as well, before the widget is drawn: setting it
    again later would undo what somebody types in the meantime. The start is left out of the
    address; `say` gives an option as the widget shows it.
    """
    pending: set[str] = st.session_state.get(PENDING, set())
    if key in pending:
        pending.discard(key)
        value = st.session_state.get(key)
        if value is not None and value != start:
            with suppress(StreamlitAPIException):  # shown before: Streamlit writes it
                st.query_params[key] = _in_address(value, say)
    return {"key": key, **PERSIST}


def _in_address(value: Any, say: Callable[[Any], Any]) -> str | list[str]:
    if isinstance(value, bool):
        return str(value).lower()
    return [str(say(one)) for one in value] if isinstance(value, list) else str(say(value))


def as_text(values: Sequence[Any]) -> str:
    """A list as it is typed: `15, 25`; pairs as `0: 1, 0.5: 1, 1: 0`; layers as in `rows`."""
    if values and isinstance(values[0], dict):
        return rows.as_text([rows.Row(**value) for value in values])
    return ", ".join(
        ": ".join(f"{part:g}" for part in v) if isinstance(v, list | tuple) else f"{v:g}"
        for v in values
    )


def as_list(text: str, field: str) -> list[Any]:
    """The list that was typed; entries with colons become pairs.

    Raises:
        InvalidField: something in it is no number.
    """
    separator = r"[,;]" if ":" in text else r"[,;\s]+"
    entries = [entry for entry in re.split(separator, text.strip()) if entry.strip()]
    try:
        return [
            [_number(part) for part in entry.split(":")] if ":" in entry else _number(entry)
            for entry in entries
        ]
    except ValueError:
        shown = "pairs like 0: 1, 0.5: 1, 1: 0" if ":" in text else "numbers like 15, 25"
        raise InvalidField(field, f"must be {shown}", text) from None


def _number(text: str) -> float | int:
    value = float(text)
    return int(value) if value.is_integer() else value
