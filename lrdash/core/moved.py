"""Earlier names of modules, so that plugins and scripts written against them still import."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Any

MOVED = {
    "lrdash.errors": "lrdash.core.errors",
    "lrdash.events": "lrdash.core.events",
    "lrdash.record": "lrdash.core.record",
    "lrdash.registry": "lrdash.core.registry",
    "lrdash.spec": "lrdash.core.spec",
    "lrdash.plan": "lrdash.planning.plan",
    "lrdash.experiment": "lrdash.planning.experiment",
    "lrdash.frames": "lrdash.analysis.frames",
    "lrdash.report": "lrdash.export.report",
    "lrdash.importing": "lrdash.tracking.importing",
    "lrdash.monitor": "lrdash.tracking.monitor",
    "lrdash.owndata": "lrdash.datasets.own",
    "lrdash.watching": "lrdash.tracking.watching",
}


class _Moved(MetaPathFinder, Loader):
    """Finds a module by its earlier name; both names give the same module."""

    def find_spec(self, name: str, *_more: Any) -> ModuleSpec | None:
        """A spec for an earlier name, None for all others."""
        return spec_from_loader(name, self) if name in MOVED else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module under its present name."""
        module = import_module(MOVED[spec.name])
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module back its own spec, which importing by another name replaced."""
        if module.__spec__ is not None:
            module.__spec__ = module.__spec__.loader_state


def install() -> None:
    """Let earlier names be imported; a second call changes nothing."""
    if not any(isinstance(finder, _Moved) for finder in sys.meta_path):
        # First: what an earlier version left behind in these folders does not count.
        sys.meta_path.insert(0, _Moved())
