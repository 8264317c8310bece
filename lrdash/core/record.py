"""Records: frozen, validated values that are read from a form, a file or the database.

A record's fields carry what a form needs (label, help, unit, bounds, step, choices), so that
widgets, the command line, the documentation and the messages about a wrong value come from one
place.
"""

from __future__ import annotations

import hashlib
import json
import types
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal, Self, Union, get_args, get_origin

import pydantic
from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from lrdash.core.errors import InvalidField, nearest


def field(
    default: Any,
    *,
    label: str,
    help: str,
    unit: str = "",
    step: float | None = None,
    **bounds: Any,
) -> Any:
    """A record's field with what a form shows.

    Args:
        default: value if none is given; `...` for a required field.
        label: short name in sentence case.
        help: what it does (for a rate: to the curve), one or two sentences.
        unit: unit shown behind the label, e.g. `epochs`.
        step: increment of the widget.
        bounds: pydantic's ge, gt, le, lt, min_length, max_length.
    """
    extra: dict[str, Any] = {"unit": unit, "step": step}
    return pydantic.Field(
        default, title=label, description=help, json_schema_extra=extra, **bounds
    )


@dataclass(frozen=True, kw_only=True)
class Knob:
    """One field of a record, as a form draws it."""

    name: str
    label: str
    help: str
    unit: str
    kind: Literal["number", "integer", "switch", "choice", "text", "list", "other"]
    default: Any
    optional: bool  # None is allowed
    low: float | None  # lowest value allowed; see `low_open`
    high: float | None
    low_open: bool  # the lowest value itself is excluded
    high_open: bool
    step: float | None
    choices: tuple[str, ...]


