"""The family of a run: its parent, its branches, and all of them on one chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from lrdash import analysis, figures
from lrdash.analysis import frames
from lrdash.core import wording
from lrdash.store import EpochRow, RunRow, Store
from lrdash.ui import resources
from lrdash.ui.components.live import live
from lrdash.ui.components.steady_chart import steady_chart

Epochs = Mapping[str, Sequence[EpochRow]]  # by run_id

TICK = 1.0  # seconds between two looks while one of them is active
HIGHEST = 800  # pixels of the chart
MOST = 40  # runs of a family that are drawn and listed


def origin(run: RunRow) -> None:
    """The parent of a branch and the epoch it starts from; nothing for other runs."""
    if run.fork_epoch is None:
        return
    does = analysis.branch_in_words(run.spec, run.fork_epoch)
    if run.parent_id is None:
        st.caption(f"A branch from epoch {run.fork_epoch} of a run that was deleted: {does}.")
        return
    words = f"Branch of run {run.parent_id} from epoch {run.fork_epoch}: {does}"
    _link(words, run.parent_id, icon=":material/call_split:")


def show(run_id: str) -> None:
    """Chart and list of the family, refreshed while one of it trains; nothing for a lone run."""
    members = of(run_id, resources.store())
    if len(members) > 1:
        live(_view, TICK if any(row.active for row, _ in members) else None, run_id)


def of(run_id: str, store: Store) -> list[tuple[RunRow, int]]:
    """The whole family as a tree, its root first, with the depth of each; at most `MOST` + 1."""
    line = store.branches.origins([run_id]).get(run_id, (0, [], ""))[1]
    ids = [line[-1] if line else run_id]
    level = ids
    while level and len(ids) <= MOST:
        level = [found for found in store.branches.children(level) if found not in ids]
        ids += level
    return analysis.as_tree(store.runs.listing(run_ids=ids))


def _view(run_id: str) -> bool:
    members = of(run_id, resources.store())
    shown = members[:MOST]
    st.header("This run and its branches", anchor=False)
    epochs = resources.store().runs.epochs_of([row.run_id for row, _ in shown])
    _chart(run_id, [row for row, _ in shown], epochs)
    _links(run_id, shown, epochs)
    if len(members) > MOST:
        st.caption(f"The first {MOST}; the Runs page shows all.")
    return any(row.active for row, _ in members)


def _chart(run_id: str, rows: list[RunRow], epochs: Epochs) -> None:
    flat = [epoch for row in rows for epoch in epochs[row.run_id]]
    known = {row.run_id for row in rows}
    figure = figures.family_figure(
        frames.epochs_frame(flat), frames.rates_frame(flat),
        [
            figures.Member(
                run_id=row.run_id, label=_label(row),
                start=(row.fork_epoch or 0) if row.parent_id in known else 0,
            )
            for row in rows
        ],
        epochs_total=max(row.spec.epochs for row in rows), chosen=run_id,
        height=min(HIGHEST, 400 + 24 * len(rows)),  # narrow pages: a line each in the legend
    )
    steady_chart(figure, key="family", what=",".join(sorted(known)),
                 label=f"Validation loss and learning rate of {len(rows)} runs of one family. "
                 "The list below has their numbers.")
    st.caption("Above: validation loss. Below: learning rate. The original run is grey; each "
               "branch starts from its parent's weights at the epoch where it leaves.")


def _links(run_id: str, members: list[tuple[RunRow, int]], epochs: Epochs) -> None:
    losses = frames.val_losses({  # of its own epochs, without those it shares with its parent
        row.run_id: [one for one in epochs[row.run_id] if one.epoch > (row.fork_epoch or 0)]
        for row, _ in members
    })
    with st.container(gap="xxsmall", key="family-list"):
        for row, depth in members:
            facts = [_label(row), row.status if not row.active or row.status == "queued"
                     else f"epoch {row.epochs_done} of {row.spec.epochs}"]
            if own := losses[row.run_id]:
                facts.append(f"validation loss {wording.number(own[-1])}, "
                             f"best {wording.number(min(own))}")
            words = " · ".join(facts)
            indent = "\u2003" * max(0, depth - 1) + ("└ " if depth else "")
            if row.run_id == run_id:
                st.markdown(f"{indent}**{wording.escaped(words)}** (this run)")
            else:
                _link(indent + words, row.run_id)


def _link(words: str, run_id: str, icon: str | None = None) -> None:
    """A button that opens another run in this tab."""
    key = f"to-{run_id}-{bool(icon)}"
    if st.button(wording.escaped(words), icon=icon, type="tertiary", key=key):
        st.query_params["run"] = run_id
        st.rerun()


def _label(row: RunRow) -> str:
    if row.fork_epoch is None:
        return row.name or f"original run: {analysis.strategy_in_words(row.spec)}"
    does = analysis.branch_in_words(row.spec, row.fork_epoch)
    return row.name or f"{does}, from epoch {row.fork_epoch}"
