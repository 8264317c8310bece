"""A task in a process of its own: `python -m lrdash.bench.child TASK ARGUMENTS`, as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from lrdash.core.errors import LrdashError


def run_task(name: str, **arguments: Any) -> Any:
    """What a task of `lrdash.bench.tasks` gives, run in a fresh process.

    Raises:
        LrdashError: if it fails; the message is its last line.
    """
    done = subprocess.run(  # noqa: S603 (our own interpreter and module)
        [sys.executable, "-m", "lrdash.bench.child", name, json.dumps(arguments)],
        capture_output=True, text=True, check=False,
        env={"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", **os.environ},
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise LrdashError(f"The task {name} failed: {last}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    """Run the task that the command line names."""
    from lrdash.bench import tasks

    name, arguments = sys.argv[1:]
    try:
        found = tasks.TASKS[name](**json.loads(arguments))
    except LrdashError as fault:
        sys.exit(str(fault))
    print(json.dumps(found))  # noqa: T201 (this is how it answers)


if __name__ == "__main__":
    main()
