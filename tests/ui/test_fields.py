"""Values that a page puts into its own fields."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def _page() -> None:
    import streamlit as st

    from lrdash.ui.components import fields

    st.session_state["drawn"] = st.session_state.get("drawn", 0) + 1
    if st.session_state["drawn"] == 1:
        for key, value in (("peak", 0.003), ("epochs", 7), ("nesterov", True), ("same", 5),
                           ("optimizer", "sgd"), ("several", ["a", "b"]), ("empty", None)):
            fields.preset(key, value)
    labels = {"adam": "Adam", "sgd": "Plain descent", "a": "First", "b": "Second", "c": "Third"}
    st.number_input("Peak", value=0.1, format="%g", **fields.bound("peak", 0.1))
    st.number_input("Epochs", value=3, **fields.bound("epochs", 3))
    st.number_input("Same", value=5, **fields.bound("same", 5))
    st.number_input("Empty", value=None, **fields.bound("empty", None))
    st.toggle("Nesterov", **fields.bound("nesterov", False))
    st.selectbox("Optimizer", ["adam", "sgd"], format_func=labels.get,
                 **fields.bound("optimizer", "adam", labels.get))
    st.multiselect("Several", ["a", "b", "c"], default=["c"], format_func=labels.get,
                   **fields.bound("several", ["c"], labels.get))


def test_what_is_put_into_fields_is_in_the_address_once_the_page_is_drawn() -> None:
    at = AppTest.from_function(_page).run()
    assert at.session_state["drawn"] == 1
    assert at.query_params == {
        "peak": "0.003", "epochs": "7", "nesterov": "true", "optimizer": "Plain descent",
        "several": ["First", "Second"],
    }
    at.number_input(key="epochs").set_value(9).run()
    assert at.number_input(key="peak").value == 0.003
    assert at.number_input(key="epochs").value == 9
    assert at.selectbox(key="optimizer").value == "sgd"


def test_an_address_with_filled_values_gives_the_same_fields_again() -> None:
    first = AppTest.from_function(_page).run()
    again = AppTest.from_function(_page)
    again.session_state["drawn"] = 1  # nothing is put in
    for key, value in first.query_params.items():
        again.query_params[key] = value
    again.run()
    assert again.number_input(key="peak").value == 0.003
    assert again.number_input(key="epochs").value == 7
    assert again.toggle(key="nesterov").value is True
    assert again.selectbox(key="optimizer").value == "sgd"
    assert again.multiselect(key="several").value == ["a", "b"]
