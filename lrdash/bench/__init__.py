"""`lrdash bench`: how fast lrdash is on this machine, each figure a ratio measured in one run.

A part measures its two sides in fresh processes, one after the other and several times in turn, so
that what else the machine does hits both; it takes the median of each side and gives their ratio
beside the goal.
"""

from __future__ import annotations

from lrdash.bench.machine import machine
from lrdash.bench.parts import PARTS, QUICK, Outcome, Part

__all__ = ["PARTS", "QUICK", "Outcome", "Part", "machine"]
