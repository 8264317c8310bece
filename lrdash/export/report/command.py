"""The commands that repeat a comparison or a run, with every setting written out."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Any

from lrdash.core.spec import RunSpec
from lrdash.planning.experiment import VARIED, Arm, Experiment
from lrdash.store.rows import RunRow


def compare_command(experiment: Experiment, *, name: str = "", engine: str = "auto") -> str:
    """`lrdash compare ...`, one option in each line; running it gives the same experiment."""
    options = [
        *_arms(experiment.arms),
        ("--base-lrs", ",".join(repr(rate) for rate in experiment.base_lrs)),
        ("--seeds", _seeds(experiment.seeds)),
        *_fields(experiment.base, without=VARIED),
    ]
    if experiment.target is not None:
        options.append(("--target", repr(experiment.target)))
    if name:
        options.append(("--name", name))
    options.append(("--engine", engine))
    return _written("lrdash compare", options)


def train_command(spec: RunSpec, *, name: str = "", engine: str = "auto") -> str:
    """`lrdash train ...`, as `compare_command`."""
    options = [*_fields(spec), *([("--name", name)] if name else []), ("--engine", engine)]
    return _written("lrdash train", options)


def engine_of(rows: Sequence[RunRow]) -> str:
    """The engine requested, as far as the runs show: the one that trained all of them, unless it
    replaced another.
    """
    engines = {row.engine for row in rows}
    replaced = any(row.engine_note for row in rows)
    return engines.pop() if len(engines) == 1 and not replaced else "auto"


def _arms(arms: Sequence[Arm]) -> list[tuple[str, str | None]]:
    names = [arm.strategy for arm in arms]
    if len(set(names)) < len(names) or any(arm.label for arm in arms):
        return [("--arm", _json(arm.as_dict())) for arm in arms]
    params: list[tuple[str, str | None]] = [
        ("--param", f"{arm.strategy}.{name}={_json(value)}")
        for arm in arms for name, value in arm.params.items()
    ]
    return [("--strategies", ",".join(names)), *params]


def _seeds(seeds: Sequence[int]) -> str:
    if list(seeds) == list(range(len(seeds))):
        return str(len(seeds))
    return ",".join(map(str, seeds)) + ("," if len(seeds) == 1 else "")


def _fields(spec: RunSpec, without: Sequence[str] = ()) -> list[tuple[str, str | None]]:
    options: list[tuple[str, str | None]] = []
    for field, value in spec.as_dict().items():
        if field in without or value is None:
            continue
        if field in ("params", "model_params"):
            flag = "--param" if field == "params" else "--model-param"
            options += [(flag, f"{name}={_json(v)}") for name, v in value.items()]
        elif field == "early_stopping":
            options += [_flag(_stopping(name), v) for name, v in value.items()]
        else:
            options.append(_flag(field.replace("_", "-"), value))
    return options


def _stopping(name: str) -> str:
    return "early-stopping" if name == "patience" else f"early-stopping-{name.replace('_', '-')}"


def _flag(name: str, value: Any) -> tuple[str, str | None]:
    if isinstance(value, bool):
        return (f"--{name}" if value else f"--no-{name}"), None
    return f"--{name}", value if isinstance(value, str) else repr(value)


def _written(command: str, options: Sequence[tuple[str, str | None]]) -> str:
    return " \\\n  ".join([command, *(_option(flag, value) for flag, value in options)])


def _option(flag: str, value: str | None) -> str:
    if value is None:
        return flag
    quoted = shlex.quote(value)
    return f"{flag}={quoted}" if value.startswith("-") else f"{flag} {quoted}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
