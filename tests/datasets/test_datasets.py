"""Datasets: their facts hold without loading, their parts are fixed, stratified and scaled."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from lrdash.core.errors import DatasetUnavailable, InvalidField, UnknownName
from lrdash.datasets import DATASETS, Dataset, Split, noisy_regression
from lrdash.datasets.scaling import scale_pixels, standardise
from lrdash.datasets.split import part_sizes, quantile_bins, split_order
from tests.factories.datasets import DOWNLOADED, EMBEDDED, forget

pytestmark = pytest.mark.usefixtures("without_network")
FRESH_HASHES = """
import hashlib
from lrdash.datasets import DATASETS
for dataset in DATASETS.values():
    if not dataset.download_bytes:
        split = dataset.load()
        arrays = split.x_train, split.y_train, split.x_val, split.y_val
        print(hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest())
"""


@pytest.fixture(params=EMBEDDED)
def embedded(request: pytest.FixtureRequest) -> Dataset:
    """Each dataset that needs no network."""
    return DATASETS[request.param]


def arrays(split: Split) -> tuple[np.ndarray, ...]:
    return split.x_train, split.y_train, split.x_val, split.y_val


def fingerprint(split: Split) -> str:
    return hashlib.sha256(b"".join(a.tobytes() for a in arrays(split))).hexdigest()


# Facts


def test_the_catalogue_holds_seven_embedded_and_four_downloaded_datasets() -> None:
    assert EMBEDDED == [
        "digits", "breast_cancer", "wine", "diabetes", "spirals", "noisy_regression",
        "noisy_quadratic",
    ]
    assert DOWNLOADED == ["mnist", "fashion_mnist", "cifar10", "california_housing"]


def test_a_mistyped_dataset_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'digits'"):
        DATASETS["digit"]


def test_the_facts_say_how_it_is_scaled(dataset: Dataset) -> None:
    assert ("target" in dataset.scaling) == (dataset.task == "regression")
    assert ("Pixels" in dataset.scaling) == (len(dataset.input_shape) == 3)
    assert str(int(dataset.pixel_max)) in dataset.scaling or not dataset.pixel_max


def test_a_large_dataset_says_what_is_left_out_and_defaults_to_a_usable_part(
    downloaded: Dataset,
) -> None:
    assert downloaded.default_examples == 5000
    assert downloaded.sizes() == (4000, 1000)
    assert "never used" in downloaded.description


def test_nothing_heavy_is_imported_before_a_dataset_is_loaded() -> None:
    code = (
        "import sys; from lrdash.datasets import DATASETS\n"
        "[(d.shape, d.sizes(), d.used(100)) for d in DATASETS.values()]\n"
        "print({'sklearn', 'keras', 'tensorflow', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# Contract of what is loaded


def test_digits_are_small_images_cut_into_1437_and_360() -> None:
    split = DATASETS["digits"].load()
    assert split.x_train.shape == (1437, 8, 8, 1)
    assert split.x_val.shape == (360, 8, 8, 1)
    assert split.x_train.min() == 0.0
    assert split.x_train.max() == 1.0
    assert set(np.unique(split.x_train * 16)) == set(range(17))


def test_tables_and_targets_are_standardised_by_the_training_part(embedded: Dataset) -> None:
    split = embedded.load()
    if 0 in embedded.input_shape:  # nothing to learn
        assert all(array.size == 0 or not array.any() for array in arrays(split))
        return
    parts = [] if embedded.pixel_max else [(split.x_train, split.x_val)]
    parts += [(split.y_train, split.y_val)] if not embedded.num_classes else []
    for train, validation in parts:
        assert np.abs(train.mean(axis=0, dtype=np.float64)).max() < 1e-6
        assert np.abs(train.std(axis=0, dtype=np.float64) - 1).max() < 1e-6
        assert np.abs(validation.mean(axis=0)).max() > 1e-6  # its own statistics were not used
        assert np.abs(validation.mean(axis=0)).max() < 0.5


def test_a_smaller_cap_trains_and_validates_on_a_part_of_a_larger_one() -> None:
    small, large = DATASETS["digits"].load(200), DATASETS["digits"].load(900)
    assert np.array_equal(large.x_train[:160], small.x_train)
    assert np.array_equal(large.y_train[:160], small.y_train)
    assert np.array_equal(large.x_val[:40], small.x_val)


def test_examples_keep_their_targets() -> None:
    raw_x, raw_y = DATASETS["digits"].reader()
    known = {image.tobytes(): int(digit) for image, digit in zip(raw_x, raw_y, strict=True)}
    split = DATASETS["digits"].load()
    images = np.concatenate([split.x_train, split.x_val]).astype(np.float64) * 16
    digits = np.concatenate([split.y_train, split.y_val])
    assert [known[image.tobytes()] for image in images] == digits.tolist()


def test_the_arrays_are_the_same_to_the_bit_in_every_process() -> None:
    here = [fingerprint(DATASETS[name].load()) for name in EMBEDDED]
    forget()
    assert [fingerprint(DATASETS[name].load()) for name in EMBEDDED] == here
    command = [sys.executable, "-c", FRESH_HASHES]
    there = subprocess.run(command, capture_output=True, text=True, check=True)
    assert there.stdout.split() == here


def test_the_noise_of_the_noisy_regression_leaves_the_error_that_is_stated() -> None:
    x, y = noisy_regression.read()
    left = np.mean((y - noisy_regression.smooth(x)) ** 2) / np.var(y)
    assert left == pytest.approx(0.04, abs=0.005)


# Splitting and scaling


@settings(max_examples=60, deadline=None)
@given(some.lists(some.integers(1, 60), min_size=2, max_size=6), some.data())
def test_both_parts_are_disjoint_complete_and_stratified(
    counts: list[int], data: some.DataObject
) -> None:
    strata = np.repeat(np.arange(len(counts)), counts)
    train, validation = split_order(strata)
    assert (len(train), len(validation)) == part_sizes(len(strata))
    assert sorted([*train, *validation]) == list(range(len(strata)))
    for part in (train, validation):
        if len(part):
            length = data.draw(some.integers(1, len(part)))
            held = np.bincount(strata[part], minlength=len(counts)) / len(part)
            taken = np.bincount(strata[part[:length]], minlength=len(counts))
            assert np.abs(taken - held * length).max() < 1 + len(counts) / 2


def test_the_validation_part_is_a_fifth_rounded_up() -> None:
    assert [part_sizes(n) for n in (10, 11, 15, 16)] == [(8, 2), (8, 3), (12, 3), (12, 4)]


def test_quantile_bins_are_even_and_follow_the_target() -> None:
    bins = quantile_bins(np.array([5.0, 1.0, 1.0, 9.0, 7.0]), bins=5)
    assert bins.tolist() == [2, 0, 1, 4, 3]


def test_a_constant_feature_is_shifted_to_zero_and_never_divided_by_zero() -> None:
    train = np.array([[1.0, 0.1, 0.0], [3.0, 0.1, 0.0], [5.0, 0.1, 0.0]])
    train[:, 1] = 0.1
    scaled, validation = standardise(train, np.array([[3.0, 0.6, 2.0]]))
    assert np.allclose(scaled[:, 0], [-np.sqrt(1.5), 0, np.sqrt(1.5)])
    assert np.allclose(scaled[:, 1:], 0)
    assert np.allclose(validation, [[0.0, 0.5, 2.0]])


def test_pixels_end_up_between_0_and_1() -> None:
    scaled = scale_pixels(np.array([0, 51, 255], np.uint8), 255)
    assert scaled.dtype == np.float32
    assert scaled.tolist() == pytest.approx([0, 0.2, 1])


# Wrong use


def test_ten_classes_need_46_examples() -> None:
    with pytest.raises(
        InvalidField,
        match="examples must be at least 46 so that every class is in both parts, got 45",
    ):
        DATASETS["digits"].used(45)
    assert np.unique(DATASETS["digits"].load(46).y_val).size == 10


def made(y: np.ndarray, **changes: Any) -> Dataset:
    """A user's own dataset of so many labels."""
    facts = {
        "id": "own", "label": "Own", "description": "Mine.", "task": "classification",
        "input_shape": (2,), "num_classes": 2, "class_names": ("no", "yes"), "size": len(y),
        "default_examples": len(y), "licence": "Mine", "source": "Me", "scaling": "None",
        "reader": lambda: (np.arange(2.0 * len(y)).reshape(-1, 2), y),
    }
    return Dataset(**{**facts, **changes})


