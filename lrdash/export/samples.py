"""Each dataset as lines that load, split and scale it as lrdash does, without lrdash.

The lines leave `x_train`, `y_train`, `x_val` and `y_val`. The embedded datasets come from
scikit-learn or from their formula, the others from `keras.datasets`.
"""

from __future__ import annotations

from lrdash.core.errors import InvalidField
from lrdash.datasets import Dataset
from lrdash.datasets.noisy_quadratic import EXAMPLES as STEPS
from lrdash.datasets.noisy_regression import EXAMPLES, FEATURES, NOISE
from lrdash.datasets.noisy_regression import SEED as NOISY_SEED
from lrdash.datasets.spirals import CLASSES, PER_CLASS
from lrdash.datasets.spirals import NOISE as SPIRAL_NOISE
from lrdash.datasets.spirals import SEED as SPIRAL_SEED
from lrdash.datasets.split import BINS, SEED
from lrdash.datasets.stored import PREFIX as OWN

Lines = list[str]


def sklearn_lines(name: str, reshaped: str = "") -> Lines:
    """Read a dataset that scikit-learn brings."""
    shape = [f"x = x.reshape({reshaped})"] if reshaped else []
    return [
        f"from sklearn.datasets import load_{name}", "", f"x, y = load_{name}(return_X_y=True)",
        *shape,
    ]


def keras_lines(name: str, reshaped: str = "") -> Lines:
    """Read the training part of a dataset that Keras fetches."""
    shape = [f"x = x.reshape({reshaped})"] if reshaped else []
    ravel = ["y = y.ravel()"] if name == "cifar10" else []
    return [f"(x, y), _ = keras.datasets.{name}.load_data()", *shape, *ravel]


def own_lines(dataset: Dataset) -> Lines:
    """Read a user's data from the file that the Data page and the shell hand out."""
    file = f"{dataset.id}.npz"
    return [
        "# Your own data. The Data page offers this file for download, and so does the shell:",
        f"#     lrdash data export {dataset.id} {file}",
        f'with np.load("{file}", allow_pickle=False) as held:',
        '    x, y = held["x"], held["y"]',
    ]


SPIRALS = [
    f"radius = np.tile(np.linspace(0.1, 1.0, {PER_CLASS}), {CLASSES})",
    f"y = np.repeat(np.arange({CLASSES}), {PER_CLASS})",
    f"angle = 2.0 * np.pi * (y / {CLASSES} + radius)",
    "x = radius[:, np.newaxis] * np.stack([np.cos(angle), np.sin(angle)], axis=1)",
    f"x += {SPIRAL_NOISE} * np.random.RandomState({SPIRAL_SEED}).standard_normal(x.shape)",
]
NOISY = [
    f"random = np.random.RandomState({NOISY_SEED})",
    f"x = random.random_sample(({EXAMPLES}, {FEATURES}))",
    f"noise = {NOISE} * random.standard_normal({EXAMPLES})",
    "y = (",
    "    10.0 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20.0 * (x[:, 2] - 0.5) ** 2",
    "    + 10.0 * x[:, 3] + 5.0 * x[:, 4]",
    ") + noise",
]
READERS: dict[str, Lines] = {
    "digits": sklearn_lines("digits", "-1, 8, 8, 1"),
    "breast_cancer": sklearn_lines("breast_cancer"),
    "wine": sklearn_lines("wine"),
    "diabetes": sklearn_lines("diabetes"),
    "spirals": SPIRALS,
    "noisy_regression": NOISY,
    # The noise is in the model; examples only count the updates.
    "noisy_quadratic": [f"x, y = np.zeros(({STEPS}, 0)), np.zeros({STEPS})"],
    "mnist": keras_lines("mnist", "-1, 28, 28, 1"),
    "fashion_mnist": keras_lines("fashion_mnist", "-1, 28, 28, 1"),
    "cifar10": keras_lines("cifar10"),
    "california_housing": keras_lines("california_housing"),
}

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
        InvalidField: for a dataset that is not written here.
    """
    own = dataset.id.startswith(OWN)
    if dataset.id not in READERS and not own:
        known = ", ".join(READERS)
        problem = f"must be one that can be written as a script ({known})"
        raise InvalidField("dataset", problem, dataset.id)
    trained, validated = dataset.sizes(examples)
    strata = ["strata = y"]
    if dataset.task == "regression":
        strata = [
            f"# Strata of a number: its {BINS} quantiles.",
            "ranks = np.empty(len(y), np.int64)",
            'ranks[np.argsort(y, kind="stable")] = np.arange(len(y))',
            f"strata = ranks * {BINS} // len(y)",
        ]
    return [
        *(own_lines(dataset) if own else READERS[dataset.id]), *strata, "", "", *SPLIT.splitlines(),
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
