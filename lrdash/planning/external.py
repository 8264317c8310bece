"""Runs whose model and data are external: of a script, or of a training loop only watched.

Their specs name both freely and carry `Facts`. These make placeholders, with which every page,
table and report works as with any other run, although nothing can be built or loaded. In the
process of the script itself the real ones replace them, for as long as they are `present`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from lrdash.core.errors import DatasetUnavailable, NotHere
from lrdash.core.spec import DataShape, Facts, RunSpec
from lrdash.datasets import DATASETS, Dataset, Split, stored
from lrdash.models import Model
from lrdash.models.base import KerasModel
from lrdash.models.layers import Work

WHERE = {
    "script": "Its model and data are in the script that trained it: to train it again or further, "
    "run that script",
    "watched": "Another program trained it, and lrdash only watched: to train it again, run that "
    "program",
    "import": "It was imported from files of another program: only that program can train it again",
}


@dataclass(frozen=True, kw_only=True)
class ExternalDataset(Dataset):
    """A dataset that is only known by its facts; its sizes are what they are."""

    train_examples: int = 0
    validation_examples: int = 0

    def __post_init__(self) -> None:
        """Nothing to check: it has been trained on."""

    def used(self, examples: int | None = None) -> int:  # noqa: ARG002
        """All of it."""
        return self.size

    def sizes(self, examples: int | None = None) -> tuple[int, int]:  # noqa: ARG002
        """As the facts say; 0 where they are not known."""
        return self.train_examples, self.validation_examples

    def load(self, examples: int | None = None) -> Split:  # noqa: ARG002
        """Refuse: raises NotHere."""
        raise NotHere(f"The data {self.label!r} cannot be loaded here. {WHERE['script']}.")


class ExternalModel(Model):
    """A model that is only known by its facts. Each has a class of its own, with its name."""

    id = "elsewhere"
    description = "A model from outside lrdash."
    source = "its own script"
    facts: ClassVar[Facts]

    @classmethod
    def misfit(cls, shape: DataShape) -> str | None:  # noqa: ARG003
        """It has been trained, so it fits."""
        return None

    def build(self, shape: DataShape) -> KerasModel:  # noqa: ARG002
        """Refuse: raises NotHere."""
        raise NotHere(f"The model {self.label!r} cannot be built here. {WHERE['script']}.")

    def parameters(self, shape: DataShape) -> int:  # noqa: ARG002
        """As the facts say."""
        return self.facts.parameters

    def work(self, shape: DataShape) -> Work:
        """A guess: each weight is used once, and as many numbers as an example has are kept."""
        numbers = max(1, math.prod(shape.input_shape))
        return Work(multiply_adds=max(1, self.facts.parameters), numbers=numbers)


_present: dict[str, tuple[Dataset, Model]] = {}  # by token, in the process of a script


@contextmanager
def present(token: str, dataset: Dataset, model: Model) -> Iterator[None]:
    """Let plans of specs with this token have the real dataset and model, for as long as it lasts.

    Args:
        token: of the specs' facts.
    """
    before = _present.get(token)
    _present[token] = dataset, model
    try:
        yield
    finally:
        if before is None:
            del _present[token]
        else:
            _present[token] = before


def found(spec: RunSpec) -> tuple[Dataset, Model]:
    """Dataset and model of a spec whose origin is not "here": the real ones, or placeholders."""
    facts = spec.facts or Facts()
    return _present.get(facts.token) or _placeholders(spec.dataset, spec.model, facts)


def why_not(spec: RunSpec) -> str:
    """Why a run cannot be trained here, and what to do instead; empty if it can."""
    if spec.trainable_here or (spec.facts and spec.facts.token in _present):
        return ""
    return f"{WHERE[spec.origin]}."


def missing(spec: RunSpec) -> str:
    """Why a run cannot be trained with the data of users that this server has; empty if it can."""
    try:
        if spec.dataset in DATASETS:
            DATASETS[spec.dataset].require()
        else:
            stored.find(spec.dataset)
    except DatasetUnavailable as fault:
        return str(fault)
    return ""


def refuse(specs: Sequence[RunSpec]) -> None:
    """Refuse to train what cannot be trained here.

    Raises:
        NotHere: for the first of these specs that cannot be trained.
    """
    for spec in specs:
        if reason := why_not(spec):
            raise NotHere(f"The run on {spec.dataset} cannot be trained here. {reason}")


def dataset_label(spec: RunSpec) -> str:
    """The name of its dataset, as it is shown."""
    if spec.trainable_here and spec.dataset in DATASETS:
        return DATASETS[spec.dataset].label
    return spec.dataset


def has_classes(spec: RunSpec) -> bool:
    """Whether its epochs have an accuracy."""
    if not spec.trainable_here:
        return spec.facts is not None and "accuracy" in spec.facts.metrics
    return spec.dataset in DATASETS and DATASETS[spec.dataset].num_classes > 0


@lru_cache(maxsize=64)
def _placeholders(dataset: str, model: str, facts: Facts) -> tuple[Dataset, Model]:
    kind: type[ExternalModel] = type(
        "ExternalModel", (ExternalModel,), {"label": model, "facts": facts, "__doc__": model}
    )
    return placeholder(dataset, facts), kind()


def placeholder(name: str, facts: Facts, kind: type[Any] = ExternalDataset, **more: Any) -> Dataset:
    """A dataset of this name with these facts.

    Args:
        kind: `ExternalDataset`, or a class made from it.
        more: further fields of that.
    """
    classes = facts.num_classes
    made: Dataset = kind(
        id=name, label=name, description="Data from outside lrdash.",
        task="classification" if classes else "regression",
        input_shape=facts.input_shape, num_classes=classes,
        class_names=tuple(str(number) for number in range(classes)),
        size=facts.train_examples + facts.validation_examples,
        default_examples=facts.train_examples + facts.validation_examples,
        licence="not known", source="outside lrdash", scaling="As they are.", reader=_no_reader,
        train_examples=facts.train_examples, validation_examples=facts.validation_examples, **more,
    )
    return made


def _no_reader() -> Any:
    raise NotHere(f"These data cannot be read here. {WHERE['script']}.")
