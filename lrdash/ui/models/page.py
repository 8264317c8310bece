"""The Models page: an architecture in a table, with shapes and weights at every row.

A reload, a link and another tab show the same network: the address holds the rows as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from lrdash.core.errors import DatasetUnavailable, InvalidField, LrdashError
from lrdash.core.wording import escaped, plural
from lrdash.datasets import DATASETS
from lrdash.models import drafts, rows
from lrdash.models.drafts import Draft, Finding
from lrdash.models.layers import RULES
from lrdash.models.own_layers import DEEPEST, OwnLayers
from lrdash.models.rows import Row
from lrdash.store import architectures
from lrdash.ui.components import form
from lrdash.ui.models import table

DATASET = "layers-dataset"  # in the address; the key of the forms would clash with theirs
SAVED, ASKED = "layers-saved", "layers-asked"  # keys: a model of the shelf, a taken name
DROPPED = "layers-dropped"  # a model that was deleted in the last run
PLACE, MOVED = "moved-row", "layers-moved"  # key of a box; the row that it is to show next


def body() -> None:
    """Table, what it makes, and what to do with it."""
    st.markdown(
        "Put a network together layer by layer. Each row shows the shape that it hands on and its "
        "weights, for the dataset that you choose; the output layer follows by itself."
    )
    name, label = _dataset()
    given = table.current()
    found = drafts.look(given, DATASETS[name].shape.input_shape)
    if given:
        table.table(found)
        _mistakes(given, found)
    else:
        st.info(
            "There are no layers yet. Add a layer: choose its kind below and press Add.",
            icon=":material/layers:",
        )
    _arrange(given)
    left, right = st.columns([3, 2], gap="medium")
    if given:
        with left, st.container(border=True):
            _outcome(found, name, label)
    with right:
        _shelf(given, sound=all(not one.fault for one in found))


def _dataset() -> tuple[str, str]:
    """The dataset that the network is for, and its label in the forms."""
    labels = {
        name: label for name, label in form.offered(DATASET).items()
        if OwnLayers.misfit(DATASETS[name].shape) is None
    }
    wanted = st.query_params.get(DATASET)
    if wanted and wanted not in labels.values():
        st.warning(
            f"There is no dataset named {escaped(wanted)} here that layers can learn from. It may "
            "have been deleted; choose another.", icon=":material/info:",
        )
    with st.container(width=420):
        name = form.pick(
            "dataset", list(labels), labels, key=DATASET,
            help="Decides the shape that the first layer gets.",
        )
    return name, labels[name]


def _mistakes(given: Sequence[Draft], found: Sequence[Finding]) -> None:
    """What is wrong, in full; the table has room for the beginning only."""
    told = [
        (f"**Row {number}, {RULES[draft['kind']].label}.** {escaped(table.remark(one))}", one)
        for number, (draft, one) in enumerate(zip(given, found, strict=True), start=1)
        if table.remark(one)
    ]
    if told:
        box = st.error if any(one.fault for _, one in told) else st.info
        box("  \n".join(text for text, _ in told), icon=":material/error:")


def _arrange(given: Sequence[Draft]) -> None:
    """Add, move and delete rows, undo and start over."""
    count = len(given)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.selectbox(
            "New layer", list(table.LABELS), key=table.HERE, width=200,
        )
        if st.button("Add", icon=":material/add:", key="layers-add", disabled=count >= DEEPEST,
                     help=f"Comes last, before the output; at most {DEEPEST} layers."):
            _change([*given, drafts.fresh(table.LABELS[kind])], count + 1)
        if st.button("Undo", icon=":material/undo:", key="layers-undo",
                     disabled=not table.can_undo()):
            table.undo()
            st.rerun()
        if st.button("Start over", icon=":material/restart_alt:", key="layers-over"):
            _change(drafts.read(rows.as_text(OwnLayers().layers)), 1)
    if not given:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        place = _place(count)
        for word, other in (("up", place - 1), ("down", place + 1)):
            if st.button(f"Move {word}", icon=f":material/arrow_{word}ward:", key=f"move-{word}",
                         disabled=not 1 <= other <= count):
                changed = list(given)
                changed[place - 1], changed[other - 1] = changed[other - 1], changed[place - 1]
                _change(changed, other)
        if st.button("Delete row", icon=":material/delete:", key="layers-drop"):
            _change([*given[: place - 1], *given[place:]], place)


def _place(count: int) -> int:
    """The row that the buttons are about; it goes along where a row moves."""
    wanted = st.session_state.pop(MOVED, None) or st.session_state.get(PLACE, 1)
    if wanted != st.session_state.get(PLACE) or wanted > count:
        st.session_state[PLACE] = min(wanted, count)
    return int(st.number_input("Row", 1, count, key=PLACE, width=120))


def _change(given: Sequence[Draft], place: int) -> None:
    table.begin(given)
    st.session_state[MOVED] = place
    st.rerun()


def _outcome(found: Sequence[Finding], name: str, label: str) -> None:
    """What comes of the rows for this dataset, and the ways on from here."""
    layers = _sound(found)
    if layers is None:
        st.caption("Mend what is wrong above, and weights, Keras code and Train come back.")
        return
    model, shape = OwnLayers(layers=layers), DATASETS[name].shape
    try:
        weights, (_, last, output) = model.parameters(shape), model.network(shape)[-1]
    except InvalidField as fault:
        st.error(f"The {fault}", icon=":material/error:")
        return
    st.metric("Weights", f"{weights:,}", help="Trainable, the output layer included.")
    st.caption(
        f"Output: {plural(shape.outputs, 'unit')} over {last[0]:,} numbers, "
        f"{output.parameters:,} weights."
    )
    _ways_on(layers, name, label)
    with st.expander("Keras code"):
        code = "import keras\n\n" + "\n".join(model.keras_code(shape))
        st.code(code, language=None, wrap_lines=True)  # coloured words are too pale to read


def _ways_on(layers: Sequence[Row], name: str, label: str) -> None:
    """To the forms, whose address binds what their boxes show: labels."""
    try:
        form.require_data(name)
    except DatasetUnavailable as fault:
        st.error(escaped(str(fault)), icon=":material/error:")
        return
    query = {"dataset": label, "model": OwnLayers.label, "layers.layers": rows.as_text(layers)}
    with st.container(horizontal=True):
        for page, word in (("train", "Train on it"), ("compare", "Compare on it")):
            if st.button(word, key=f"layers-to-{page}",
                         type="primary" if page == "train" else "secondary"):
                st.switch_page(f"pages/{page}.py", query_params=query)


def _sound(found: Sequence[Finding]) -> tuple[Row, ...] | None:
    """The rows, if nothing is wrong with any."""
    layers = tuple(one.row for one in found if one.row and not one.fault)
    return layers if len(layers) == len(found) else None


def _shelf(given: Sequence[Draft], *, sound: bool) -> None:
    """Save under a name, if no row is wrong, and take one from the shelf."""
    if given:
        _save(rows.typed(given), sound=sound)
    kept = architectures.saved()
    _forget_gone(kept)
    if not kept:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.session_state.get(SAVED)
        chosen = st.selectbox("Saved", list(kept), key=SAVED, width=220)
        opened = st.button("Open", icon=":material/folder_open:", key="layers-open")
        dropped = st.button("Delete", icon=":material/delete:", key="layers-delete",
                            on_click=table.anew, help="Runs that used it keep their layers.")
    if wanted is None:
        return  # the buttons were pressed for another one, which is gone
    if opened:
        try:
            _change(drafts.read(kept[chosen]), 1)
        except InvalidField as fault:
            st.error(f"The {fault}", icon=":material/error:")
    elif dropped:
        architectures.forget(chosen)
        st.session_state[DROPPED] = chosen
        st.rerun()


def _forget_gone(kept: Mapping[str, str]) -> None:
    """Let go of a chosen model that is no longer there; tell it if it was not deleted here."""
    wanted, dropped = st.session_state.get(SAVED), st.session_state.pop(DROPPED, None)
    if wanted is None or wanted in kept:
        return
    del st.session_state[SAVED]  # left to itself the box would go on showing it
    if wanted != dropped:
        st.warning(
            f"The model {escaped(wanted)} no longer exists: it was deleted in another window.",
            icon=":material/info:",
        )


def _save(text: str, *, sound: bool) -> None:
    """Save what the table says; a name that has other layers is asked about first."""
    with st.form("save-layers", border=True):
        name = st.text_input("Save under a name", max_chars=60, key="layers-name").strip()
        pressed = st.form_submit_button(
            "Save", icon=":material/save:", on_click=table.anew
        )
    if pressed and not sound:
        st.error("Nothing was saved: mend the rows that are told below the table first.",
                 icon=":material/error:")
        return
    if pressed:
        taken = architectures.saved().get(name, text) != text
        st.session_state[ASKED] = (name, text) if taken else None
    if st.session_state.get(ASKED) == (name, text):
        place = st.empty()
        with place.container():
            st.warning(
                f"A model named {escaped(name)} exists already, with other layers. Replace it, or "
                "save this one under another name.", icon=":material/help:",
            )
            if not st.button("Replace it", icon=":material/save:", key="layers-replace",
                             on_click=table.anew):
                return
        place.empty()
        del st.session_state[ASKED]
    elif not pressed:
        return
    try:
        architectures.save(name, text)
        st.success(f"Saved as {escaped(name)}.", icon=":material/check_circle:")
    except LrdashError as fault:
        st.error(str(fault), icon=":material/error:")
