"""A user's expression, evaluated by a whitelist: what is not listed here does not exist.

The text is parsed by Python's own parser but never compiled or executed. There are three gates, one
after the other: characters, the kinds of the parsed parts, and each result. Every number is a
float, so that no power can grow without end; length, depth and size are bounded, so that reading
and evaluating take microseconds.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lrdash.core.errors import InvalidField

MAX_LENGTH = 500  # characters
MAX_NODES = 200  # numbers, names, operations and calls
MAX_DEPTH = 50  # operations inside one another

Names = Mapping[str, float]
Value = Callable[[Names], float]

_OPERATIONS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
    ast.Pow: operator.pow, ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}
_FUNCTIONS: dict[str, tuple[Callable[..., float], int, int]] = {  # with fewest and most arguments
    "min": (min, 2, MAX_LENGTH), "max": (max, 2, MAX_LENGTH), "abs": (abs, 1, 1),
    "exp": (math.exp, 1, 1), "log": (math.log, 1, 2), "sqrt": (math.sqrt, 1, 1),
    "sin": (math.sin, 1, 1), "cos": (math.cos, 1, 1), "floor": (math.floor, 1, 1),
    "ceil": (math.ceil, 1, 1), "pow": (math.pow, 2, 2),
}
_CONSTANTS = {"pi": math.pi, "e": math.e}
_STRANGE = re.compile(r"[^A-Za-z0-9_.,()+\-*/%<>=!\s]")

FUNCTIONS = tuple(_FUNCTIONS)
CONSTANTS = tuple(_CONSTANTS)


@dataclass(frozen=True, kw_only=True)
class Expression:
    """An expression that passed the whitelist.

    Example:
        >>> half = parse("lr / 2 if epoch > 3 else lr", field="rate", names=("epoch", "lr"))
        >>> half.evaluate(epoch=4, lr=0.1)
        0.05
    """

    text: str  # as written
    field: str  # its name in messages
    used: frozenset[str]  # names, constants and functions that occur in it
    python: str  # the same as Python source, whole numbers written as floats
    value: Value

    def evaluate(self, **names: float) -> float:
        """The value, always finite; true counts as 1, false as 0.

        Args:
            names: a number for each name that the expression was given.

        Raises:
            InvalidField: if it cannot be computed for these numbers: says where and why.
        """
        numbers = {name: float(number) for name, number in names.items()}
        try:
            return self.value(numbers)
        except _ComputeError as fault:
            known = ", ".join(f"{n} = {v:.10g}" for n, v in numbers.items() if n in self.used)
            where = f" where {known}" if known else ""
            problem = f"cannot be computed{where}: {fault.reason} at column {fault.column}"
            raise InvalidField(self.field, problem, self.text) from None


def parse(text: str, *, field: str, names: tuple[str, ...]) -> Expression:
    """Read an expression.

    Args:
        text: what the user wrote, at most 500 characters.
        field: its name in messages, e.g. `custom.expression`.
        names: the names that it may use beside the constants pi and e.

    Raises:
        InvalidField: for anything outside the whitelist: says at which column and why.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidField(field, f"must have at most {MAX_LENGTH} characters", len(text))
    strange = _STRANGE.search(text)
    if strange:
        problem = _place(strange.start(), "this character has no meaning here")
        raise InvalidField(field, problem, strange.group())
    flat = re.sub(r"\s", " ", text)
    body = flat.lstrip()
    if not body:
        raise InvalidField(field, "must be an expression such as lr * 0.5", text)
    indent = len(flat) - len(body)
    try:
        tree = ast.parse(body, mode="eval").body
    except SyntaxError as fault:
        end = len(body.rstrip())
        column = fault.offset - 1 if fault.offset else end  # 0: the text ends too early
        reason = fault.msg.partition(".")[0] if column < end else "something is missing here"
        problem = _place(indent + column, reason)
        raise InvalidField(field, problem, text) from None
    except (RecursionError, MemoryError):
        raise InvalidField(field, "is nested too deep to be read", text) from None
    reader = _Reader(flat, indent, field, names)
    value = reader.read(tree, 0)
    return Expression(
        text=text, field=field, used=frozenset(reader.used), value=value,
        python=ast.unparse(_Floats().visit(tree)),
    )


class _ComputeError(Exception):
    """A part cannot be computed for the given numbers."""

    def __init__(self, column: int, reason: str) -> None:
        self.column, self.reason = column, reason
        super().__init__(reason)


