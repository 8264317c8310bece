"""Exact curves to draw over measured ones, where theory has them: the noisy quadratic model."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import numpy as np
import pandas as pd

from lrdash.analysis.compare.bowl import best_peaks
from lrdash.analysis.frames import joined
from lrdash.analysis.quadratic import Expected, expected_losses
from lrdash.core.errors import LrdashError
from lrdash.core.spec import RunSpec
from lrdash.core.wording import listed
from lrdash.models.noisy_quadratic import NoisyQuadratic
from lrdash.planning.experiment import Experiment
from lrdash.planning.plan import Plan, make

MOST_UPDATES = 50_000  # about 2 seconds of work
COLUMNS = {
    "label": "str", "strategy": "str", "epoch": "float64", "loss": "float64",
    "val_loss": "float64",
}
SEVERAL = (
    "Dashed: the exact expected loss of each strategy, computed, not measured. The mean "
    "approaches it as you add seeds."
)
SINGLE = (
    "Dashed: the exact expected validation loss, computed, not measured. A single run scatters "
    "around it; the mean over many seeds does not."
)


def exact_losses(plan: Plan) -> Expected | None:
    """The expected losses of a run; None where they are not known exactly."""
    model = plan.model
    if not isinstance(model, NoisyQuadratic) or why_not_exact(plan):
        return None
    size, examples = plan.spec.batch_size, plan.train_examples
    return expected_losses(
        plan.rates(),
        [min(size, examples - first) for first in range(0, examples, size)],
        dimensions=model.dimensions, noise=model.noise,
        momentum=plan.spec.momentum, nesterov=plan.spec.nesterov,
    )


def why_not_exact(plan: Plan) -> str:
    """Why a run of the noisy quadratic has no exact curve, as a phrase; empty if it has one."""
    spec = plan.spec
    if spec.optimizer != "sgd":
        return "the recursion holds for SGD only"
    if plan.loss != "mse":
        return "the loss is not the squared error"
    if plan.program().table is None:
        return "its rates depend on the noise"
    if spec.early_stopping is not None:
        return "early stopping depends on the noise"
    if plan.updates > MOST_UPDATES:
        return f"it has more than {MOST_UPDATES:,} updates"
    return ""


def exact_curves(specs: Mapping[str, RunSpec]) -> pd.DataFrame:
    """The expected losses of runs, by label; those without exact ones are left out.

    Columns:
        label, strategy (str), epoch (float64, epochs done, from 1), loss, val_loss (float64, NaN
        where they overflow).
    """
    parts = []
    for label, plan in _bowls(specs).items():
        found = exact_losses(plan)
        if found is not None:
            losses = {"loss": found.loss, "val_loss": found.val_loss}
            part = pd.DataFrame({"epoch": np.arange(1, len(found.loss) + 1.0), **losses})
            parts.append(part.assign(label=label, strategy=plan.spec.strategy))
    return joined(parts, COLUMNS).replace([np.inf, -np.inf], np.nan)


def exact_note(specs: Mapping[str, RunSpec]) -> str:
    """A note about the exact curves of these runs; empty for other models.

    Args:
        specs: by label, which is named where there are several.
    """
    reasons: dict[str, list[str]] = {}
    for label, plan in _bowls(specs).items():
        reasons.setdefault(why_not_exact(plan), []).append(label)
    drawn = reasons.pop("", [])
    words = [SINGLE if len(specs) == 1 else SEVERAL] if drawn else []
    for why, labels in reasons.items():
        whose = f" for {listed(labels)}" if len(specs) > 1 else ""
        words.append(f"No exact curve{whose}: {why}.")
    return " ".join(words)


def _bowls(specs: Mapping[str, RunSpec]) -> dict[str, Plan]:
    """Plans of the runs on the noisy quadratic, by label, without those that cannot be made."""
    found = {}
    for label, spec in specs.items():
        with suppress(LrdashError):
            if _is_bowl(spec):
                found[label] = make(spec)
    return found


def at_best_peaks(experiment: Experiment, arms: pd.DataFrame) -> dict[str, RunSpec]:
    """A spec of each arm at its best peak rate, by label; see `best_peaks`.

    Args:
        experiment: with the noisy quadratic as its model, else nothing is given.
        arms: the `arms_frame` of its runs.
    """
    if not _is_bowl(experiment.base):
        return {}
    peaks = best_peaks(arms).set_index("label")["base_lr"]
    pairs = zip(experiment.labels(), experiment.arms, strict=True)
    return {
        label: experiment.base.replace(
            strategy=arm.strategy, params=arm.params, base_lr=float(peaks[label])
        )
        for label, arm in pairs
        if label in peaks.index
    }


def _is_bowl(spec: RunSpec) -> bool:
    return spec.trainable_here and spec.model == NoisyQuadratic.id
