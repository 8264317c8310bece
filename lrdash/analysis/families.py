"""Families of runs: what a branch does in a few words, and runs as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lrdash.core.spec import Piece, RunSpec
from lrdash.core.wording import rate
from lrdash.store.rows import RunRow
from lrdash.strategies import STRATEGIES


def branch_in_words(spec: RunSpec, fork_epoch: int) -> str:
    """What a branch does where it leaves its parent: `rate × 0.5`, `one cycle from 0.1 to epoch 9`.

    Args:
        spec: of the branch, complete.
        fork_epoch: epochs that it shares with its parent.
    """
    piece = next((one for one in spec.pieces if one.epoch == fork_epoch), None)
    if piece is None:
        return "continues"
    return piece_in_words(piece, spec)


def piece_in_words(piece: Piece, spec: RunSpec) -> str:
    """What a piece does to the rate of a run."""
    if not piece.strategy:
        return "same rate" if piece.factor == 1 else f"rate × {piece.factor:.3g}"
    peak = rate(piece.base_lr or spec.base_lr)
    if piece.strategy == "constant":
        return f"held at {peak}"
    return f"{STRATEGIES[piece.strategy].label.lower()} from {peak} to epoch {spec.epochs}"


def as_tree(rows: Sequence[RunRow]) -> list[tuple[RunRow, int]]:
    """Runs with their branches below them, and the depth of each.

    A family takes the place of its first member; the branches of a run come in the order in which
    they were made. A branch whose parent is not among the rows is a root.

    Args:
        rows: runs, newest first.
    """
    known = {row.run_id: row for row in rows}
    children: dict[str, list[RunRow]] = {}
    for row in reversed(rows):
        if row.parent_id in known:
            children.setdefault(str(row.parent_id), []).append(row)
    roots = dict.fromkeys(_root(row, known) for row in rows)
    return [found for root in roots for found in _below(known[root], children)]


def _root(row: RunRow, known: dict[str, RunRow]) -> str:
    while row.parent_id in known:
        row = known[str(row.parent_id)]
    return row.run_id


def _below(root: RunRow, children: dict[str, list[RunRow]]) -> Iterator[tuple[RunRow, int]]:
    waiting = [(root, 0)]
    while waiting:
        row, depth = waiting.pop()
        yield row, depth
        waiting += [(child, depth + 1) for child in reversed(children.get(row.run_id, []))]
