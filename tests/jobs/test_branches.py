"""Branches, longer runs and changes by hand give what their specs give when trained alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import lrdash
from lrdash import training
from lrdash.checkpoints import CheckpointFolder
from lrdash.core.errors import InvalidField, StoreError
from lrdash.core.events import Command, EpochEnded, RateDecided, Steered
from lrdash.core.spec import Piece, RunSpec
from lrdash.planning import branches
from lrdash.planning.plan import make
from lrdash.store import Store
from lrdash.strategies.plateau import Plateau
from lrdash.teaching import Recorded, first_difference, left_off, replay
from lrdash.training.checkpoints import CheckpointWriter, Origin
from tests.factories.training import last, log, of, train, train_one

SMALL: dict[str, Any] = {"epochs": 6, "examples": 200, "base_lr": 0.05}
RULE = {"strategy": "plateau", "params": {"patience": 1, "min_delta": 0.05}}
ENGINES = pytest.mark.parametrize("engine", ["keras", "lanes"])


def go(
    spec: RunSpec, engine: str, writer: CheckpointWriter, name: str, mail: Any = None
) -> list[Any]:
    said: list[Any] = []
    train_one(
        make(spec), run_id=name, sink=lambda _, event: said.append(event), engine=engine,
        should_stop=lambda: False, writer=writer, mailbox=mail or (lambda _: ()),
    )
    writer.close()
    return said


@ENGINES
@pytest.mark.parametrize(
    "fields",
    [RULE, {"strategy": "cosine"}, {"optimizer": "adam", "base_lr": 0.001},
     {"early_stopping": {"patience": 2, "min_delta": 5.0}}],
    ids=["plateau", "cosine", "adam", "stopping"],
)
def test_a_branch_has_the_bits_of_its_spec_trained_alone(
    fields: dict[str, Any], engine: str, tmp_path: Path
) -> None:
    folder, parent = CheckpointFolder(tmp_path / "a"), make(RunSpec(**{**SMALL, **fields})).spec
    train([parent], engine, folder, until=4)
    at = 3
    child = branches.branch(parent, at, 0.5, 0.05)
    origins = {"child": Origin(epoch=at, run_ids=["run0"])}
    grown = go(child, engine, CheckpointWriter(folder, {"child": at}, 0.0, origins), "child")
    alone = CheckpointFolder(tmp_path / "b")
    whole = go(child, engine, CheckpointWriter(alone, interval=0.0), "alone")
    epochs, decided, ended = log(grown)
    assert min(epochs) == at + 1
    assert epochs.items() <= log(whole)[0].items()
    assert decided.items() <= log(whole)[1].items()
    assert ended == log(whole)[2]
    assert last(folder, "child") == last(alone, "alone")


@ENGINES
@pytest.mark.parametrize(
    "piece",
    [Piece(epoch=1, strategy="constant", base_lr=0.01), Piece(epoch=1, factor=0.1)],
    ids=["hold", "factor"],
)
@pytest.mark.parametrize("fields", [RULE, {"strategy": "cosine"}], ids=["plateau", "cosine"])
def test_a_steered_run_replays_from_its_settings(
    fields: dict[str, Any], piece: Piece, engine: str, tmp_path: Path
) -> None:
    spec = make(RunSpec(**{**SMALL, **fields})).spec
    seen = 0

    def mail(_run_id: str) -> Sequence[Command]:
        nonlocal seen
        seen += 1
        return [Command(number=7, piece=piece)] if seen >= 3 else []

    one, two = CheckpointFolder(tmp_path / "a"), CheckpointFolder(tmp_path / "b")
    said = go(spec, engine, CheckpointWriter(one, interval=0.0), "run", mail)
    (steered,) = of(said, Steered)
    assert (steered.piece.epoch, steered.command) == (3, 7)
    replayed = go(spec.steered(steered.piece), engine, CheckpointWriter(two, interval=0.0), "run")
    assert log(replayed) == log(said)
    assert last(one, "run") == last(two, "run")


def test_a_branch_of_a_keras_run_continues_as_a_lane_from_exactly_those_weights(
    tmp_path: Path,
) -> None:
    spec, folder = make(RunSpec(**SMALL, optimizer="rmsprop")).spec, CheckpointFolder(tmp_path)
    train([spec], "keras", folder)
    child = branches.branch(spec, 5, 0.5, 0.05)
    origins = {"child": Origin(epoch=5, run_ids=["run0"])}
    said = go(child, "lanes", CheckpointWriter(folder, {"child": 5}, 0.0, origins), "child")
    assert [event.epoch for event in of(said, EpochEnded)] == [6]


@ENGINES
def test_a_rule_that_takes_over_with_what_it_would_have_seen_is_that_rule_from_the_start(
    engine: str, tmp_path: Path
) -> None:
    folder = CheckpointFolder(tmp_path)
    parent = make(RunSpec(**SMALL | {"epochs": 8}, strategy="plateau",
                          params={"patience": 3, "min_delta": 0.05})).spec
    recorded = train([parent], engine, folder, until=3)["run0"]
    other = Plateau(patience=1, min_delta=0.3, cooldown=2)
    values = tuple(event.metrics["val_loss"] for event in of(recorded, EpochEnded))
    record = Recorded(values=values, base_lr=parent.base_lr)
    at = first_difference(replay(Plateau(**parent.params), record), replay(other, record))
    assert at == 2
    seen = left_off(other, record, at)
    rate = seen.pop("rate")
    child = branches.branch(parent, at, {
        "strategy": "plateau", "params": other.as_dict(), "base_lr": rate, "state": seen,
    }, rate)
    origins = {"child": Origin(epoch=at, run_ids=["run0"])}
    said = go(child, engine, CheckpointWriter(folder, {"child": at}, 0.0, origins), "child")
    alone = CheckpointFolder(tmp_path / "b")
    whole = train([parent.replace(params=other.as_dict())], engine, alone)["run0"]
    ours, theirs = log(said)[0], log(whole)[0]
    assert min(ours) > 1, "started again"
    assert ours == {epoch: theirs[epoch] for epoch in ours}
    decided = {d.epoch: d.reason for d in of(whole, RateDecided)}
    assert [d.reason for d in of(said, RateDecided) if d.epoch > at] == [
        reason for epoch, reason in sorted(decided.items()) if epoch > at
    ]


def test_fork_more_and_cooldowns_from_python(store: Store) -> None:
    run = lrdash.train(RunSpec(**SMALL, strategy="cosine"))
    grown = lrdash.fork(run, 3, [0.5, {"strategy": "linear"}])
    assert [one.status for one in grown] == ["finished", "finished"]
    assert [(one.row.parent_id, one.row.fork_epoch) for one in grown] == [(run.run_id, 3)] * 2
    for one in grown:
        again = lrdash.train(one.spec)
        assert [(e.metrics, e.rates.tobytes()) for e in one.epochs] == [
            (e.metrics, e.rates.tobytes()) for e in again.epochs
        ]
        assert [d.reason for d in one.decided] == [d.reason for d in again.decided]
    cooled = lrdash.cooldowns(run, at=[2, 4], epochs=2)
    assert [len(one.epochs) for one in cooled] == [4, 6]
    for how in ("hold", "stretch"):
        longer = lrdash.more(run, 2, how)
        assert longer.run_id == run.run_id
        whole = lrdash.train(longer.spec)
        assert [(e.metrics, e.rates.tobytes()) for e in longer.epochs] == [
            (e.metrics, e.rates.tobytes()) for e in whole.epochs
        ]
    assert len(longer.epochs) == 10
    store.runs.delete([run.run_id])
    kept = store.runs.one(grown[0].run_id)
    assert (kept.parent_id, kept.fork_epoch, kept.epochs_done) == (None, 3, 6)
    assert len(store.runs.epochs(kept.run_id)) == 6


def test_a_command_becomes_a_piece_or_stays(store: Store) -> None:
    plan = make(RunSpec(**SMALL))
    run_id = store.runs.create(
        plan.spec, steps_per_epoch=plan.steps_per_epoch, updates=plan.updates, parameters=1
    )
    number = lrdash.steer(run_id, factor=0.5)
    (command,) = store.branches.commands([run_id])[run_id]
    assert command.number == number
    event = Steered(piece=command.piece.replace(epoch=2), command=number)
    for _ in range(2):  # a batch may come twice
        store.runs.record([(run_id, event)])
    assert store.branches.commands([run_id]) == {}
    assert store.runs.one(run_id).spec.pieces == (Piece(epoch=2, factor=0.5),)
    assert store.runs.listing(digest=store.runs.one(run_id).spec.digest)[0].run_id == run_id
    for wrong in ({"rate": 0.0}, {"rate": 1e9}, {"factor": -1.0}, {}):
        with pytest.raises(InvalidField):
            lrdash.steer(run_id, **wrong)
    store.runs.end(run_id, "stopped", "")
    with pytest.raises(StoreError, match="only a run that trains"):
        lrdash.steer(run_id, rate=0.1)


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "lost"])
def test_branches_as_lanes_of_a_keras_run_share_its_bits_up_to_the_fork(
    kept: bool, tmp_path: Path
) -> None:
    spec, folder = make(RunSpec(**SMALL, strategy="cosine")).spec, CheckpointFolder(tmp_path)
    train([spec], "keras", folder, until=4)
    own = folder.load("run0", 3)
    assert own is not None
    if not kept:
        folder.forget(["run0"])
    children = {name: branches.branch(spec, 3, factor, 0.05)
                for name, factor in (("a", 0.5), ("b", 0.1))}
    origin = Origin(epoch=3, run_ids=["run0"], engine="keras")
    origins = dict.fromkeys(children, origin)
    writer = CheckpointWriter(folder, dict.fromkeys(children, 3), 0.0, origins)
    trained: list[tuple[str, int]] = []
    begun: dict[str, Any] = {}

    def sink(run_id: str, event: Any) -> None:
        if isinstance(event, EpochEnded):
            trained.append((run_id, event.epoch))
            begun.setdefault(run_id, folder.load(run_id, 3))

    training.train_group(
        [make(child) for child in children.values()], run_ids=list(children), sink=sink,
        engine="lanes", should_stop=set, writer=writer,
    )
    writer.close()
    assert sorted(trained) == [(run, epoch) for run in "ab" for epoch in (4, 5, 6)]
    for name in children if not kept else ():
        assert begun[name].arrays.keys() == own.arrays.keys()
        for part, values in own.arrays.items():
            assert begun[name].arrays[part].tobytes() == values.tobytes(), part
