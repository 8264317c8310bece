"""The worker process alone: its protocol, its end, and what it does with a store that fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from lrdash.core.errors import StoreError
from lrdash.core.events import Event, RunEnded
from lrdash.core.spec import RunSpec
from lrdash.jobs import worker
from lrdash.store import Store
from tests.factories.jobs import ENDLESS, SMALL, queue

FULL = "The disk is full."


def started(store: Store) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "lrdash.jobs.worker", "--worker-id", "w1", "--database", store.url],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )


def give(process: subprocess.Popen[str], run_id: str) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps({"run": run_id}) + "\n")
    process.stdin.flush()


def answer(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def test_a_worker_answers_in_json_ignores_ctrl_c_and_ends_with_its_input(store: Store) -> None:
    with started(store) as process:
        assert answer(process) == {"ready": True}
        process.send_signal(signal.SIGINT)
        run_id = queue(store)
        give(process, run_id)
        assert answer(process) == {"ended": run_id}
        assert store.runs.one(run_id).status == "finished"
        give(process, run_id)  # it has been trained already: nothing to claim
        assert answer(process) == {"ended": run_id}
        going_on = queue(store, **ENDLESS)
        give(process, going_on)
        while not store.runs.one(going_on).epochs_done:
            assert process.poll() is None
        assert process.stdin is not None
        process.stdin.close()  # the server is gone
        assert process.wait() == 0
        row = store.runs.one(going_on)
        assert (row.status, row.reason) == ("interrupted", "the server was shut down")


def test_a_worker_ends_at_once_when_it_is_asked_to(store: Store) -> None:
    with started(store) as process:
        assert answer(process) == {"ready": True}
        process.terminate()
        assert process.wait() == 0


class Poor:
    """A store that claims runs, and fails where it is asked to."""

    def __init__(self, *broken: str) -> None:
        self.broken, self.ends = broken, list[tuple[str, str, str]]()
        self.runs = self.branches = self

    def _maybe(self, name: str) -> None:
        if name in self.broken:
            raise StoreError(FULL)

    def claim_group(self, run_ids: Sequence[str], worker_id: str) -> list[str]:
        self._maybe("claim")
        return list(run_ids)

    def listing(self, run_ids: Sequence[str]) -> list[Any]:
        spec = RunSpec(**SMALL)
        return [type("Row", (), {"run_id": r, "spec": spec, "engine": "no", "epochs_done": 0})
                for r in run_ids]

    def record(self, batch: Sequence[tuple[str, Event]], worker_id: str) -> None:
        self._maybe("record")
        ends = [(run_id, e) for run_id, e in batch if isinstance(e, RunEnded)]
        if any(event.reason != FULL for _, event in ends):
            self._maybe("record events")
        self.ends += [(run_id, event.status, event.reason) for run_id, event in ends]

    def origins(self, _run_ids: Sequence[str]) -> dict[str, Any]:
        return {}

    def engines(self, _run_ids: Sequence[str]) -> dict[str, str]:
        return {}

    def stop_requests(self, run_ids: Sequence[str], worker_id: str) -> set[str]:
        self._maybe("stop_requests")
        return set(run_ids)


def poor_worker(store: Poor, monkeypatch: pytest.MonkeyPatch) -> worker.Worker:
    monkeypatch.setattr(worker, "patiently", lambda job: job())
    return worker.Worker("w1", store, lambda _answer: None)  # type: ignore[arg-type]


def test_events_that_cannot_be_stored_interrupt_the_run_with_the_reason_of_the_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Poor("record events")
    assert poor_worker(store, monkeypatch)._done({"runs": ["r1", "r2"]}) == {
        "ended": ["r1", "r2"]
    }
    assert store.ends == [(run_id, "interrupted", "The disk is full.") for run_id in ("r1", "r2")]


@pytest.mark.parametrize("broken", ["record", "claim"])
def test_an_ending_that_cannot_be_stored_is_left_to_the_laboratory(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = poor_worker(Poor(broken), monkeypatch)._done({"runs": ["r1"]})
    assert answer == {"ended": ["r1"], "unsaved": "The disk is full."}


def test_what_libraries_print_never_reaches_the_answers() -> None:
    code = (
        "import os; from lrdash.jobs.worker import _answers; say = _answers(); print('noise');"
        "os.write(1, b'more noise'); say({'ready': True})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ},
    )
    assert done.stdout == '{"ready": true}\n'
    assert "noise" in done.stderr
