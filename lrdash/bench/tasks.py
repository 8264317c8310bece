"""The tasks that are timed, each in a process of its own; TensorFlow is imported before the clock
starts, on both sides.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from time import perf_counter
from typing import Any

import numpy as np

from lrdash.bench.finder import finder
from lrdash.bench.machine import own_home
from lrdash.bench.monitor import watched
from lrdash.core.spec import RunSpec
from lrdash.datasets import DATASETS
from lrdash.models import MODELS
from lrdash.planning import plan as planning
from lrdash.planning.experiment import Arm, Experiment, plan_all
from lrdash.planning.grouping import cut
from lrdash.planning.plan import Plan

STRATEGIES = ("constant", "cosine", "linear", "step", "plateau", "one_cycle", "exponential", "wsd")
LARGEST_RATE, MOMENTUM = 0.1, 0.9
BATCH = 32
VALIDATED = 4  # training examples for each validation example, where they are made
PRODUCT = 1024  # side of the matrices


def fit(
    *, dataset: str = "digits", model: str = "mlp", epochs: int = 1, updates: int | None = None,
    times: int = 1,
) -> list[float]:
    """Seconds of a plain `model.fit`, model and compilation included, once for each time."""
    import keras

    data = dataset if updates is None else _made(dataset, updates)
    made = planning.make(_base(data, model, epochs))
    split = made.dataset.load(made.spec.examples)

    def once() -> None:
        net = made.model.build(made.dataset.shape)
        classes = made.dataset.num_classes > 0
        net.compile(
            keras.optimizers.SGD(LARGEST_RATE / 10, momentum=MOMENTUM),
            "sparse_categorical_crossentropy" if classes else "mse",
            metrics=["accuracy"] if classes else [],
        )
        rates = keras.callbacks.LearningRateScheduler(lambda epoch, _lr: 0.01 * 0.95**epoch)
        net.fit(
            split.x_train, split.y_train, batch_size=BATCH, epochs=epochs, verbose=0,
            validation_data=(split.x_val, split.y_val), callbacks=[rates],
        )

    return [_seconds(once) for _ in range(times)]


def lanes(
    *, runs: int, dataset: str = "digits", model: str = "mlp", epochs: int = 1,
    updates: int | None = None, times: int = 1, store: bool = True,
) -> list[float]:
    """Seconds of runs as lanes, once for each time; the first is cold."""
    import lrdash.training.lanes.engine  # noqa: F401 (its seconds are not training)

    data = dataset if updates is None else _made(dataset, updates)
    plans = _plans(data, model, runs, epochs)
    plans[0].dataset.load(plans[0].spec.examples)  # reading the examples is not, either
    with own_home():
        return [_seconds(lambda: _train(plans, store=store)) for _ in range(times)]


def pairs() -> list[tuple[str, str]]:
    """Each model with one dataset of each shape and task that it fits."""
    shapes: dict[Any, str] = {}
    for name, dataset in DATASETS.items():
        shapes.setdefault((dataset.input_shape, dataset.num_classes > 0), name)
    return [
        (name, model)
        for name in shapes.values()
        for model, kind in MODELS.items()
        if kind.misfit(DATASETS[name].shape) is None
    ]


def jax(*, runs: int, epochs: int, times: int = 1) -> list[float]:
    """Seconds of the same training in JAX: an epoch is a scan over its batches, jit of vmap over
    the lanes; rates, batches and first weights come from lrdash.
    """
    from lrdash.bench.jax_side import trainer

    train = trainer(_plans("digits", "mlp", runs, epochs))
    return [_seconds(train) for _ in range(times)]


def matmul() -> float:
    """Floating-point operations a second of TensorFlow's product of two square matrices."""
    import tensorflow as tf

    a = tf.random.stateless_normal((PRODUCT, PRODUCT), (0, 0))
    best = min(_seconds(lambda: tf.linalg.matmul(a, a).numpy()) for _ in range(20))
    return 2.0 * PRODUCT**3 / best


def work() -> float:
    """Floating-point operations of one epoch of one run: forward, and twice as much backward but
    for the first layer's inputs; validation; two operations a multiply-add.
    """
    made = planning.make(_base("digits", "mlp", 1))
    forward = made.model.work(made.dataset.shape).multiply_adds
    widths = made.spec.model_params["widths"]
    first = math.prod(made.dataset.input_shape) * widths[0]
    train = made.train_examples * (3 * forward - first)
    return float(2 * (train + made.validation_examples * forward))


def _seconds(job: Callable[[], object]) -> float:
    began = perf_counter()
    job()
    return perf_counter() - began


def _base(dataset: str, model: str, epochs: int) -> RunSpec:
    return RunSpec(
        dataset=dataset, model=model, epochs=epochs, batch_size=BATCH, momentum=MOMENTUM,
        base_lr=LARGEST_RATE,
    )


def _plans(dataset: str, model: str, runs: int, epochs: int) -> list[Plan]:
    """So many runs: strategies x 5 rates x seeds, the surplus left out."""
    seeds = -(-runs // (len(STRATEGIES) * 5))
    experiment = Experiment(
        base=_base(dataset, model, epochs), arms=tuple(Arm(strategy=s) for s in STRATEGIES),
        base_lrs=(0.001, 0.003, 0.01, 0.03, LARGEST_RATE), seeds=tuple(range(seeds)),
    )
    return [run.plan for run in plan_all(experiment)][:runs]


def _train(plans: Sequence[Plan], *, store: bool) -> None:
    from lrdash import training

    groups = cut(plans)
    if store:
        _train_stored(plans, groups)
        return
    for group in groups:
        training.train_group(
            [plans[place] for place in group], run_ids=[str(place) for place in group],
            sink=lambda _run_id, _event: None, should_stop=set, engine="lanes",
        )


def _train_stored(plans: Sequence[Plan], groups: Sequence[Sequence[int]]) -> None:
    """Like a worker: events and checkpoints go to the disk."""
    from lrdash.jobs.session import Session
    from lrdash.store import NewRun, Store

    with closing(Store()) as store:
        new = [NewRun.of(plan) for plan in plans]
        made = store.experiments.create("{}", new, groups=groups, worker_id="bench")
        ids = [row.run_id for row in store.runs.of_experiment(made)]
        session = Session(store, "bench")
        session.train(dict(zip(ids, plans, strict=True)), engine="lanes", groups=groups)


def _made(like: str, updates: int) -> str:
    """The id of a new dataset of the shape of another, large enough for so many updates an epoch,
    of random numbers: nothing has to be fetched, and all are of one size.
    """
    model = DATASETS[like]
    size = updates * BATCH * (VALIDATED + 1) // VALIDATED
    random = np.random.default_rng(0)

    def reader() -> tuple[Any, Any]:
        x = random.integers(0, 256, (size, *model.input_shape)).astype(np.float64)
        if model.num_classes:
            return x, np.arange(size) % model.num_classes
        return x, random.normal(size=size)

    made = dataclasses.replace(
        model, id="made", size=size, default_examples=size, reader=reader, download_bytes=0
    )
    return DATASETS.add(made.id, made).id


TASKS: Mapping[str, Callable[..., Any]] = {
    "fit": fit, "lanes": lanes, "pairs": pairs, "jax": jax, "matmul": matmul, "work": work,
    "finder": finder, "watched": watched,
}
