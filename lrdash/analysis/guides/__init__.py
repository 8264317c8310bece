"""Guided experiments: each starts the real thing and explains what its own results show."""

from collections.abc import Mapping

from lrdash.analysis.guides import decay, lowering, warmup
from lrdash.analysis.guides.guide import Evidence, Explained, Guide, by_peak
from lrdash.planning.experiment import Experiment

GUIDES: Mapping[str, Guide] = {
    guide.id: guide for guide in (lowering.GUIDE, warmup.GUIDE, decay.GUIDE)
}

__all__ = ["GUIDES", "Evidence", "Explained", "Guide", "by_peak", "guide_of"]


def guide_of(experiment: Experiment) -> Guide | None:
    """The guide that an experiment belongs to, also with other seeds or with more arms or peaks."""
    for guide in GUIDES.values():
        own = guide.experiment
        if experiment.base == own.base and set(own.labels()) <= set(experiment.labels()):
            return guide
    return None
