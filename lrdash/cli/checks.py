"""What `lrdash doctor` checks. A check gives its findings and never raises."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from lrdash.core.errors import LrdashError
from lrdash.core.wording import plural

LIBRARIES = (
    "streamlit", "keras", "tensorflow", "plotly", "pandas", "numpy", "scipy", "scikit-learn",
    "pydantic", "SQLAlchemy", "typer", "rich",
)
PYTHONS = ((3, 11), (3, 14))  # first supported, first no longer supported
FREE_BYTES = 500_000_000  # less free space is a problem
OTHERS = 0o077  # permissions of all who are not the owner
IMPORT_SECONDS = 180  # for TensorFlow on a slow disk


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one check."""

    name: str
    state: Literal["ok", "note", "wrong"]
    detail: str

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return asdict(self)


def python() -> Iterator[Finding]:
    """The version of Python."""
    first, past = PYTHONS
    fine = first <= sys.version_info[:2] < past
    allowed = "" if fine else f"; lrdash needs {first[0]}.{first[1]} to {past[0]}.{past[1] - 1}"
    yield _finding("Python", fine, f"{platform.python_version()} on {platform.platform()}{allowed}")


def libraries() -> Iterator[Finding]:
    """The libraries and their versions."""
    for name in LIBRARIES:
        try:
            yield _finding(name, True, version(name))
        except PackageNotFoundError:
            yield _finding(name, False, "not installed; run `pip install -r requirements.lock`")


def folder() -> Iterator[Finding]:
    """The home folder and the space on its disk."""
    from lrdash.store import home

    try:
        place = home()
        with tempfile.TemporaryFile(dir=place):
            pass
    except (LrdashError, OSError) as fault:
        yield _finding("home folder", False, f"{fault}")
        return
    if place.stat().st_mode & OTHERS:
        detail = f"{place} is writable; other users of this machine can read it (`chmod 700`)"
        yield Finding(name="home folder", state="note", detail=detail)
    else:
        yield _finding("home folder", True, f"{place} is writable, and by its user only")
    free = shutil.disk_usage(place).free
    advice = "" if free > FREE_BYTES else "; free some space or set LRDASH_HOME to another disk"
    yield _finding("disk", free > FREE_BYTES, f"{free / 1e9:.1f} GB free{advice}")


def database() -> Iterator[Finding]:
    """Whether the database opens; a missing one is created."""
    from lrdash.store import Store
    from lrdash.store.migrations import MIGRATIONS

    try:
        with closing(Store()) as store:
            total, faults = sum(store.runs.counts().values()), store.unsound()
    except LrdashError as fault:
        yield _finding("database", False, str(fault))
        return
    detail = f"opens, schema version {len(MIGRATIONS)}, {plural(total, 'run')}"
    yield _finding("database", True, detail)
    advice = "A backup is restored with `lrdash runs restore FILE --force`."
    found = " ".join(f"{fault.rstrip('.')}." for fault in faults)
    sound = f"{found} {advice}" if faults else "pages, references and rows intact"
    yield _finding("integrity", not faults, sound)


def checkpoints() -> Iterator[Finding]:
    """Whether checkpoints are intact, belong to a run, and stay below their limit."""
    from lrdash.checkpoints import CheckpointFolder
    from lrdash.store import Store, home

    try:
        folder = CheckpointFolder(home())
        with closing(Store()) as store:
            kept = folder.runs()
            strays = sorted(set(kept) - store.runs.versions(kept).keys())
        size, damaged = folder.size(), folder.damaged()
    except LrdashError as fault:
        yield _finding("checkpoints", False, str(fault))
        return
    used = f"{size / 2**20:,.0f} of {folder.limit / 2**20:,.0f} MB"
    if damaged:
        names = ", ".join(f"{one.run_id}/{one.epoch:06d}.npz" for one in damaged[:5])
        more = f" and {len(damaged) - 5} more" if len(damaged) > 5 else ""
        detail = f"{used}; damaged and ignored: {names}{more} in {folder.folder}; delete them"
        yield _finding("checkpoints", False, detail)
    elif strays or size > folder.limit:
        orphans = f"; {len(strays)} belong to no run" if strays else ""
        detail = f"{used}{orphans}; a server that trains removes the excess"
        yield Finding(name="checkpoints", state="note", detail=detail)
    else:
        detail = f"{used}, {plural(len(kept), 'run')}, all intact"
        yield _finding("checkpoints", True, detail)


def tensorflow() -> Iterator[Finding]:
    """Whether TensorFlow can be imported, tried in a process of its own."""
    script = "import tensorflow as tf, keras; print(tf.__version__, keras.backend.backend())"
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", **os.environ}
    try:
        done = subprocess.run(  # noqa: S603 (our own interpreter and script)
            [sys.executable, "-c", script], capture_output=True, text=True, check=False,
            timeout=IMPORT_SECONDS, env=environment,
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        yield _finding("training", False, f"TensorFlow cannot be started: {fault}")
        return
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        yield _finding("training", False, f"TensorFlow cannot be imported: {last}")
    else:
        yield _finding("training", True, "TensorFlow {}, Keras on {}".format(*done.stdout.split()))


def datasets() -> Iterator[Finding]:
    """Which datasets are available without a network."""
    from lrdash.datasets import DATASETS
    from lrdash.datasets.download import cache_folder

    folder = cache_folder()
    cached = [_letters(path.name) for path in folder.iterdir()] if folder.is_dir() else []
    here: list[str] = []
    missing: list[str] = []
    for name, dataset in DATASETS.items():
        at_hand = not dataset.download_bytes or any(c.startswith(_letters(name)) for c in cached)
        (here if at_hand else missing).append(name)
    yield Finding(name="datasets", state="ok", detail=f"available: {', '.join(here)}")
    if missing:
        detail = f"downloaded to {folder} at first use: {', '.join(missing)}"
        yield Finding(name="downloads", state="note", detail=detail)


def plugins() -> Iterator[Finding]:
    """Whether the plugins of other packages can be used."""
    from lrdash.datasets import DATASETS
    from lrdash.models import MODELS
    from lrdash.strategies import STRATEGIES

    broken = [
        f"The {registry.kind} {reason}"
        for registry in (DATASETS, MODELS, STRATEGIES) for reason in registry.broken.values()
    ]
    if broken:
        yield Finding(name="plugins", state="wrong", detail=" ".join(broken))


def address(host: str, port: int) -> Iterator[Finding]:
    """Whether the app could listen on this port now."""
    from lrdash.server import refuse_taken_port

    try:
        refuse_taken_port(host, port)
    except LrdashError as fault:
        yield Finding(name="port", state="note", detail=f"{fault} The app may already be running.")
    else:
        yield Finding(name="port", state="ok", detail=f"{port} is free")


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    python, libraries, folder, database, checkpoints, tensorflow, datasets, plugins,
)


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name))


def _finding(name: str, fine: bool, detail: str) -> Finding:
    return Finding(name=name, state="ok" if fine else "wrong", detail=detail)