class _Floats(ast.NodeTransformer):
    """Writes whole numbers as floats, so that Python computes what the evaluator computes."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        """The number as a float."""
        return ast.Constant(_number(node.value))


class _Reader:
    """Turns parsed parts into functions of the names; counts them and notes what they use."""

    def __init__(self, text: str, indent: int, field: str, names: tuple[str, ...]) -> None:
        self.text, self.indent, self.field, self.names = text, indent, field, names
        self.used: set[str] = set()
        self.nodes = 0

    def read(self, node: ast.expr, depth: int) -> Value:
        """The function of one part, of its parts in turn."""
        self.nodes += 1
        if depth > MAX_DEPTH:
            raise self.refusal(node, f"at most {MAX_DEPTH} nested operations")
        if self.nodes > MAX_NODES:
            raise self.refusal(node, f"at most {MAX_NODES} numbers, names and operations")
        match node:
            case ast.Constant():
                return self.constant(node)
            case ast.Name():
                return self.name(node)
            case ast.UnaryOp() if type(node.op) in _OPERATIONS:
                return self.operation(node, _OPERATIONS[type(node.op)], [node.operand], depth)
            case ast.BinOp() if type(node.op) in _OPERATIONS:
                parts = [node.left, node.right]
                return self.operation(node.right, _OPERATIONS[type(node.op)], parts, depth)
            case ast.Compare() if all(type(op) in _COMPARISONS for op in node.ops):
                return self.comparison(node, depth)
            case ast.BoolOp():
                return self.logic(node, depth)
            case ast.IfExp():
                return self.choice(node, depth)
            case ast.Call():
                return self.call(node, depth)
            case ast.Attribute():
                raise self.refusal(node, "names have no parts")
        allowed = "only numbers, names, arithmetic, comparisons, conditions and listed functions"
        raise self.refusal(node, f"{allowed} are allowed")

    def constant(self, node: ast.Constant) -> Value:
        """A number."""
        number = _number(node.value)
        if number is None:
            raise self.refusal(node, "only plain numbers are allowed")
        if not math.isfinite(number):
            raise self.refusal(node, "the number is too large")
        return lambda _: number

    def name(self, node: ast.Name) -> Value:
        """One of the given names, or a constant."""
        name = node.id
        self.used.add(name)
        if name in self.names:
            return lambda names: names[name]
        if name in _CONSTANTS:
            constant = _CONSTANTS[name]
            return lambda _: constant
        if name in _FUNCTIONS:
            raise self.refusal(node, f"a function needs its arguments, as in {name}(...)")
        raise self.refusal(node, f"names are {', '.join(self.names)}")

    def operation(
        self, place: ast.expr, run: Callable[..., float], parts: list[ast.expr], depth: int
    ) -> Value:
        """Arithmetic, or a function of its arguments; `place` is where a fault is shown."""
        values = [self.read(part, depth + 1) for part in parts]
        column = self.column(place)

        def value(names: Names) -> float:
            return _apply(run, [part(names) for part in values], column)

        return value

    def comparison(self, node: ast.Compare, depth: int) -> Value:
        """A chain of comparisons: 1 if all hold, else 0."""
        values = [self.read(part, depth + 1) for part in [node.left, *node.comparators]]
        tests = [_COMPARISONS[type(op)] for op in node.ops]

        def value(names: Names) -> float:
            left = values[0](names)
            for test, part in zip(tests, values[1:], strict=True):
                right = part(names)
                if not test(left, right):
                    return 0.0
                left = right
            return 1.0

        return value

    def logic(self, node: ast.BoolOp, depth: int) -> Value:
        """`and` or `or`: as in Python the value of the part that decides."""
        values = [self.read(part, depth + 1) for part in node.values]
        until_false = isinstance(node.op, ast.And)

        def value(names: Names) -> float:
            result = 0.0
            for part in values:
                result = part(names)
                if bool(result) != until_false:
                    break
            return result

        return value

    def choice(self, node: ast.IfExp, depth: int) -> Value:
        """`a if condition else b`."""
        parts = (node.test, node.body, node.orelse)
        test, yes, no = (self.read(part, depth + 1) for part in parts)
        return lambda names: yes(names) if test(names) else no(names)

    def call(self, node: ast.Call, depth: int) -> Value:
        """A listed function with the right number of plain arguments."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in _FUNCTIONS:
            raise self.refusal(node.func, f"functions are {', '.join(FUNCTIONS)}")
        if node.keywords:
            raise self.refusal(node.keywords[0].value, "arguments have no names here")
        run, fewest, most = _FUNCTIONS[name]
        if not fewest <= len(node.args) <= most:
            wanted = f"at least {fewest}" if most == MAX_LENGTH else f"{fewest} to {most}"
            count = str(fewest) if fewest == most else wanted
            raise self.refusal(node, f"{name} takes {count} argument{'s' * (count != '1')}")
        self.used.add(name)
        return self.operation(node, run, node.args, depth)

    def column(self, node: ast.expr) -> int:
        """Where the part starts, from 1."""
        return self.indent + node.col_offset + 1

    def refusal(self, node: ast.expr, reason: str) -> InvalidField:
        """The error that shows the part and says why it is not allowed there."""
        start, end = self.column(node) - 1, self.indent + (node.end_col_offset or 0)
        return InvalidField(self.field, _place(start, reason), self.text[start:end])


def _number(constant: object) -> float | None:
    """A literal as a float, infinite if too large; None where it is no plain number."""
    if isinstance(constant, bool) or not isinstance(constant, int | float):
        return None
    try:
        return float(constant)
    except OverflowError:
        return math.inf


def _apply(run: Callable[..., float], values: list[float], column: int) -> float:
    """One operation on finite numbers; raises _ComputeError unless it gives a finite number."""
    try:
        result = run(*values)
    except ZeroDivisionError:
        raise _ComputeError(column, "division by zero") from None
    except OverflowError:
        raise _ComputeError(column, "the number is too large") from None
    except ValueError:
        shown = ", ".join(f"{v:.10g}" for v in values)
        name = run.__name__.strip("_")
        raise _ComputeError(column, f"{name} is not defined for {shown}") from None
    if isinstance(result, complex):
        raise _ComputeError(column, "a negative number has no fractional power")
    if not math.isfinite(result):
        raise _ComputeError(column, "the number is too large")
    return float(result)


def _place(start: int, reason: str) -> str:
    return f"is not allowed at column {start + 1}: {reason}"
