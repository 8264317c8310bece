"""The saved data of users: what it is, buttons to train on it, download and delete."""

from __future__ import annotations

import streamlit as st

from lrdash import analysis
from lrdash.core.wording import escaped, plural
from lrdash.datasets import DATASETS, own
from lrdash.datasets.own import Facts
from lrdash.store import DataUse
from lrdash.ui import resources
from lrdash.ui.components import form
from lrdash.ui.components.errors import error_boundary
from lrdash.ui.components.tables import page_of
from lrdash.ui.data.profile import file_size

SHOWN = 10  # datasets a page of the list
NAMED = 8  # runs that the warning names
PAGES = (
    ("train", "Train on it", ":material/trending_down:", "pages/train.py"),
    ("compare", "Compare on it", ":material/stacked_line_chart:", "pages/compare.py"),
    ("find", "Find LR", ":material/search:", "pages/find_lr.py"),
)


def draw() -> None:
    """List all saved data, the newest first."""
    found = own.kept()
    st.header("Your data", anchor=False)
    if not found:
        st.caption("Data that you save is listed here with its size and date. Train, Compare and "
                   "Find LR offer it by its name.")
        return
    for facts in page_of(found, SHOWN, key="data-page"):
        with st.container(border=True):
            _one(facts)


def buttons(facts: Facts, *, key: str, primary: bool = False) -> None:
    """Buttons that open the forms with this data chosen."""
    with st.container(horizontal=True):
        for name, label, icon, page in PAGES:
            first = primary and name == "train"
            if st.button(label, icon=icon, key=f"data-{name}-{key}",
                         type="primary" if first else "secondary"):
                st.switch_page(page, query_params={form.DATA: facts.id})


def _one(facts: Facts) -> None:
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left:
        st.markdown(f"**{escaped(facts.name)}**  \n{escaped(_facts(facts))}")
        st.caption(f"`{facts.id}` · {escaped(facts.file)} · {file_size(facts.arrays_bytes)} · "
                   f"{facts.created[:10]}")
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        buttons(facts, key=facts.id)
        with st.popover("More", icon=":material/more_horiz:", key=f"data-more-{facts.id}"):
            _more(facts)


def _more(facts: Facts) -> None:
    for note in facts.notes:
        st.caption(f"{escaped(note.rstrip('.'))}.")
    st.caption(DATASETS[facts.id].scaling)
    if facts.features:
        shown = facts.features[:20]
        rest = f" and {len(facts.features) - 20:,} more" if len(facts.features) > 20 else ""
        st.caption(f"Features: {escaped(', '.join(shown))}{rest}.")
    path = own.arrays_file(facts.id)
    if path.is_file():
        st.download_button(
            "Download as NPZ", data=path.read_bytes, file_name=f"{facts.id}.npz",
            icon=":material/download:", key=f"data-npz-{facts.id}", on_click="ignore",
            width="stretch", help="x and y, unscaled, as exported scripts read them.",
        )
    if st.button("Delete", icon=":material/delete:", key=f"data-delete-{facts.id}",
                 width="stretch"):
        _confirm(facts)


@st.dialog("Delete this data")
def _confirm(facts: Facts) -> None:
    use = resources.store().runs.data_use(facts.id)
    st.markdown(
        f"This deletes the {facts.size:,} examples of **{escaped(facts.name)}** permanently."
    )
    if use:
        st.warning(warning(use), icon=":material/warning:")
    if st.button("Delete permanently", type="primary", key="data-delete-for-good",
                 disabled=bool(use.active)):
        with error_boundary():
            own.remove(facts.id, remember=bool(use))
            st.rerun()


def warning(use: DataUse) -> str:
    """Which runs use the data, and what deleting it means for them."""
    if use.active:
        return f"{use.active} of its runs are queued or training. Stop them first."
    ids = ", ".join(use.run_ids[:NAMED])
    more = f" and {len(use.run_ids) - NAMED:,} more" if len(use.run_ids) > NAMED else ""
    runs = f"Used by {plural(len(use.run_ids), 'run')} ({ids}{more})" if use.run_ids \
        else "Used by a comparison or a range test"
    return (
        f"{runs}. Their results stay. To train or resume any of them, add the same file again with "
        "the same choices."
    )


def _facts(facts: Facts) -> str:
    target = f"{len(facts.class_names)} classes" if facts.class_names else "a number to predict"
    inputs = analysis.inputs_in_words(facts.input_shape)
    goal = f" ({facts.recipe.get('target')})" if facts.features else ""
    return f"{facts.size:,} examples, {inputs}, {target}{goal}"
