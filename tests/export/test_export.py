"""Runs in other formats, each opened by a reader that is not ours."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

from lrdash.core.errors import InvalidField
from lrdash.core.spec import UNSET
from lrdash.export import FORMATS, Recorded, recipe_of, recorded, tables, tensorboard
from lrdash.export.events import crc32c
from lrdash.export.protobuf import varint
from lrdash.store import Store
from tests import ROOT
from tests.factories.runs import EPOCHS, one_experiment, one_run
from tests.factories.shell import call, refused


def experiment(store: Store, **more: Any) -> Recorded:
    made = one_experiment(store, **more)
    rows = list(reversed(store.runs.listing(experiment_id=made)))
    return recorded(rows, store.runs.epochs_of([row.run_id for row in rows]), "name")


def export(*words: str) -> Result:
    result = call("runs", "export", *words)
    assert result.exit_code == 0, result.output
    return result


# Tables


def test_csv_has_a_row_an_epoch_with_every_setting(store: Store) -> None:
    runs = experiment(store)
    table = pd.read_csv(io.BytesIO(FORMATS["csv"].write(runs)))
    assert len(table) == 12 * EPOCHS
    assert set(table["label"]) == {"Constant", "Cosine decay"}
    whole = {*type(runs.rows[0].spec).model_fields} - {*UNSET}  # of branches and scripts only
    assert {*whole, "loss_function"} <= set(table.columns)
    assert set(table["loss_function"]) == {"cross_entropy"}
    first = runs.rows[0]
    own = table[table["run_id"] == first.run_id]
    assert own["epoch"].tolist() == [1, 2, 3, 4]
    assert own["val_loss"].tolist() == [e.metrics["val_loss"] for e in runs.epochs_of(first)]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0"])
def test_no_text_in_csv_is_a_formula_for_a_spreadsheet(store: Store, name: str) -> None:
    run_id = one_run(store)
    given = recorded([replace(store.runs.one(run_id), name=name)], {
        run_id: [replace(row, metrics={**row.metrics, name: -1.5}) for row in
                 store.runs.epochs(run_id)],
    })
    table = pd.read_csv(io.BytesIO(FORMATS["csv"].write(given)))
    assert set(table["name"]) == {f"'{name}"}
    assert set(table[f"'{name}"]) == {-1.5}
    assert name in FORMATS["json"].write(given).decode().replace("\\t", "\t")
    updates = pd.read_csv(io.BytesIO(tables.csv(given, updates=True)))
    assert not updates.select_dtypes("str").map(lambda text: text[0] in "=+-@").any(axis=None)


def test_parquet_keeps_the_rate_of_every_update_to_the_bit(store: Store) -> None:
    runs = experiment(store)
    table = pd.read_parquet(io.BytesIO(FORMATS["parquet"].write(runs)))
    used = [rate for rates in table["rates"] for rate in rates]
    said = np.concatenate([epoch.rates for epoch in runs.all_epochs()])
    np.testing.assert_array_equal(np.array(used, np.float32), said)


def test_runs_without_an_epoch_make_an_empty_table(store: Store) -> None:
    row = store.runs.one(one_run(store))
    bare = recorded([row], {})
    assert len(pd.read_csv(io.BytesIO(FORMATS["csv"].write(bare)))) == 0
    assert len(pd.read_parquet(io.BytesIO(FORMATS["parquet"].write(bare)))) == 0


def test_the_shell_writes_a_row_an_update(store: Store, tmp_path: Path) -> None:
    run_id = one_run(store, strategy="cosine")
    target = tmp_path / "rates.parquet"
    export(run_id, "--format", "parquet", "--updates", "--output", str(target))
    table = pd.read_parquet(target)
    steps = store.runs.one(run_id).steps_per_epoch
    assert table["update"].tolist() == list(range(EPOCHS * steps))
    assert table["learning_rate"].is_monotonic_decreasing
    assert len(export(run_id, "--updates").stdout.splitlines()) == 1 + EPOCHS * steps


# TensorBoard


@pytest.mark.parametrize(("number", "wire"), [(0, "00"), (127, "7f"), (128, "8001"),
                                              (300, "ac02")])
def test_whole_numbers_are_written_seven_bits_a_byte(number: int, wire: str) -> None:
    assert varint(number).hex() == wire


def test_the_checksum_is_that_of_the_standard() -> None:
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4
    assert crc32c(b"\xff" * 32) == 0x62A8AB43


def test_tensorboard_reads_curves_and_the_rate_of_every_update(
    store: Store, tmp_path: Path
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    runs = experiment(store, seeds=1, base_lrs=(0.1,), arms=("cosine",))
    (row,) = runs.rows
    assert tensorboard.write(runs, tmp_path / "logs") == 4
    (folder,) = [path for path in (tmp_path / "logs").iterdir() if path.is_dir()]
    assert folder.name == f"Cosine-decay-0.1-seed0-{row.run_id}"
    train, validation = (EventAccumulator(str(folder / part)) for part in ("train", "validation"))
    train.Reload()
    validation.Reload()
    said = runs.epochs_of(row)
    assert [(e.step, e.value) for e in validation.Scalars("epoch_loss")] == [
        (e.epoch, pytest.approx(e.metrics["val_loss"])) for e in said
    ]
    rates = train.Scalars("learning_rate")
    assert [event.step for event in rates] == list(range(row.updates))
    np.testing.assert_array_equal(
        np.array([event.value for event in rates], np.float32),
        np.concatenate([epoch.rates for epoch in said]),
    )
    assert set(train.Tags()["scalars"]) == {
        "epoch_loss", "epoch_accuracy", "epoch_learning_rate", "learning_rate"
    }


def test_tensorboard_finds_settings_and_metrics_of_all_runs(store: Store, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
    from tensorboard.context import RequestContext
    from tensorboard.plugins.base_plugin import TBContext
    from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups

    runs = experiment(store, seeds=2, diverging=0.05)
    logs = str(tmp_path / "logs")
    tensorboard.write(runs, Path(logs))
    events = EventMultiplexer().AddRunsFromDirectory(logs)
    events.Reload()
    provider = MultiplexerDataProvider(events, logs)
    context = backend_context.Context(TBContext(data_provider=provider))
    request = RequestContext()
    metadata = context.hparams_metadata(request, "")
    found = context.experiment_from_metadata(
        request, "", include_metrics=True, hparams_run_to_tag_to_content=metadata,
        data_provider_hparams=[],
    )
    assert {"base_lr", "strategy", "mlp.widths", "seed", "nesterov"} <= {
        info.name for info in found.hparam_infos
    }
    assert {(info.name.group, info.name.tag) for info in found.metric_infos} == {
        ("validation", "epoch_loss"), ("validation", "epoch_accuracy")
    }
    ask = api_pb2.ListSessionGroupsRequest(
        slice_size=100, allowed_statuses=[1, 2], aggregation_type=1, include_metrics=True,
        col_params=[api_pb2.ColParams(metric=api_pb2.MetricName(
            group="validation", tag="epoch_loss"))],
    )
    groups = list_session_groups.Handler(request, context, "", ask).run().session_groups
    assert {group.name for group in groups} == {
        "Constant at 0.01", "Constant at 0.1", "Cosine decay at 0.01", "Cosine decay at 0.1"
    }
    assert sum(len(group.sessions) for group in groups) == 8
    by_status = [session.status for group in groups for session in group.sessions]
    assert sorted(by_status) == [1] * 4 + [2] * 4
    seeds = {s.name: g.hparams["base_lr"].number_value for g in groups for s in g.sessions}
    assert set(seeds.values()) == {0.01, 0.1}


def test_the_archive_holds_the_files_of_the_folder(store: Store, tmp_path: Path) -> None:
    runs = experiment(store, seeds=1, base_lrs=(0.1,))
    with zipfile.ZipFile(io.BytesIO(FORMATS["tensorboard"].write(runs))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == dict(
            tensorboard.files(runs)
        )


def test_a_label_makes_no_path_out_of_the_folder(store: Store) -> None:
    runs = experiment(
        store, seeds=1, base_lrs=(0.1,), arms=({"strategy": "step", "label": "../../etc/x"},)
    )
    assert not [path for path, _ in tensorboard.files(runs) if ".." in path or path[0] == "/"]


def test_a_record_begins_with_its_length(store: Store) -> None:
    _, data = next(tensorboard.files(experiment(store, seeds=1)))
    (length,) = struct.unpack("<Q", data[:8])
    assert data[12 : 12 + length].endswith(b"brain.Event:2")


# MLflow


@pytest.fixture
def tracked(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
def test_mlflow_gets_settings_metrics_and_the_rate_of_every_update(
    store: Store, tracked: str
) -> None:
    from mlflow import MlflowClient

    made = one_experiment(store, ("cosine",), name="first", seeds=2, base_lrs=(0.1,),
                          diverging=1.0)
    words = ("--experiment", made, "--format", "mlflow", "--tracking-uri", tracked)
    logged = json.loads(export(*words).stdout)
    client = MlflowClient(tracking_uri=tracked)
    found = client.get_experiment_by_name("first")
    assert len(client.search_runs([found.experiment_id])) == len(logged) == 2
    for pair in logged:
        run, row = client.get_run(pair["mlflow_run_id"]), store.runs.one(pair["run_id"])
        assert run.info.status == "FINISHED"
        assert run.data.params["seed"] == str(row.spec.seed)
        assert run.data.params["mlp.widths"] == "[128, 64]"
        assert run.data.tags["lrdash.version.keras"] == "3.15.1"
        said = store.runs.epochs(row.run_id)
        losses = client.get_metric_history(pair["mlflow_run_id"], "val_loss")
        assert [(m.step, m.value) for m in losses] == [
            (e.epoch, e.metrics["val_loss"]) for e in said
        ]
        rates = client.get_metric_history(pair["mlflow_run_id"], "learning_rate_by_update")
        assert [m.step for m in rates] == list(range(row.updates))
        assert np.float32([m.value for m in rates]).tolist() == [
            rate for epoch in said for rate in epoch.rates.tolist()
        ]


def test_a_tracking_address_that_mlflow_refuses_is_named(store: Store) -> None:
    words = ("--format", "mlflow", "--tracking-uri", "what://x")
    message = refused("runs", "export", one_run(store), *words)
    assert "--tracking-uri must be a store that MLflow can use" in message
    assert "got 'what://x'" in message


def test_a_missing_mlflow_is_explained(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    message = refused("runs", "export", one_run(store), "--format", "mlflow")
    assert "pip install 'lrdash[mlflow]'" in message


# The winning recipe and the shell


def test_the_winning_recipe_is_a_run_of_the_best_arm(store: Store) -> None:
    runs = experiment(store, diverging=0.05)
    (row,) = recipe_of(runs).rows
    assert (row.spec.base_lr, row.spec.seed, row.status) == (0.01, 0, "finished")


def test_if_every_run_diverged_there_is_no_recipe(store: Store) -> None:
    with pytest.raises(InvalidField, match="must include one that did not diverge or fail"):
        recipe_of(experiment(store, diverging=0.0))


def test_every_format_can_be_written_from_the_shell(store: Store, tmp_path: Path) -> None:
    made = one_experiment(store)
    for name, kind in FORMATS.items():
        target = tmp_path / f"x{kind.suffix}"
        result = export("--experiment", made, "--format", name, "--output", str(target))
        assert f"to {target}" in result.stderr
        assert target.stat().st_size > 100
    report = tmp_path / "x.html"
    export("--experiment", made, "--format", "html", "--output", str(report))
    assert "Leaderboard" in report.read_text(encoding="utf-8")


def test_event_files_go_straight_into_a_folder(store: Store, tmp_path: Path) -> None:
    result = export(one_run(store), "--format", "tensorboard", "--output", str(tmp_path / "logs"))
    assert f"tensorboard --logdir {tmp_path / 'logs'}" in result.stderr
    assert len(list((tmp_path / "logs").rglob("events.out.tfevents.*"))) == 4


@pytest.mark.parametrize(("words", "message"), [
    (["--format", "csv"], "RUN_ID or --experiment must be given, not both"),
    (["RUN", "--experiment", "x"], "RUN_ID or --experiment must be given, not both"),
    (["RUN", "RUN", "--format", "script"], "must be one run for a script, got 2"),
    (["RUN", "--updates", "--format", "json"], "--updates needs --format csv or parquet"),
    (["RUN", "RUN", "--format", "html"], "must be a single run for html"),
])
def test_options_that_exclude_each_other_are_refused(
    store: Store, words: list[str], message: str
) -> None:
    run_id = one_run(store)
    given = [run_id if word == "RUN" else word for word in words]
    assert message in refused("runs", "export", *given)


def test_exports_and_reports_load_neither_tensorflow_nor_keras(
    store: Store, tmp_path: Path
) -> None:
    made = one_experiment(store)
    script = (
        "import sys\n"
        "from lrdash import api\n"
        "from lrdash.export import FORMATS, recipe_of, recorded\n"
        "from lrdash.store import Store\n"
        "store = Store()\n"
        f"rows = store.runs.listing(experiment_id={made!r})\n"
        "runs = recorded(rows, store.runs.epochs_of([row.run_id for row in rows]))\n"
        "for kind in FORMATS.values():\n"
        "    kind.write(recipe_of(runs) if kind.single else runs)\n"
        f"api.load_comparison({made!r}, store).report({str(tmp_path / 'x.html')!r})\n"
        "found = [name for name in ('tensorflow', 'keras', 'mlflow', 'tensorboard')\n"
        "         if name in sys.modules]\n"
        "assert not found, found\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.fixture(autouse=True)
def another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
