"""Runs trained in this very process, and what they report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pytest

from lrdash import training
from lrdash.checkpoints import CheckpointFolder
from lrdash.core.events import EpochEnded, Event, RateDecided, RunEnded, Sink
from lrdash.core.spec import RunSpec
from lrdash.planning.plan import Plan, make
from lrdash.strategies.plateau import Plateau
from lrdash.training.checkpoints import CheckpointWriter
from lrdash.training.determinism import deterministic

Said = dict[str, list[Event]]


def executed(text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], np.ndarray]:
    """What a script leaves behind, and the rate that each of its updates used."""
    import keras

    rates: list[float] = []

    class Recorder(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            rates.append(float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)))

    fit = keras.Model.fit

    def recorded(self: Any, *args: Any, callbacks: list[Any], **more: Any) -> Any:
        return fit(self, *args, callbacks=[*callbacks, Recorder()], **more)

    names: dict[str, Any] = {"__name__": "__main__"}
    with deterministic(), monkeypatch.context() as patch:  # scripts ask for it, for good
        patch.setattr(keras.Model, "fit", recorded)
        exec(compile(text, "recipe.py", "exec"), names)
    keras.backend.clear_session()
    return names, np.array(rates, np.float32)


def train_one(
    plan: Plan, *, run_id: str, sink: Sink, should_stop: Callable[[], bool] = lambda: False,
    **more: Any,
) -> RunEnded:
    """Trains a run and gives its ending."""
    return training.train_group(
        [plan], run_ids=[run_id], sink=sink,
        should_stop=lambda: {run_id} if should_stop() else set(), **more,
    )[run_id]


def train(
    specs: Sequence[RunSpec], engine: str, folder: CheckpointFolder, done: int = 0,
    until: int | None = None,
) -> Said:
    """What each run says, from `done` recorded epochs on; `until`: its process dies there."""
    said: Said = {f"run{place}": [] for place in range(len(specs))}

    def sink(run_id: str, event: Event) -> None:
        said[run_id].append(event)
        if until and all(any(e.epoch >= until for e in of(s, EpochEnded)) for s in said.values()):
            raise KeyboardInterrupt

    writer = CheckpointWriter(folder, dict.fromkeys(said, done), interval=0.0)
    try:
        training.train_group(
            [make(spec) for spec in specs], run_ids=list(said), sink=sink, should_stop=set,
            engine=engine, writer=writer,
        )
    except KeyboardInterrupt:
        assert until
    finally:
        writer.close()
    return said


def of(said: Sequence[Event], kind: type) -> list[Any]:
    return [event for event in said if isinstance(event, kind)]


def log(said: Sequence[Event]) -> list[Any]:
    """Epochs, decisions and ending, without the clock."""
    epochs = {e.epoch: (dict(e.metrics), e.rates.tobytes()) for e in of(said, EpochEnded)}
    decided = {d.epoch: d for d in of(said, RateDecided)}
    ended = [(e.status, e.reason) for e in of(said, RunEnded)]
    return [epochs, decided, ended]


def last(folder: CheckpointFolder, run_id: str) -> tuple[int, dict[str, bytes], Any]:
    """Epoch, bytes and state of a run's last checkpoint."""
    epoch = folder.of(run_id)[-1].epoch
    found = folder.load(run_id, epoch)
    assert found is not None
    arrays = {name: array.tobytes() for name, array in found.arrays.items()}
    return epoch, arrays, found.state


def trained(specs: list[RunSpec], engine: str) -> list[list[Event]]:
    """What each run said, in the order of the specs."""
    said: dict[str, list[Event]] = {str(place): [] for place in range(len(specs))}
    training.train_group(
        [make(spec) for spec in specs], run_ids=list(said),
        sink=lambda run_id, event: said[run_id].append(event), should_stop=set, engine=engine,
    )
    return list(said.values())


def epochs(events: Sequence[Event]) -> list[EpochEnded]:
    return of(events, EpochEnded)


def finished(spec: RunSpec, engine: str = "keras") -> list[EpochEnded]:
    """The epochs of a run, which has to finish."""
    (said,) = trained([spec], engine)
    (ended,) = of(said, RunEnded)
    assert ended.status == "finished", ended.reason
    return epochs(said)


class Rounded:
    """An optimizer whose rate is kept in float32, as Keras keeps it."""

    def __init__(self, rate: float) -> None:
        self._rate = np.float32(rate)

    @property
    def learning_rate(self) -> np.float32:
        return self._rate

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        self._rate = np.float32(rate)


class Model:
    """What a callback needs of a model."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer


def callback_of(rule: Plateau) -> keras.callbacks.ReduceLROnPlateau:
    settings = rule.as_dict()
    settings.pop("rules")
    settings["mode"] = "max" if rule.rising else "min"
    return keras.callbacks.ReduceLROnPlateau(**settings)
