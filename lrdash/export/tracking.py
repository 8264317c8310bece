"""Runs logged to an MLflow tracking server or its SQLite file.

MLflow is an extra: `pip install 'lrdash[mlflow]'`. It is imported only here, on request.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lrdash.analysis.words import arm_in_words, known_settings
from lrdash.core.errors import InvalidField
from lrdash.export import hparams
from lrdash.export.recorded import Recorded
from lrdash.store.rows import EpochRow, RunRow

if TYPE_CHECKING:
    from mlflow import MlflowClient

STATUS = {"finished": "FINISHED", "stopped": "KILLED", "queued": "SCHEDULED", "running": "RUNNING"}
BATCH = 1000  # metrics in one request, MLflow's limit
BY_UPDATE = "learning_rate_by_update"


def log_runs(runs: Recorded, uri: str, experiment: str) -> list[str]:
    """Log runs with settings, metrics of every epoch, and the rate of every update.

    The step of a metric is the number of epochs done; that of `learning_rate_by_update` the update,
    from 0. Values that are not finite are left out.

    Args:
        runs: to log.
        uri: tracking URI, e.g. `sqlite:///mlflow.db` or the address of a server.
        experiment: its name there; created if missing.

    Returns:
        MLflow's run ids, in the order of the runs.

    Raises:
        InvalidField: if MLflow is not installed or refuses the URI.
    """
    client = _client(uri)
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_experiment_by_name(experiment)
        made = found.experiment_id if found else client.create_experiment(experiment)
        return [_log(client, made, row, list(runs.epochs_of(row))) for row in runs.rows]
    except MlflowException as fault:
        raise _refused(uri, fault) from None


def _client(uri: str) -> MlflowClient:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # opt-in only
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError:
        problem = "needs MLflow: pip install 'lrdash[mlflow]'"
        raise InvalidField("--format mlflow", problem, "no package mlflow") from None
    try:
        return MlflowClient(tracking_uri=uri)
    except (MlflowException, ImportError) as fault:
        raise _refused(uri, fault) from None


def _refused(uri: str, fault: Exception) -> InvalidField:
    reason = " ".join(str(fault).split()).partition(". ")[0].rstrip(".")
    problem = f"must be a store that MLflow can use, e.g. sqlite:///mlflow.db ({reason})"
    return InvalidField("--tracking-uri", problem, uri)


def _log(client: MlflowClient, experiment: str, row: RunRow, epochs: list[EpochRow]) -> str:
    from mlflow.entities import Param

    started = row.started_at or row.created_at
    start = round(started.timestamp() * 1000)
    known = known_settings(row.spec)
    parts = [arm_in_words(row)]
    parts += [f"rate {row.spec.base_lr:g}"] if "base_lr" in known else []
    parts += [f"seed {row.spec.seed}"] if "seed" in known else []
    name = row.name or ", ".join(parts)
    made: str = client.create_run(experiment, start, tags=_tags(row), run_name=name).info.run_id
    params = [Param(key, str(value)) for key, value in hparams.settings(row).items()]
    client.log_batch(made, params=params)
    metrics = list(_metrics(row, epochs, start))
    for first in range(0, len(metrics), BATCH):
        client.log_batch(made, metrics=metrics[first : first + BATCH])
    seconds = epochs[-1].seconds if epochs else row.seconds
    client.set_terminated(made, STATUS.get(row.status, "FAILED"), start + round(seconds * 1000))
    return made


def _tags(row: RunRow) -> dict[str, str]:
    tags = {
        "lrdash.run_id": row.run_id, "lrdash.label": arm_in_words(row), "lrdash.status": row.status,
        "lrdash.reason": row.reason, "lrdash.engine": row.engine,
        "lrdash.experiment_id": row.experiment_id or "", "lrdash.tags": ", ".join(row.tags),
        **{f"lrdash.version.{name}": version for name, version in row.versions.items()},
    }
    return {key: value for key, value in tags.items() if value}


def _metrics(row: RunRow, epochs: list[EpochRow], start: int) -> Iterator[Any]:
    from mlflow.entities import Metric

    for epoch in epochs:
        at = start + round(epoch.seconds * 1000)
        for name, value in {**epoch.metrics, "learning_rate": epoch.learning_rate}.items():
            if math.isfinite(value):
                yield Metric(name, float(value), at, epoch.epoch)
        first = (epoch.epoch - 1) * row.steps_per_epoch
        for place, rate in enumerate(epoch.rates):
            yield Metric(BY_UPDATE, float(rate), at, first + place)
