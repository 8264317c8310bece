"""Whether a worker that is alive makes progress.

A process can live, send heartbeats and train nothing: a thread that waits for a lock that is never
released, a download that has stalled. It has stalled when its runs have sent no event for
`LRDASH_STALL_SECONDS` and it has used next to no processor time. A process that computes is left
alone: a first epoch may take long.
"""

from __future__ import annotations

import os
from collections.abc import Hashable
from pathlib import Path
from time import monotonic

from lrdash.core.home import number_from

STALL = 900.0  # seconds, unless LRDASH_STALL_SECONDS says otherwise
IDLE = 0.02  # share of one processor that heartbeats and idle threads may take


class Standstill:
    """How long one worker has made no progress.

    Args:
        seconds: without any sign after which it has stalled.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._signs: Hashable = None
        self._since, self._cpu = monotonic(), 0.0

    def reached(self, signs: Hashable, cpu: float | None) -> bool:
        """Whether it has stalled.

        Args:
            signs: anything that changes when it makes progress.
            cpu: seconds of processor time that it has used; None if unknown, and then it never
                counts as stalled.
        """
        moment = monotonic()
        elapsed = moment - self._since
        if signs == self._signs and cpu is not None and elapsed <= self.seconds:
            return False
        idle = cpu is not None and cpu - self._cpu < IDLE * elapsed
        stands = signs == self._signs and idle
        self._signs, self._since, self._cpu = signs, moment, cpu or 0.0
        return stands


def patience() -> float:
    """Seconds without any sign that a worker is allowed, from the environment.

    Raises:
        InvalidField: if LRDASH_STALL_SECONDS is not a number of at least 1.
    """
    return number_from("LRDASH_STALL_SECONDS", STALL, least=1)


def cpu_seconds(pid: int) -> float | None:
    """Processor time of a process, all its threads; None where the system does not say.

    Reference: proc_pid_stat(5), fields utime and stime.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None
