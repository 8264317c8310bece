"""Data of users from the file to a run: in a process of its own, saved, trained on, deleted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from lrdash.analysis import settings_in_words
from lrdash.api import check
from lrdash.cli import app
from lrdash.core.errors import DataRefused, DatasetUnavailable, StoreError
from lrdash.core.spec import RunSpec
from lrdash.datasets import DATASETS, own, own_datasets, stored
from lrdash.datasets.own import Recipe, apart
from lrdash.export import script
from lrdash.planning.plan import make
from lrdash.store import Store
from tests.factories.files import GAPS, csv, keep, packed, pictures
from tests.factories.training import executed, finished, train_one


def queued(store: Store, dataset: str) -> str:
    return store.runs.add(make(RunSpec(dataset=dataset, epochs=2)))


# A process of its own


def test_the_child_looks_at_a_file_and_saves_it() -> None:
    profile = own.look(csv().encode(), "C:\\my files\\fruit.csv")
    assert (profile.file, profile.rows, profile.target) == ("fruit.csv", 40, "kind")
    facts = own.add(csv().encode(), "fruit.csv", Recipe(), "Fruit")
    again = own.add(csv().encode(), "other.csv", Recipe(target="kind"), "Fruit, again")
    assert again.id == facts.id
    assert [kept.name for kept in own.kept()] == ["Fruit, again"]
    assert list(stored.data_folder().iterdir()) == [stored.data_folder() / facts.id]
    assert {path.name for path in (stored.data_folder() / facts.id).iterdir()} == {
        stored.FACTS, stored.ARRAYS
    }
    assert DATASETS[facts.id].load().x_train.shape == (32, 4)


def test_a_refusal_of_the_child_arrives_in_its_words() -> None:
    with pytest.raises(DataRefused) as caught:
        own.look(b"a,b\n1,2\n3\n", "odd.csv")
    assert str(caught.value).startswith("odd.csv: line 3 has 1 field")
    assert not list(stored.data_folder().iterdir())


HOSTILE = {
    "import os; os.abort()": "the process that read it crashed",
    "import os; os.kill(os.getpid(), 9)": "probably for lack of memory",
    "while True: pass": "takes longer than 60 s",
    "from lrdash.datasets.own import child, profiles; import sys;"
    "profiles.profile = lambda *_: bytearray(8 << 30); child.main(sys.argv[1:])":
        "takes more than 3,072 MB",
    "from lrdash.datasets.own import child, profiles; import sys;"
    "profiles.profile = lambda *_: 1 / 0; child.main(sys.argv[1:])":
        "it cannot be read (division by zero)",
}


@pytest.mark.parametrize("program", HOSTILE, ids=list(HOSTILE.values()))
def test_a_child_that_crashes_hangs_or_eats_memory_becomes_a_message(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "CHILD", ("-c", program))
    job = {"do": "profile", "file": "f.csv", "recipe": {}}
    with apart.job_folder(b"a,b\n", job) as folder, pytest.raises(DataRefused) as caught:
        apart.answer(folder, "f.csv", seconds=2 if "while" in program else 60)
    assert HOSTILE[program] in str(caught.value)
    assert str(caught.value).startswith("f.csv: ")


def test_a_file_of_200_mb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)  # sparse: takes no room
    with pytest.raises(DataRefused, match="200 MB, and at most 20 MB are taken"):
        own.read_file(path)
    result = call("add", str(path), "--target", "y")
    assert (result.exit_code, "size of the file: 200 MB" in result.output) == (2, True)
    with pytest.raises(DataRefused, match="21 MB, and at most 20 MB"):
        own.look(bytes(20 * 2**20 + 1), "zeros.csv")


def test_a_home_that_cannot_be_written_is_reported(home: Path) -> None:
    home.mkdir()
    (home / "data").write_text("in the way")
    with pytest.raises(StoreError, match="Data cannot be written to"):
        own.look(b"a,b\n1,2\n", "a.csv")


def test_the_parts_that_the_server_imports_leave_the_readers_out() -> None:
    code = (
        "import sys, lrdash.datasets.own\n"
        "assert not {'pyarrow.parquet', 'PIL.Image'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# A dataset like any other


def test_own_data_is_found_by_its_id_but_not_listed_with_the_others() -> None:
    facts, dataset = keep(csv(), "fruit.csv")
    assert DATASETS[facts.id] is dataset
    assert facts.id in DATASETS
    assert facts.id not in list(DATASETS)
    assert own_datasets() == {facts.id: dataset}
    assert "own-0000000000000000" not in DATASETS
    with pytest.raises(DatasetUnavailable, match="There is no own data own-0000000000000000"):
        make(RunSpec(dataset="own-0000000000000000"))
    assert settings_in_words(RunSpec(dataset=facts.id)).startswith("Mine · Multilayer perceptron")


def test_both_engines_train_on_own_tables_alike() -> None:
    facts, _ = keep(GAPS, "gaps.csv", target="y", task="regression")
    spec = RunSpec(dataset=facts.id, epochs=3, base_lr=0.05, batch_size=16)
    lanes, keras = finished(spec, "lanes"), finished(spec, "keras")
    assert keras[-1].metrics["loss"] < keras[0].metrics["loss"]
    for one, other in zip(lanes, keras, strict=True):
        assert one.metrics["val_loss"] == pytest.approx(other.metrics["val_loss"], rel=1e-4)


def test_own_images_train_with_convolutions() -> None:
    facts, _ = keep(packed(pictures()), "shades.zip", side=8)
    params = {"blocks": 1, "filters": 4}
    epochs = finished(
        RunSpec(dataset=facts.id, model="cnn", model_params=params, epochs=4, batch_size=8),
        "keras",
    )
    assert epochs[-1].metrics["accuracy"] > 0.9


def test_an_exported_script_reads_the_arrays_that_the_shell_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts, _ = keep(GAPS, "gaps.csv", target="y", task="regression")
    plan = make(RunSpec(dataset=facts.id, epochs=2, strategy="cosine", batch_size=16))
    text = script(plan)
    assert f"lrdash data export {facts.id} {facts.id}.npz" in text
    monkeypatch.chdir(tmp_path)
    result = call("export", facts.id, f"{facts.id}.npz")
    assert result.exit_code == 0, result.output
    assert call("export", facts.id, f"{facts.id}.npz").exit_code == 2  # it is there
    names, _ = executed(text, monkeypatch)
    ours = finished(plan.spec)
    for name in ("loss", "val_loss"):
        assert names["history"][name][-1] == pytest.approx(ours[-1].metrics[name], rel=1e-5)


# Deleting


def test_runs_of_deleted_data_stay_and_say_what_is_missing_to_train_again(store: Store) -> None:
    facts, _ = keep(csv(), "fruit.csv")
    DATASETS[facts.id].load()
    queued(store, facts.id)
    stored.remove(facts.id, remember=True)
    assert own.kept() == []
    assert not own.arrays_file(facts.id).exists()
    spec = RunSpec(dataset=facts.id)
    assert make(spec).dataset.label == "Mine"  # what a page needs to show the run
    with pytest.raises(DatasetUnavailable, match=r"deleted on 20\d\d-.* add fruit.csv"):
        check(spec)
    ended = train_one(
        make(spec), run_id="run", sink=lambda *_: None, should_stop=lambda: False
    )
    assert (ended.status, "was deleted" in ended.reason) == ("failed", True)
    back = own.add(csv().encode(), "fruit.csv", Recipe(), "Mine")
    assert back.id == facts.id
    assert check(spec).dataset.load().x_train.shape == (32, 4)


def test_data_that_no_run_uses_is_deleted_completely() -> None:
    facts, _ = keep(csv(), "fruit.csv")
    stored.remove(facts.id, remember=False)
    assert list(stored.data_folder().iterdir()) == []
    with pytest.raises(DatasetUnavailable):
        stored.facts_of(facts.id)


@pytest.mark.parametrize("damage", ["arrays", "facts"])
def test_damaged_data_is_reported(damage: str) -> None:
    facts, _ = keep(csv(), "fruit.csv")
    folder = stored.data_folder() / facts.id
    if damage == "arrays":
        raw = bytearray((folder / stored.ARRAYS).read_bytes())
        raw[len(raw) // 2] ^= 1
        (folder / stored.ARRAYS).write_bytes(raw)
        with pytest.raises(DatasetUnavailable, match="its content has changed"):
            stored.dataset_of(facts, folder).load()
    else:
        (folder / stored.FACTS).write_text("{}")
        assert own.kept() == []
        with pytest.raises(DatasetUnavailable, match=r"facts.json cannot be read"):
            stored.find(facts.id)


def test_what_names_data_is_counted(store: Store) -> None:
    facts, _ = keep(csv(), "fruit.csv")
    assert not store.runs.data_use(facts.id)
    run_id = queued(store, facts.id)
    use = store.runs.data_use(facts.id)
    assert (use.run_ids, use.active, use.others) == ((run_id,), 1, 0)


# The shell


def call(*words: str) -> Result:
    return CliRunner().invoke(app, ["data", *words])


def test_the_shell_looks_adds_lists_and_deletes(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "fruit.csv"
    path.write_text(csv())
    assert "likely target" in call("look", str(path)).output
    assert json.loads(call("look", str(path), "--json").stdout)["rows"] == 40
    assert "No data yet" in call("list").output
    added = call("add", str(path), "--feature", "size", "--feature", "city", "--name", "Fruit")
    assert added.exit_code == 0, added.output
    data_id = added.stdout.split()[-1]
    assert DATASETS[data_id].label == "Fruit"
    listed = json.loads(call("list", "--json").stdout)
    assert [(kept["id"], kept["recipe"]["features"]) for kept in listed] == [
        (data_id, ["size", "city"])
    ]
    queued(store, data_id)
    busy = call("delete", data_id, "--yes")
    assert (busy.exit_code, "queued or training" in busy.output) == (2, True)
    store.runs.request_stop_all([run.run_id for run in store.runs.listing()])
    gone = call("delete", data_id, "--yes")
    assert gone.exit_code == 0, gone.output
    assert "Used by 1 run" in gone.output
    assert json.loads(call("list", "--json").stdout) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["add", "nowhere.csv"], "there is no such file"),
        (["add", "{path}", "--target", "kinds"], "Did you mean 'kind'?"),
        (["add", "{path}", "--task", "guess"], "task must be one of auto, classification"),
        (["add", "{path}", "--side", "4"], "side must be between 8 and 128"),
        (["delete", "digits", "--yes"], "digits is not the id of own data"),
        (["export", "own-0000000000000000", "x.npz"], "There is no own data"),
    ],
)
def test_wrong_words_get_a_message(
    tmp_path: Path, words: list[str], message: str
) -> None:
    path = tmp_path / "fruit.csv"
    path.write_text(csv())
    result = call(*(word.format(path=path) for word in words))
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output


def test_arrays_of_the_pool_are_those_of_the_file() -> None:
    facts, dataset = keep(GAPS, "gaps.csv", target="y", features=["b"], task="regression")
    x, y = dataset.reader()
    np.testing.assert_array_equal(x[:, 0], np.arange(60) % 5)
    np.testing.assert_array_equal(y, np.arange(60) % 11 / 2 + np.arange(60) % 5)
    assert own.arrays_file(facts.id).stat().st_size == facts.arrays_bytes
