"""A recipe as a script to be run, and as a notebook to be read and run."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from typing import Any

from lrdash.analysis.words import settings_in_words
from lrdash.export.recipe import sections
from lrdash.planning.plan import Plan
from lrdash.strategies.base import Rates

WIDTH = 88  # characters of a comment


def script(
    plan: Plan, *, note: str = "", gaps: Sequence[str] = (), used: Rates | None = None
) -> str:
    """A Keras program that trains the run again; `python script.py` runs it.

    It needs Keras, TensorFlow, NumPy and, for some datasets, scikit-learn, but not lrdash.

    Args:
        note: for its head, e.g. where the recipe comes from.
        gaps: why it does not end with the numbers of the run, in sentences; see `Repeated`.
        used: the rates of a finished run; see `sections`.

    Raises:
        InvalidField: for a dataset, model or strategy that is not written for scripts.
    """
    head = [
        settings_in_words(plan.spec), *filter(None, (note,)), _same(gaps),
        "Needs Keras, TensorFlow, NumPy and scikit-learn.",
    ]
    parts = [_comment(head)]
    for section in sections(plan, used):
        parts.append(f"{_comment([f'{section.title}. {section.text}'])}\n{section.code}")
    return "\n\n".join(_tidy(part) for part in parts) + "\n"


def notebook(
    plan: Plan, *, note: str = "", gaps: Sequence[str] = (), used: Rates | None = None
) -> str:
    """The same as a Jupyter notebook, JSON of nbformat 4.5; arguments and errors as `script`."""
    title = f"# {plan.strategy.label} on {plan.dataset.label.lower()}"
    head = "\n\n".join(filter(None, (title, settings_in_words(plan.spec), note, _same(gaps))))
    cells = [_cell("markdown", head, 0)]
    for section in sections(plan, used):
        cells.append(_cell("markdown", f"## {section.title}\n\n{section.text}", len(cells)))
        cells.append(_cell("code", _tidy(section.code), len(cells)))
    cells.append(_cell("markdown", "## Curves", len(cells)))
    cells.append(_cell("code", CURVES, len(cells)))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    value = {
        "cells": cells, "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4, "nbformat_minor": 5,
    }
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


CURVES = """\
try:
    import matplotlib.pyplot as plt
except ImportError:
    print("With matplotlib installed, this cell draws the losses.")
else:
    epochs = range(1, len(history["loss"]) + 1)
    plt.plot(epochs, history["loss"], label="training")
    plt.plot(epochs, history["val_loss"], label="validation")
    plt.xlabel("Epochs done")
    plt.ylabel("Loss")
    plt.legend()"""


def _same(gaps: Sequence[str]) -> str:
    """What the recipe shares with the run it was made from, and what it does not."""
    if not gaps:
        return "Same weights, batches and rates as the run it was made from."
    return " ".join(("Same first weights and batches as the run it was made from.", *gaps))


def _cell(kind: str, source: str, number: int) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "cell_type": kind, "id": f"cell-{number}", "metadata": {},
        "source": source.splitlines(keepends=True),
    }
    return {**cell, "execution_count": None, "outputs": []} if kind == "code" else cell


def _comment(lines: list[str]) -> str:
    """Comment lines; what users wrote cannot break out of them."""
    wrapped = [part for line in lines for part in textwrap.wrap(line, WIDTH)]
    return "\n".join(f"# {part}" for part in wrapped)


def _tidy(code: str) -> str:
    """No more than two empty lines in a row."""
    while "\n\n\n\n" in code:
        code = code.replace("\n\n\n\n", "\n\n\n")
    return code
