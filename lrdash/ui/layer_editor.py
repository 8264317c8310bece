"""The Models page: an architecture in a table, with shapes and weights at every row.

The address keeps the rows as text; the table is drawn from it, and each edit writes a new text. So
a reload, a link and another tab show the same network.
"""

from __future__ import annotations

import math
from typing import Any, get_args

import pandas as pd
import streamlit as st

from lrdash.datasets import DATASETS
from lrdash.errors import InvalidField, LrdashError
from lrdash.export.networks import model_lines
from lrdash.models import rows
from lrdash.models.base import Activation
from lrdash.models.layers import dense_weights
from lrdash.models.own_layers import DEEPEST, OwnLayers
from lrdash.models.rows import NONE, RULES, Misplaced, Row
from lrdash.spec import DataShape
from lrdash.store import architectures
from lrdash.ui import form

# In the address; a key of the forms would clash with theirs on the way to them.
FIELD, DATASET, VERSION = "layers", "layers-dataset", "layers-version"
LABELS = {rule.label: kind for kind, rule in RULES.items()}
COLUMNS = {
    "kind": "Layer", "size": "Size", "kernel": "Kernel", "strides": "Stride",
    "activation": "Activation", "rate": "Dropout",
}
FRESH: dict[str, Any] = {"kind": "dense", "size": 64, "activation": "relu"}


def body() -> None:
    """Table, what it makes, and what to do with it."""
    st.markdown(
        "Put a network together layer by layer. Each row shows the shape that it hands on and its "
        "weights, for the dataset that you choose; the output layer follows by itself."
    )
    labels = form.offered(DATASET)
    with st.container(width=420):
        name = form.pick(
            "dataset", list(labels), labels, key=DATASET,
            help="Decides the shape that the first layer gets.",
        )
    shape = DATASETS[name].shape
    given = _rows()
    _table(given, shape)
    _move(given)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _outcome(given, labels[name], shape)
    with right:
        _shelf(given)


def _rows() -> list[Row]:
    """The rows that the address names; those to begin with if it names none."""
    text = st.query_params.get(FIELD)
    try:
        return _read(text) if text else list(OwnLayers().layers)
    except LrdashError as fault:
        st.error(str(fault), icon=":material/error:")
        st.caption("The address could not be read, so the table begins anew.")
        return list(OwnLayers().layers)


def _read(given: Any) -> list[Row]:
    """Rows from a text or from records; raises InvalidField for what is not allowed."""
    return list(OwnLayers(layers=given).layers)


def _keep(changed: list[Row]) -> None:
    st.query_params[FIELD] = rows.as_text(changed)
    st.session_state[VERSION] = st.session_state.get(VERSION, 0) + 1  # a table without edits


def _table(given: list[Row], shape: DataShape) -> None:
    key = f"layer-table-{st.session_state.get(VERSION, 0)}"
    column, number = st.column_config, st.column_config.NumberColumn
    st.data_editor(
        _frame(given, shape), key=key, num_rows="dynamic", hide_index=True,
        on_change=lambda: _take(key, given),
        disabled=["shape", "weights", "note"],
        column_config={
            "kind": column.SelectboxColumn("Layer", options=list(LABELS), required=True,
                                           default=RULES["dense"].label),
            "size": number("Size", min_value=1, max_value=rows.LARGEST, step=1, width="small",
                           help=Row.model_fields["size"].description),
            "kernel": number("Kernel", min_value=1, max_value=15, step=1, width="small",
                             help=Row.model_fields["kernel"].description),
            "strides": number("Stride", min_value=1, max_value=8, step=1, width="small",
                              help=Row.model_fields["strides"].description),
            "activation": column.SelectboxColumn(
                "Activation", options=[NONE, *get_args(Activation)], width="small",
                help=Row.model_fields["activation"].description,
            ),
            "rate": number("Dropout", min_value=0.0, max_value=0.95, step=0.05, width="small",
                           help=Row.model_fields["rate"].description),
            "shape": column.TextColumn("Hands on", width="small"),
            "weights": number("Weights", format="localized", width="small"),
            "note": column.TextColumn("What is wrong", width="large"),
        },
        column_order=_order(given, shape),
    )
    st.caption(
        "None: a setting that this layer does not have. Add a row at the bottom, tick rows "
        f"at the left to delete them; at most {DEEPEST} layers."
    )


def _order(given: list[Row], shape: DataShape) -> list[str]:
    wrong = bool(_frame(given, shape)["note"].any())
    return [*COLUMNS, "shape", "weights", *(["note"] if wrong else [])]


