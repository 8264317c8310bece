from __future__ import annotations

import json
import signal
import subprocess
import sys
from time import monotonic

import pytest

from lrdash.store import Store
from tests import ROOT


def shell(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "lrdash", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, cwd=ROOT,
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
        out, err = train.communicate(timeout=120)
    assert train.returncode == 0, err
    value = json.loads(out)
    assert value["status"] == "finished"
    assert [epoch["epoch"] for epoch in value["epochs"]] == [1, 2, 3]
    assert value["epochs"][-1]["val_accuracy"] > 0.8
    assert store.runs.one(value["run_id"]).epochs_done == 3


def test_ctrl_c_in_the_shell_stops_the_run_in_order(store: Store) -> None:
    with shell("train", "--dataset", "wine", "--epochs", "10000", "--json") as train:
        deadline = monotonic() + 120
        while not any(row.epochs_done for row in store.runs.listing()) and monotonic() < deadline:
            with pytest.raises(subprocess.TimeoutExpired):
                train.wait(timeout=0.2)
        train.send_signal(signal.SIGINT)
        out, err = train.communicate(timeout=60)
    assert train.returncode == 1, err
    value = json.loads(out)
    assert value["status"] == "stopped"
    assert "stopped by the user" in value["reason"]
    assert value["epochs"]
