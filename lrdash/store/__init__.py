"""The database: experiments, runs, their epochs and decisions, and the workers that train them."""

from __future__ import annotations

from lrdash.store.calibration import keep_pace, known_paces
from lrdash.store.rows import (
    DataUse,
    DecisionRow,
    EpochRow,
    ExperimentRow,
    HindsightRow,
    NewRun,
    NewStageRun,
    RangeTestRow,
    RunRow,
    StageRun,
)
from lrdash.store.settings import database_url, home
from lrdash.store.store import Store, open_store

__all__ = [
    "DataUse", "DecisionRow", "EpochRow", "ExperimentRow", "HindsightRow", "NewRun", "NewStageRun",
    "RangeTestRow", "RunRow", "StageRun", "Store", "database_url", "home", "keep_pace",
    "known_paces", "open_store",
]
