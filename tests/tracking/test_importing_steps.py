"""Event files of Hugging Face, Lightning, torch and hand-written loops: tags, steps and epochs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import pytest

from lrdash.analysis.words import known_settings
from lrdash.core.errors import InvalidField
from lrdash.store import Store
from lrdash.tracking.importing import Found, Upload, bring, read_paths, read_uploads
from lrdash.tracking.importing.axis import of_clock
from lrdash.tracking.importing.names import column
from lrdash.tracking.importing.summaries import Scalar
from tests.factories.logs import LATE, events, fitted, regression, series

NAME = "events.out.tfevents.1.host"
NEGATIVE = 2**64 - 1  # how -1 is written

Point = tuple[str, int, float]


def read(*points: Point) -> Found:
    (run,) = read_uploads([Upload(name=NAME, data=events(*points))])
    return run


def folder(path: Path, files: dict[str, Sequence[Point]]) -> Path:
    for name, points in files.items():
        (path / name).mkdir(parents=True, exist_ok=True)
        (path / name / NAME).write_bytes(events(*points))
    return path


def known(values: Sequence[float]) -> dict[int, float]:
    """Values by epoch, from 1."""
    return {epoch: one for epoch, one in enumerate(values, start=1) if not math.isnan(one)}


# Hugging Face


def trainer(*, validated: bool = True) -> list[Point]:
    """As its TensorBoardCallback writes: two records and an evaluation an epoch."""
    points: list[Point] = []
    for step in range(10, 61, 10):
        points += [("train/loss", step, 6 / step), ("train/learning_rate", step, 0.1 / step),
                   ("train/epoch", step, step / 20)]
        if validated and step % 20 == 0:
            points += [("eval/loss", step, 9 / step), ("train/epoch", step, step / 20)]
    return [*points, ("train/train_runtime", 60, 9.0), ("train/train_loss", 60, 0.7),
            ("train/epoch", 60, 3.0)]


def test_the_mean_loss_of_a_whole_run_replaces_no_loss() -> None:
    run = read(*trainer())
    assert run.epochs == (1, 2, 3)
    assert run.metrics["loss"] == pytest.approx([0.45, 0.175, 0.11])
    assert run.metrics["val_loss"] == pytest.approx([0.45, 0.225, 0.15])
    assert known(run.metrics["train/train_loss"]) == {3: pytest.approx(0.7)}
    assert [len(part) for part in run.rates] == [2, 2, 2]
    assert "Each epoch shows the mean of its values: loss." in run.remarks
    assert "The learning rate was recorded at 6 steps, up to step 60; rates in between are not " \
        "known." in run.remarks
    short = read(*[point for point in trainer() if point[0] != "train/loss"])
    assert "loss" not in short.metrics
    assert known(short.metrics["train/train_loss"]) == {3: pytest.approx(0.7)}


def test_a_loss_that_an_epoch_logs_more_than_once_keeps_its_records_without_validation() -> None:
    run = read(*trainer(validated=False))
    assert run.metrics["loss"] == pytest.approx([0.6, 0.3, 0.2, 0.15, 0.12, 0.1])
    assert run.metrics["epoch (logged)"] == (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
    assert run.remarks[0].startswith("The steps are not epochs: 6 records of loss")


@pytest.mark.parametrize(("tags", "shown", "others"), [
    (("train/loss", "train/train_loss"), "train/loss", {"train/train_loss"}),
    (("train_loss", "loss"), "loss", {"train_loss"}),
    (("test/loss", "val/loss"), "val/loss", {"test/loss"}),
    (("eval_acc", "val_acc"), "val_acc", {"eval_acc"}),
    (("Loss/train", "training_loss", "loss/training"), "Loss/train", {
        "training_loss", "loss/training"}),
])
def test_tags_that_could_be_one_metric_stay_two_and_are_reported(
    tags: Sequence[str], shown: str, others: set[str]
) -> None:
    run = read(*[(tag, step, float(place)) for step in range(3) for place, tag in enumerate(tags)])
    name = column(shown)
    assert set(run.metrics) == {name, *others}
    for label in (name, *others):
        source = shown if label == name else label
        assert run.metrics[label] == (float(tags.index(source)),) * 3
    assert run.remarks[0].startswith(f"Several metrics could be {name}: {shown} is shown, ")


def test_validation_and_test_folders_of_one_run_stay_two_metrics(tmp_path: Path) -> None:
    (run,) = read_paths([folder(tmp_path, {
        name: series("loss", *values) for name, values in {
            "train": (3.0, 2.0), "val": (4.0, 3.0), "test": (5.0, 4.0)}.items()})])
    assert dict(run.metrics) == {
        "loss": (3.0, 2.0), "val_loss": (4.0, 3.0), "test/loss": (5.0, 4.0)}
    assert not any("earlier fit" in remark for remark in run.remarks)


# Rates


@pytest.mark.parametrize(("labels", "others"), [
    (["lr-Adam/pg1", "lr-Adam/pg2"], "lr-Adam/pg2 is kept as a metric"),
    (["lr/pg0", "lr/pg1", "lr/pg10"], "lr/pg1 and lr/pg10 are kept as metrics"),
    (["learning_rate", "lr-SGD"], "lr-SGD is kept as a metric"),
    (["optim/lr", "other/lr"], "other/lr is kept as a metric"),
])
def test_all_groups_of_parameters_are_kept_and_the_shown_rate_is_named(
    labels: list[str], others: str
) -> None:
    run = read(*series("loss", 1.0, 0.5), *[
        point for place, label in enumerate(reversed(labels))
        for point in series(label, place + 1.0, place + 0.5)])
    shown, *further = labels
    assert np.concatenate(run.rates).tolist() == [len(labels), len(labels) - 0.5]
    for place, label in enumerate(further, start=1):
        assert run.metrics[label] == (len(labels) - place, len(labels) - place - 0.5)
    assert run.remarks[0] == f"Several learning rates were recorded: {shown} is shown, {others}."


@pytest.mark.parametrize("label", [
    "learning rate", "Learning Rate", "learning-rate", "learningRate", "LR", "train/lr",
    "lr-SGD/pg1", "optim/learning_rate"])
def test_a_rate_has_many_names(label: str) -> None:
    run = read(*series("loss", 1.0, 0.5), *series(label, 0.5, 0.25))
    assert np.concatenate(run.rates).tolist() == [0.5, 0.25]
    assert set(run.metrics) == {"loss"}


@pytest.mark.parametrize("label", ["lr-SGD-momentum", "lr-Adam-weight_decay", "lrelu", "clr"])
def test_what_is_no_rate_is_a_metric(label: str) -> None:
    assert label in read(*series("loss", 1.0, 0.5), *series(label, 0.9, 0.9)).metrics


def test_rates_that_fit_no_epoch_are_reported() -> None:
    run = read(*series("loss", 3.0, 2.0, 1.0), *series("lr", *[0.1] * 7))
    assert not run.rates
    assert run.remarks[0] == "Left out, since the steps are not epochs: lr."
    run = read(*series("loss", 3.0, 2.0, 1.0), *series("lr", 0.5, -1.0, math.nan))
    assert [part.tolist() for part in run.rates] == [[0.5], [], []]
    assert run.remarks[0] == \
        "1 of 3 learning rates were left out: they are not between 0 and 1000."


def test_rates_that_keras_read_after_each_epoch_are_called_approximate(tmp_path: Path) -> None:
    schedules = keras.optimizers.schedules
    for name, rate in (("same", 0.01), ("decay", schedules.ExponentialDecay(0.01, 4, 0.5))):
        model = regression(0.0)
        model.compile(keras.optimizers.SGD(rate), "mse")
        fitted(keras.callbacks.TensorBoard(tmp_path / name), model, epochs=3)
    same, decay = (read_paths([tmp_path / name])[0] for name in ("same", "decay"))
    assert LATE not in same.remarks
    assert LATE in decay.remarks
    assert np.concatenate(decay.rates) == pytest.approx([0.005, 0.0025, 0.00125])


# Torch


@pytest.mark.parametrize(("tag", "parts"), [
    ("Loss", ("train", "val")), ("loss", ("training", "valid")), ("run/loss", ("train", "test"))])
def test_series_of_add_scalars_belong_to_the_run_above_them(
    tmp_path: Path, tag: str, parts: tuple[str, str]
) -> None:
    inner = tag.replace("/", "_")
    (run,) = read_paths([folder(tmp_path / "a", {
        "": [*series("acc", 0.5, 0.6), *series("lr", 0.5, 0.25)],
        f"{inner}_{parts[0]}": series(tag, 3.0, 2.0), f"{inner}_{parts[1]}": series(tag, 4.0, 3.0),
    })])
    name = column(tag)
    assert dict(run.metrics) == {
        "acc": pytest.approx((0.5, 0.6)), name: (3.0, 2.0), f"val_{name}": (4.0, 3.0)}
    assert run.name == "a"
    assert np.concatenate(run.rates).tolist() == [0.5, 0.25]


def test_folders_that_are_only_named_so_are_runs(tmp_path: Path) -> None:
    runs = read_paths([folder(tmp_path, {
        "loss_a": series("loss", 3.0, 2.0), "loss_b": series("loss", 4.0, 3.0)})])
    assert [run.metrics["loss"] for run in runs] == [(3.0, 2.0), (4.0, 3.0)]


# Steps


@pytest.mark.parametrize("tag", [
    "batch_loss", "train/batch_accuracy", "iter_loss", "loss/step", "train_loss_step"])
def test_values_of_single_updates_alone_make_no_run(tag: str) -> None:
    with pytest.raises(InvalidField, match=r"must hold a loss or another metric, got .* of single"):
        read(*series(tag, 3.0, 2.0, 1.0), *series("lr", 0.1, 0.1, 0.1))


@pytest.mark.parametrize(("every", "epochs", "first"), [(2, 8, 0), (3, 10, 0), (5, 10, 1)])
def test_validation_after_some_epochs_keeps_all_epochs_of_training(
    every: int, epochs: int, first: int
) -> None:
    losses = [1 / epoch for epoch in range(1, epochs + 1)]
    validated = range(every, epochs + 1, every)
    run = read(*series("Loss/train", *losses, first=first),
               *[("Loss/val", epoch - 1 + first, float(epoch)) for epoch in validated])
    assert run.epochs == tuple(range(1, epochs + 1))
    assert run.metrics["loss"] == pytest.approx(losses)
    assert known(run.metrics["val_loss"]) == {epoch: float(epoch) for epoch in validated}
    assert run.remarks[0] == "The steps were read as epochs, with a validation loss at " \
        f"{len(validated)} of {epochs}."


def test_a_single_test_after_training_decides_about_no_epochs() -> None:
    run = read(*series("loss", *[1.0] * 60), ("test_loss", 59, 0.5))
    assert len(run.epochs) == 60
    assert known(run.metrics["val_loss"]) == {60: 0.5}


def test_validation_before_training_is_reported() -> None:
    run = read(*series("loss", 3.0, 2.0, first=1), *series("val_loss", 9.0, 4.0, 3.0))
    assert run.epochs == (1, 2)
    assert run.metrics["val_loss"] == (4.0, 3.0)
    assert run.remarks[0] == \
        "Left out, before the first or after the last epoch shown: val_loss (1 value)."


def test_a_second_loop_with_one_writer_is_reported() -> None:
    run = read(*series("loss", 5.0, 4.0, 3.0, 2.0), *series("loss", 9.0, 8.0))
    assert run.metrics["loss"] == (9.0, 8.0)
    assert run.remarks[0] == \
        "Left out 4 steps of an earlier loop in the same file, which a later one wrote again."
    run = read(*series("loss", 5.0, 4.0), *series("loss", 3.0, first=2))
    assert run.metrics["loss"] == (5.0, 4.0, 3.0)
    assert not any("loop" in remark for remark in run.remarks)


def test_records_without_steps_are_numbered_with_a_remark() -> None:
    points: list[Point] = []
    for epoch in range(4):
        points += [("loss", 0, float(epoch)), ("lr", 0, 0.5)]
        points += [("val_loss", 0, epoch + 0.5)] if epoch % 2 else []
    run = read(*points)
    assert run.metrics["loss"] == (0.0, 1.0, 2.0, 3.0)
    assert known(run.metrics["val_loss"]) == {2: 1.5, 4: 3.5}
    assert np.concatenate(run.rates).tolist() == [0.5] * 4
    assert run.remarks[0] == "Recorded without steps and numbered in their order: loss, lr, " \
        "val_loss."
    run = read(*series("loss", 3.0, 2.0, first=1), ("acc", 0, 0.5), ("acc", 0, 0.75))
    assert run.metrics["acc"] == (0.5, 0.75)


def test_negative_steps_and_values_after_the_last_record_are_reported() -> None:
    run = read(("val_loss", NEGATIVE, 9.0), *series("loss", 2.0, 1.0))
    assert run.metrics["loss"] == (2.0, 1.0)
    assert run.remarks[0] == "Left out 1 value at negative steps."
    with pytest.raises(InvalidField, match="steps from 0, got 'negative steps alone'"):
        read(("val_loss", NEGATIVE, 9.0))
    points = [("loss", step, 1.0) for step in range(0, 1010, 10)]
    run = read(*points, ("val_loss", 490, 1.0), ("val_loss", 990, 1.0))
    assert run.remarks[1] == \
        "Left out, before the first or after the last epoch shown: loss (1 value)."


# Lightning


def lightning() -> list[Point]:
    """Two epochs of 100 updates, logged after each 50th, and a test after them."""
    points: list[Point] = [("hp_metric", 0, -1.0)]
    for step in (49, 99, 149, 199):
        epoch = step // 100
        points += [("train_loss_step", step, 1 / step), ("epoch", step, epoch),
                   ("lr-SGD", step, 0.5)]
        if step % 100 == 99:
            points += [("val_loss", step, 2.0 - epoch), ("epoch", step, epoch),
                       ("train_loss_epoch", step, 1.5 - epoch)]
    return [*points, ("test_loss", 200, 0.75), ("epoch", 200, 2.0)]


def test_lightnings_pairs_become_epochs() -> None:
    run = read(*lightning())
    assert run.epochs == (1, 2)
    assert (run.metrics["loss"], run.metrics["val_loss"]) == ((1.5, 0.5), (2.0, 1.0))
    assert known(run.metrics["test_loss"]) == {2: 0.75}
    assert [part.tolist() for part in run.rates] == [[0.5, 0.5], [0.5, 0.5]]
    assert run.metrics["loss_step"] == pytest.approx([
        (1 / 49 + 1 / 99) / 2, (1 / 149 + 1 / 199) / 2])
    assert "Each epoch shows the mean of its values: loss_step." in run.remarks
    assert not any("epoch" in name for name in run.metrics)
    other = read(*[(tag, step, value + (tag == "train_loss_step")) for tag, step, value in
                   lightning()])
    assert other.digest != run.digest


def test_how_many_updates_an_epoch_has_is_not_known_from_some_rates(store: Store) -> None:
    bring([read(*lightning())], store)
    (row,) = store.runs.listing()
    assert known_settings(row.spec)["params"] == {"known": "epochs"}
    assert "steps_per_epoch" not in known_settings(row.spec)["facts"]


def test_several_values_of_an_epoch_are_one_with_a_remark() -> None:
    points = [(tag, step, value) for step in range(6) for tag, value in (
        ("train_loss", step * 1.0), ("val_loss", step * 1.0), ("epoch", step // 3))]
    run = read(*points)
    assert (run.metrics["loss"], run.metrics["val_loss"]) == ((1.0, 4.0), (2.0, 5.0))
    assert run.remarks[:2] == ("Each epoch shows the mean of its values: loss.",
                               "Each epoch shows the last of its values: val_loss.")


@pytest.mark.parametrize(("counted", "epochs"), [
    ((0, 0, 1, 1), [1, 2]), ((1, 1, 2, 2), [1, 2]), ((5, 5, 6, 6), [6, 7]),
    ((0, 1, 2, 3), [1, 2, 3, 4]), ((1, 2, 3, 4), [1, 2, 3, 4]), ((0.5, 1, 1.5, 2), [1, 2]),
    ((0, 1, 0, 1), None)])
def test_a_tag_counts_the_current_epoch_or_those_done(
    counted: Sequence[float], epochs: list[int] | None
) -> None:
    steps = range(9, 49, 10)
    clock = {step: Scalar("epoch", step, 0.0, value)
             for step, value in zip(steps, counted, strict=True)}
    axis = of_clock(clock, steps)
    assert (axis and list(axis.epochs)) == epochs
