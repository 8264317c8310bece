"""What the rows of layers make for a dataset: weights, Keras code, and the buttons to train it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lrdash.core.errors import DatasetUnavailable, InvalidField
from lrdash.core.wording import escaped, plural
from lrdash.datasets import DATASETS
from lrdash.models import rows
from lrdash.models.drafts import Finding
from lrdash.models.own_layers import OwnLayers
from lrdash.models.rows import Row
from lrdash.ui.components import fields, form
from lrdash.ui.components.errors import show_error

DATASET = "layers-dataset"  # in the address; the key of the forms would clash with theirs


def choose_dataset() -> tuple[str, str]:
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
        fields.preset(DATASET, next(iter(labels)))
    with st.container(width=420):
        name = form.pick(
            "dataset", list(labels), labels, key=DATASET,
            help="Sets the input shape of the first layer.",
        )
    return name, labels[name]


def draw(found: Sequence[Finding], name: str, label: str) -> None:
    """Weights, buttons and Keras code for a dataset of this id and label, or what is missing for
    them.
    """
    layers = tuple(one.row for one in found if one.row and not one.fault)
    if len(layers) < len(found):
        st.caption("Fix the rows above to see weights and Keras code, and to train.")
        return
    model, shape = OwnLayers(layers=layers), DATASETS[name].shape
    try:
        weights, (_, last, output) = model.parameters(shape), model.network(shape)[-1]
    except InvalidField as error:
        show_error(f"The {error}")
        return
    st.metric("Weights", f"{weights:,}", help="Trainable, including the output layer.")
    st.caption(
        f"Output: {plural(shape.outputs, 'unit')} over {last[0]:,} numbers, "
        f"{output.parameters:,} weights."
    )
    _buttons(layers, name, label)
    with st.expander("Keras code"):
        code = "import keras\n\n" + "\n".join(model.keras_code(shape))
        st.code(code, language="python", wrap_lines=True)


def _buttons(layers: Sequence[Row], name: str, label: str) -> None:
    """To the forms, whose address binds what their boxes show: labels."""
    try:
        form.require_data(name)
    except DatasetUnavailable as error:
        show_error(error)
        return
    query = {"dataset": label, "model": OwnLayers.label, "layers.layers": rows.as_text(layers)}
    with st.container(horizontal=True):
        for page, word in (("train", "Train it"), ("compare", "Compare strategies on it")):
            if st.button(word, key=f"layers-to-{page}",
                         type="primary" if page == "train" else "secondary"):
                st.switch_page(f"pages/{page}.py", query_params=query)
