"""Runs for TensorBoard: curves of training and validation, the rate, and HParams.

The names are those of `keras.callbacks.TensorBoard`: `train` and `validation` below each run, with
`epoch_loss`, `epoch_accuracy` and `epoch_learning_rate`. Steps are epochs done. `learning_rate` has
a step for each update, with its rate.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from lrdash.analysis.words import arm_in_words, known_settings, peak_in_words
from lrdash.export import events, hparams
from lrdash.export.recorded import Recorded
from lrdash.store.rows import EpochRow, RunRow

METRICS = {"epoch_loss": "validation loss", "epoch_accuracy": "validation accuracy"}


def files(runs: Recorded) -> Iterator[tuple[str, bytes]]:
    """The event files, each with its path below the log folder, in POSIX notation."""
    if not runs.rows:
        return
    first = min(row.created_at for row in runs.rows)
    flat = [hparams.settings(row) for row in runs.rows]
    accurate = any("val_accuracy" in epoch.metrics for epoch in runs.all_epochs())
    metrics = {tag: name for tag, name in METRICS.items() if accurate or "loss" in tag}
    began = first.timestamp()
    yield _file("", first), events.header(began) + hparams.experiment(flat, metrics, began)
    for row, settings in zip(runs.rows, flat, strict=True):
        yield from _run(row, runs.epochs_of(row), settings)


def zipped(runs: Recorded) -> bytes:
    """The event files as a ZIP archive, to unpack for `tensorboard --logdir`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files(runs):
            archive.writestr(path, data)
    return buffer.getvalue()


def write(runs: Recorded, folder: Path) -> int:
    """Write the event files below a folder.

    Returns:
        The number of files.

    Raises:
        OSError: if they cannot be written.
    """
    count = 0
    for path, data in files(runs):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        count += 1
    return count


def _run(
    row: RunRow, epochs: Sequence[EpochRow], settings: dict[str, hparams.Value]
) -> Iterator[tuple[str, bytes]]:
    started = row.started_at or row.created_at
    start, name = started.timestamp(), _folder(row)
    group = f"{arm_in_words(row)} at {peak_in_words(row.spec)}"
    over = start + (epochs[-1].seconds if epochs else row.seconds)
    head = events.header(start)
    yield _file(name, started), head + hparams.session(settings, group, row.status, start, over)
    if epochs:
        epochs = [_recorded(epoch, row) for epoch in epochs]
        train = b"".join(_train(epoch, row.steps_per_epoch, start) for epoch in epochs)
        yield _file(f"{name}/train", started), head + train
        validation = b"".join(_validation(epoch, start) for epoch in epochs)
        yield _file(f"{name}/validation", started), head + validation


def _recorded(epoch: EpochRow, row: RunRow) -> EpochRow:
    """An epoch without metrics that were not measured: what is not finite, unless it diverged."""
    if row.status == "diverged":
        return epoch
    known = {name: value for name, value in epoch.metrics.items() if np.isfinite(value)}
    return replace(epoch, metrics=known)


def _train(epoch: EpochRow, steps: int, start: float) -> bytes:
    values = {
        f"epoch_{metric}": value for metric, value in epoch.metrics.items()
        if not metric.startswith("val_")
    }
    at = start + epoch.seconds
    if np.isfinite(epoch.learning_rate):  # known
        values["epoch_learning_rate"] = epoch.learning_rate
    measured = events.scalars(values, epoch.epoch, at)
    first = (epoch.epoch - 1) * steps
    return measured + b"".join(
        events.scalars({"learning_rate": float(used)}, first + place, at)
        for place, used in enumerate(epoch.rates)
    )


def _validation(epoch: EpochRow, start: float) -> bytes:
    values = {
        f"epoch_{metric.removeprefix('val_')}": value for metric, value in epoch.metrics.items()
        if metric.startswith("val_")
    }
    return events.scalars(values, epoch.epoch, start + epoch.seconds)


def _folder(row: RunRow) -> str:
    """A name that sorts by arm, rate and seed and is valid in every file system."""
    label = re.sub(r"[^A-Za-z0-9._-]+", "-", arm_in_words(row)).strip("-.")[:60] or "run"
    known = known_settings(row.spec)
    peak = f"-{row.spec.base_lr:g}" if "base_lr" in known else ""
    seed = f"-seed{row.spec.seed}" if "seed" in known else ""
    return f"{label}{peak}{seed}-{row.run_id}"


def _file(folder: str, started: datetime) -> str:
    name = f"events.out.tfevents.{int(started.timestamp()):010d}.lrdash"
    return f"{folder}/{name}" if folder else name