class Record(BaseModel):
    """Base of frozen values that are read from a form, a file, the command line or the database.

    Raises:
        InvalidField: at construction, for the first field that is wrong, unknown or missing.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=False
    )
    prefix: ClassVar[str] = ""  # before field names in messages; of an entry its id: `cosine.`

    @classmethod
    def __pydantic_init_subclass__(cls, **_options: Any) -> None:
        if "id" in vars(cls) and "prefix" not in vars(cls):
            cls.prefix = f"{vars(cls)['id']}."

    def __init__(self, /, **values: Any) -> None:  # a setting may be named "self"
        try:
            super().__init__(**values)
        except pydantic.ValidationError as fault:
            raise _explain(type(self), fault) from None

    @classmethod
    def knobs(cls) -> tuple[Knob, ...]:
        """The fields in their order, as a form draws them."""
        return _knobs(cls)

    def as_dict(self) -> dict[str, Any]:
        """The values as JSON types (tuples become lists)."""
        return self.model_dump(mode="json")

    def replace(self, **changes: Any) -> Self:
        """A copy with some values changed, validated again."""
        return type(self)(**{**self.as_dict(), **changes})


class PartFault(ValueError):
    """What a validator raises if one part of a value is wrong.

    Args:
        problem: what is allowed, as a phrase that follows the field's name.
        given: the part, which the message shows in place of the whole value.
    """

    def __init__(self, problem: str, given: object) -> None:
        self.given = given
        super().__init__(problem)


def several(
    value: Any, check: pydantic.ValidatorFunctionWrapHandler, most: int, what: str, *,
    twice: bool = False,
) -> tuple[Any, ...]:
    """What a wrap validator of a list gives: 1 to `most` values.

    Args:
        what: the values in words.
        twice: whether equal ones are allowed.

    Raises:
        ValueError: for anything else.
    """
    try:
        values: tuple[Any, ...] = check(value)
    except pydantic.ValidationError:
        values = ()
    if not 1 <= len(values) <= most or not (twice or len(set(values)) == len(values)):
        raise ValueError(f"must be a list of 1 to {most} {what}")
    return values


class Definition(Record):
    """A record that is kept as text: in the database, in a file.

    Raises:
        InvalidField: at construction, as `Record`.
    """

    kept_as: ClassVar[str]  # what it is, in messages

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no white space. `from_json` gives an equal value back."""
        return canonical(self.as_dict())

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The value of a JSON object.

        Raises:
            InvalidField: if the text is no JSON object or a field is wrong.
        """
        return cls(**json_object(cls.kept_as, text))


def canonical(values: object) -> str:
    """JSON in one form only: sorted keys, no white space."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_of(text: str) -> str:
    """Stable hash of a text, 16 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def json_object(name: str, text: str, problem: str = "must be a JSON object") -> dict[str, Any]:
    """The object that a text holds.

    Args:
        name: of the field, for the message.
        problem: the message if it holds none.

    Raises:
        InvalidField: if the text is no JSON object.
    """
    try:
        values = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise InvalidField(name, problem, text)
    return values


@cache  # forms and tables ask for each run
def _knobs(record: type[Record]) -> tuple[Knob, ...]:
    return tuple(_knob(name, info) for name, info in record.model_fields.items())


def _knob(name: str, info: FieldInfo) -> Knob:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    (low, low_open), (high, high_open) = _bound(info, "ge", "gt"), _bound(info, "le", "lt")
    kind, choices, optional = _kind(info.annotation)
    return Knob(
        name=name, label=info.title or name, help=info.description or "",
        unit=str(extra.get("unit") or ""), kind=kind,
        default=info.get_default(call_default_factory=False), optional=optional,
        low=low, high=high, low_open=low_open, high_open=high_open,
        step=extra.get("step"),  # type: ignore[arg-type]
        choices=choices,
    )


def _kind(annotation: Any) -> tuple[Any, tuple[str, ...], bool]:
    optional = False
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [a for a in get_args(annotation) if a is not type(None)]
        optional = len(inner) < len(get_args(annotation))
        annotation = inner[0]
    if get_origin(annotation) is Literal:
        return "choice", tuple(str(a) for a in get_args(annotation)), optional
    simple = {bool: "switch", int: "integer", float: "number", str: "text"}.get(annotation)
    if simple is None:
        simple = "list" if get_origin(annotation) in (tuple, list) else "other"
    return simple, (), optional


def _limit(info: FieldInfo, name: str) -> Any:
    """A limit of a field by its name in pydantic, e.g. `ge`; None where it has none."""
    return next((getattr(one, name) for one in info.metadata if hasattr(one, name)), None)


def _bound(info: FieldInfo, closed: str, opened: str) -> tuple[float | None, bool]:
    """The lowest or highest value, and whether that itself is excluded."""
    within, beyond = _limit(info, closed), _limit(info, opened)
    limit = within if beyond is None else beyond
    return None if limit is None else float(limit), beyond is not None


def _lengths(info: FieldInfo) -> str:
    """How many entries a list may have, e.g. `1 to 100 `; empty where it has no limits."""
    least, most = _limit(info, "min_length"), _limit(info, "max_length")
    return f"{least} to {most} " if least and most else ""


def _explain(cls: type[Record], fault: pydantic.ValidationError) -> InvalidField:
    """The first fault in a user's words: field, what is allowed, what was given."""
    error = fault.errors(include_url=False)[0]
    parts = (part for part in error["loc"] if isinstance(part, str) and part != "[key]")
    name = ".".join(parts) or "value"
    top = str(error["loc"][0]) if error["loc"] else ""
    given, kind = error["input"], error["type"]
    if kind == "extra_forbidden":
        near, known = nearest(name, cls.model_fields), ", ".join(cls.model_fields) or "none"
        offer = f"did you mean {near!r}? " if near else ""
        problem = f"is not a setting ({offer}known: {known})"
        return InvalidField(f"{cls.prefix}{name}", problem, given)
    if kind == "missing":
        return InvalidField(f"{cls.prefix}{name}", "must be given", None)
    if kind == "value_error":
        cause = error["ctx"]["error"]
        part = cause.given if isinstance(cause, PartFault) else given
        return InvalidField(f"{cls.prefix}{name}", str(cause), part)
    if top in cls.model_fields:
        return InvalidField(f"{cls.prefix}{name}", _allowed(cls.model_fields[top], error), given)
    return InvalidField(f"{cls.prefix}{name}", f"is not allowed ({error['msg']})", given)


def _allowed(info: FieldInfo, error: Any) -> str:
    knob = _knob("", info)
    none = " or empty" if knob.optional else ""
    if knob.kind == "choice":
        return f"must be one of {', '.join(knob.choices)}{none}"
    if knob.kind == "switch":
        return f"must be true or false{none}"
    if knob.kind == "text":
        limit = error.get("ctx", {}).get("max_length")
        return f"must have at most {limit} characters" if limit else "must be a text"
    if knob.kind == "list":
        return f"must be a list of {_lengths(info)}numbers{none}"
    if knob.kind == "other":
        return f"must map names of settings to values{none}"
    noun = "a whole number" if knob.kind == "integer" else "a number"
    low, high = (f"{b:,.10g}" if b is not None else "" for b in (knob.low, knob.high))
    if low and high and not (knob.low_open or knob.high_open):
        span = f" between {low} and {high}"
    else:
        parts = []
        if low:
            parts.append(f"above {low}" if knob.low_open else f"at least {low}")
        if high:
            parts.append(f"below {high}" if knob.high_open else f"at most {high}")
        span = f" {' and '.join(parts)}" if parts else ""
    plain = error["type"].startswith(("greater", "less"))
    return f"must be{span}{none}" if plain and span else f"must be {noun}{span}{none}"
