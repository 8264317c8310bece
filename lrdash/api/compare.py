"""Comparing in the process of the caller, recorded like a comparison of the app."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from lrdash.api.checks import base_spec, check_experiment
from lrdash.api.own import STRATEGIES, task_of
from lrdash.api.plain import listed, seeds_of
from lrdash.api.reporting import reporting
from lrdash.api.results.comparison import Comparison, load_comparison
from lrdash.core.errors import InvalidField
from lrdash.core.events import Sink
from lrdash.core.spec import RunSpec
from lrdash.jobs.session import in_process
from lrdash.planning.experiment import MAX_SEEDS, Arm, Experiment, Planned, missing
from lrdash.planning.grouping import cut
from lrdash.planning.plan import Plan
from lrdash.store import NewRun, open_store

INSTEAD = {
    "strategy": "strategies", "params": "strategies", "base_lr": "base_lrs", "seed": "seeds",
}  # fields of a run, and what a comparison has instead


def compare(
    what: Callable[[], Any] | Iterable[str | Arm | Mapping[str, Any]] | None = None,
    data: Any = None,
    *,
    build_model: Callable[[], Any] | None = None,
    strategies: Iterable[str | Arm | Mapping[str, Any]] | None = None,
    base_lrs: Iterable[float] | None = None,
    seeds: int | Iterable[int] = 3,
    target: float | None = None,
    spec: RunSpec | None = None,
    engine: str = "auto",
    name: str = "",
    progress: Sink | Literal[False] | None = None,
    **fields: Any,
) -> Comparison:
    """Train every strategy at every peak rate with every seed, in this process, to the end.

    There are two forms: `compare(["constant", "cosine"], dataset="digits", model="mlp")` with a
    registered dataset and model, and `compare(build_model, (x, y))` with your own.

    Runs of one seed start from the same weights and see the same batches (those of a
    `tf.data.Dataset` or a `PyDataset` as they come; `notes()` says where they are not the same).
    Ctrl-C, or Stop in the app, stops what is still training; finished runs and epochs are kept. The
    app shows runs of your own model like all others, but cannot resume them without your script.

    Args:
        what: strategies, or a function that makes your model: see `strategies`, `build_model`.
        data: what your own model is trained on: (x, y), of which a fifth is held out for
            validation, (x, y, sample_weight), (x, y, x_val, y_val), ((x, y), (x_val, y_val)), a
            `tf.data.Dataset`, a `keras.utils.PyDataset`, a pair of these, or a function that
            returns any of these: it is called for each run, after its seed is set.
        build_model: makes a fresh Keras model at each call. All that it is compiled with is kept,
            except the rate; if it is not compiled, loss and metrics follow from the targets.
        strategies: ids of strategies, or `Arm`s (or mappings like them) with settings and a label.
        base_lrs: peak rates; by default 0.01 and 0.1, and for your own model three around the rate
            that it is compiled with, or the default of its optimizer.
        seeds: how many (0, 1, 2, ...), or which.
        target: a validation loss to reach.
        spec: what all runs share; by default the default spec. Not for your own model.
        engine: `auto` or an engine by name. The engine keras trains what lanes cannot; `notes()`
            says why.
        name: shown in the app.
        progress: receives every event of every run, `(run_id, event)`; a fault in it ends the
            runs. False: show nothing. By default a notebook shows a line, a terminal a bar.
        fields: fields of `RunSpec` that replace those of the spec: epochs, batch_size, optimizer,
            ... For your own model also `loss` and `metrics`, as for `model.compile`,
            `steps_per_epoch` for data without an end, and names for it in `dataset` and `model`.

    Returns:
        The comparison, however its runs ended.

    Raises:
        InvalidField, UnknownName, EngineUnavailable: for a wrong field, or runs too large for the
            memory; then nothing is made.
        StoreError: if the database cannot be used.
    """
    if callable(what):
        what, build_model = None, what
    if what is not None and strategies is not None:
        raise InvalidField("strategies", "must be given once", strategies)
    arms = strategies if what is None else what
    with task_of(build_model, data, spec, fields) as task:
        if arms is None and not task.own:
            problem = "must be a list of names of strategies, or give build_model and data"
            raise InvalidField("strategies", problem, None)
        experiment = define(
            STRATEGIES if arms is None else arms,
            base_lrs=task.peaks() if base_lrs is None else base_lrs, seeds=seeds, target=target,
            spec=task.spec, **task.fields,
        )
        return run_experiment(
            experiment, engine=engine, name=name, progress=progress, checkpoints=not task.own
        )


def define(
    strategies: Iterable[str | Arm | Mapping[str, Any]],
    *,
    base_lrs: Iterable[float],
    seeds: int | Iterable[int],
    target: float | None = None,
    spec: RunSpec | None = None,
    **fields: Any,
) -> Experiment:
    """The experiment that `compare` runs; errors and arguments as there."""
    base = base_spec(spec, fields, "one value in a comparison", INSTEAD)
    return Experiment(
        base=base, arms=_arms(strategies), base_lrs=listed(base_lrs),
        seeds=seeds_of(seeds, MAX_SEEDS), target=target,
    )


def run_experiment(
    experiment: Experiment,
    *,
    engine: str = "auto",
    name: str = "",
    progress: Sink | Literal[False] | None = None,
    checkpoints: bool = True,
) -> Comparison:
    """Train all runs of an experiment; as `compare` does.

    Args:
        experiment: what to train.
        engine, name, progress: as in `compare`.
        checkpoints: write them, so that runs can be resumed.
    """
    planned = check_experiment(experiment, engine)
    groups = cut([run.plan for run in planned])
    with open_store() as store:
        with in_process(store, checkpoints=checkpoints) as session:
            made = store.experiments.create(
                experiment.to_json(), NewRun.of_each(planned), groups=groups, name=name,
                engine=engine, worker_id=session.worker_id,
            )
            run_ids = [row.run_id for row in store.runs.of_experiment(made)]
            plans = _plans(planned, run_ids)
            epochs = {run_id: plan.spec.epochs for run_id, plan in plans.items()}
            with reporting(epochs, progress) as sink:
                session.train(plans, engine=engine, groups=groups, progress=sink)
        return load_comparison(made, store)


def extend(
    experiment_id: str,
    *,
    base_lrs: Iterable[float] = (),
    seeds: Iterable[int] = (),
    strategies: Iterable[str | Arm | Mapping[str, Any]] = (),
    engine: str = "auto",
    progress: Sink | None = None,
) -> Comparison:
    """Train the missing runs of a stored experiment for further rates, seeds and strategies.

    Existing runs are not repeated, however they ended.

    Raises:
        NotFound: if there is none of this id.
        InvalidField, UnknownName, EngineUnavailable, StoreError: as in `compare`.
    """
    with open_store() as store:
        present = Experiment.from_json(store.experiments.one(experiment_id).definition)
        larger = present.extended(
            base_lrs=listed(base_lrs), seeds=listed(seeds), arms=_arms(strategies)
        )
        existing = [row.spec for row in store.runs.listing(experiment_id=experiment_id)]
        planned = missing(check_experiment(larger, engine), existing)
        groups = cut([run.plan for run in planned])
        with in_process(store) as session:
            run_ids = store.experiments.add_runs(
                experiment_id, larger.to_json(), NewRun.of_each(planned), groups=groups,
                engine=engine, worker_id=session.worker_id,
            )
            session.train(
                _plans(planned, run_ids), engine=engine, groups=groups, progress=progress
            )
        return load_comparison(experiment_id, store)


def _plans(planned: Sequence[Planned], run_ids: Sequence[str]) -> dict[str, Plan]:
    return {run_id: run.plan for run_id, run in zip(run_ids, planned, strict=True)}


def _arms(strategies: Iterable[str | Arm | Mapping[str, Any]]) -> tuple[Arm, ...]:
    given = [strategies] if isinstance(strategies, str | Arm | Mapping) else strategies
    if not isinstance(given, Iterable):
        raise InvalidField("strategies", "must be a list of names of strategies", given)
    return tuple(_arm(arm) for arm in given)


def _arm(given: Any) -> Arm:
    if isinstance(given, Arm):
        return given
    return Arm(**given) if isinstance(given, Mapping) else Arm(strategy=given)
