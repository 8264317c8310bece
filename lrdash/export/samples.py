"""Each dataset as lines that load, split and scale it as lrdash does, without lrdash.

The lines leave `x_train`, `y_train`, `x_val` and `y_val`.
"""

from __future__ import annotations

from lrdash.core.errors import InvalidField
from lrdash.core.source import modules_of, source_of
from lrdash.datasets import Dataset
from lrdash.datasets.split import BINS, SEED
from lrdash.datasets.stored import PREFIX as OWN

Lines = list[str]


def own_lines(dataset: Dataset) -> Lines:
    """Read a user's data from the file that the Data page and the shell export."""
    file = f"{dataset.id}.npz"
    return [
        "# Your own data. The Data page offers this file for download, and so does the shell:",
        f"#     lrdash data export {dataset.id} {file}",
        f'with np.load("{file}", allow_pickle=False) as held:',
        '    x, y = held["x"], held["y"]',
    ]


FETCH = '''\
def fetch(name, **_):
    """The training part of a dataset that Keras downloads."""
    return getattr(keras.datasets, name).load_data()[0]'''


def reader_lines(dataset: Dataset) -> Lines:
    """Read a dataset by the source of its own reader.

    Raises:
        InvalidField: for a dataset of another package.
    """
    if not dataset.reader.__module__.startswith("lrdash.datasets."):
        problem = "must be one of lrdash or your own data, to be written as a script"
        raise InvalidField("dataset", problem, dataset.id)
    text = source_of(dataset.reader)
    fetch = [*FETCH.splitlines(), "", ""] if "fetch(" in text else []
    return [*modules_of(text), *fetch, *text.splitlines(), "", "", "x, y = read()"]


SPLIT = f'''\
def interleave(indices, strata):
    """The same indices in an order of which every beginning holds each stratum's share."""
    held = strata[indices]
    place = np.empty(len(indices))
    for stratum in np.unique(held):
        members = held == stratum
        count = np.count_nonzero(members)
        place[members] = (np.arange(count) + 0.5) / count
    return indices[np.argsort(place, kind="stable")]


# One example in five validates; the order is fixed, whatever the seed of the training.
order = interleave(np.random.RandomState({SEED}).permutation(len(y)), strata)
fifth = -(-len(y) // 5)'''


def data_lines(dataset: Dataset, examples: int) -> Lines:
    """The lines that leave the four arrays, targets not yet in the form that the loss wants.

    Args:
        dataset: what to load.
        examples: how many are used, training and validation together.

    Raises:
        InvalidField: for a dataset of another package.
    """
    trained, validated = dataset.sizes(examples)
    strata = ["strata = y"]
    if dataset.task == "regression":
        strata = [
            f"# Strata of a number: its {BINS} quantiles.",
            "ranks = np.empty(len(y), np.int64)",
            'ranks[np.argsort(y, kind="stable")] = np.arange(len(y))',
            f"strata = ranks * {BINS} // len(y)",
        ]
    read = own_lines if dataset.id.startswith(OWN) else reader_lines
    return [
        *read(dataset), *strata, "", "", *SPLIT.splitlines(),
        f"train = interleave(order[fifth:], strata)[:{trained}]",
        f"val = interleave(order[:fifth], strata)[:{validated}]",
        "x_train, y_train, x_val, y_val = x[train], y[train], x[val], y[val]",
        "", *_scaling(dataset),
    ]


def _scaling(dataset: Dataset) -> Lines:
    if dataset.pixel_max:
        largest = f"np.float32({dataset.pixel_max!r})"
        return [
            f"x_train = x_train.astype(np.float32) / {largest}",
            f"x_val = x_val.astype(np.float32) / {largest}",
        ]
    filled = [
        "",
        "def fill_missing(train, val):",
        '    """Both with the median of the training part in place of what is missing."""',
        "    known = ~np.isnan(train).all(axis=0)",
        "    medians = np.zeros(train.shape[1])",
        "    medians[known] = np.nanmedian(train[:, known], axis=0)",
        "    return [np.where(np.isnan(part), medians, part) for part in (train, val)]",
        "", "",
        "x_train, x_val = fill_missing(x_train, x_val)", "",
    ]
    lines = [
        *(filled if dataset.filled else []), "",
        "def standardise(train, val):",
        '    """Both less the mean of the training part, divided by its standard deviation."""',
        "    mean = train.mean(axis=0, dtype=np.float64)",
        "    deviation = train.std(axis=0, dtype=np.float64)",
        "    deviation = np.where(train.max(axis=0) > train.min(axis=0), deviation, 1.0)",
        "    scaled = [(part - mean) / deviation for part in (train, val)]",
        "    return [part.astype(np.float32) for part in scaled]",
        "", "",
        "x_train, x_val = standardise(x_train, x_val)",
    ]
    if dataset.task == "regression":
        lines.append("y_train, y_val = standardise(y_train, y_val)")
    return lines
