"""Pages as Streamlit's own test runner draws them: no browser, no trainer."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests import ROOT

PATIENCE = 120  # seconds


def page(name: str, /, **query: str) -> AppTest:
    """A page, or `app`, with what its address says."""
    folder = ROOT if name == "app" else ROOT / "pages"
    test = AppTest.from_file(str(folder / f"{name}.py"), default_timeout=PATIENCE)
    for key, value in query.items():
        test.query_params[key] = value
    return test.run()


def fault(test: AppTest) -> str:
    """The first error on a page, as it is read there."""
    return str(test.error[0].value).replace("\\", "")


def words(test: AppTest) -> str:
    """Everything that a page says, as it is read there."""
    kinds = (
        test.header, test.markdown, test.caption, test.warning, test.info, test.success, test.error,
    )
    return "\n".join(str(one.value).replace("\\", "") for kind in kinds for one in kind)
