"""Which room may import which, what stays out of the server, and what the docs must name."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import lrdash
from tests import ROOT

HEAVY = ("tensorflow", "keras", "sklearn")


@dataclass(frozen=True)
class Room:
    """A row of the table in docs/architecture.md."""

    layer: int  # may import rooms of lower numbers
    libraries: frozenset[str]  # from elsewhere, the standard library apart
    lazily: frozenset[str]  # libraries that may be imported inside functions only


def table() -> dict[str, Room]:
    """The rooms by name."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (`.+`) \| .+ \| (.*)\|$", text, flags=re.MULTILINE)
    found = {}
    for layer, names, libraries in rows:
        always, _, lazily = libraries.partition("(")
        room = Room(
            int(layer), frozenset(always.split()), frozenset(lazily.strip(" )").split())
        )
        found |= dict.fromkeys(re.findall(r"`(\w+)`", names), room)
    return found


ROOMS = table()


@dataclass(frozen=True)
class Import:
    """One imported name; `lazy` if it is not imported together with the file."""

    target: str  # a module of the product, or a library's top-level name
    line: int
    lazy: bool


def files() -> list[Path]:
    """Every file of the product."""
    found = [*ROOT.glob("lrdash/**/*.py"), *ROOT.glob("pages/**/*.py"), ROOT / "app.py"]
    return sorted(path for path in found if path.is_file())


def dotted(path: Path) -> str:
    """The name under which a file is imported; lrdash/__init__.py keeps its own."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    if parts[-1] == "__init__" and len(parts) > 2:
        parts.pop()
    return ".".join(parts)


def room(module: str) -> str:
    """The room of a module of the product, by its name in the table."""
    return module.removeprefix("lrdash.").partition(".")[0] if module != "lrdash" else "__init__"


def imports(path: Path) -> Iterator[Import]:
    """All imports of a file but those of the standard library."""
    for node, lazy in _nodes(ast.parse(path.read_text(encoding="utf-8")), lazy=False):
        for module in _modules(node):
            top = module.partition(".")[0]
            target = module if top == "lrdash" else top
            if target not in sys.stdlib_module_names:
                yield Import(target, node.lineno, lazy)


def _nodes(tree: ast.AST, *, lazy: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, lazy
        typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _nodes(node, lazy=lazy or typing_only or function)


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = node.module or ""
    if base.partition(".")[0] != "lrdash":
        return [base]
    names = {alias.name: f"{base}.{alias.name}" for alias in node.names}
    return [full if full in MODULES else base for full in names.values()]


MODULES = {dotted(path) for path in files()} | {"lrdash"}


@pytest.mark.parametrize("path", files(), ids=dotted)
def test_a_file_imports_only_what_its_room_may(path: Path) -> None:
    name = room(dotted(path))
    assert name in ROOMS, f"{path.relative_to(ROOT)} lies in no room of docs/architecture.md"
    own = ROOMS[name]
    faults = []
    for found in imports(path):
        if found.target.partition(".")[0] == "lrdash":
            other = room(found.target)
            allowed = other == name or ROOMS[other].layer < own.layer
        else:
            libraries = own.libraries | (own.lazily if found.lazy else frozenset())
            allowed = found.target in libraries
        if not allowed:
            faults.append(f"{path.relative_to(ROOT)}:{found.line} imports {found.target}")
    assert not faults, f"{name} is in layer {own.layer}, with {sorted(own.libraries | own.lazily)}"


def test_no_files_import_each_other_in_a_circle() -> None:
    assert not circle({
        dotted(path): {found.target for found in imports(path)} & MODULES - {dotted(path)}
        for path in files()
    })


def test_no_folders_of_the_interface_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for path in (ROOT / "lrdash" / "ui").rglob("*.py"):
        own = ui_folder(dotted(path))
        others = {ui_folder(found.target) for found in imports(path)} - {own, ""}
        graph.setdefault(own, set()).update(others)
    assert not circle(graph)


def ui_folder(module: str) -> str:
    """The part of `lrdash.ui` that a module is in; empty for one of another room."""
    inside = module.removeprefix("lrdash.ui.")
    return "" if inside == module else inside.partition(".")[0]


def circle(graph: Mapping[str, Iterable[str]]) -> str:
    """A circle of imports, if there is one."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as fault:
        return " -> ".join(fault.args[1])
    return ""


