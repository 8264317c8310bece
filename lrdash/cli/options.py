"""Options that several commands share, and those that come from the fields of `RunSpec`.

Name, type, help and default of the latter are written in `RunSpec`; only options given on the
command line are passed on.
"""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

import typer

from lrdash.core.errors import InvalidField
from lrdash.core.record import Knob
from lrdash.core.spec import EarlyStopping, RunSpec
from lrdash.datasets import DATASETS
from lrdash.models import MODELS
from lrdash.strategies import STRATEGIES

TYPES: Mapping[str, Any] = {
    "number": float, "integer": int, "switch": bool, "choice": str, "text": str,
}
SETTINGS = {"params": "--param", "model_params": "--model-param"}
STOPPING = "early_stopping"
KNOWN: Mapping[str, Iterable[str]] = {"dataset": DATASETS, "model": MODELS, "strategy": STRATEGIES}


Number = TypeVar("Number", int, float)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Engine = Annotated[
    str, typer.Option(metavar="auto|lanes|keras", help="The engine that trains.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing file.")]
RunId = Annotated[
    str, typer.Argument(metavar="RUN_ID", help="Id of the run, as `lrdash runs list` shows it.")
]
RunIds = Annotated[list[str], typer.Argument(metavar="RUN_ID", help="Ids of the runs.")]
Seeds = Annotated[
    str,
    typer.Option(metavar="N|A,B,...", help="How many seeds (0, 1, 2, ...), or which, as a list."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


def names(text: str) -> list[str]:
    """The entries of a list separated by commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def numbers(field: str, text: str, kind: Callable[[str], Number] = float) -> list[Number]:  # type: ignore[assignment]
    """The numbers of a list separated by commas.

    Raises:
        InvalidField: names the field, if an entry is no number.
    """
    try:
        return [kind(word) for word in names(text)]
    except ValueError:
        noun = "whole numbers" if kind is int else "numbers"
        raise InvalidField(field, f"must be {noun} separated by commas", text) from None


def count_or_list(field: str, text: str) -> int | list[int]:
    """How many, or which: `3` is a count, `0,4` a list, and `5,` a list with one entry."""
    found = numbers(field, text, int)
    return found[0] if len(found) == 1 and "," not in text else found


def spec_options(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command options for fields of `RunSpec`, all of them by default.

    The command receives the options given as its first argument, a dictionary of fields.
    """
    chosen = [knob for knob in RunSpec.knobs() if not names or knob.name in names]

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
        made = [parameter for knob in chosen for parameter in _parameters(knob)]

        @functools.wraps(command)
        def run(**values: Any) -> Any:
            given = {parameter.name: values.pop(parameter.name) for parameter in made}
            return command(_fields(given), **values)

        both = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own + made]
        run.__signature__ = inspect.Signature(both)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in both}
        del run.__wrapped__
        return run

    return decorate


def settings(given: Sequence[str], option: str) -> dict[str, Any]:
    """`NAME=JSON` pairs as a dictionary; a value that is not JSON is a text.

    Raises:
        InvalidField: for a pair without a name or `=`, a name given twice, or a value that begins
            like JSON but is not valid.
    """
    values: dict[str, Any] = {}
    for pair in given:
        name, equals, text = pair.partition("=")
        name = name.strip()
        if not equals or not name:
            raise InvalidField(option, "must look like NAME=JSON, e.g. factor=0.5", pair)
        if name in values:
            raise InvalidField(option, f"must name {name} only once", pair)
        values[name] = _value(option, name, text)
    return values


def _value(option: str, name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        if text.lstrip()[:1] in ("[", "{", '"'):
            problem = f"must give {name} a JSON value (a list looks like [15, 25])"
            raise InvalidField(option, problem, text) from None
        return text


def _parameters(knob: Knob) -> list[inspect.Parameter]:
    if knob.name in SETTINGS:
        option = typer.Option(
            None, SETTINGS[knob.name], metavar="NAME=JSON",
            help=f"{knob.help} Repeatable, e.g. factor=0.5.",
        )
        return [_parameter(knob.name, list[str] | None, option)]
    if knob.name == STOPPING:
        parts = sorted(EarlyStopping.knobs(), key=lambda part: part.name != "patience")
        return [
            _option(part, "early-stopping" if part.name == "patience" else
                    f"early-stopping-{_dashed(part.name)}")
            for part in parts
        ]
    return [_option(knob, _dashed(knob.name))]


def _option(knob: Knob, name: str) -> inspect.Parameter:
    kind = TYPES[knob.kind]
    flag = f"--{name}/--no-{name}" if kind is bool else f"--{name}"
    stops = name.startswith("early-stopping")
    default = "off" if name == "early-stopping" else _shown(knob.default)
    parts = (
        "Stop early." if name == "early-stopping" else "", knob.help, _allowed(knob),
        f"Unit: {knob.unit}." if knob.unit else "", f"Default: {default}." if default else "",
    )
    option = typer.Option(
        None, flag, help=" ".join(filter(None, parts)), metavar="|".join(knob.choices) or None
    )
    return _parameter(f"{STOPPING}__{knob.name}" if stops else knob.name, kind | None, option)


def _shown(default: Any) -> str:
    if default is None:
        return ""
    if isinstance(default, bool):
        return "on" if default else "off"
    return f"{default:g}" if isinstance(default, float) else str(default)


def _allowed(knob: Knob) -> str:
    if knob.name in KNOWN:
        return f"One of: {', '.join(KNOWN[knob.name])}."
    if knob.low is None or knob.high is None:
        return ""
    low = f"above {knob.low:,.10g}" if knob.low_open else f"from {knob.low:,.10g}"
    high = f"below {knob.high:,.10g}" if knob.high_open else f"to {knob.high:,.10g}"
    return f"Allowed: {low} {high}."


def _parameter(name: str, annotation: Any, option: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=option, annotation=annotation
    )


def _fields(given: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    stopping: dict[str, Any] = {}
    for name, value in given.items():
        if value is None or value == []:
            continue
        if name in SETTINGS:
            fields[name] = settings(value, SETTINGS[name])
        elif name.startswith(f"{STOPPING}__"):
            stopping[name.removeprefix(f"{STOPPING}__")] = value
        else:
            fields[name] = value
    return {**fields, STOPPING: stopping} if stopping else fields


def _dashed(name: str) -> str:
    return name.replace("_", "-")
