"""The process that reads files of users: `python -m lrdash.datasets.own.child FOLDER...`.

It sets its time and memory limits before it reads a byte. Each folder holds `job.json` and `file`;
it writes `answer.json` there, and arrays and facts of a dataset to save. Nothing that it reads is
executed or unpickled.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from lrdash.core.errors import LrdashError
from lrdash.datasets.own.limits import MEGABYTE, MEMORY, SECONDS

JOB, FILE, ANSWER = "job.json", "file", "answer.json"
DAMAGED = "It may be damaged. Open it in the program that made it, save it again and retry."

log = logging.getLogger("lrdash.datasets.own")


def main(folders: list[str]) -> None:
    """Answer the jobs one after the other."""
    limit()
    logging.basicConfig(level=logging.ERROR)
    for folder in folders:
        work(Path(folder))


def limit() -> None:
    """Limit this process's memory, computing time and the files that it writes."""
    try:
        import resource
    except ImportError:  # a system without such limits; the parent limits the time
        return
    most = {
        resource.RLIMIT_AS: MEMORY.most * MEGABYTE, resource.RLIMIT_CPU: SECONDS.most,
        resource.RLIMIT_FSIZE: 512 * MEGABYTE, resource.RLIMIT_CORE: 0,
    }
    for what, value in most.items():
        hard = resource.getrlimit(what)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with suppress(ValueError, OSError):  # macOS does not bound the address space
            resource.setrlimit(what, (value, value))


def work(folder: Path) -> None:
    """Do the job of a folder and write its answer."""
    job = json.loads((folder / JOB).read_text(encoding="utf-8"))
    try:
        answer = _answer(job, folder)
    except LrdashError as fault:
        answer = {"fault": str(fault)}
    except MemoryError:
        problem = f"{job['file']}: reading it takes more than {MEMORY.words}. {MEMORY.remedy}"
        answer = {"fault": problem}
    except Exception as fault:  # whatever pandas, Arrow or Pillow let through on a damaged file
        log.exception("reading a file failed")
        what = (str(fault).splitlines() or [""])[0][:160].rstrip(".") or type(fault).__name__
        answer = {"fault": f"{job['file']}: it cannot be read ({what}). {DAMAGED}"}
    aside = folder / f"{ANSWER}.{os.getpid()}"
    aside.write_text(json.dumps(answer, ensure_ascii=True, allow_nan=False), encoding="utf-8")
    aside.replace(folder / ANSWER)


def _answer(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    raw = (folder / FILE).read_bytes()
    from lrdash.datasets.own.records import Recipe

    recipe = Recipe(**job["recipe"])
    if job["do"] == "profile":
        from lrdash.datasets.own.profiles import profile

        return {"profile": profile(raw, job["file"], recipe).as_dict()}
    from lrdash.datasets.own.prepare import prepare

    return {"facts": prepare(raw, job["file"], recipe, job["name"], folder).as_dict()}


if __name__ == "__main__":
    main(sys.argv[1:])