def _frame(given: list[Row], shape: DataShape) -> pd.DataFrame:
    """One line a row: settings that count, and what comes of it up to the first mistake."""
    lines: list[dict[str, Any]] = []
    before: tuple[int, ...] | None = shape.input_shape
    for row in given:
        uses = RULES[row.kind].uses
        line: dict[str, Any] = {
            name: getattr(row, name) if name in uses else None for name in COLUMNS
        }
        line |= {"kind": RULES[row.kind].label, "shape": "", "weights": None, "note": ""}
        if before is not None:
            try:
                done = rows.step(row, before)
                before = done.shape
                told = " × ".join(str(side) for side in done.shape)
                line |= {"shape": told, "weights": done.parameters}
            except Misplaced as fault:
                before, line["note"] = None, str(fault)
        lines.append(line)
    whole = dict.fromkeys(("size", "kernel", "strides", "weights"), "Int64")
    return pd.DataFrame(lines, columns=[*COLUMNS, "shape", "weights", "note"]).astype(whole)


def _take(key: str, given: list[Row]) -> None:
    """Write what was edited into the address."""
    edits = st.session_state[key]
    changed = [row.as_dict() for row in given]
    for place, cells in edits["edited_rows"].items():
        changed[int(place)] |= _cells(cells)
    gone = set(edits["deleted_rows"])
    kept = [row for place, row in enumerate(changed) if place not in gone]
    kept += [FRESH | _cells(cells) for cells in edits["added_rows"]]
    try:
        _keep(_read(kept))
    except LrdashError as fault:
        st.session_state["layers-fault"] = str(fault)


def _cells(cells: dict[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in cells.items() if name in COLUMNS and value is not None}
    if "kind" in found:
        found["kind"] = LABELS[found["kind"]]
    return found


def _move(given: list[Row]) -> None:
    fault = st.session_state.pop("layers-fault", None)
    if fault:
        st.error(fault, icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        place = int(st.number_input("Row", 1, len(given), 1, key="moved-row", width=120))
        for word, other in (("up", place - 1), ("down", place + 1)):
            if st.button(f"Move {word}", icon=f":material/arrow_{word}ward:", key=f"move-{word}",
                         disabled=not 1 <= other <= len(given)):
                changed = list(given)
                changed[place - 1], changed[other - 1] = changed[other - 1], changed[place - 1]
                _keep(changed)
                st.rerun()
        if st.button("Start over", icon=":material/restart_alt:", key="layers-over"):
            _keep(list(OwnLayers().layers))
            st.rerun()


def _outcome(given: list[Row], dataset: str, shape: DataShape) -> None:
    """What comes of the rows; the address of a form binds what its boxes show, a label."""
    model = OwnLayers(layers=tuple(given))
    text = rows.as_text(given)
    with st.container(border=True):
        try:
            weights, last = model.parameters(shape), model.steps(shape)[-1].shape
        except InvalidField as fault:
            st.error(str(fault), icon=":material/error:")
            st.caption("Mend the row, and shapes, code and Train come back.")
            return
        flat = math.prod(last)
        st.metric("Weights", f"{weights:,}", help="Trainable, the output layer included.")
        st.caption(
            f"Output: {shape.outputs} {'units' if shape.outputs > 1 else 'unit'} over {flat:,} "
            f"numbers, {dense_weights(flat, shape.outputs):,} weights."
        )
        query = {"dataset": dataset, "model": OwnLayers.label, "layers.layers": text}
        with st.container(horizontal=True):
            for page, word in (("train", "Train on it"), ("compare", "Compare on it")):
                if st.button(word, key=f"layers-to-{page}",
                             type="primary" if page == "train" else "secondary"):
                    st.switch_page(f"pages/{page}.py", query_params=query)
        with st.expander("Keras code"):
            code = "import keras\n\n" + "\n".join(model_lines(model, shape))
            st.code(code, language="python", wrap_lines=True)


def _shelf(given: list[Row]) -> None:
    """Save under a name, and take one from the shelf."""
    with st.form("save-layers", border=True):
        name = st.text_input("Save under a name", max_chars=60, key="layers-name")
        if st.form_submit_button("Save", icon=":material/save:"):
            try:
                architectures.save(name, rows.as_text(given))
                st.success(f"Saved as {name.strip()}.", icon=":material/check_circle:")
            except LrdashError as fault:
                st.error(str(fault), icon=":material/error:")
    kept = architectures.saved()
    if not kept:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Saved", list(kept), key="layers-saved", width=220)
        if st.button("Open", icon=":material/folder_open:", key="layers-open"):
            try:
                _keep(_read(kept[chosen]))
                st.rerun()
            except LrdashError as fault:
                st.error(str(fault), icon=":material/error:")
        if st.button("Delete", icon=":material/delete:", key="layers-delete",
                     help="Runs that used it keep their layers."):
            architectures.forget(chosen)
            st.rerun()
