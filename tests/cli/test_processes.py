"""Real processes: what they print, load, and do when stopped."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

import lrdash
from lrdash.core.spec import RunSpec
from lrdash.planning.plan import make
from lrdash.store import Store
from lrdash.store.processes import this
from tests import ROOT
from tests.factories.database import running
from tests.factories.jobs import eventually
from tests.factories.shell import as_json, call


def shell(*words: str) -> subprocess.Popen[str]:
    """A command in a process that hears Ctrl-C, also where these tests run in the background."""
    return subprocess.Popen(
        [sys.executable, "-m", "lrdash", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, cwd=ROOT, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_preview_needs_no_tensorflow() -> None:
    script = (
        "import sys; from lrdash.cli import main\n"
        "sys.argv = ['lrdash', 'preview', 'cosine', '--json']\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'streamlit'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


def test_a_real_run_from_the_shell_prints_one_json_document(store: Store) -> None:
    with shell("train", "--dataset", "digits", "--epochs", "3", "--json") as train:
        out, err = train.communicate()
    assert train.returncode == 0, err
    value = json.loads(out)
    assert value["status"] == "finished"
    assert [epoch["epoch"] for epoch in value["epochs"]] == [1, 2, 3]
    assert value["epochs"][-1]["val_accuracy"] > 0.8
    assert store.runs.one(value["run_id"]).epochs_done == 3


@pytest.mark.usefixtures("endless")
def test_ctrl_c_in_the_shell_stops_the_run_in_order(store: Store) -> None:
    words = ("--strategy", "endless", "--dataset", "wine", "--epochs", "10000", "--json")
    with shell("train", *words) as train:
        eventually(lambda: train.poll() or any(row.epochs_done for row in store.runs.listing()))
        train.send_signal(signal.SIGINT)
        out, err = train.communicate()
    assert train.returncode == 1, err
    value = json.loads(out)
    assert value["status"] == "stopped"
    assert "stopped by the user" in value["reason"]
    assert value["epochs"]


@pytest.mark.usefixtures("endless")
def test_a_killed_run_is_interrupted_for_the_next_command_and_in_python(store: Store) -> None:
    words = ("--strategy", "endless", "--dataset", "wine", "--epochs", "10000", "--json")
    with shell("train", *words) as train:
        eventually(lambda: train.poll() or any(row.epochs_done for row in store.runs.listing()))
        train.kill()
    (run_id,) = (row.run_id for row in store.runs.listing())
    assert lrdash.load(run_id).status == "interrupted"
    assert store.runs.one(run_id).reason == "the training process ended unexpectedly"


LOOKS = [
    ("runs", "list"), ("runs", "show", "RUN"), ("runs", "pause", "RUN"), ("runs", "tag", "RUN"),
    ("runs", "export", "RUN"), ("runs", "list", "--status", "interrupted"),
]


@pytest.mark.parametrize("command", LOOKS)
def test_every_command_looks_after_the_runs_of_processes_that_are_gone(
    store: Store, command: tuple[str, ...]
) -> None:
    run_id, living = of_ended_process(store), running(store, "here")
    store.workers.register("here")
    assert call(*(run_id if word == "RUN" else word for word in command)).exit_code == 0
    seen = {row.run_id: row.status for row in store.runs.listing()}
    assert seen == {run_id: "interrupted", living: "running"}


def test_a_run_whose_process_is_gone_resumes_at_once(store: Store) -> None:
    run_id = of_ended_process(store)
    (run,) = as_json("runs", "resume", run_id)
    assert run["status"] == "finished"
    again = lrdash.train(RunSpec(dataset="wine", epochs=2))
    assert [one["val_loss"] for one in run["epochs"]] == list(again.frame()["val_loss"])


def of_ended_process(store: Store) -> str:
    """A run that a process trained which was killed before its first checkpoint."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    store.workers.register("gone", replace(this(), pid=ended.pid))
    return store.runs.add(make(RunSpec(dataset="wine", epochs=2)), worker_id="gone")
