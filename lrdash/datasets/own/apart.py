"""Reading a user's file in a process of its own, with limits of time and memory.

A child that crashes, hangs or takes too much memory becomes a message; the server is unaffected.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time
from typing import Any

from lrdash.core.errors import DataRefused, StoreError
from lrdash.datasets.own.child import ANSWER, DAMAGED, FILE, JOB
from lrdash.datasets.own.limits import MEMORY, SECONDS
from lrdash.datasets.stored import data_folder

ERRORS = "errors"  # what the child wrote to standard error
CHILD = ("-m", "lrdash.datasets.own.child")
WORKING = ".reading-"  # folders of jobs begin so
STALE = 86_400.0  # seconds after which a folder that a crash left behind is removed
AT_ONCE = threading.BoundedSemaphore(2)  # children of this process
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_NUM_THREADS")
MESSAGE = 2000  # characters of an error that are shown

log = logging.getLogger(__name__)


@contextmanager
def job_folder(raw: bytes, job: Mapping[str, Any]) -> Iterator[Path]:
    """A private folder with a job and its file, beside the saved data; removed at the end.

    Raises:
        StoreError: if it cannot be written.
    """
    place = data_folder()
    try:
        place.mkdir(parents=True, exist_ok=True)
        _tidy(place)
        folder = Path(tempfile.mkdtemp(prefix=WORKING, dir=place))
    except OSError as fault:
        raise _unwritable(place, fault) from fault
    try:
        try:
            (folder / FILE).write_bytes(raw)
            (folder / JOB).write_text(json.dumps(job), encoding="utf-8")
        except OSError as fault:
            raise _unwritable(place, fault) from fault
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def answer(folder: Path, file: str, *, seconds: float = SECONDS.most) -> dict[str, Any]:
    """Run the child on a folder; gives its answer.

    Args:
        folder: of `job_folder`.
        file: name of the user's file, for messages.
        seconds: time limit.

    Raises:
        DataRefused: if the file was refused, or the child crashed or took too long.
    """
    with AT_ONCE:
        status, output = _run(folder, seconds)
    try:
        values = json.loads((folder / ANSWER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        values = None
    if isinstance(values, dict) and isinstance(values.get("fault"), str):
        raise _Explained(file, values["fault"][:MESSAGE])
    if status == 0 and isinstance(values, dict):
        return values
    if output:
        log.error("reading a file ended with status %s: %s", status, output)
    raise _crash(file, status)


class _Explained(DataRefused):
    """An error with the message of the child."""

    def __init__(self, file: str, message: str) -> None:
        super().__init__(file, "", "")
        self.args = (message,)

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.file, *self.args)


def _run(folder: Path, seconds: float) -> tuple[int | None, str]:
    """Exit status (None: it took too long) and the end of its standard error."""
    with (folder / ERRORS).open("wb") as errors:
        child = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
            [sys.executable, *CHILD, str(folder)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
            env=environment(), start_new_session=True,
        )
        try:
            status: int | None = child.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            with suppress(OSError):
                child.kill()
            child.wait()
    return status, (folder / ERRORS).read_bytes()[-2000:].decode(errors="replace")


def environment() -> dict[str, str]:
    """This process's, with one thread per library, since each thread reserves memory."""
    root = str(Path(__file__).resolve().parents[3])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ, "PYTHONPATH": os.pathsep.join(paths), **dict.fromkeys(THREADS, "1"),
        "ARROW_DEFAULT_MEMORY_POOL": "system",
    }


def _crash(file: str, status: int | None) -> DataRefused:
    if status is None or status == -getattr(signal, "SIGXCPU", 0):
        return DataRefused(file, f"reading it takes longer than {SECONDS.words}", SECONDS.remedy)
    if status == -signal.SIGKILL:
        problem = "the system ended the process that read it, probably for lack of memory"
        return DataRefused(file, problem, MEMORY.remedy)
    return DataRefused(file, "the process that read it crashed", DAMAGED)


def _unwritable(place: Path, fault: OSError) -> StoreError:
    cause = (fault.strerror or str(fault)).lower()
    return StoreError(
        f"Data cannot be written to {place}: {cause}. Free some space or fix its permissions."
    )


def _tidy(place: Path) -> None:
    """Remove folders that an earlier crash of the server left behind."""
    for folder in place.glob(f"{WORKING}*"):
        with suppress(OSError):
            if time() - folder.stat().st_mtime > STALE:
                shutil.rmtree(folder, ignore_errors=True)
