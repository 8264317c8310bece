"""Parts that pages share: the error boundary, live views, forms with their outlook, tables."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from tests.factories.pages import fault, words


def drawn(script: Callable[[], None]) -> AppTest:
    return AppTest.from_function(script).run()


def test_an_error_is_shown_letter_by_letter_and_the_page_continues() -> None:
    def script() -> None:
        import streamlit as st

        from lrdash.core.errors import LrdashError
        from lrdash.ui.components.errors import error_boundary

        with error_boundary():
            raise LrdashError("![a_b](http://x)")
        st.caption("continues")

    test = drawn(script)
    assert test.error[0].value == "\\!\\[a\\_b\\]\\(http\\://x\\)"
    assert test.caption[0].value == "continues"


def test_a_live_view_shows_its_errors_and_runs_the_page_again_when_it_ends() -> None:
    def script() -> None:
        import streamlit as st

        from lrdash.core.errors import LrdashError
        from lrdash.ui.components.live import live

        def ends(name: str) -> bool:
            st.session_state[name] = st.session_state.get(name, 0) + 1
            return False

        def fails() -> bool:
            raise LrdashError("out of disk")

        live(ends, None if "drawn" in st.session_state else 60.0, "drawn")
        live(fails, None)

    test = drawn(script)
    assert fault(test) == "out of disk"
    assert test.session_state["drawn"] == 2


def test_a_form_with_a_fault_keeps_its_fields_and_gives_nothing() -> None:
    def script() -> None:
        import streamlit as st

        from lrdash.core.errors import InvalidField
        from lrdash.ui.components.form_column import form_column

        def read() -> int:
            value = int(st.number_input("Size", value=0, key="size"))
            if value < 1:
                raise InvalidField("size", "must be at least 1", value)
            return value

        chosen, outlook = form_column(read)
        outlook.caption(f"chosen: {chosen}")

    test = drawn(script)
    assert fault(test) == "size must be at least 1, got 0."
    assert "Your other settings are kept." in words(test)
    test.number_input(key="size").set_value(2).run()
    assert not test.error
    assert "chosen: 2" in words(test)


def test_ticks_follow_their_rows() -> None:
    def script() -> None:
        from typing import Any
        from unittest.mock import patch

        import pandas as pd
        import streamlit as st

        from lrdash.ui.components import tables

        seen: list[Any] = st.session_state.setdefault("seen", [])

        class Ticked:
            def __init__(self, rows: list[int]) -> None:
                self.selection = self
                self.rows = rows

        def table(_frame: Any, **options: Any) -> Ticked:
            start = options["selection_default"]["selection"]["rows"]
            seen.append((options["key"], start))
            return Ticked(start or [1])

        with patch.object(tables.st, "dataframe", table):
            for ids in (["a", "b"], ["new", "a", "b"]):
                picked = tables.pick_rows(
                    pd.DataFrame({"x": ids}), ids, key="k", columns={"x": "X"}, several=True
                )
                seen.append(picked)

    first, _, second, picked = drawn(script).session_state["seen"]
    assert first[0] != second[0]
    assert (first[1], second[1], picked) == ([], [2], ["b"])
