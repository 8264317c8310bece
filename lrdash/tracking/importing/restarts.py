"""Fits that wrote into one folder or file one after another: where they overlap, the last counts.

As in TensorBoard after a restart, earlier records are left out from the step at which a later fit
begins. A fit that was continued (`initial_epoch`) begins after all of them and loses nothing.
Records without steps, which all have step 0, are numbered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from lrdash.core.wording import plural
from lrdash.tracking.importing.names import EPOCH, TRAIN
from lrdash.tracking.importing.summaries import Scalar

Files = Mapping[str, Sequence[Scalar]]  # by path, none of them empty


def without_earlier(files: Files, roles: Mapping[str, str]) -> tuple[Files, list[str]]:
    """The files of one run without the records that a newer one of them repeats.

    Args:
        files: of one folder, with its `train` and `validation`.
        roles: by path: the word in `TRAIN` or `VALIDATION` that names its folder, or nothing.

    Returns:
        What is left of each file, and remarks.
    """
    kept = {path: list(scalars) for path, scalars in files.items()}
    order = sorted(files, key=lambda path: (_begin(files[path]), path))
    for place, newer in enumerate(order):
        for older in order[:place]:
            if roles[older] != roles[newer] or _end(files[older]) > _begin(files[newer]):
                continue  # files that are written at the same time are no restart
            first = _first_epoch(files[newer])
            if first is None or _first_epoch(files[older]) is None:
                kept[older] = _without_tags(kept[older], files[newer])
                continue
            again = any(_is_epoch(one) and one.step >= first for one in kept[older])
            kept[older] = _until(first, kept[older])
            if again and roles[newer] in TRAIN:
                for path in order:
                    if roles[path] not in TRAIN and _begin(files[path]) <= _end(files[older]):
                        kept[path] = _until(first, kept[path])
    return kept, _remarks(files, kept, roles)


def in_order(scalars: Sequence[Scalar]) -> tuple[list[Scalar], list[str]]:
    """The scalars of one file with ascending steps for each tag, and remarks.

    Where a tag goes back to an earlier step, the records from there on are those of an earlier
    loop and are left out. Negative steps are left out, too.
    """
    given, remarks = _with_steps([one for one in scalars if one.step >= 0])
    if len(given) < len(scalars):
        remarks.append(f"Left out {plural(len(scalars) - len(given), 'value')} at negative steps.")
    kept: dict[str, list[Scalar]] = {}
    again: set[int] = set()
    for one in given:
        own = kept.setdefault(one.tag, [])
        while own and own[-1].step >= one.step:
            earlier = own.pop()
            if earlier.step > one.step or repr(earlier.value) != repr(one.value):
                again.add(earlier.step)
        own.append(one)
    if again:
        remarks.append(f"Left out {plural(len(again), 'step')} of an earlier loop in the same "
                       "file, which a later one wrote again.")
    last = {id(one) for own in kept.values() for one in own}
    return [one for one in given if id(one) in last], remarks


def _with_steps(scalars: Sequence[Scalar]) -> tuple[list[Scalar], list[str]]:
    """Numbers for the records of tags that have several, all at step 0, in the order written."""
    steps: dict[str, list[int]] = {}
    for one in scalars:
        steps.setdefault(one.tag, []).append(one.step)
    bare = [tag for tag, own in steps.items() if len(own) > 1 and not any(own)]
    if not bare:
        return list(scalars), []
    first = min((own[0] for own in steps.values() if len(own) > 1 and any(own)), default=0)
    most = max(len(steps[tag]) for tag in bare)
    leader = next(tag for tag in bare if len(steps[tag]) == most)
    counts, found = Counter[str](), list[Scalar]()
    for one in scalars:
        if one.tag in bare:
            number = counts[one.tag if len(steps[one.tag]) == most else leader]
            counts[one.tag] += 1
            shift = 0 if len(steps[one.tag]) == most else -1  # written after the leader's record
            one = one._replace(step=max(0, number + shift) + min(first, 1))
        found.append(one)
    return found, [f"Recorded without steps and numbered in their order: {', '.join(bare)}."]


def _until(first: int, scalars: Sequence[Scalar]) -> list[Scalar]:
    """The records before an epoch; all of them if that epoch is not there."""
    epochs = [one for one in scalars if _is_epoch(one)]
    before = [one for one in epochs if one.step < first]
    if len(before) == len(epochs):
        return list(scalars)
    end = max((one.at for one in before), default=float("-inf"))
    return [
        one for one in scalars if (one.step < first if _is_epoch(one) else one.at <= end)
    ]


def _without_tags(scalars: Sequence[Scalar], newer: Sequence[Scalar]) -> list[Scalar]:
    first: dict[str, int] = {}
    for one in newer:
        first[one.tag] = min(one.step, first.get(one.tag, one.step))
    return [one for one in scalars if one.tag not in first or one.step < first[one.tag]]


def _remarks(files: Files, kept: Files, roles: Mapping[str, str]) -> list[str]:
    epochs, steps = Counter[str](), Counter[str]()
    for path, scalars in files.items():
        left = set(scalars) - set(kept[path])
        epochs[roles[path]] += len({one.step for one in left if _is_epoch(one)})
        steps[roles[path]] += len({one.step for one in left})
    for counts, word in ((epochs, "epoch"), (steps, "step")):
        if count := max(counts.values()):
            return [f"Left out {plural(count, word)} of an earlier fit in the same folder."]
    return []


def _is_epoch(scalar: Scalar) -> bool:
    return scalar.tag.startswith(EPOCH)


def _first_epoch(scalars: Sequence[Scalar]) -> int | None:
    """The step of the first epoch; None in files whose tags do not mark epochs."""
    return min((one.step for one in scalars if _is_epoch(one)), default=None)


def _begin(scalars: Sequence[Scalar]) -> float:
    return min(one.at for one in scalars)


def _end(scalars: Sequence[Scalar]) -> float:
    return max(one.at for one in scalars)
