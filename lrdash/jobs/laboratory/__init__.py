"""The laboratory: queued runs go to warm worker processes, and nothing is left behind."""

from __future__ import annotations

from lrdash.jobs.laboratory.process import WorkerStatus
from lrdash.jobs.laboratory.supervisor import Laboratory

__all__ = ["Laboratory", "WorkerStatus"]
