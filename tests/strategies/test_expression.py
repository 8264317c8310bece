"""The user's expression: what is listed works, what is not is refused with its place and reason."""

from __future__ import annotations

import doctest
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrdash.core.errors import InvalidField
from lrdash.strategies import expression
from lrdash.strategies.expression import MAX_LENGTH, Expression, parse

NAMES = ("epoch", "lr")


def read(text: str) -> Expression:
    return parse(text, field="rate", names=NAMES)


def refusal(text: str) -> str:
    with pytest.raises(InvalidField) as fault:
        read(text)
    return str(fault.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("lr * 0.1 if epoch == 10 else lr", 0.02),
        ("2 + 3 * 4 - 6 / 4", 12.5),
        ("7 // 2 + 7% 4", 6.0),
        ("-2 ** 2 + +1", -3.0),
        ("5 < epoch <= 10", 1.0),
        ("5 < epoch < 10 < 1 / 0", 0.0),
        ("(epoch > 3) * lr", 0.2),
        ("epoch == 3 or lr", 0.2),
        ("epoch != 10 and lr", 0.0),
        ("not epoch", 0.0),
        ("not 0 and 4", 4.0),
        ("min(3, lr, 1) + max(1, 2)", 2.2),
        ("abs(-3) + exp(0) + log(e) + log(8, 2)", 8.0),
        ("sqrt(16) + sin(0) + cos(0) + floor(2.7) + ceil(2.1) + pow(2, 3)", 18.0),
        ("cos(pi)", -1.0),
        ("1_000 + 0x10 + 1e1", 1026.0),
        ("  lr\n + 1\t", 1.2),
    ],
)
def test_what_is_listed_computes_as_in_python(text: str, value: float) -> None:
    result = read(text).evaluate(epoch=10, lr=0.2)

    assert type(result) is float
    assert result == pytest.approx(value, abs=1e-15)


HOSTILE = {
    "__import__('os').system('ls')": (12, "this character has no meaning here, got \"'\""),
    "os": (1, "names are epoch, lr, got 'os'"),
    "lr + os": (6, "names are epoch, lr, got 'os'"),
    "__builtins__": (1, "names are epoch, lr, got '__builtins__'"),
    "lr.__class__": (1, "names have no parts, got 'lr.__class__'"),
    "lr.real": (1, "names have no parts"),
    "exp.__globals__": (1, "names have no parts"),
    "open(lr)": (1, "functions are min, max, abs"),
    "__import__(lr)": (1, "functions are min"),
    "eval(lr)": (1, "functions are min"),
    "lr.as_integer_ratio()": (1, "functions are min"),
    "exp(1)(2)": (1, "functions are min"),
    "(lambda: 1)()": (8, "this character has no meaning here, got ':'"),
    "[x for x in lr]": (1, "this character has no meaning here, got '['"),
    "max(x for x in lr)": (1, "max takes at least 2 arguments"),
    "max(1, (x for x in lr))": (8, "only numbers"),
    "{1: 2}": (1, "this character has no meaning here, got '{'"),
    "'lr'": (1, "this character has no meaning here"),
    'f"{lr}"': (2, "this character has no meaning here"),
    "(lr := 3)": (5, "this character has no meaning here, got ':'"),
    "lr = 3": (4, "invalid syntax"),
    "min(*lr, 1)": (5, "only numbers"),
    "pow(2, exp=3)": (12, "arguments have no names here"),
    "max(**lr, key=2)": (7, "arguments have no names here"),
    "lr if epoch": (1, "expected 'else' after 'if' expression"),
    "(yield lr)": (2, "only numbers"),
    "await lr": (1, "only numbers"),
    "lr, epoch": (1, "only numbers"),
    "lr is lr": (1, "only numbers"),
    "1 in lr": (1, "only numbers"),
    "~lr": (1, "this character has no meaning here"),
    "1 << 9": (1, "only numbers"),
    "...": (1, "only plain numbers are allowed"),
    "1j": (1, "only plain numbers are allowed"),
    "True": (1, "only plain numbers are allowed"),
    "None": (1, "only plain numbers are allowed"),
    "1e999": (1, "the number is too large"),
    "9" * 400: (1, "the number is too large"),
    "exp + 1": (1, "a function needs its arguments, as in exp(...)"),
    "exp()": (1, "exp takes 1 argument"),
    "log(1, 2, 3)": (1, "log takes 1 to 2 arguments"),
    "\uff45\uff58\uff50(1)": (1, "this character has no meaning here"),
    "l\u0501": (2, "this character has no meaning here"),
    "lr \u2212 1": (4, "this character has no meaning here"),
    "lr\x00": (3, "this character has no meaning here"),
    "lr # note": (4, "this character has no meaning here"),
    "lr; epoch": (3, "this character has no meaning here"),
    "lr\\\n": (3, "this character has no meaning here"),
    "(" * 300 + "1" + ")" * 150: (0, "too many nested parentheses"),
    "(lr": (1, "'(' was never closed"),
    "lr * ": (5, "something is missing here"),
    "-" * 400 + "1": (52, "at most 50 nested operations"),
    "not " * 120 + "1": (205, "at most 50 nested operations"),
    "+".join("1" * 240): (0, "at most 50 nested operations"),
    "max(" + ",".join("1" * 240) + ")": (0, "at most 200 numbers, names and operations"),
}


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:24]))
def test_what_is_not_listed_is_refused_with_place_and_reason(text: str) -> None:
    column, reason = HOSTILE[text]
    message = refusal(text)

    assert message.startswith("rate is not allowed at column ")
    assert reason in message
    assert not column or f"column {column}:" in message


