"""The file formats by id; forms and the command line follow from this list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lrdash.analysis.compare import leaderboard
from lrdash.analysis.frames import METRICS, arms_frame, curves_frame, epochs_frame
from lrdash.core.errors import InvalidField
from lrdash.export import program, tables, tensorboard
from lrdash.export.again import written_again
from lrdash.export.recorded import Recorded

LOST = ("diverged", "failed")


@dataclass(frozen=True, kw_only=True)
class Format:
    """A file format for runs."""

    id: str
    label: str  # sentence case
    good_for: str  # one sentence
    suffix: str  # with its dot
    mime: str
    write: Callable[[Recorded], bytes]
    text: bool = True  # can be shown on a terminal
    single: bool = False  # takes one run


def _recipe(kind: str, write: Callable[..., str]) -> Callable[[Recorded], bytes]:
    def written(runs: Recorded) -> bytes:
        if len(runs.rows) != 1:
            raise InvalidField("run", f"must be one run for a {kind}", len(runs.rows))
        (row,) = runs.rows
        return written_again(row, runs.epochs_of(row), write).encode()

    return written


FORMATS = {
    made.id: made for made in (
        Format(
            id="csv", label="CSV", suffix=".csv", mime="text/csv", write=tables.csv,
            good_for="One row for each epoch with every setting, for spreadsheets, R and pandas.",
        ),
        Format(
            id="parquet", label="Parquet", suffix=".parquet", write=tables.parquet, text=False,
            mime="application/vnd.apache.parquet",
            good_for="Like CSV, with the rate of every update, typed and compact, for pandas, "
            "Polars and DuckDB.",
        ),
        Format(
            id="tensorboard", label="TensorBoard", suffix=".zip", mime="application/zip",
            write=tensorboard.zipped, text=False,
            good_for="Event files with curves, the rate of every update and HParams; unpack them "
            "for tensorboard --logdir.",
        ),
        Format(
            id="json", label="JSON", suffix=".json", mime="application/json",
            write=tables.as_json,
            good_for="Runs with their settings and epochs in one document, for programs.",
        ),
        Format(
            id="script", label="Script", suffix=".py", mime="text/x-python", single=True,
            write=_recipe("script", program.script),
            good_for="The recipe as plain Keras code that needs no lrdash and gives the same "
            "numbers, or says why it cannot.",
        ),
        Format(
            id="notebook", label="Notebook", suffix=".ipynb", mime="application/x-ipynb+json",
            single=True, write=_recipe("notebook", program.notebook),
            good_for="The same recipe step by step, to read and run in Jupyter.",
        ),
    )
}


def recipe_of(runs: Recorded) -> Recorded:
    """The winning recipe alone: the first run of the best arm at its best peak rate.

    If every arm has diverged or failed runs at every rate, it is the run with the lowest final
    validation loss.

    Raises:
        InvalidField: if every run diverged or failed.
    """
    columns = ["run_id", "epoch", "learning_rate", "seconds", *METRICS]
    curves = curves_frame(
        dict(epochs_frame(runs.all_epochs()).reindex(columns=columns)), runs.rows
    )
    arms = arms_frame(runs.rows, curves)
    through = arms[np.isfinite(arms["final_val_loss"]) & ~arms["status"].isin(LOST)]
    if through.empty:
        raise InvalidField("runs", "must include one that did not diverge or fail", len(runs.rows))
    best = leaderboard(arms, curves).iloc[0]
    own = through[through["label"] == best["label"]]
    own = own[own["base_lr"] == best["best_base_lr"]] if np.isfinite(best["final_val_loss"]) \
        else through.nsmallest(1, "final_val_loss")
    chosen = str(own["run_id"].iloc[0])
    row = next(row for row in runs.rows if row.run_id == chosen)
    return Recorded(rows=(row,), epochs={chosen: runs.epochs_of(row)}, name=runs.name)
