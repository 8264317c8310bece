"""What a file holds: its columns, the balance of its target, its first rows."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from lrdash.core.wording import escaped, number, percent, plural
from lrdash.datasets.own import LIMITS, Column, Profile, Recipe
from lrdash.datasets.own.choices import FLAGS
from lrdash.datasets.own.images import THUMB

KINDS = {"number": "Number", "text": "Text", "empty": "Empty"}
WHATS = {"table": "rows", "arrays": "examples", "images": "images"}
UNEVEN = 5.0  # ratio of the largest class to the smallest, from which it is reported
FEW, MANY = 5, 12  # rows of the tables of classes and of columns shown without scrolling
REMARKS = 12  # shown below the table of columns


def draw(profile: Profile, recipe: Recipe) -> None:
    """Show what a file holds, with the chosen target."""
    with st.container(border=True):
        st.header("What it holds", anchor=False)
        st.caption(escaped(_facts(profile)))
        for note in profile.notes:
            st.caption(f":material/info: {escaped(note)}.")
        target = profile.column(recipe.target or profile.target)
        if target is not None:
            _target(target, recipe.task)
        if profile.kind == "table":
            _columns(profile, target.name if target else "")
        _preview(profile)


def limits_frame() -> pd.DataFrame:
    """The limits, one a row."""
    rows = [(limit.what[0].upper() + limit.what[1:], limit.words) for limit in LIMITS]
    return pd.DataFrame(rows, columns=["Limit", "At most"]).set_index("Limit")


def file_size(size: int) -> str:
    """Bytes in kB or MB."""
    return f"{size / 2**20:.3g} MB" if size >= 2**17 else f"{size / 1024:.3g} kB"


def _facts(profile: Profile) -> str:
    shape = f" of {' × '.join(map(str, profile.shape))}" if profile.shape else ""
    columns = f", {len(profile.columns):,} columns" if profile.kind == "table" else ""
    return f"{profile.file}: {profile.rows:,} {WHATS[profile.kind]}{shape}{columns}, " \
        f"{file_size(profile.file_bytes)}. {profile.reading}."


def _target(target: Column, task: str) -> None:
    if task == "regression":
        st.markdown(
            f"**{escaped(target.name)}** ranges from {number(target.low)} to "
            f"{number(target.high)}, with a mean of {number(target.mean)}."
            if target.kind == "number" else f"**{escaped(target.name)}** holds texts."
        )
        return
    counts = [count for _, count in target.values]
    if len(counts) != target.distinct or not counts:
        st.markdown(f"**{escaped(target.name)}** has {target.distinct:,} distinct values.")
        return
    total = sum(counts)
    st.markdown(
        f"**{escaped(target.name)}** has {plural(len(counts), 'class', 'classes')}."
        f"{_balance(target.values, total)}"
    )
    shares = pd.DataFrame(target.values, columns=["class", "rows"])
    shares["share"] = shares["rows"] / total
    column = st.column_config
    st.dataframe(
        shares, hide_index=True, height="content" if len(shares) <= FEW else 220,
        key="data-classes",
        column_config={
            "class": column.TextColumn("Class"),
            "rows": column.NumberColumn("Examples", width="small"),
            "share": column.ProgressColumn(
                "Share", format="percent", min_value=0.0, max_value=1.0
            ),
        },
    )


def _balance(values: Sequence[tuple[str, int]], total: int) -> str:
    """What the imbalance of the classes means for the accuracy."""
    (name, most), (_, least) = values[0], values[-1]
    if most < UNEVEN * least:
        return ""
    return (
        f" They are uneven: the largest has {most / least:.0f} times as many rows as the smallest. "
        f"Always predicting {escaped(name)} is {percent(most / total)} accurate; use that as your "
        "baseline."
    )


def _columns(profile: Profile, target: str) -> None:
    table = pd.DataFrame([
        {
            "name": column.name, "kind": KINDS[column.kind], "missing": column.missing,
            "distinct": column.distinct, "span": _span(column), "use": _use(column, target),
        }
        for column in profile.columns
    ])
    column = st.column_config
    st.dataframe(
        table, hide_index=True, height="content" if len(table) <= MANY else 420,
        key="data-columns",
        column_config={
            "name": column.TextColumn("Column", pinned=True),
            "kind": column.TextColumn("Kind", width="small"),
            "missing": column.NumberColumn("Missing", width="small"),
            "distinct": column.NumberColumn("Distinct", width="small"),
            "span": column.TextColumn("Values"),
            "use": column.TextColumn("At first", width="small"),
        },
    )
    _remarks(profile.columns)


def _span(column: Column) -> str:
    if column.low is not None and column.high is not None:
        return f"{_value(column.low)} to {_value(column.high)}"
    return ", ".join(value for value, _ in column.values[:4])


def _value(value: float) -> str:
    return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e9 else number(value)


def _use(column: Column, target: str) -> str:
    if column.name == target:
        return "target"
    return "left out" if column.flag else "feature"


def _remarks(columns: Sequence[Column]) -> None:
    """Remarks, each with the columns that it is about; the table would cut them off."""
    held: dict[str, list[str]] = {}
    for column in columns:
        for remark in filter(None, (FLAGS[column.flag], column.note)):
            held.setdefault(remark, []).append(column.name)
    for remark, names in list(held.items())[:REMARKS]:
        more = f" and {len(names) - FEW:,} more" if len(names) > FEW else ""
        st.caption(f"**{escaped(', '.join(names[:FEW]))}**{more}: {escaped(remark)}.")
    if len(held) > REMARKS:
        st.caption(f"{len(held) - REMARKS:,} more: `lrdash data look` lists all remarks.")


def _preview(profile: Profile) -> None:
    if profile.thumbnails:
        st.caption("Some images of each class, cropped to a square:")
        pictures = [(_picture(raw), escaped(label)) for label, raw in profile.thumbnails]
        whole = [(picture, label) for picture, label in pictures if picture is not None]
        st.image([picture for picture, _ in whole], [label for _, label in whole], width=72)
    elif profile.head:
        names = [column.name for column in profile.columns]
        if profile.kind == "arrays":
            names = ["y", *(f"x{place}" for place in range(len(profile.head[0]) - 1))]
        st.caption("The first rows:")
        head = pd.DataFrame(list(profile.head), columns=names)
        st.dataframe(head, hide_index=True, key="data-head")


def _picture(raw: str) -> Any:
    try:
        return np.frombuffer(base64.b64decode(raw), np.uint8).reshape(THUMB, THUMB, 3)
    except (ValueError, binascii.Error):
        return None
