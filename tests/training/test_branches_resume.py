"""Branches, steered runs and longer ones survive an interruption like any run: to the bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lrdash.checkpoints import CheckpointFolder
from lrdash.core.events import Command, EpochEnded, Event, Steered
from lrdash.core.spec import Piece, RunSpec
from lrdash.planning import branches
from lrdash.planning.plan import make
from lrdash.training.checkpoints import CheckpointWriter, Origin
from lrdash.training.commands import RunCommands
from tests.factories.training import last, log, of, train_one

SMALL: dict[str, Any] = {"epochs": 7, "examples": 200, "base_lr": 0.05}
RULE = {"strategy": "plateau", "params": {"patience": 1, "min_delta": 0.05}}
HALF = Piece(epoch=1, factor=0.5)
ENGINES = pytest.mark.parametrize("engine", ["keras", "lanes"])
STRATEGIES = pytest.mark.parametrize(
    "fields", [RULE, {"strategy": "one_cycle", "optimizer": "adam", "base_lr": 0.001}],
    ids=["plateau", "one cycle"],
)
Dies = Callable[[Event], bool]


def go(
    spec: RunSpec, engine: str, folder: CheckpointFolder, name: str = "run", *, done: int = 0,
    origin: Origin | None = None, commands: Sequence[Command] = (), dies: Dies | None = None,
    interval: float = 0.0,
) -> list[Any]:
    """What a run says; the process dies when it says something of this kind."""
    said: list[Any] = []

    def sink(_run_id: str, event: Event) -> None:
        if dies and dies(event):
            raise KeyboardInterrupt
        said.append(event)

    writer = CheckpointWriter(folder, {name: done}, interval, {name: origin} if origin else None)
    try:
        train_one(
            make(spec), run_id=name, sink=sink, engine=engine, should_stop=lambda: False,
            writer=writer, mailbox=lambda _: commands,
        )
    except KeyboardInterrupt:
        assert dies
    finally:
        writer.close()
    return said


def says_epoch(epoch: int) -> Dies:
    return lambda event: isinstance(event, EpochEnded) and event.epoch == epoch


def same(
    parts: Sequence[list[Any]], folder: CheckpointFolder, spec: RunSpec, engine: str, name: str
) -> None:
    """Compare what a run said bit by bit with its spec trained in one go."""
    alone = CheckpointFolder(folder.folder / "alone")
    whole = go(spec, engine, alone)
    said = log([event for part in parts for event in part])
    assert said[0].items() <= log(whole)[0].items()
    assert said[1].items() <= log(whole)[1].items()
    assert said[2] == log(whole)[2]
    assert last(folder, name) == last(alone, "run")


@ENGINES
@STRATEGIES
def test_a_branch_that_was_killed_resumes_to_the_bit(
    fields: dict[str, Any], engine: str, tmp_path: Path
) -> None:
    parent, folder = make(RunSpec(**{**SMALL, **fields})).spec, CheckpointFolder(tmp_path)
    go(parent, engine, folder, "parent", dies=says_epoch(5))
    child, origin = branches.branch(parent, 3, 0.5, 0.05), Origin(epoch=3, run_ids=["parent"])
    at_once = go(child, engine, folder, "child", done=3, origin=origin, dies=says_epoch(4))
    first = go(child, engine, folder, "child", done=3, origin=origin, dies=says_epoch(6))
    second = go(child, engine, folder, "child", done=5, origin=origin)
    assert of(at_once, EpochEnded) == []
    assert [event.epoch for event in of(first, EpochEnded)] == [4, 5]
    assert of(second, EpochEnded)[0].epoch == 6
    same([first, second], folder, child, engine, "child")


@ENGINES
@pytest.mark.parametrize("how", ["hold", "stretch"])
def test_a_longer_run_that_was_killed_resumes_to_the_bit(
    how: str, engine: str, tmp_path: Path
) -> None:
    folder = CheckpointFolder(tmp_path)
    spec = make(RunSpec(**{**SMALL, "epochs": 3, "strategy": "cosine"})).spec
    go(spec, engine, folder)
    longer = branches.longer(spec, 3, 3, how)
    first = go(longer, engine, folder, done=3, dies=says_epoch(5))
    second = go(longer, engine, folder, done=4)
    assert [event.epoch for event in of([*first, *second], EpochEnded)] == [4, 5, 6]
    same([first, second], folder, longer, engine, "run")


@ENGINES
@STRATEGIES
@pytest.mark.parametrize("interval", [0.0, 1000.0], ids=["every epoch", "at changes"])
def test_a_command_is_not_lost_when_the_process_dies_before_its_effect_is_recorded(
    interval: float, fields: dict[str, Any], engine: str, tmp_path: Path
) -> None:
    spec, folder = make(RunSpec(**{**SMALL, **fields})).spec, CheckpointFolder(tmp_path)
    commands = [Command(number=7, piece=HALF)]
    waiting: list[Command] = []

    def dies(event: Event) -> bool:
        if isinstance(event, EpochEnded) and event.epoch == 3:
            waiting.extend(commands)
        return isinstance(event, Steered)

    more: dict[str, Any] = {"commands": waiting, "interval": interval}
    first = go(spec, engine, folder, dies=dies, **more)
    second = go(spec, engine, folder, done=3, **more, dies=says_epoch(6))
    (steered,) = of(second, Steered)
    at = 4 if engine == "keras" else 3  # Keras had kept epoch 3 before it spoke, a lane had not yet
    assert (steered.piece.epoch, steered.command) == (at, 7)
    turned = spec.steered(steered.piece)  # the store has written both down, and forgets the command
    third = go(turned, engine, folder, done=5, interval=interval)
    assert of(third, EpochEnded)[0].epoch > at  # the turn itself was kept
    same([first, second, third], folder, turned, engine, "run")


def test_a_command_waits_where_a_piece_takes_over_anyway() -> None:
    spec = make(RunSpec(**SMALL, pieces=[{"epoch": 3, "strategy": "linear"}])).spec
    commands = [Command(number=number, piece=HALF) for number in (1, 2)]
    plan, of_run = make(spec), RunCommands("run", lambda _: commands, recorded=3)
    taken = []
    for done in range(1, 7):
        turn = of_run.turn(plan, done)
        if turn:
            plan = turn.plan
            taken.append((done, turn.event.command))
    assert taken == [(4, 1), (5, 2)]
    assert [piece.epoch for piece in plan.spec.pieces] == [3, 4, 5]
    assert of_run.turn(plan, 6) is None
