"""Choices completed and checked against what a file holds, before anything costly is done."""

from __future__ import annotations

from lrdash.core.errors import DataRefused, nearest
from lrdash.datasets.own.limits import CLASSES
from lrdash.datasets.own.records import READING, Column, Profile, Recipe

FLAGS = {
    "": "", "constant": "same in every row", "empty": "no values", "id": "an id of each row",
    "many": "mostly different texts",
    "dates": "dates (convert them to numbers first: year, month, days since then)",
}


def settle(profile: Profile, recipe: Recipe) -> Recipe:
    """The recipe with target, features and task written out; what does not apply has its default.

    Equal choices give equal recipes, whether they were made or left to the default.

    Raises:
        DataRefused: a column that is not there, or a task that the target cannot have.
    """
    target = _target(profile, recipe)
    task = recipe.task if recipe.task != "auto" else target.task or "classification"
    _hold_task(profile.file, target, task)
    table, image = profile.kind == "table", profile.kind == "images"
    default = Recipe()
    return Recipe(
        target=target.name, features=_features(profile, recipe, target) if table else (),
        task=task, min_class=recipe.min_class if task == "classification" else default.min_class,
        side=recipe.side if image else default.side, grey=recipe.grey and image,
        **({name: getattr(recipe, name) for name in READING} if table else {}),
    )


def useful(profile: Profile, target: str) -> tuple[str, ...]:
    """The informative columns, without the target."""
    return tuple(c.name for c in profile.columns if not c.flag and c.name != target)


def _target(profile: Profile, recipe: Recipe) -> Column:
    name = recipe.target if profile.kind == "table" and recipe.target else profile.target
    found = profile.column(name)
    if found is None:
        raise _unknown(profile, "target", name)
    if found.distinct == 0:
        raise DataRefused(profile.file, f"the target {name} has no value in any row",
                          "Choose another target.")
    return found


def _hold_task(file: str, target: Column, task: str) -> None:
    name = target.name
    if target.distinct == 1:
        only = target.values[0][0]
        problem = f"the target {name} holds only {only!r}, so there is nothing to learn"
        raise DataRefused(file, problem, "Choose another target, or add rows of another class.")
    if task == "regression" and target.kind != "number":
        problem = f"the target {name} holds texts such as {target.values[0][0]!r}"
        remedy = "Choose the task classification, or a target that holds numbers."
        raise DataRefused(file, problem, remedy)
    if task == "classification":
        CLASSES.hold(file, target.distinct, f"the target {name}")


def _features(profile: Profile, recipe: Recipe, target: Column) -> tuple[str, ...]:
    for name in recipe.features:
        column = profile.column(name)
        if column is None:
            raise _unknown(profile, "feature", name)
        if name == target.name:
            problem = f"the column {name} is both target and feature"
            raise DataRefused(profile.file, problem, "Take it out of the features.")
        if column.kind == "empty":
            problem = f"the feature {name} has no value in any row"
            raise DataRefused(profile.file, problem, "Take it out of the features.")
    chosen = recipe.features or useful(profile, target.name)
    if not chosen:
        flags = "; ".join(f"{c.name}: {FLAGS[c.flag]}" for c in profile.columns if c.flag)
        problem = f"no informative column besides the target {target.name} ({flags or 'none left'})"
        remedy = "Name the features to use anyway."
        raise DataRefused(profile.file, problem, remedy)
    return tuple(c.name for c in profile.columns if c.name in set(chosen))  # in the file's order


def _unknown(profile: Profile, role: str, name: str) -> DataRefused:
    known = [column.name for column in profile.columns]
    near = nearest(name, known)
    offer = f"Did you mean {near!r}? " if near else ""
    more = ", …" if len(known) > 20 else ""
    remedy = f"{offer}The columns are {', '.join(known[:20])}{more}."
    return DataRefused(profile.file, f"there is no column {name!r} to use as {role}", remedy)
