"""Any runs together: their curves in one chart, and how their settings differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pandas as pd
import streamlit as st

from lrdash import analysis, figures
from lrdash.analysis import frames
from lrdash.core import wording
from lrdash.store import RunRow
from lrdash.strategies.recorded import drawn_as
from lrdash.tracking.importing.bring import DATA
from lrdash.ui import resources
from lrdash.ui.compare.results import LOG_METRICS, METRICS
from lrdash.ui.components import fields
from lrdash.ui.components.live import live
from lrdash.ui.components.result import leave
from lrdash.ui.components.steady_chart import steady_chart

TICK = 2.0  # seconds between two refreshes while one of the runs is active
MOST = 200  # runs
UNKNOWN = ("own data", DATA)  # names of data that nothing is known about
AXES = {"epoch": "Epochs", "update": "Updates", "seconds": "Seconds"}


def show(text: str) -> None:
    """The runs whose ids the address holds, separated by commas."""
    st.button("All runs", icon=":material/arrow_back:", key="back", type="tertiary",
              on_click=leave, args=("runs",))
    ids = list(dict.fromkeys(part for part in text.split(",") if part))[:MOST]
    runs = _found(ids)
    missing = len(ids) - len(runs)
    if missing:
        st.warning(f"{missing} of the {len(ids)} runs named in the address "
                   f"{'does' if missing == 1 else 'do'} not exist; perhaps deleted.",
                   icon=":material/warning:")
    if not runs:
        st.info("Tick some runs on the Runs page and press Compare to see their curves together.",
                icon=":material/stacked_line_chart:")
        return
    active = any(run.active for run in runs)
    live(_view, TICK if active else None, [run.run_id for run in runs])


def _found(ids: Sequence[str]) -> list[RunRow]:
    """The runs in the order of the ids."""
    known = {run.run_id: run for run in resources.store().runs.listing(run_ids=ids)}
    return [known[run_id] for run_id in ids if run_id in known]


def _view(ids: Sequence[str]) -> None:
    runs = _found(ids)
    names = _names(runs)
    _warn(runs)
    metric, axis, smoothing, log = _choices(runs)
    columns = resources.store().experiments.curves(
        run_ids=[run.run_id for run in runs], metrics=list(dict.fromkeys([*frames.METRICS, metric]))
    )
    curves = frames.curves_frame(columns, runs, names)
    drawn = {run.run_id: drawn_as(run.spec, run.run_id) for run in runs}
    curves["strategy"] = curves["run_id"].map(drawn).astype("str")
    if curves.empty:
        st.info("None of these runs has finished an epoch yet.", icon=":material/show_chart:")
        return
    what = f"{','.join(run.run_id for run in runs)} {metric} {axis} {log}"
    styles = figures.arm_styles(curves)
    title = f"{_label(metric)} of {wording.plural(len(runs), 'run')} over {AXES[axis].lower()}"
    smoothed = ", smoothed; faint lines are unsmoothed" if smoothing else ""
    st.markdown(f"**{wording.escaped(title)}**{smoothed}")
    steady_chart(
        figures.overlay_figure(
            curves, x=axis, metric=metric, smoothing=smoothing, log=log, styles=styles
        ),
        key="overlay-metric", what=what, label=title,
    )
    st.markdown("**Learning rate** at the last update of each epoch")
    _note_missing_rates(runs, names)
    steady_chart(
        figures.overlay_figure(
            curves, x=axis, metric="learning_rate", log=True, styles=styles, height=280
        ),
        key="overlay-rates", what=what, label="Learning rates of the runs",
    )
    _table(runs, names, curves)


def _note_missing_rates(runs: Sequence[RunRow], names: Sequence[str]) -> None:
    """Name the runs without recorded rates."""
    unknown = [
        name for run, name in zip(runs, names, strict=True)
        if run.spec.facts and run.spec.params.get("known") == "none"
    ]
    if unknown:
        st.caption("No learning rate was recorded for "
                   f"{wording.listed(map(wording.escaped, unknown))}.")


def _names(runs: Sequence[RunRow]) -> list[str]:
    """A label for each run: its name if no other has it, otherwise what differs."""
    own = [run.name for run in runs]
    others = [run for run in runs if not run.name or own.count(run.name) > 1]
    labels = dict(zip(
        [run.run_id for run in others], analysis.distinct_names([run.spec for run in others]),
        strict=True,
    ))
    names = [labels.get(run.run_id, run.name) for run in runs]
    return names if len(set(names)) == len(names) else \
        analysis.distinct_names([run.spec for run in runs])


def _warn(runs: Sequence[RunRow]) -> None:
    datasets = {analysis.dataset_in_words(run.spec.dataset) for run in runs}
    known = sorted(datasets - set(UNKNOWN))
    losses = {
        f"{run.spec.loss}{run.spec.label_smoothing or ''}" for run in runs
        if "loss" in analysis.known_settings(run.spec)
    }
    if len(known) > 1:
        named = wording.escaped(", ".join(known))
        st.warning(f"These runs use different datasets ({named}), so their losses are not "
                   "comparable.", icon=":material/warning:")
    elif len(datasets) > 1:
        st.info("The datasets of some of these runs are unknown. Losses are comparable only on the "
                "same data.", icon=":material/info:")
    elif len(losses) > 1:
        st.warning("These runs use different loss functions, so their values are not comparable.",
                   icon=":material/warning:")


def _choices(
    runs: Sequence[RunRow],
) -> tuple[str, Literal["epoch", "update", "seconds"], float, bool]:
    regression = all(run.spec.loss in ("mse", "mae", "huber") for run in runs)
    names = [name for name in METRICS if not (regression and "accuracy" in name)] + _own(runs)
    if not any(run.spec.facts is None or "val_loss" in run.spec.facts.metrics for run in runs):
        names.sort(key=lambda name: name.startswith("val_"))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = st.selectbox("Curve", names, format_func=_label, key="curve",
                              width=220, **fields.PERSIST)
        axis = st.segmented_control("Over", list(AXES), format_func=lambda name: AXES[name],
                                    default="epoch", required=True, key="over", **fields.PERSIST)
        smoothing = st.slider(
            "Smoothing", 0.0, 0.99, 0.0, 0.01, key="smoothing", width=220, **fields.PERSIST,
            help="Bias-corrected exponential moving average, as in TensorBoard and Weights & "
            "Biases. A higher value gives a smoother curve that reacts later.",
        )
        log = st.toggle("Log axis", True, key="log", disabled=metric not in LOG_METRICS,
                        **fields.PERSIST)
    return metric, axis, smoothing, log and metric in LOG_METRICS


def _label(metric: str) -> str:
    return METRICS.get(metric, metric)


def _own(runs: Sequence[RunRow]) -> list[str]:
    """Metrics of watched and imported runs that lrdash does not know."""
    found = (name for run in runs if run.spec.facts for name in run.spec.facts.metrics)
    return [name for name in dict.fromkeys(found) if name not in METRICS]


def _table(runs: Sequence[RunRow], names: Sequence[str], curves: pd.DataFrame) -> None:
    """Final and best values relative to a chosen run, and the settings that differ."""
    st.header("What differs", anchor=False)
    baseline = st.selectbox(
        "Compare with", list(range(len(runs))), format_func=lambda place: names[place],
        key="pinned", help="Percentages show how far the other runs are from this one.",
    )
    arms = frames.arms_frame(runs, curves)
    table = pd.DataFrame({
        "Run": names, "Status": [run.status for run in runs],
        "Final val loss": arms["final_val_loss"], "Best val loss": arms["best_val_loss"],
    })
    for name in ("Final val loss", "Best val loss"):
        table[f"{name}, difference"] = 100 * analysis.relative(table[name], baseline)
    if arms["final_val_accuracy"].notna().any():
        table["Final val accuracy"] = arms["final_val_accuracy"]
    table["Seconds"] = [run.seconds for run in runs]
    settings = analysis.settings_diff([run.spec for run in runs])
    whole = pd.concat([table, settings], axis=1)
    column = st.column_config
    config: dict[str, Any] = {
        "Run": column.TextColumn(width="medium", pinned=True),
        "Final val loss": column.NumberColumn(format="%.4f"),
        "Best val loss": column.NumberColumn(format="%.4f"),
        "Final val accuracy": column.NumberColumn(format="percent"),
        "Seconds": column.NumberColumn(format="%.1f"),
    }
    for name in table.columns[table.columns.str.endswith("difference")]:
        config[name] = column.NumberColumn(format="%+.1f%%")
    st.dataframe(whole, hide_index=True, key="differences", column_config=config)
    if settings.empty or not len(settings.columns):
        st.caption("These runs have the same settings.")
    else:
        same = wording.escaped(analysis.settings_in_words(runs[0].spec))
        st.caption(f"All other settings are the same: {same}"
                   if len(runs) == 1 else "Settings not shown are the same in all runs.")
    st.download_button(
        "All epochs as CSV", data=lambda: _csv(runs, curves), mime="text/csv",
        file_name="lrdash-runs.csv", icon=":material/download:", key="overlay-csv",
        on_click="ignore",
    )


def _csv(runs: Sequence[RunRow], curves: pd.DataFrame) -> str:
    """The curves; peak rate and seed are empty where unknown."""
    table = curves.assign(seed=curves["seed"].astype("Int64"))
    for name in ("base_lr", "seed"):
        unknown = [run.run_id for run in runs if name not in analysis.known_settings(run.spec)]
        table[name] = table[name].mask(table["run_id"].isin(unknown))
    return table.to_csv(index=False)
