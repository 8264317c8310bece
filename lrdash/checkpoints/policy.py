"""How often checkpoints are written, and which of them are kept.

Of one run: the last two, the one of the lowest validation loss, those at which the rate was
changed (the latest `CHANGES`), and up to `SPREAD` spread evenly over its epochs, so that a branch
from any epoch has little to train again. Of all together: as many as the limit allows; the runs
that were not touched for longest lose theirs first.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from lrdash.checkpoints.file import About, CheckpointFile
from lrdash.core.home import number_from

INTERVAL = 10.0  # seconds between two of a run, unless LRDASH_CHECKPOINT_SECONDS says otherwise
LIMIT_MB = 2048  # of all runs, unless LRDASH_CHECKPOINTS_MB says otherwise
CHANGES = 20  # changes of the rate
LAST = 2
SPREAD = 8  # over the epochs of a run; between this and half as many


def needed(abouts: Mapping[int, About | None]) -> set[int]:
    """The epochs of a run whose checkpoints are kept.

    Args:
        abouts: all checkpoints of the run, by their epochs done; None for damaged ones.
    """
    whole = {epoch: about for epoch, about in sorted(abouts.items()) if about is not None}
    changes = [epoch for epoch, about in whole.items() if about.cause == "rate"]
    losses = {e: about.val_loss for e, about in whole.items() if math.isfinite(about.val_loss)}
    best = [min(losses, key=lambda epoch: (losses[epoch], epoch))] if losses else []
    return {*changes[-CHANGES:], *best, *sorted(abouts)[-LAST:], *_spread(whole)}


def beyond_limit(
    held: Mapping[str, Sequence[CheckpointFile]], limit: int, spare: Collection[str]
) -> tuple[list[str], list[CheckpointFile]]:
    """What has to go so that all checkpoints together meet a limit.

    Args:
        held: checkpoints by run, oldest first; the runs untouched for longest first.
        limit: bytes that all may take.
        spare: runs that still need theirs: where all others are gone and it is still too much,
            they keep the last two.

    Returns:
        The runs that lose all theirs, and the checkpoints that others lose.
    """
    total = sum(one.size for files in held.values() for one in files)
    runs: list[str] = []
    single: list[CheckpointFile] = []
    for run_id, files in held.items():
        if total > limit and run_id not in spare:
            runs.append(run_id)
            total -= sum(one.size for one in files)
    for run_id, files in held.items():
        if total > limit and run_id in spare:
            single += files[:-LAST]
            total -= sum(one.size for one in files[:-LAST])
    return runs, single


def interval() -> float:
    """Seconds between two checkpoints of a run, from LRDASH_CHECKPOINT_SECONDS.

    Raises:
        InvalidField: if it is not a number of at least 0.
    """
    return number_from("LRDASH_CHECKPOINT_SECONDS", INTERVAL, least=0)


def limit() -> int:
    """Bytes that all checkpoints may take, from LRDASH_CHECKPOINTS_MB.

    Raises:
        InvalidField: if it is not a number of at least 1.
    """
    return int(number_from("LRDASH_CHECKPOINTS_MB", LIMIT_MB, least=1) * 2**20)


def _spread(epochs: Collection[int]) -> set[int]:
    """At most `SPREAD` of these, about evenly spaced.

    The first one in each stretch of 2^k epochs: when the stretches double, what stays was kept
    before, so thinning out repeatedly gives the same as thinning out once.
    """
    stretch = 1
    while max(epochs, default=0) // stretch >= SPREAD:
        stretch *= 2
    return set({epoch // stretch: epoch for epoch in sorted(epochs, reverse=True)}.values())
