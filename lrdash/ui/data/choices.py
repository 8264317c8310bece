"""What to make of a file: target, features, task, size of images."""

from __future__ import annotations

import zlib
from dataclasses import replace

import streamlit as st

from lrdash.core.record import Knob
from lrdash.datasets.own import Profile, Recipe
from lrdash.datasets.own.choices import useful
from lrdash.datasets.own.records import Task
from lrdash.ui.components import fields

KNOBS = {knob.name: knob for knob in Recipe.knobs()}
TASKS: dict[Task, str] = {"classification": "Classification", "regression": "Regression"}
PREFIX = "own."


def draw(profile: Profile, read_as: Recipe) -> Recipe:
    """Draw the choices for this kind of file; they are not checked against the file yet.

    The keys hold the file's digest and the columns' names, so that each file has choices of its
    own, which come back with it. The choices on how it was read stay as they are.
    """
    names = "\n".join(column.name for column in profile.columns)
    key = f"{PREFIX}{profile.file_digest[:12]}.{zlib.crc32(names.encode()):x}."
    with st.container(border=True):
        st.header("What to learn", anchor=False)
        target = _target(profile, key)
        task = _task(profile, target, key)
        smallest = _number("min_class", key) if task == "classification" else 1
        if profile.kind == "images":
            side = _number("side", key)
            grey = st.toggle("Greyscale", key=f"{key}grey", help=KNOBS["grey"].help)
            return Recipe(task=task, min_class=smallest, side=side, grey=grey)
        if profile.kind == "arrays":
            return Recipe(target=target, task=task, min_class=smallest)
        features = _features(profile, target, key)
    return read_as.replace(target=target, features=features, task=task, min_class=smallest)


def _target(profile: Profile, key: str) -> str:
    names = [column.name for column in profile.columns]
    if len(names) == 1:
        return names[0]
    chosen: str = st.selectbox(
        "Target", names, index=names.index(profile.target), key=f"{key}target",
        help=KNOBS["target"].help.partition(" Empty")[0],
    )
    return chosen


def _task(profile: Profile, target: str, key: str) -> Task:
    """The task; the target suggests one until the user changes it."""
    if profile.kind == "images":
        return "classification"
    column = profile.column(target)
    likely: Task = (column.task if column else "") or "classification"
    kind = column.kind if column else ""
    chosen: Task = st.segmented_control(
        "Task", list(TASKS), format_func=lambda name: TASKS[name], default=likely, required=True,
        key=f"{key}task.{target}.{kind}", help=KNOBS["task"].help.partition(" Automatic")[0],
    )
    return chosen


def _features(profile: Profile, target: str, key: str) -> tuple[str, ...]:
    names = [column.name for column in profile.columns if column.kind != "empty"]
    first = [name for name in useful(profile, "") if name in names]
    with st.expander("Features"):
        chosen = st.multiselect(
            "Learn from", names, default=first, key=f"{key}features",
            help="Columns without information are left out at first; the remarks say why. The "
            "target is never used, even if it is listed here.",
        )
        count = len(set(chosen) - {target})
        st.caption(f"{count} of {len(set(names) - {target})} columns are used.")
    return tuple(name for name in chosen if name != target)


def _number(name: str, key: str) -> int:
    knob: Knob = replace(KNOBS[name], optional=False)
    value: int = fields.widget(knob, key=f"{key}{name}", start=knob.default, in_address=False)
    return value
