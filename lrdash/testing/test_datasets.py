"""Datasets: their facts hold without loading, their parts are fixed, stratified and scaled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lrdash.core.errors import InvalidField
from lrdash.datasets import DATASETS, Dataset, Split
from lrdash.datasets.split import quantile_bins, split_order
from lrdash.models import MODELS

EMBEDDED = [name for name, dataset in DATASETS.items() if not dataset.download_bytes]
each = pytest.mark.parametrize("dataset", DATASETS.values(), ids=list(DATASETS))
each_embedded = pytest.mark.parametrize("dataset", [DATASETS[n] for n in EMBEDDED], ids=EMBEDDED)


def arrays(split: Split) -> tuple[NDArray[Any], ...]:
    """All four of them."""
    return split.x_train, split.y_train, split.x_val, split.y_val


@each
def test_the_facts_are_filled_in(dataset: Dataset) -> None:
    assert DATASETS[dataset.id] is dataset
    for text in (dataset.label, dataset.description, dataset.licence, dataset.source):
        assert text
        assert text == text.strip()
        assert "  " not in text
    assert dataset.scaling
    assert dataset.label[0].isupper()
    assert len(dataset.class_names) == len(set(dataset.class_names)) == dataset.num_classes
    assert dataset.shape.outputs == max(1, dataset.num_classes)


@each
def test_some_model_fits(dataset: Dataset) -> None:
    assert [name for name in MODELS if MODELS[name].misfit(dataset.shape) is None]


@each_embedded
def test_loading_gives_what_the_facts_promise(dataset: Dataset) -> None:
    split = dataset.load()
    train, validation = dataset.sizes()
    assert split.x_train.shape == (train, *dataset.input_shape)
    assert split.x_val.shape == (validation, *dataset.input_shape)
    assert split.y_train.shape == (train,)
    assert split.y_val.shape == (validation,)
    assert split.x_train.dtype == split.x_val.dtype == np.float32
    kind = np.int32 if dataset.num_classes else np.float32
    assert split.y_train.dtype == split.y_val.dtype == kind
    assert all(np.isfinite(array).all() for array in arrays(split))
    assert train + validation == dataset.default_examples


@each_embedded
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_a_cap_gives_the_sizes_that_were_foretold(dataset: Dataset, share: float) -> None:
    least, most = dataset.min_examples, dataset.size
    examples = round(least + share * (most - least))
    split = dataset.load(examples)
    assert (len(split.x_train), len(split.x_val)) == dataset.sizes(examples)
    assert len(split.y_train) + len(split.y_val) == dataset.used(examples) == examples


@each_embedded
def test_every_class_is_in_both_parts_in_its_share(dataset: Dataset) -> None:
    if not dataset.num_classes:
        return
    whole = np.bincount(np.asarray(dataset.reader()[1])) / dataset.size
    for examples in (dataset.min_examples, dataset.size):
        split = dataset.load(examples)
        for part in (split.y_train, split.y_val):
            counts = np.bincount(part, minlength=dataset.num_classes)
            assert counts.min() > 0
            assert np.abs(counts - whole * len(part)).max() < 2


@each_embedded
def test_regression_parts_cover_the_range_of_the_target_evenly(dataset: Dataset) -> None:
    if dataset.num_classes:
        return
    bins = quantile_bins(dataset.reader()[1])
    for order in split_order(bins):
        for length in (min(20, len(order)), len(order)):
            counts = np.bincount(bins[order[:length]], minlength=10)
            assert np.abs(counts - length / 10).max() < 2


@each_embedded
def test_the_arrays_cannot_be_changed_and_are_loaded_once(dataset: Dataset) -> None:
    split = dataset.load()
    assert dataset.load() is dataset.load(dataset.default_examples) is split
    for array in arrays(split):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@each_embedded
def test_the_reader_gives_the_same_at_every_call(dataset: Dataset) -> None:
    for first, second in zip(dataset.reader(), dataset.reader(), strict=True):
        np.testing.assert_array_equal(first, second)


@each
def test_more_examples_than_there_are_is_refused(dataset: Dataset) -> None:
    message = f"examples must be at most {dataset.size}, the size of {dataset.label}, got"
    with pytest.raises(InvalidField, match=message):
        dataset.sizes(dataset.size + 1)


@each
def test_too_few_examples_for_every_class_is_refused(dataset: Dataset) -> None:
    with pytest.raises(InvalidField, match=f"examples must be at least {dataset.min_examples}"):
        dataset.load(dataset.min_examples - 1)
