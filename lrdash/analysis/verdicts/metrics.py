"""The metrics that runs can be judged by: the built-in ones and those of a caller."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lrdash.core.errors import InvalidField, UnknownName

MODES = ("auto", "min", "max")
# Parts of names that show what is better. Lower ones come first: a dice_loss is a loss.
LOWER = (
    "loss", "error", "mae", "mse", "mape", "msle", "rmse", "false_positives", "false_negatives",
    "divergence", "kld", "crossentropy", "cross_entropy", "entropy", "perplexity", "hinge",
    "poisson", "logcosh", "log_cosh", "huber",
)
HIGHER = (
    "accuracy", "acc", "auc", "precision", "recall", "f1", "fbeta", "score", "iou", "io_u", "r2",
    "true_positives", "true_negatives", "sensitivity", "specificity", "similarity", "dice",
    "correlation", "psnr", "ssim", "bleu",
)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A way to judge a run."""

    title: str  # in sentences
    column: str  # of arms or curves
    kind: str  # "run": a column of arms; "best": best epoch; "area": mean of epochs; "time": epochs
    sign: float = 1.0  # -1 where higher is better


METRICS = {
    "final_val_loss": Metric(title="final validation loss", column="final_val_loss", kind="run"),
    "best_val_loss": Metric(title="best validation loss", column="best_val_loss", kind="run"),
    "area_val_loss": Metric(title="mean loss over all epochs", column="val_loss", kind="area"),
    "final_val_accuracy": Metric(
        title="final validation accuracy", column="final_val_accuracy", kind="run", sign=-1.0
    ),
    "best_val_accuracy": Metric(
        title="best validation accuracy", column="best_val_accuracy", kind="run", sign=-1.0
    ),
    "area_val_accuracy": Metric(
        title="mean accuracy over all epochs", column="val_accuracy", kind="area", sign=-1.0
    ),
    "epochs_to_target": Metric(title="epochs to the target", column="val_loss", kind="time"),
}
FORMS = {  # of the names of own metrics: kind, and title
    "final": ("run", "final {words}"), "best": ("best", "best {words}"),
    "area": ("area", "mean {words} over all epochs"),
}


def metric_named(name: str, mode: str = "auto", own: Iterable[str] = ()) -> Metric:
    """The metric of this name.

    Args:
        name: one of `METRICS`, or `final_`, `best_` or `area_` before the name of an own one.
        mode: of an own one: `min` or `max` says what is better; `auto` reads it from the name.
        own: metrics of the runs that are not built in, e.g. `val_auc`.

    Raises:
        UnknownName: if there is none.
        InvalidField: for another mode, or if the name of an own metric does not show it.
    """
    if mode not in MODES:
        raise InvalidField("mode", "must be auto, min or max", mode)
    if name in METRICS:
        if mode != "auto":
            raise InvalidField("mode", f"must be left out for {name}: it is known", mode)
        return METRICS[name]
    form, _, column = name.partition("_")
    names = tuple(own)
    if form not in FORMS or column not in names:
        known = [*METRICS, *(f"{form}_{one}" for form in FORMS for one in names)]
        raise UnknownName("metric", name, known)
    kind, title = FORMS[form]
    higher = _higher(column, mode)
    words = f"{column.replace('_', ' ')} ({'higher' if higher else 'lower'} is better)"
    return Metric(
        title=title.format(words=words), column=name if kind == "run" else column, kind=kind,
        sign=-1.0 if higher else 1.0,
    )


def _higher(name: str, mode: str) -> bool:
    if mode != "auto":
        return mode == "max"
    whole = f"_{name.lower()}_"
    if any(f"_{part}_" in whole for part in LOWER):
        return False
    if any(f"_{part}_" in whole for part in HIGHER):
        return True
    problem = f"must be min or max (lower or higher is better): the name {name} does not show"
    raise InvalidField("mode", problem, mode)
