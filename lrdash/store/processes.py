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
ENDED = ("Z", "X")  # states of a process that its parent has not collected yet


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process as it is stored."""

    place: str  # where its id is valid, see `place`
    pid: int
    born: int | None  # clock ticks after the boot; None if unknown


def this() -> Process:
    """The process that asks."""
    return Process(place=place(), pid=os.getpid(), born=_stat(os.getpid())[1])


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
    state, born = _stat(process.pid)
    return state in ENDED or (None not in (born, process.born) and born != process.born)


@cache
def place() -> str:
    """Where process ids mean the same: host, its current boot, and the namespace of the ids.

    The last two are empty where the system does not name them (they are Linux's).
    """
    return f"{socket.gethostname()} {_boot()} {_namespace()}".rstrip()


def _stat(pid: int) -> tuple[str, int | None]:
    """State and start of a process, fields 3 and 22 of proc_pid_stat(5), where there are such."""
    try:
        after_name = (PROC / str(pid) / "stat").read_text("ascii", "replace").rpartition(")")[2]
        fields = after_name.split()
        return fields[0], int(fields[19])
    except (OSError, IndexError, ValueError):
        return "", None


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
