"""Which runs are trained together, as lanes of one compiled program, and how many fit into memory.

A group is the unit of work: a worker takes it as a whole. Its runs share everything that shapes
the program (`group_key`); strategy, rates, epochs, seed and early stopping differ freely.

The memory of a lane is estimated before anything is built, in float32 values of 4 bytes: weights,
gradients and the optimizer's slots, what the layers hand on for one batch (kept on the way there,
and as much again for the gradients on the way back), the batch itself, and the rates.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from lrdash.core.errors import InvalidField
from lrdash.core.record import canonical, digest_of
from lrdash.core.spec import RunSpec
from lrdash.planning.plan import Plan

DENSE_LANES = 256  # in a group; more gain nothing and make stops and progress coarse
CONVOLUTIONAL_LANES = 8  # each lane is built out in the graph, which takes time to compile
FREE_SHARE = 0.6  # of the free memory that lanes may take
MEGABYTE = 2**20
LEAST_MEMORY = 64  # megabytes that LRDASH_MEMORY_MB may name at least
ASSUMED_FREE = 2048 * MEGABYTE  # where the system does not report it
VALIDATION_BATCH = 512  # examples of the validation pass held at once; more gains little on a CPU
FLOAT = 4  # bytes

# What shapes the compiled program.
SHARED = (
    "dataset", "examples", "model", "model_params", "optimizer", "momentum", "nesterov",
    "weight_decay", "batch_size", "loss", "label_smoothing",
)
# Values that the optimizer remembers for each weight.
SLOTS: Mapping[str, int] = {"sgd": 0, "rmsprop": 1, "adam": 2, "adamw": 2}
MOMENTUM_SLOT = ("sgd", "rmsprop")  # one more with momentum
COPIES = 3  # of the weights beside the slots: themselves, their gradients, their successors

CGROUPS = (  # limit, use, statistics: version 2, then version 1
    ("memory.max", "memory.current", "memory.stat"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"),
)


def lanes_apply(plan: Plan) -> str:
    """Why a run cannot be trained as a lane, as a phrase fit to be shown; empty if it can."""
    if plan.model.alone:
        return plan.model.alone
    stopping = plan.spec.early_stopping
    if stopping is not None and stopping.restore_best_weights:
        return "early_stopping.restore_best_weights needs the engine keras"
    return ""


def group_key(plan: Plan) -> str:
    """Equal for runs that can share one compiled program; 16 hexadecimal digits."""
    return key_of(plan.spec)


def key_of(spec: RunSpec) -> str:
    """`group_key` of a complete spec, such as the stored ones."""
    return digest_of(canonical(shared_values(spec)))


def shared_values(spec: RunSpec) -> dict[str, Any]:
    """What the runs of a group share, as JSON types."""
    token = {} if spec.facts is None else {"token": spec.facts.token}
    return {name: getattr(spec, name) for name in SHARED} | token


def bytes_per_lane(plan: Plan) -> int:
    """Memory that each run takes in a group, in bytes; an estimate."""
    spec, shape = plan.spec, plan.dataset.shape
    weights = plan.parameters * (COPIES + _slots(spec))
    example = plan.model.work(shape).numbers + math.prod(shape.input_shape)
    training = 2 * spec.batch_size * example
    validation = min(plan.validation_examples, max(VALIDATION_BATCH, spec.batch_size)) * example
    rates = plan.steps_per_epoch + 2 * plan.updates  # of an epoch, and the rate program in float64
    order = 2 * plan.train_examples  # int64
    return FLOAT * (weights + max(training, validation) + rates + order)


def lane_work(plan: Plan) -> int:
    """Multiply-adds of one lane in one epoch: training counts three passes, validation one."""
    examples = 3 * plan.train_examples + plan.validation_examples
    return examples * plan.model.work(plan.dataset.shape).multiply_adds


def most_lanes(plan: Plan) -> int:
    """Lanes of a group at most, whatever the memory."""
    return CONVOLUTIONAL_LANES if plan.model.convolutional else DENSE_LANES


def memory_limit() -> int:
    """Bytes that the lanes of one group may take together.

    `LRDASH_MEMORY_MB` if it is set, else 60% of what is free: to the machine, or to the container
    if that has less.

    Raises:
        InvalidField: if `LRDASH_MEMORY_MB` is no sensible number.
    """
    text = os.environ.get("LRDASH_MEMORY_MB", "").strip()
    if not text:
        return int(FREE_SHARE * _free())
    megabytes = int(text) if text.isascii() and text.isdigit() else 0
    if megabytes < LEAST_MEMORY:
        problem = f"must be a whole number of megabytes, at least {LEAST_MEMORY}"
        raise InvalidField("LRDASH_MEMORY_MB", problem, text)
    return megabytes * MEGABYTE


def cut(plans: Sequence[Plan]) -> list[list[int]]:
    """Groups of runs to be trained together, as places in `plans`, none left out.

    Groups of one kind are of nearly equal size, so that they can use the same program. Runs that
    cannot be lanes are alone.

    Raises:
        InvalidField: if a single lane does not fit into the memory; the message has the numbers.
    """
    limit = memory_limit()
    groups = []
    for places in alike(plans):
        longest = max((plans[place] for place in places), key=lambda plan: plan.spec.epochs)
        single = lanes_apply(longest)
        groups += [places] if single else _parts(places, _lanes(longest, limit))
    return groups


def alike(plans: Sequence[Plan], *, lanes: bool = True) -> list[list[int]]:
    """Places of the runs that can share a program; each alone that cannot be a lane, or all."""
    kinds: dict[str, list[int]] = {}
    for place, plan in enumerate(plans):
        alone = not lanes or lanes_apply(plan)
        kinds.setdefault(f"alone {place}" if alone else group_key(plan), []).append(place)
    return list(kinds.values())


def describe(plans: Sequence[Plan], groups: Sequence[Sequence[int]]) -> dict[str, Any]:
    """What a set of groups takes, as numbers to show.

    Returns:
        runs, groups, lanes (of the largest group), bytes (of that group, estimated) and limit
        (bytes that a group may take).
    """
    largest = max(groups, key=len, default=())
    return {
        "runs": len(plans),
        "groups": len(groups),
        "lanes": len(largest),
        "bytes": max(
            (len(group) * bytes_per_lane(plans[group[0]]) for group in groups if group), default=0
        ),
        "limit": memory_limit(),
    }


def _lanes(plan: Plan, limit: int) -> int:
    """Lanes of this kind that a group may have."""
    lane = bytes_per_lane(plan)
    if lane > limit:
        problem = (
            f"must be smaller (or the model): one run would take about {_megabytes(lane)} MB, and "
            f"{_megabytes(limit)} MB are free for training (LRDASH_MEMORY_MB overrides that)"
        )
        raise InvalidField("batch_size", problem, plan.spec.batch_size)
    return min(most_lanes(plan), limit // lane)


def _parts(places: Sequence[int], most: int) -> list[list[int]]:
    """Consecutive parts of nearly equal size, none above `most`."""
    number = -(-len(places) // most)
    bounds = [len(places) * part // number for part in range(number + 1)]
    return [list(places[a:b]) for a, b in itertools.pairwise(bounds)]


def _slots(spec: RunSpec) -> int:
    return SLOTS[spec.optimizer] + (spec.optimizer in MOMENTUM_SLOT and spec.momentum > 0)


def _megabytes(size: int) -> str:
    return f"{-(-size // MEGABYTE):,}"


def _free(proc: Path = Path("/proc/meminfo"), cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that this process may still take."""
    found = [_meminfo(proc), *(_cgroup(cgroup, names) for names in CGROUPS)]
    return max(0, min((size for size in found if size is not None), default=ASSUMED_FREE))


def _meminfo(path: Path) -> int | None:
    """Memory that can be had without swapping; see proc_meminfo(5)."""
    return _entry(path, "MemAvailable:", 1024)


def _cgroup(folder: Path, names: tuple[str, str, str]) -> int | None:
    """What the container has left; files in the cache can be given back and do not count."""
    limit, used = (_number(folder / name) for name in names[:2])
    if limit is None or used is None:
        return None
    return limit - used + (_entry(folder / names[2], "inactive_file", 1) or 0)


def _entry(path: Path, name: str, unit: int) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        for line in path.read_text("ascii").splitlines():
            words = line.split()
            if words[:1] == [name]:
                return int(words[1]) * unit
    return None


def _number(path: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int(path.read_text("ascii"))
    return None