def test_the_root_of_the_package_holds_rooms_and_little_else() -> None:
    loose = {path.name for path in (ROOT / "lrdash").iterdir() if path.is_file()}
    assert loose == {"__init__.py", "__main__.py", "server.py", "py.typed"}
    rooms = {path.name for path in (ROOT / "lrdash").iterdir() if any(path.glob("*.py"))}
    assert rooms | {"server", "__init__", "__main__", "app", "pages"} == set(ROOMS)


def test_relative_imports_are_not_used() -> None:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in files()}
    assert not [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in trees.items()
        for node, _ in _nodes(tree, lazy=False)
        if isinstance(node, ast.ImportFrom) and node.level
    ]


def test_importing_the_product_leaves_tensorflow_to_the_worker() -> None:
    heavy = ("lrdash.training.", "lrdash.tracking.monitor", "lrdash.jobs.worker")
    modules = [
        "lrdash" if name == "lrdash.__init__" else name
        for name in map(dotted, files())
        if room(name) not in {"__main__", "app", "pages"}
        and not name.startswith(heavy)
    ]
    script = (
        "import importlib, sys\n"
        f"for name in {modules!r}:\n"
        "    importlib.import_module(name)\n"
        f"    found = [heavy for heavy in {HEAVY!r} if heavy in sys.modules]\n"
        "    assert not found, f'importing {name} brings {found}'\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_the_run_time_requirements_are_what_is_imported() -> None:
    imported = {found.target for path in files() for found in imports(path)}
    libraries = {name for row in ROOMS.values() for name in row.libraries | row.lazily}
    named = {
        "sklearn": "scikit-learn", "annotated_types": "annotated-types",
        "mlflow": "mlflow-skinny", "PIL": "pillow",
    }
    needed = {named.get(name, name) for name in imported & libraries}
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    listed = {re.split(r"[\[<>=]", line)[0].lower() for line in lines if not line.startswith("#")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    offered = [line for extra in extras if extra != "dev" for line in extras[extra]]
    optional = {re.split(r"[\[<>=]", line)[0] for line in offered}
    assert needed - optional <= listed
    bounded = re.compile(r"^[\w.-]+(\[\w+\])?>=[\d.]+,<[\d.]+$")
    assert not [line for line in lines if not line.startswith("#") and not bounded.match(line)]


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_pins_every_requirement_and_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([\w.-]+)(?:\[\w+\])?==([\w.]+)", text, flags=re.MULTILINE))
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    for line in lines:
        name = re.split(r"[\[<>=]", line)[0].lower()
        assert line.startswith("#") or name in pinned
    assert "://" not in text
    assert "--find-links" not in text
    assert "--index" not in text


def test_every_setting_of_the_environment_stands_in_the_docs() -> None:
    sources = [*files(), ROOT / "Dockerfile", ROOT / "compose.yaml"]
    used = {
        name
        for path in sources
        for name in re.findall(r"\bLRDASH_[A-Z][A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8"))
    }
    pages = [*ROOT.glob("README.md"), *ROOT.glob("docs/*.md")]
    documented = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    assert not sorted(name for name in used if name not in documented)


def test_the_version_is_the_same_wherever_it_stands() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    assert lrdash.__version__ == version
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f'image.version="{version}"' in dockerfile
    assert f"lrdash:{version}" in (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_no_test_takes_anything_from_another_test() -> None:
    """Builders are in `tests/factories`, fixtures in `conftest.py`; text that a child process
    runs counts too.
    """
    taken = re.compile(r"^\s*(?:from|import) tests\.(?:\w+\.)*test_\w+", re.MULTILINE)
    found = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "tests").rglob("*.py")
        if (lines := taken.findall(path.read_text(encoding="utf-8")))
    }
    assert not found