def test_a_rare_class_that_misses_a_part_is_refused_when_loaded() -> None:
    own = made(np.repeat([0, 1], [96, 4]))
    assert np.bincount(own.load().y_val).tolist() == [19, 1]
    with pytest.raises(InvalidField, match="examples must be larger so that every class"):
        own.load(20)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_classes": 0}, "own.num_classes must be at least 2 for classification"),
        ({"task": "regression"}, "and 0 for regression"),
        ({"class_names": ("no",)}, "own.class_names must be 2 names"),
        ({"default_examples": 99}, "own.default_examples must be between 10 and the size 20"),
    ],
)
def test_a_dataset_whose_facts_contradict_each_other_is_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidField, match=message):
        made(np.repeat([0, 1], 10), **changes)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((19, 2)), np.repeat([0, 1], 10), "shapes should be"),
        (np.zeros((20, 2)), np.zeros((20, 1)), "shapes should be"),
        (np.full((20, 2), np.nan), np.repeat([0, 1], 10), "not finite"),
        (np.zeros((20, 2)), np.repeat([1, 2], 10), "classes should be 0 to 1"),
    ],
)
def test_arrays_that_break_the_promise_are_refused(
    x: np.ndarray, y: np.ndarray, message: str
) -> None:
    own = made(np.repeat([0, 1], 10), reader=lambda: (x, y))
    with pytest.raises(DatasetUnavailable, match=f"The data of Own is wrong: .*{message}"):
        own.load()
