"""The script or notebook of a run that was trained: what of it is repeated, and what is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lrdash.core.wording import plural
from lrdash.planning import plan as planning
from lrdash.planning.plan import Plan
from lrdash.store.rows import EpochRow, RunRow


def written_again(row: RunRow, epochs: Sequence[EpochRow], write: Callable[..., str]) -> str:
    """A run as a script or notebook.

    Args:
        epochs: all of the run.
        write: `script` or `notebook` of `lrdash.export.program`.

    Raises:
        InvalidField: for a run that cannot be written.
    """
    plan = planning.make(row.spec)
    finished = row.status == "finished" and epochs
    return write(
        plan, note=f"From run {row.run_id}.", gaps=gaps(row, plan),
        used=np.concatenate([epoch.rates for epoch in epochs]) if finished else None,
    )


def gaps(row: RunRow, plan: Plan) -> list[str]:
    """Why a script does not end with the numbers of a run, in sentences."""
    found, drawn = [], plan.model.draws(plan.dataset.shape)
    if row.engine == "lanes" and drawn and not plan.model.convolutional:
        found.append(
            f"For {drawn}, the engine lanes drew other random numbers than Keras does: the script "
            "ends with other metrics."
        )
        if plan.program().table is None:
            found.append("So the rule that watches a metric may decide otherwise.")
    if not row.active and row.status != "finished":
        found.append(
            f"The run ended after {row.epochs_done} of {plural(row.spec.epochs, 'epoch')} "
            f"({row.status}); the script trains them all."
        )
    return found
