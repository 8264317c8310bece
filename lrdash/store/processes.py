"""Which process a worker is: its machine, and there its id and the moment it began.

A host's name alone does not do: containers of one image may share it, and each has process ids of
its own. Ids are used again, so that the moment of the start belongs to them.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process as it is stored."""

    place: str  # where its id is valid, see `place`
    pid: int
    born: int | None  # clock ticks after the boot; None if unknown


def this() -> Process:
    """The process that asks."""
    return Process(place=place(), pid=os.getpid(), born=_born(os.getpid()))


def gone(process: Process) -> bool:
    """Whether a process of this machine has ended; False where that cannot be asked."""
    if os.name != "posix" or process.place != place():
        return False  # on Windows, signal 0 would end the process
    try:
        os.kill(process.pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:
        return False
    known = (process.born, _born(process.pid))
    return None not in known and known[0] != known[1]


@cache
def place() -> str:
    """Where process ids mean the same: host, its current boot, and the namespace of the ids.

    The last two are empty where the system does not name them (they are Linux's).
    """
    return f"{socket.gethostname()} {_boot()} {_namespace()}".rstrip()


def _born(pid: int) -> int | None:
    try:
        after_name = (PROC / str(pid) / "stat").read_text("ascii", "replace").rpartition(")")[2]
        return int(after_name.split()[19])  # starttime, field 22 of proc_pid_stat(5)
    except (OSError, IndexError, ValueError):
        return None


def _boot() -> str:
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return os.readlink(PROC / "self/ns/pid")
    except OSError:
        return ""
