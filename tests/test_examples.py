"""The examples run as they stand."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from lrdash.store import Store
from tests import ROOT


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_the_notebook_compares_four_strategies_on_its_own_model(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = (str(ROOT), os.environ.get("PYTHONPATH", ""))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    notebook = nbformat.read(ROOT / "examples" / "own_model.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    NotebookClient(
        notebook, timeout=240, kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    shown = {cell.source: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}
    compared = next(outputs for source, outputs in shown.items() if "lrdash.compare(" in source)
    html = [output["data"]["text/html"] for output in compared if "text/html" in output["data"]]
    assert "36 of 36 runs done" in html[0]  # the line that shows the progress
    assert "Four strategies" in html[1]
    assert "Reduce on plateau" in html[1]
    assert "://" not in "".join(html)
    assert (tmp_path / "comparison.html").stat().st_size > 10_000
    experiment = store.experiments.listing()[0]
    assert experiment.counts["finished"] == 36
    assert {run.engine for run in store.runs.listing()} == {"lanes"}
