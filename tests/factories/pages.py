"""Pages as Streamlit's own test runner draws them: no browser, no worker."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from lrdash.store import Store
from lrdash.ui import resources
from tests import ROOT

PATIENCE = 120  # seconds


def page(name: str, /, **query: str) -> AppTest:
    """A page, or `app`, with what its address says."""
    folder = ROOT if name == "app" else ROOT / "pages"
    test = AppTest.from_file(str(folder / f"{name}.py"), default_timeout=PATIENCE)
    for key, value in query.items():
        test.query_params[key] = value
    return test.run()


def serve(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Have the pages of this test show a store; nobody trains what they queue."""
    monkeypatch.setattr(resources, "store", lambda: store)
    monkeypatch.setattr(resources, "laboratory", lambda: SimpleNamespace(wake=lambda: None))
    return store


def fault(test: AppTest) -> str:
    """The first error on a page, as it is read there."""
    return str(test.error[0].value).replace("\\", "")


def words(test: AppTest) -> str:
    """Everything that a page says, as it is read there."""
    kinds = (
        test.header, test.markdown, test.caption, test.warning, test.info, test.success, test.error,
    )
    return "\n".join(str(one.value).replace("\\", "") for kind in kinds for one in kind)


def keys(test: AppTest) -> set[str]:
    """The keys of the buttons on a page."""
    return {str(button.key) for button in test.button}


def labels(test: AppTest) -> list[str]:
    """What the buttons on a page say, from top to bottom."""
    return [button.label for button in test.button]


def progress(test: AppTest) -> str:
    return "\n".join(str(bar.proto.text) for bar in test.get("progress"))


def typed(test: AppTest, rates: str) -> None:
    """Type peak rates in place of the five suggested ones."""
    next(g for g in test.button_group if g.key == "compare.how").set_value("Typed").run()
    test.text_input(key="compare.rates").set_value(rates).run()
