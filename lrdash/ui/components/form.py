"""The form of a run: every setting, each widget drawn from its field's own metadata.

Settings live in the URL (each widget's key is a query parameter), so that F5 keeps them and a link
shares them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from lrdash.analysis import inputs_in_words
from lrdash.analysis.words import OPTIMIZERS
from lrdash.core.record import Knob, Record
from lrdash.core.spec import EarlyStopping, RunSpec
from lrdash.core.wording import escaped
from lrdash.datasets import DATASETS, Dataset, own_datasets
from lrdash.models import MODELS
from lrdash.models.own_layers import OwnLayers
from lrdash.planning.experiment import Arm
from lrdash.strategies import STRATEGIES
from lrdash.ui.components import address, fields
from lrdash.ui.components import draw as editor
from lrdash.ui.components.errors import error_boundary

KNOBS = {knob.name: knob for knob in RunSpec.knobs()}
DATA = "data"  # query parameter: id of the user's data to choose
SMALL = 2000  # examples; datasets up to this size are always used whole
EARLY = "early_stopping."
DEFAULTS = {"strategy": "plateau"}  # the lesson that lrdash grew out of
LOSSES = {
    "auto": "Automatic", "cross_entropy": "Cross-entropy", "mse": "Squared error",
    "mae": "Absolute error", "huber": "Huber",
}


def draw() -> dict[str, Any]:
    """Draw the form; returns values for `RunSpec`, not yet checked against each other.

    Raises:
        InvalidField: a list typed as text that can't be read.
    """
    values = what()
    with st.container(border=True):
        st.header("How the rate changes", anchor=False)
        values |= _strategy(values["dataset"])
        values |= fields.draw([KNOBS["base_lr"], KNOBS["epochs"]], prefix="")
        with st.expander("Warm-up before the strategy"):
            values |= fields.draw(
                [KNOBS["warmup_epochs"], KNOBS["warmup_start_factor"]], prefix=""
            )
        with st.expander("Batches, loss, early stopping, seed"):
            values |= more(values["dataset"])
    return values


def what() -> dict[str, Any]:
    """The part about dataset, model and optimizer."""
    values: dict[str, Any] = {}
    with st.container(border=True):
        st.header("What to train", anchor=False)
        values |= _data()
        values |= _model(values["dataset"])
        values |= _optimizer()
        _broken_plugins()
    return values


def _broken_plugins() -> None:
    """What other packages offer that cannot be used, and why."""
    for registry in (DATASETS, MODELS, STRATEGIES):
        for reason in registry.broken.values():
            st.caption(f":material/extension_off: The {registry.kind} {escaped(reason)}")


def fill(spec: RunSpec) -> None:
    """Put a run's settings into the form; call before `draw`."""
    for name in KNOBS:
        if name not in ("params", "model_params", "early_stopping"):
            fields.preset(name, getattr(spec, name))
    for prefix, record, values in (
        (f"{spec.strategy}.", STRATEGIES[spec.strategy], spec.params),
        (f"{spec.model}.", MODELS[spec.model], spec.model_params),
    ):
        known = {knob.name for knob in record.knobs()}
        fields.preset_all(prefix, {name: values[name] for name in values if name in known})
    fields.preset("early_stopping", spec.early_stopping is not None)
    fields.preset_all(EARLY, (spec.early_stopping or EarlyStopping()).as_dict())


def require_data(name: str) -> None:
    """Refuse data whose examples were deleted; call after the whole form is drawn.

    Raises:
        DatasetUnavailable: says how to get them back.
    """
    DATASETS[name].require()


def offered(key: str) -> dict[str, str]:
    """Labels of the datasets by id, the user's own first, all different.

    Deleted data is among them only while the box of this key shows it.
    """
    datasets = {**own_datasets(), **DATASETS}
    chosen = st.session_state.get(key)
    if chosen is not None and chosen not in datasets:
        with error_boundary():
            datasets[chosen] = DATASETS[chosen]
    labels = [dataset.label for dataset in datasets.values()]
    return {
        name: f"{dataset.label} ({name[4:8]})" if labels.count(dataset.label) > 1
        and name not in list(DATASETS) else dataset.label
        for name, dataset in datasets.items()
    }


