"""Event files without their folders, as a browser sends them: which of them are one run.

Keras writes the results of an epoch into the file in `train` and, at the same time, into that in
`validation`. So two files of one process whose epochs all ended at the same times are one run;
nothing else is combined, since nothing else would show that files belong together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from lrdash.tracking.importing.names import EPOCH
from lrdash.tracking.importing.summaries import Scalar

EVALUATED = re.compile(r"evaluation_.+_vs_iterations")  # a tag of Keras' validation alone
# The name of an event file: when it was started, host, process, number in that process.
PROCESS = re.compile(r"tfevents\.\d+\.(.+)\.(\d+)\.\d+(?: \(\d+\))?(?:\.v2)?$")
TOGETHER = 1.0  # seconds between the two records of one epoch, at most

Files = Mapping[str, Sequence[Scalar]]  # by name


def of_validation(scalars: Sequence[Scalar]) -> bool:
    """Whether a file is what Keras writes into `validation`."""
    return any(EVALUATED.fullmatch(scalar.tag) for scalar in scalars)


def together(files: Files) -> list[tuple[str, ...]]:
    """The files of each run: that of the training and that of its validation, or one alone."""
    validations = {name for name in files if of_validation(files[name])}
    ends = {name: _ends(scalars) for name, scalars in files.items()}
    near = sorted(
        (gap, train, validation)
        for train in files.keys() - validations for validation in validations
        if _process(train) and _process(train) == _process(validation)
        and (gap := _gap(ends[train], ends[validation])) <= TOGETHER
    )
    partner: dict[str, str] = {}
    for _, train, validation in near:
        if train not in partner and validation not in partner.values():
            partner[train] = validation
    return [
        (name, partner[name]) if name in partner else (name,)
        for name in files if name not in partner.values()
    ]


def grouping(names: Sequence[str]) -> str:
    """Which files were combined and why, or that none were."""
    if len(names) == 1:
        return f"Read from {names[0]} alone: the folders of the files are not known. If several " \
            "belong to one run, upload the log folder as a ZIP archive."
    return f"Combined from {names[0]} (training) and {names[1]} (validation): one process " \
        "wrote both, epoch by epoch at the same times."


def _process(name: str) -> tuple[str, ...]:
    """Host and number of the process that wrote a file; empty if its name does not show it."""
    found = PROCESS.search(name)
    return found.groups() if found else ()


def _ends(scalars: Sequence[Scalar]) -> dict[int, float]:
    """When each epoch was last recorded, seconds since 1970."""
    return {one.step: one.at for one in scalars if one.tag.startswith(EPOCH)}


def _gap(train: Mapping[int, float], validation: Mapping[int, float]) -> float:
    """Seconds between the two records of an epoch, at most; infinite where one is missing."""
    if not validation or not validation.keys() <= train.keys():
        return float("inf")
    return max(abs(train[step] - at) for step, at in validation.items())
