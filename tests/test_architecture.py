"""Who may import whom, what stays out of the server's process, and what the docs must name."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import lrdash

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("tensorflow", "keras", "sklearn")


@dataclass(frozen=True)
class Rule:
    """What the files of a room may import, each a list of names with spaces between them."""

    rooms: str = ""  # rooms of lrdash
    libraries: str = ""  # from elsewhere, the standard library apart
    lazily: str = ""  # rooms and libraries that may be imported inside functions only


BASE = "errors registry record spec events"
PLANNING = f"{BASE} strategies datasets models elsewhere plan"
COMPARING = f"{PLANNING} experiment grouping range_test branching"
READING = (
    f"{COMPARING} checkpoints store store.rows growing frames analysis analysis.words figures "
    "laboratory teaching beam beam_job"
)
RULES = {
    "errors": Rule(),
    "home": Rule("errors"),
    "plugins": Rule(),
    "registry": Rule("errors plugins"),
    "record": Rule("errors", "pydantic annotated_types"),
    "spec": Rule("errors record", "pydantic"),
    "events": Rule("errors spec", "numpy"),
    "strategies": Rule(BASE, "numpy pydantic"),
    "datasets": Rule("errors home registry record spec", "numpy", lazily="keras sklearn"),
    "owndata": Rule("errors record spec home datasets", "numpy pandas PIL", lazily="pyarrow"),
    "models": Rule("errors registry record spec", "numpy pydantic", lazily="keras"),
    "elsewhere": Rule("errors spec datasets models"),
    "testing": Rule(PLANNING, "numpy pytest", lazily="training keras tensorflow"),
    "plan": Rule(f"{BASE} strategies datasets models elsewhere", "numpy"),
    "experiment": Rule(PLANNING, "pydantic"),
    "grouping": Rule(PLANNING),
    "range_test": Rule(f"{PLANNING} experiment", "numpy pydantic"),
    "branching": Rule(PLANNING),
    "beam": Rule(f"{PLANNING} experiment", "pydantic"),
    "beam_job": Rule(f"{COMPARING} beam checkpoints store store.rows"),
    "checkpoints": Rule("errors", "numpy"),
    "training": Rule(f"{COMPARING} checkpoints", "numpy keras tensorflow"),
    "store": Rule("errors home record spec events store.rows", "numpy sqlalchemy"),
    "store.rows": Rule("errors spec events", "numpy"),
    "growing": Rule(f"{COMPARING} checkpoints store store.rows"),
    "presence": Rule("errors checkpoints store"),
    "range_job": Rule("events range_test training store store.rows", "numpy"),
    "watching": Rule(f"{BASE} store", "numpy"),
    "monitor": Rule(f"{BASE} strategies store watching", "numpy keras", lazily="tensorflow"),
    "importing": Rule(f"{BASE} strategies store export", "numpy"),
    "worker": Rule(
        f"{COMPARING} checkpoints presence training store store.rows range_job",
        lazily="keras tensorflow",
    ),
    "laboratory": Rule("errors spec events store store.rows beam_job"),
    "teaching": Rule(f"{BASE} strategies", "numpy"),
    "analysis.words": Rule(f"{BASE} strategies datasets store.rows", "numpy"),
    "frames": Rule(f"{BASE} strategies store.rows analysis.words", "numpy pandas"),
    "analysis": Rule(
        f"{COMPARING} beam store.rows frames analysis.words", "numpy pandas scipy"
    ),
    "figures": Rule(
        "errors events strategies teaching frames analysis analysis.words", "numpy pandas plotly"
    ),
    "export": Rule(
        f"{COMPARING} store.rows frames analysis analysis.words", "numpy pandas", lazily="mlflow"
    ),
    "report": Rule(
        f"{COMPARING} store.rows frames analysis analysis.words figures export",
        "numpy pandas plotly",
    ),
    "api": Rule(
        f"{READING} presence", "numpy pandas",
        lazily="training worker range_job plotly report rich",
    ),
    "ui": Rule(
        f"{READING} owndata export report importing", "numpy pandas plotly streamlit starlette"
    ),
    "bench": Rule(
        f"{COMPARING} checkpoints store", "numpy",
        lazily="training analysis api monitor keras tensorflow jax",
    ),
    "server": Rule("errors ui", lazily="pandas plotly scipy streamlit starlette"),
    "cli": Rule(
        f"{READING} owndata export api server", "typer rich",
        lazily="training worker bench report importing __init__",
    ),
    "__main__": Rule("cli"),
    "__init__": Rule(BASE + " strategies", lazily="api monitor watching importing"),
    "app": Rule("ui frames analysis figures spec", "streamlit"),
    "pages": Rule("ui frames analysis figures spec", "streamlit"),
}


@dataclass(frozen=True)
class Import:
    """One imported name; `lazy` if it is not imported together with the file."""

    target: str  # a row of RULES, or a library's top-level name
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


def room(module: str) -> str | None:
    """The most exact row of RULES for a module of the product; None without one."""
    parts = module.removeprefix("lrdash.").split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((prefix for prefix in prefixes if prefix in RULES), None)


def imports(path: Path) -> Iterator[Import]:
    """All imports of a file but those of the standard library and of its own room."""
    own = room(dotted(path))
    for node, lazy in _nodes(ast.parse(path.read_text(encoding="utf-8")), lazy=False):
        for module in _modules(node):
            top = module.partition(".")[0]
            target = room(module) or module if top == "lrdash" else top
            if target not in sys.stdlib_module_names and target != own:
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
    names = [f"{base}.{alias.name}" for alias in node.names]
    if base == "lrdash":  # `from lrdash import __version__` takes it from the package itself
        return [name if room(name) else "lrdash.__init__" for name in names]
    return names


@pytest.mark.parametrize("path", files(), ids=dotted)
def test_a_file_imports_only_what_its_room_may(path: Path) -> None:
    name = room(dotted(path))
    assert name, f"{path.relative_to(ROOT)} lies in no known room: give it a row in RULES"
    rule = RULES[name]
    always = {*rule.rooms.split(), *rule.libraries.split()}
    faults = [
        f"{path.relative_to(ROOT)}:{found.line} imports {found.target}"
        for found in imports(path)
        if found.target not in always
        and not (found.lazy and found.target in rule.lazily.split())
    ]
    assert not faults, f"{name} may import {sorted(always)}, inside functions {rule.lazily!r}"


def test_the_rooms_stand_on_each_other_without_a_circle() -> None:
    graph = {name: rule.rooms.split() for name, rule in RULES.items()}
    assert {part for parts in graph.values() for part in parts} <= set(RULES)
    assert list(TopologicalSorter(graph).static_order())


def test_relative_imports_are_not_used() -> None:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in files()}
    assert not [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in trees.items()
        for node, _ in _nodes(tree, lazy=False)
        if isinstance(node, ast.ImportFrom) and node.level
    ]


def test_importing_the_product_leaves_tensorflow_to_the_worker() -> None:
    modules = [
        "lrdash" if name == "lrdash.__init__" else name
        for name in map(dotted, files())
        if room(name) not in {"training", "monitor", "worker", "__main__", "app", "pages"}
    ]
    if (ROOT / "lrdash/training/__init__.py").exists():
        modules.append("lrdash.training")
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
    libraries = {name for rule in RULES.values() for name in rule.libraries.split()}
    libraries |= {name for rule in RULES.values() for name in rule.lazily.split()} - set(RULES)
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
