"""Words that no text and no name of the project uses: interface, messages, docs, comments, tests.

Each has something better to say in its place. Texts are read as their reader sees them, so a phrase
is found across the line ends of the code.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import ROOT

WORDS = {  # in texts: a pattern, and what to say instead
    r"tells?|told|telling": "shows, reports, says, warns; distinguish; asked",
    r"mend(s|ed|ing)?": "fix",
    r"anew": "again, from scratch",
    r"bears?|bore|borne|bearing": "tolerates, allows, supports",
    r"bury|buries|buried|burying": "hide, delete",
    r"disown(s|ed)?": "reject, drop",
    r"ow(e|es|ed|ing)": "is due to, comes from",
    r"(go|goes|going|went|gone) on(?! [A-Z])": "continue, resume",
    r"(stand|stands|stood|standing) in": "is in, replaces",
    r"stand-ins?": "placeholder",
    r"by itself": "alone, automatically",
    r"one (can|could|expects|has|knows|looks|meets|needs|sees|wants)": "you, or name who",
    r"whom": "who, or name them",
    r"by heart": "overfits, memorizes",
    r"all bounds": "diverges",
    r"(in|the) truth": "the actual value; for real",
    r"the hand|the wheel": "by hand, steering",
    r"trainers?": "worker",
    r"(runs?|seeds?) (are|is|was|were) lost|lost runs?|(runs?|seeds?) lost": "diverged or failed",
    r"twigs?": "branch",
    r"looking back": "hindsight",
    r"hold(s|ing)? [\w ]{1,30} against|held against": "compare with",
    r"(are|is|was|were) said": "reported, shown",
    r"vaults?|keepers?": "checkpoint folder, writer",
}
PERCENT = re.compile(r"[\d}] %(?![ad-z(\d{%])")  # "63 %", but no "5 % 3" and no "%d"
NAMES = {  # in code: a part of a name, and what to call it instead
    "told": "message, sentence, shown, known", "telling": "reporting", "tell": "report, show",
    "vault": "checkpoints, folder", "keeper": "writer", "wheel": "commands",
    "elsewhere": "external", "twig": "branch", "mend": "fix", "mended": "fixed", "anew": "again",
    "truth": "actual", "whom": "who", "beam": "hindsight", "disown": "drop",
}
ALLOWED = {"beam": "hindsight"}  # in files of this name: the width of the beam search
TEXT = (".md", ".js", ".html", ".css")
QUOTED = re.compile(r"`[^`\n]*`")


class Fault(NamedTuple):
    """A word that is not to be used."""

    path: str
    line: int
    word: str
    better: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.word!r}: {self.better}"


def python_files() -> list[Path]:
    """All of the package, the pages and the tests, but this one."""
    folders = ("lrdash", "pages", "tests")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted({*found, ROOT / "app.py"} - {Path(__file__)})


def text_files() -> list[Path]:
    """The pages of the docs, and what the browser is given."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("lrdash/**/*")]
    return sorted(path for path in found if path.suffix in TEXT)


def strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Texts of two words or more, values that are put into them shown as `{}`."""
    inside: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inside |= set(node.values)
            parts = (str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values)
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inside:
            yield node.lineno, node.value


def comments(source: str) -> Iterator[tuple[int, str]]:
    """Comments; those of lines that follow one another are one text."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    found = [(t.start[0], t.string.lstrip("#")) for t in tokens if t.type == tokenize.COMMENT]
    first, text = 0, ""
    for (line, comment), (following, _) in pairwise([*found, (0, "")]):
        first, text = (first, f"{text}\n{comment}") if text else (line, comment)
        if following != line + 1:
            yield first, text
            text = ""


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """What a file calls its own things: functions, classes, arguments, variables, modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id


def wrong_words(text: str) -> Iterator[tuple[int, str, str]]:
    """Line of the text, from 0, the word, and what to say instead."""
    for pattern, better in WORDS.items():
        spaced = pattern.replace(" ", r"\s+")
        for hit in re.finditer(rf"(?<![\w-])({spaced})(?![\w(]|\.\w)", text, re.IGNORECASE):
            yield _line(text, hit), " ".join(hit.group().split()), better
    for hit in PERCENT.finditer(text):
        yield _line(text, hit), hit.group(), "no space before the sign"


def _line(text: str, hit: re.Match[str]) -> int:
    return text.count("\n", 0, hit.start())


def in_python(path: Path, root: Path = ROOT) -> Iterator[Fault]:
    """What is wrong in texts, comments and names of a file."""
    source, where = path.read_text(encoding="utf-8"), str(path.relative_to(root))
    tree = ast.parse(source)
    texts = [(line, text) for line, text in strings(tree) if len(text.split()) > 1]
    for line, text in (*texts, *comments(source)):
        for more, word, better in wrong_words(QUOTED.sub("", text)):
            yield Fault(where, line + more, word, better)
    for line, name in (*names(tree), (1, path.stem)):
        for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name):
            word = part.lower()
            if word in NAMES and ALLOWED.get(word, "\0") not in where:
                yield Fault(where, line, name, NAMES[word])


def in_text(path: Path) -> Iterator[Fault]:
    """What is wrong in a page of the docs, in a script or in a style sheet."""
    text = path.read_text(encoding="utf-8")
    if path.name == "CHANGELOG.md":  # what was released keeps its words
        text = "## [".join(text.split("## [")[:2])
    for line, word, better in wrong_words(QUOTED.sub("", text)):
        yield Fault(str(path.relative_to(ROOT)), line + 1, word, better)


def faults() -> Iterator[Fault]:
    """All of them."""
    for path in python_files():
        yield from in_python(path)
    for path in text_files():
        yield from in_text(path)


def listing(found: Iterable[Fault]) -> str:
    """One a line."""
    return "\n".join(str(fault) for fault in sorted(set(found)))


def test_texts_and_names_use_the_words_of_the_field() -> None:
    found = listing(faults())
    assert not found, f"words to replace:\n{found}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The rate goes\non.", ["goes on"]),
        ("63 % of them", ["3 %"]),
        ("It is 63%, tellingly untold.", []),
        ("A run was lost; no key is lost.", ["run was lost"]),
        ("It goes on CPU.", []),
    ],
)
def test_a_phrase_is_found_across_lines_and_no_other_word(text: str, words: list[str]) -> None:
    assert [word for _, word, _ in wrong_words(text)] == words


def test_a_fault_names_file_line_and_what_to_say(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text('told = f"it {told} goes"  # This\n# goes on.\n', encoding="utf-8")
    found = sorted(in_python(path, tmp_path))
    assert listing(found) == (
        "a.py:1: 'told': message, sentence, shown, known\n"
        "a.py:2: 'goes on': continue, resume"
    )
