"""Range tests in the process of the caller, recorded like those of the app."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lrdash.analysis.range_test import suggested
from lrdash.api.checks import base_spec
from lrdash.api.compare import run_experiment
from lrdash.api.own import task_of
from lrdash.api.plain import seeds_of
from lrdash.api.results.comparison import Comparison
from lrdash.api.results.range_test import RangeTest, load_range_test
from lrdash.core.errors import InvalidField
from lrdash.core.spec import RunSpec
from lrdash.jobs import range_test
from lrdash.jobs.session import in_process
from lrdash.planning.range_test import INSTEAD, MOST_SEEDS, PlannedTest, RangeTestSpec, make, sweep
from lrdash.store import open_store

Listener = Callable[[int, int], None]


def find_lr(
    spec: RunSpec | None = None,
    *,
    lowest: float = 1e-5,
    highest: float = 10.0,
    updates: int = 200,
    seeds: int | Iterable[int] = 5,
    progress: Listener | None = None,
    build_model: Callable[[], Any] | None = None,
    data: Any = None,
    **fields: Any,
) -> RangeTest:
    """Make a range test in this process: the rate grows with every update, once for each seed.

    Each seed trains a fresh model. Ctrl-C, or Stop in the app, stops the test; the losses so far
    are kept.

    Args:
        spec: what to train; by default the default spec. Its strategy, rates, epochs and seed are
            not used.
        lowest: rate of the first update.
        highest: rate of the last update.
        updates: how many there are.
        seeds: how many (0, 1, 2, ...), or which.
        progress: receives the updates done and those in all.
        build_model: makes your own Keras model; see `compare`.
        data: what it is trained on: arrays; lanes must be able to train the model.
        fields: fields of `RunSpec` that replace those of the spec.

    Returns:
        The test, however it ended: see `status` and `reason`.

    Raises:
        InvalidField, UnknownName: for a wrong field; then nothing is made.
        StoreError: if the database cannot be used.
    """
    with task_of(build_model, data, spec, fields) as task:
        planned = define_range_test(
            task.spec, lowest=lowest, highest=highest, updates=updates, seeds=seeds, **task.fields
        )
        if task.own and planned.plan.model.alone:
            problem = "must make a model and have data that lanes can train, for a range test"
            raise InvalidField("build_model", problem, planned.plan.model.alone)
        return run_range_test(planned, progress)


def define_range_test(
    spec: RunSpec | None = None,
    *,
    lowest: float = 1e-5,
    highest: float = 10.0,
    updates: int = 200,
    seeds: int | Iterable[int] = 5,
    **fields: Any,
) -> PlannedTest:
    """The test that `find_lr` makes; errors and arguments as there."""
    base = base_spec(spec, fields, "for a range test", INSTEAD)
    return make(RangeTestSpec(
        base=base, lowest=lowest, highest=highest, updates=updates,
        seeds=seeds_of(seeds, MOST_SEEDS),
    ))


def run_range_test(planned: PlannedTest, progress: Listener | None = None) -> RangeTest:
    """Make a test and record it; as `find_lr` does."""
    spec = planned.spec
    with open_store() as store:
        with in_process(store) as session:
            made = store.range_tests.create(
                spec.to_json(), spec.rates, seeds=len(spec.seeds), worker_id=session.worker_id
            )
            range_test.run(store, made, session.worker_id, progress)
        return load_range_test(made, store)


def sweep_around(
    test: RangeTest,
    *,
    strategy: str = "constant",
    params: Mapping[str, Any] | None = None,
    epochs: int = 10,
    seeds: int = 3,
    rates: int = 7,
) -> Comparison:
    """Train at the rates around a suggestion to check it; the test remembers the comparison.

    Args:
        test: with a suggestion.
        strategy: id of the strategy of all runs.
        params: its settings; by default its defaults.
        epochs: of each run.
        seeds: how many.
        rates: how many peak rates, two a decade, with the suggestion in the middle.

    Raises:
        InvalidField: for a test without a suggestion, or a value that is not allowed.
        StoreError: if the database cannot be used.
    """
    centre = suggested(test.summary())
    if centre != centre:
        raise InvalidField("test", "must have a suggestion", test.range_test_id)
    experiment = sweep(
        test.spec, centre, strategy=strategy, params=params, epochs=epochs, seeds=seeds,
        rates=rates,
    )
    made = run_experiment(experiment, name=f"Around {centre:g}, from a range test")
    with open_store() as store:
        store.range_tests.held_against(test.range_test_id, made.experiment_id)
    return made
