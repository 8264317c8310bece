"""One menu for every format that runs can be exported to; a file is made on request."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from lrdash.export import FORMATS, Recorded, recipe_of, recorded
from lrdash.export.report import comparison_report, run_report
from lrdash.store import ExperimentRow, RunRow
from lrdash.ui import resources

REPORT = (
    "One HTML file with charts, verdicts, settings and the command that repeats the training: to "
    "send, print or archive."
)
ICONS = {
    "html": ":material/article:", "csv": ":material/table:", "parquet": ":material/database:",
    "tensorboard": ":material/monitoring:", "json": ":material/data_object:",
    "script": ":material/code:", "notebook": ":material/menu_book:",
}


def of_experiment(row: ExperimentRow, *, recipe: bool = True) -> None:
    """The menu of a comparison; script and notebook hold its best recipe, for which lrdash must
    have model and data.
    """
    store = resources.store()

    def runs() -> Recorded:
        rows = store.runs.of_experiment(row.experiment_id)
        return recorded(rows, store.runs.epochs_of([run.run_id for run in rows]), row.name)

    def report() -> str:
        rows = store.runs.of_experiment(row.experiment_id)
        now = store.experiments.one(row.experiment_id)
        columns = store.experiments.curves(experiment_id=row.experiment_id)
        return comparison_report(now, rows, columns)

    _menu(runs, report, name=f"lrdash-{row.experiment_id}", key="experiment",
          recipe=recipe and bool(row.counts["finished"]), best=True, known=recipe)


def of_runs(rows: Sequence[RunRow], key: str = "runs") -> None:
    """The menu of at least one run; report, script and notebook are for one."""
    store, one = resources.store(), rows[0] if len(rows) == 1 else None

    def runs() -> Recorded:
        ids = [row.run_id for row in rows]
        found = {row.run_id: row for row in store.runs.listing(run_ids=ids)}
        now = [found[run_id] for run_id in ids if run_id in found]
        return recorded(now, store.runs.epochs_of(list(found)))

    def report(row: RunRow) -> str:
        return run_report(
            store.runs.one(row.run_id), store.runs.epochs(row.run_id),
            store.runs.decisions(row.run_id),
        )

    name = f"lrdash-{one.run_id}" if one else "lrdash-runs"
    _menu(runs, (lambda: report(one)) if one else None, name=name, key=key,
          recipe=one is not None and one.spec.trainable_here,
          known=one is None or one.spec.trainable_here)


def _menu(
    runs: Callable[[], Recorded], report: Callable[[], str] | None, *, name: str, key: str,
    recipe: bool, best: bool = False, known: bool = True,
) -> None:
    if report is not None:
        _item("html", "Report", REPORT, report, f"{name}.html", "text/html", key)
    for kind in FORMATS.values():
        if kind.single and not recipe:
            continue
        about = f"Of the best run. {kind.good_for}" if kind.single and best else kind.good_for

        def data(kind: str = kind.id) -> bytes:
            made = FORMATS[kind]
            return made.write(recipe_of(runs()) if made.single and best else runs())

        _item(kind.id, kind.label, about, data, f"{name}{kind.suffix}", kind.mime, key)
    if not known:
        st.caption("Script and notebook need a model of lrdash; yours is in your own script.")
    elif not recipe and best:
        st.caption("Script and notebook become available after the first finished run.")
    elif not recipe:
        st.caption("Tick a single row to get a report, script or notebook.")


def _item(
    kind: str, label: str, about: str, data: Callable[[], str | bytes], file_name: str, mime: str,
    key: str,
) -> None:
    left, right = st.columns([2, 3], vertical_alignment="center")
    left.download_button(
        label, data=data, file_name=file_name, mime=mime, icon=ICONS[kind], width="stretch",
        key=f"{key}-{kind}", on_click="ignore",
    )
    right.caption(about)
