"""Real processes: what they print, load, and do when stopped."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from lrdash.store import Store
from tests import ROOT
from tests.factories.jobs import eventually


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
