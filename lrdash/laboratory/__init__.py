"""The laboratory: queued runs go to warm worker processes, and nothing is left behind."""

from __future__ import annotations

from lrdash.laboratory.process import WorkerStatus
from lrdash.laboratory.supervisor import Laboratory

__all__ = ["Laboratory", "WorkerStatus"]
