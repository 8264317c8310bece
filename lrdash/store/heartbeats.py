"""Which workers are silent, judged by a clock that nobody can set.

A heartbeat counts because it changes, not because of the time in it: clocks of machines differ,
are set forward and back, and stop while a laptop sleeps. So each watcher remembers what it saw last
and measures with its own monotonic clock how long that has not changed. A new watcher therefore
needs `SILENCE` seconds before it can declare a worker dead.

Silence may also be the database's fault: while another program holds its lock or the disk is full,
no worker can write. A worker is dead only if no heartbeat came for `GRACE` seconds after the
watcher could write; several heartbeats fit into that.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

HEARTBEAT = 1.0  # seconds between two heartbeats of a worker
SILENCE = 10.0  # seconds without a new heartbeat
GRACE = 2.5  # seconds that a silent worker has to beat once the database can be written


@dataclass(kw_only=True)
class _Seen:
    """The last heartbeat of one worker, in seconds of the watcher's clock."""

    beat: datetime  # as written; only compared for being the same
    since: float  # when it was first seen
    writable: float | None = None  # when the watcher could write while the worker was silent


class Watch:
    """What one process has seen of the workers' heartbeats. Safe for several threads."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._lock = threading.Lock()

    def silent(self, beats: Mapping[str, datetime]) -> set[str]:
        """Workers whose heartbeat has been the same for `SILENCE`.

        Args:
            beats: heartbeat of every registered worker, by id; those not named are forgotten.
        """
        moment = monotonic()
        with self._lock:
            self._seen = {name: self._look(name, beat, moment) for name, beat in beats.items()}
            return {n for n, seen in self._seen.items() if moment - seen.since > SILENCE}

    def dead(self, beats: Mapping[str, datetime]) -> set[str]:
        """Silent workers that could have written for `GRACE`; to be asked while writing."""
        silent, moment = self.silent(beats), monotonic()
        found = set()
        with self._lock:
            for name in silent & self._seen.keys():
                seen = self._seen[name]
                if seen.writable is None:
                    seen.writable = moment
                elif moment - seen.writable >= GRACE:
                    found.add(name)
        return found

    def _look(self, name: str, beat: datetime, moment: float) -> _Seen:
        seen = self._seen.get(name)
        if seen is None or seen.beat != beat:
            return _Seen(beat=beat, since=moment)
        return seen