def _batches_for(dataset: Dataset) -> None:
    """Choose smaller batches for data with fewer examples than a default batch."""
    train, _ = dataset.sizes(None)
    if train < KNOBS["batch_size"].default:
        fields.preset("batch_size", 2 ** (train // 2).bit_length() // 2)


def _data() -> dict[str, Any]:
    wanted = st.query_params.pop(DATA, None)
    if wanted:
        fields.preset("dataset", wanted)
        if wanted in own_datasets():
            _batches_for(DATASETS[wanted])
    data = offered("dataset")
    name = pick("dataset", list(data), data)
    dataset = DATASETS[name]
    examples = None
    if dataset.size > SMALL:
        knob = replace(
            KNOBS["examples"], unit="", low=float(dataset.min_examples), high=float(dataset.size),
            default=dataset.default_examples,
        )
        examples = fields.widget(knob, key="examples", start=knob.default)
    train, validation = dataset.sizes(min(examples, dataset.size) if examples else None)
    st.caption(f"{_example(dataset)}; {train:,} training and {validation:,} validation examples.")
    with st.popover("About this dataset", type="tertiary"):
        st.markdown(f"**{escaped(dataset.label)}**  \n{escaped(dataset.description)}")
        facts = {"Scaling": dataset.scaling, "Licence": dataset.licence, "Source": dataset.source}
        st.markdown("  \n".join(f"{name}: {escaped(fact)}" for name, fact in facts.items()))
        if dataset.download_bytes:
            st.markdown(f"Downloaded once, about {dataset.download_bytes / 1e6:.0f} MB.")
        if dataset.class_names:
            st.markdown(f"Classes: {escaped(', '.join(dataset.class_names))}")
    return {"dataset": name, "examples": examples}


def _example(dataset: Dataset) -> str:
    """What an example consists of."""
    if 0 in dataset.input_shape:
        return "No inputs, only random noise"
    target = f"{dataset.num_classes} classes" if dataset.num_classes else "one number to predict"
    return f"{inputs_in_words(dataset.input_shape)}, {target}"


def _model(dataset: str) -> dict[str, Any]:
    shape = DATASETS[dataset].shape
    fitting = [name for name, model in MODELS.items() if model.misfit(shape) is None]
    name = pick("model", fitting, {key: MODELS[key].label for key in fitting})
    knobs = MODELS[name].knobs()
    params: dict[str, Any] = {}
    if knobs:
        with st.expander("Model settings"):
            st.caption(MODELS[name].description)
            params = fields.draw(knobs, prefix=f"{name}.")
            if name == OwnLayers.id:
                st.page_link(
                    "pages/models.py", label="Edit the layers in a table", icon=":material/layers:",
                    query_params={
                        "layers-dataset": offered("dataset")[dataset],
                        "layers": params["layers"],
                    },
                )
    return {"model": name, "model_params": params}


def _optimizer() -> dict[str, Any]:
    name = pick("optimizer", list(OPTIMIZERS), OPTIMIZERS)
    shown = {
        "sgd": ["momentum", "nesterov"], "rmsprop": ["momentum"], "adam": [],
        "adamw": ["weight_decay"],
    }[name]
    return {"optimizer": name} | fields.draw([KNOBS[key] for key in shown], prefix="")


def _strategy(dataset: str) -> dict[str, Any]:
    name = pick("strategy", list(STRATEGIES), {key: s.label for key, s in STRATEGIES.items()})
    st.caption(STRATEGIES[name].when)
    knobs = knobs_for(STRATEGIES[name], dataset)
    return {"strategy": name, "params": fields.draw(knobs, prefix=f"{name}.")}


def strategy_settings(name: str, knobs: Sequence[Knob], *, prefix: str) -> dict[str, Any]:
    """The fields of one strategy among several, folded away, with the editor if its curve is drawn
    by hand; the prefix comes before the strategy's id in their keys.

    Raises:
        InvalidField: a list typed as text that can't be read.
    """
    if not knobs:
        return {}
    with st.expander(STRATEGIES[name].label):
        st.caption(STRATEGIES[name].when)
        params = fields.draw(knobs, prefix=f"{prefix}{name}.")
        editor.in_form(name, params, f"{prefix}{name}.")
    return params


def arms(names: Sequence[str], dataset: str, *, prefix: str) -> list[Arm]:
    """Strategies with the settings that `strategy_settings` draws for each."""
    return [
        Arm(strategy=name, params=strategy_settings(
            name, knobs_for(STRATEGIES[name], dataset), prefix=prefix
        ))
        for name in names
    ]


def more(dataset: str, *, seed: bool = True, stopping: bool = True) -> dict[str, Any]:
    """The part about batches, loss, early stopping and, for a single run, its seed."""
    classes = DATASETS[dataset].num_classes > 0
    losses = ["auto", "cross_entropy"] if classes else ["auto", "mse", "mae", "huber"]
    left, right = st.columns(2)
    values: dict[str, Any] = {}
    with left:
        values["batch_size"] = setting("batch_size")
        values["loss"] = pick("loss", losses, LOSSES)
    with right:
        if seed:
            values["seed"] = setting("seed")
        if classes:
            values["label_smoothing"] = setting("label_smoothing")
    if not stopping:
        return values
    wanted = st.toggle(
        KNOBS["early_stopping"].label, help=fields.helped(KNOBS["early_stopping"]),
        **fields.bound("early_stopping", False),
    )
    if wanted:
        values["early_stopping"] = fields.draw(knobs_for(EarlyStopping, dataset), prefix=EARLY)
    return values


def setting(name: str) -> Any:
    """The widget of one field of `RunSpec`."""
    return fields.widget(KNOBS[name], key=name, start=KNOBS[name].default)


def knobs_for(record: type[Record], dataset: str) -> list[Knob]:
    """The fields of a record, without choices that need a metric the dataset does not have."""
    if DATASETS[dataset].num_classes:
        return list(record.knobs())
    return [
        replace(knob, choices=tuple(one for one in knob.choices if "accuracy" not in one))
        if knob.name == "monitor" else knob
        for knob in record.knobs()
    ]


def pick(
    name: str, options: list[str], labels: dict[str, str], *, key: str = "", help: str = ""
) -> str:
    """A select box over ids that shows labels; forgets a choice that is no longer offered.

    `key` and `help` are needed only where they are not those of the field of a run.
    """
    key = key or name
    start = DEFAULTS.get(name, KNOBS[name].default)
    place = options.index(start) if start in options else 0
    if st.session_state.get(key, options[0]) not in options:
        fields.preset(key, options[place])  # else the box would still show the old one

    def say(option: str) -> str:
        return labels.get(option, option)

    asked = st.query_params.get(key)
    if asked and key not in st.session_state and asked not in map(say, options):
        address.ignore(key, asked)
    chosen: str = st.selectbox(
        KNOBS[name].label, options, place, format_func=say,
        help=help or fields.helped(KNOBS[name]), **fields.bound(key, options[place], say),
    )
    return chosen
