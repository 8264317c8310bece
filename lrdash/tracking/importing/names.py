"""What tags of event files and columns of tables are called in lrdash.

Other programs have many words for the same: `train/loss`, `Loss/train`, `training_loss`. Two that
would get one name stay two metrics.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

TRAIN = ("train", "training")
VALIDATION = ("validation", "val", "valid", "eval", "dev", "test")  # the first becomes `val_...`
EPOCH = "epoch_"  # Keras' prefix of metrics whose steps are epochs
RATE = "learning_rate"
COUNTERS = ("step", "global_step")  # columns that count updates
ROLES = "|".join((*TRAIN, *VALIDATION))
BEFORE = re.compile(rf"({ROLES})[ _-]+(.+)", re.IGNORECASE)
AFTER = re.compile(rf"(loss|acc|accuracy)[ _-]+({ROLES})", re.IGNORECASE)
USUAL = ("loss", "accuracy")
RATES = re.compile(r"(lr|learning_?rate)([_/].*)?|.*/(lr|learning_?rate)")
OTHER_SETTINGS = re.compile(r".*(momentum|weight_decay)")  # Lightning: lr-SGD-momentum
# Metrics of single updates: Keras' batch_loss, Lightning's loss_step, and the like.
UPDATES = re.compile(r"(val_)?((batch|step|iter|iteration)[_/].+|evaluation_.+_vs_iterations)|"
                     r".+[_/](batch|step|iter|iteration)", re.IGNORECASE)


def column(tag: str, role: str = "") -> str:
    """The name of a tag or of a column, below a folder of this role.

    >>> column("epoch_loss", "validation"), column("Loss/val"), column("training_loss")
    ('val_loss', 'val_loss', 'loss')
    >>> column("lr-SGD"), column("Learning rate"), column("train_f1_epoch")
    ('learning_rate', 'learning_rate', 'f1')
    """
    plain, word = _parts(tag, role)
    tidy = _tidy(plain)
    if RATES.fullmatch(tidy) and not OTHER_SETTINGS.fullmatch(tidy):
        return RATE
    if word or tidy.rpartition("_")[0] in USUAL:
        plain = plain.removesuffix("_epoch")  # Lightning's mean of an epoch
    plain = _tidy(plain) if _tidy(plain) in USUAL else plain
    return f"val_{plain}" if word in VALIDATION else plain


def order(tag: str) -> tuple[int, ...]:
    """Sorts tags of one name: results of validation before those of a test."""
    word = _parts(tag, "")[1]
    return (VALIDATION.index(word) if word in VALIDATION else 0,)


def is_test(tag: str) -> bool:
    """Whether it measures a test, which may follow the training."""
    return _parts(tag, "")[1] == "test"


def is_epoch(tag: str) -> bool:
    """Whether its values are the epochs: `epoch`, and `train/epoch` of Hugging Face."""
    return tag.rpartition("/")[2].lower() == "epoch"


def of_pairs(tags: Iterable[str]) -> dict[str, str]:
    """What to read in place of each tag: of Lightning's `f1_epoch` and `f1_step`, the first is f1.

    >>> of_pairs(["f1_step", "f1_epoch", "best_epoch"])
    {'f1_step': 'f1_step', 'f1_epoch': 'f1', 'best_epoch': 'best_epoch'}
    """
    found = dict.fromkeys(tags)
    base = {tag: tag.removesuffix("_epoch") for tag in found}
    return {tag: base[tag] if f"{base[tag]}_step" in found else tag for tag in found}


def of_whole_run(tags: Iterable[str]) -> set[str]:
    """Tags with one value for the whole run: Hugging Face's mean loss beside `train_runtime`."""
    found = list(tags)
    last = {tag: tag.rpartition("/")[2] for tag in found}
    if "train_runtime" not in last.values():
        return set()
    return {tag for tag in found if last[tag] == "train_loss"}


def distinct(
    names: Mapping[str, str], ranks: Mapping[str, tuple[int, ...]], remarks: list[str]
) -> dict[str, str]:
    """A name of its own for each label.

    Args:
        names: wanted, by label.
        ranks: the lowest label of a name gets it, the others keep their labels.
        remarks: takes a sentence about each name that several wanted.
    """
    wanted: dict[str, list[str]] = {}
    for label in sorted(names, key=ranks.__getitem__):
        wanted.setdefault(names[label], []).append(label)
    found, taken = {}, set(wanted)
    for name, (first, *others) in wanted.items():
        found[first] = name
        for label in others:
            found[label] = _free(label, taken)
            taken.add(found[label])
        if others:
            kept = listed([found[label] for label in others])
            remarks.append(f"Several metrics could be {name}: {first} is shown, {kept} "
                           f"{'keep their names' if others[1:] else 'keeps its name'}.")
    return {label: found[label] for label in names}


def listed(names: Sequence[str]) -> str:
    """Names in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _parts(tag: str, role: str) -> tuple[str, str]:
    """A tag without the words that say what it measures, and the last of these words."""
    parts = [part for part in tag.removeprefix(EPOCH).split("/") if part]
    for place in (0, -1):
        while len(parts) > 1 and parts[place].lower() in (*TRAIN, *VALIDATION):
            role = parts.pop(place).lower()
    plain = "/".join(parts).removeprefix(EPOCH) or tag
    if found := BEFORE.fullmatch(plain):
        return found[2], found[1].lower()
    if found := AFTER.fullmatch(plain):
        return found[1], found[2].lower()
    return plain, role


def _tidy(name: str) -> str:
    return re.sub(r"[ _-]+", "_", name.strip()).lower()


def _free(name: str, taken: set[str]) -> str:
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name} ({number})"
    return found