def test_parentheses_alone_may_nest_as_far_as_python_reads() -> None:
    assert read("(" * 150 + "1" + ")" * 150).evaluate() == 1.0


def test_too_long_a_text_is_not_even_read() -> None:
    assert refusal("1" * (MAX_LENGTH + 1)) == "rate must have at most 500 characters, got 501."


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_text_is_refused(text: str) -> None:
    assert refusal(text).startswith("rate must be an expression such as lr * 0.5, got ")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1 / epoch", "cannot be computed where epoch = 0: division by zero at column 5"),
        ("lr % epoch", "computed where epoch = 0, lr = 0.5: division by zero at column 6"),
        ("1 // 0", "cannot be computed: division by zero at column 6"),
        ("0 ** -1", "cannot be computed: division by zero at column 6"),
        ("9 ** 9 ** 9 ** 9", "cannot be computed: the number is too large at column 11"),
        ("1e308 * 10", "cannot be computed: the number is too large at column 9"),
        ("exp(1000)", "cannot be computed: the number is too large at column 1"),
        ("log(epoch)", "computed where epoch = 0: log is not defined for 0 at column 1"),
        ("sqrt(-lr)", "computed where lr = 0.5: sqrt is not defined for -0.5 at column 1"),
        ("pow(0, -1)", "cannot be computed: pow is not defined for 0, -1 at column 1"),
        ("(-1) ** 0.5", "a negative number has no fractional power at column 9"),
        ("log(2, 1)", "cannot be computed: division by zero at column 1"),
    ],
)
def test_what_cannot_be_computed_is_explained(text: str, problem: str) -> None:
    with pytest.raises(InvalidField) as fault:
        read(text).evaluate(epoch=0, lr=0.5)

    assert problem in str(fault.value)


def test_python_source_has_the_same_value_with_whole_epochs() -> None:
    text = "lr * 10 ** 17 + 1 - epoch // 3 if not epoch == 4 else floor(lr)"
    source = read(text).python

    assert "10.0 ** 17.0" in source
    for epoch in range(8):
        value = eval(source, {"floor": math.floor, "epoch": epoch, "lr": 0.1})
        assert value == read(text).evaluate(epoch=epoch, lr=0.1)


WORDS = [
    "epoch", "lr", "exp(", "min(", "pow(", "log(", "(", ")", ",", "+", "-", "*", "/", "//", "%",
    "**", "<", "==", " if ", " else ", " and ", " or ", " not ", "0", "9", "1e300", ".", "2.5", "e",
    "_", " in ", " is ", " for ", " lambda ", "=", " ",
]


@given(
    st.one_of(
        st.text(max_size=600),
        st.lists(st.sampled_from(WORDS), max_size=30).map("".join),
        st.text(alphabet="()-+*/ .,0129elr_<>=%", max_size=60),
    ),
    st.integers(0, 10_000),
    st.floats(0, 1000),
)
def test_any_text_gives_a_finite_number_or_a_clear_message(
    text: str, epoch: int, lr: float
) -> None:
    message, value = "rate ", 0.0
    try:
        value = read(text).evaluate(epoch=epoch, lr=lr)
    except InvalidField as fault:
        message = str(fault)

    assert message.startswith("rate ")
    assert math.isfinite(value)


@pytest.mark.parametrize("fault", [RecursionError, MemoryError])
def test_a_text_that_overflows_the_parser_is_refused(
    monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    def overflow(*args: object, **kwargs: object) -> None:
        raise fault

    monkeypatch.setattr(expression.ast, "parse", overflow)

    assert refusal("1 + 1") == "rate is nested too deep to be read, got '1 + 1'."


def test_the_example_in_the_documentation_holds() -> None:
    assert doctest.testmod(expression).failed == 0
