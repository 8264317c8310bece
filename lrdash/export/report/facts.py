"""Settings, data, libraries and machine in a report, and how to repeat what it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from lrdash.analysis.words import NOT_KNOWN, known_settings, watched
from lrdash.core.errors import LrdashError
from lrdash.core.record import Knob
from lrdash.core.spec import Facts, RunSpec
from lrdash.core.wording import NOTHING, count, rate
from lrdash.export import program
from lrdash.export.again import written_again
from lrdash.export.report import html
from lrdash.export.report.html import table
from lrdash.planning import external
from lrdash.planning.experiment import Experiment
from lrdash.planning.plan import Plan
from lrdash.store.rows import EpochRow, RunRow
from lrdash.strategies import make

MACHINE = "machine"  # the entry of a run's versions that is no library
ESSENTIAL = ("optimizer", "loss", "base_lr")  # listed even where unknown
OPTIMIZING = ("optimizer", "momentum", "nesterov", "weight_decay")
Rows = list[Sequence[str]]


def settings_table(plan: Plan, *, without: Sequence[str] = ()) -> str:
    """Every setting of a run, by its label in the form, with value and unit.

    Args:
        plan: of the run, complete.
        without: fields to leave out, e.g. those that vary in a comparison.
    """
    rows: Rows = []
    given, known = plan.spec.facts or Facts(), known_settings(plan.spec)
    for knob in RunSpec.knobs():
        value = getattr(plan.spec, knob.name)
        if knob.name in without:
            continue
        if knob.name not in known:
            if knob.name in ESSENTIAL:
                rows.append((knob.label, getattr(given, knob.name, "") or NOT_KNOWN, ""))
            continue
        if knob.name == "model_params":
            rows += _own(plan.model.knobs(), value, "Model")
        elif knob.name == "params":
            rows += _own(plan.strategy.knobs(), value, "Strategy")
        elif knob.name in OPTIMIZING and given.optimizer:  # it has settings of its own
            rows += [(knob.label, given.optimizer, "")] if knob.name == "optimizer" else []
        elif knob.name == "loss" and given.loss:
            rows.append((knob.label, given.loss, ""))
        elif knob.name == "early_stopping" and value is not None:
            rows += _own(type(value).knobs(), value.as_dict(), knob.label)
        else:
            rows.append((knob.label, in_words(value), knob.unit))
    unknown = watched(plan.spec) and "steps_per_epoch" not in known["facts"]
    steps = NOT_KNOWN if unknown else count(plan.steps_per_epoch)
    rows += [
        ("Training examples", _known(plan.train_examples), "examples"),
        ("Validation examples", _known(plan.validation_examples), "examples"),
        ("Updates per epoch", steps, "updates"),
        ("Trainable weights", _known(plan.parameters), "weights"),
    ]
    return table(("Setting", "Value", "Unit"), rows, caption="All settings", texts=3)


def arms_table(experiment: Experiment) -> str:
    """The strategies with all their settings and what they do."""
    rows: Rows = []
    for label, arm in zip(experiment.labels(), experiment.arms, strict=True):
        made = make(arm.strategy, arm.params)
        own = ", ".join(f"{name} {in_words(value)}" for name, value in made.as_dict().items())
        rows.append((label, arm.strategy, own or NOTHING, made.sentence()))
    columns = ("Strategy", "Id", "Settings", "What it does")
    return table(columns, rows, caption="Strategies and their settings", texts=4)


def data_table(plan: Plan) -> str:
    """Where the examples come from and how they are scaled."""
    data, model = plan.dataset, plan.model
    rows: Rows = [
        ("Dataset", f"{data.label}. {data.description}"), ("Scaling", data.scaling),
        ("Source", data.source), ("Licence", data.licence),
        ("Model", f"{model.label}. {model.description}"), ("Model's source", model.source),
    ]
    return table(("What", "Description"), rows, caption="Data and model", texts=2)


def versions_table(runs: Sequence[RunRow]) -> str:
    """The libraries and the machine that trained the runs; nothing if unknown."""
    found: dict[str, dict[str, None]] = {}
    for row in runs:
        for name, version in row.versions.items():
            found.setdefault(name, {})[version] = None
    if not found:
        return ""
    engines = ", ".join(dict.fromkeys(row.engine for row in runs))
    named = sorted(name for name in found if name != MACHINE)
    rows: Rows = [(name, ", ".join(found[name])) for name in named]
    rows.append(("Engine", engines))
    rows.append(("Machine", ", ".join(found.get(MACHINE, {"not recorded": None}))))
    return table(("What", "Version"), rows, caption="What trained the runs", texts=2)


def how_to_repeat(
    spec: RunSpec, command: Callable[[], str], runs: Sequence[RunRow], *,
    recipe: RunRow | None, title: str, epochs: Sequence[EpochRow] = (),
) -> list[str]:
    """The command, the versions, and a Keras script; or why it cannot be repeated here.

    Args:
        spec: of the run, or what all runs of the comparison share.
        command: writes the command.
        runs: what was trained.
        recipe: the run to write as a script, if any.
        title: of the script.
        epochs: of that run, where they are known.
    """
    if reason := external.why_not(spec):
        return [html.paragraph(reason), versions_table(runs)]
    parts = [
        html.paragraph("This command repeats the training with every setting."),
        html.code(command(), "Command"), versions_table(runs),
    ]
    if recipe is not None:
        with suppress(LrdashError):  # a dataset or model of the user's own
            script = written_again(recipe, epochs, program.script)
            parts.append(html.folded(title, html.code(script, "Keras script")))
    return parts


def in_words(value: Any) -> str:
    """The value of a setting, for people."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int):
        return count(value)
    if isinstance(value, float):
        return f"{value:g}" if value == 0 or abs(value) >= 1e-3 else rate(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(in_words(item) for item in value)}]"
    return str(value)


def _known(number: int) -> str:
    return count(number) if number else NOT_KNOWN


def _own(knobs: Sequence[Knob], values: dict[str, Any], prefix: str) -> Rows:
    known = {knob.name: knob for knob in knobs}
    return [
        (f"{prefix}: {_label(known.get(name), name)}", in_words(value),
         known[name].unit if name in known else "")
        for name, value in values.items()
    ]


def _label(knob: Knob | None, name: str) -> str:
    text = knob.label if knob else name
    return text[:1].lower() + text[1:]
