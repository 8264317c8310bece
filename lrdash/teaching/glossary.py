"""The field's terms, each in one or two plain sentences, in the groups in which one meets them."""

from __future__ import annotations

import re
from collections.abc import Mapping

TRAINING = {
    "Loss": "How wrong the model is, as one number: what training makes small.",
    "Gradient": "The direction in which the loss grows fastest, for all weights at once. An update "
    "goes against it.",
    "Learning rate (LR)": "How far an update goes along the gradient. Too high, and the loss jumps "
    "or becomes NaN; too low, and it creeps.",
    "Batch": "The training examples behind one update. A small batch gives a noisier gradient than "
    "a large one.",
    "Update": "One change of the weights, after one batch; also called step or iteration.",
    "Epoch": "One pass over all training examples: as many updates as there are batches.",
    "Optimizer": "The rule that makes updates of gradients and rate, such as SGD or Adam.",
    "Momentum": "A share of the last update that is kept in the next. It calms the path and acts "
    "like a rate 1 / (1 - momentum) times as high.",
    "Weight decay": "Removes a small share of each weight with every update, so that weights stay "
    "small.",
    "Seed": "The number that decides first weights, order of batches and dropout. Another seed is "
    "another training of the same settings: hence several of them.",
    "Checkpoint": "Everything that a run needs to go on as if it had never paused: weights, "
    "optimizer, counters and random states.",
}
RATE = {
    "Strategy": "How the learning rate moves over training: a schedule or a feedback rule.",
    "Schedule": "A strategy that knows all its rates before training starts, such as step, linear "
    "or cosine.",
    "Feedback rule": "A strategy that decides after each epoch from how training went, such as "
    "reduce on plateau.",
    "Callback": "A piece of code that training calls after each batch or epoch. Keras' "
    "LearningRateScheduler and ReduceLROnPlateau are callbacks that set the rate.",
    "Peak rate": "The highest rate of a strategy, also called base rate. Each strategy has a best "
    "one of its own.",
    "Warm-up": "A ramp from a low rate to the peak at the start of training, so that fresh weights "
    "are not thrown about.",
    "Decay": "The fall of the rate over training, by a curve or in steps.",
    "Cut": "A single drop of the rate, usually by a factor such as 0.5.",
    "Horizon": "The number of epochs that a schedule counts with. Linear and cosine must know it "
    "before they begin; reduce on plateau needs none.",
    "Range test": "A short training in which the rate grows with every update (Smith 2015). Where "
    "the loss falls fastest is a good peak rate to begin with.",
}
PLATEAU_RULE = {
    "Plateau": "A stretch of epochs in which the metric no longer improves.",
    "Monitored metric": "The value that a callback watches, usually the validation loss.",
    "Patience": "Epochs without improvement that the rule waits before it cuts the rate. Long: few "
    "and late cuts; short: noise drives the rate down.",
    "Wait": "The rule's counter of epochs without improvement. It cuts when the wait has reached "
    "the patience.",
    "Cooldown": "Epochs after a cut in which the rule does not count, so that the lower rate has "
    "time to show what it does.",
    "min_delta": "The smallest improvement that counts. A smaller one is a plateau to the rule.",
    "Early stopping": "Ends training when the metric has not improved for some epochs. Its "
    "patience should be longer than that of the plateau rule.",
}
VALLEY = {
    "Valley": "A picture of the loss over the weights: training walks down, and a narrow valley "
    "asks for small steps.",
    "Curvature": "How quickly the slope changes across the valley. Narrow valleys have a high one.",
    "Stability limit": "2 / curvature: plain gradient descent at a higher rate bounces ever "
    "further up the walls. Momentum moves the limit.",
    "Divergence": "The loss grows without bound or becomes NaN, mostly at too high a rate.",
    "Noise floor": "The loss at which a constant rate comes to rest, since the noise of the "
    "batches keeps throwing the weights about. It is about proportional to the rate.",
    "Training loss": "The loss on the examples that the model learns from.",
    "Validation loss": "The loss on examples that the model has not seen: what one wants low.",
    "Accuracy": "The share of examples that are classified rightly.",
    "Overfitting": "The model learns its training examples by heart: the training loss goes on "
    "falling while the validation loss rises.",
}
COMPARISON = {
    "Arm": "One strategy with its settings in a comparison.",
    "Baseline": "The arm that all others are held against.",
    "Paired": "With the same seed all arms start from the same weights and see the same batches, "
    "so that a difference between them comes from the rate alone.",
    "Interval": "Where the true mean probably lies, at 95% by Student's t over the seeds. Few "
    "seeds make it wide.",
    "No evidence": "The difference seen is no larger than what other seeds alone would make. It "
    "does not mean that there is none.",
    "Bowl": "The final loss drawn against the peak rate: low rates are slow, high ones diverge. A "
    "wide bowl forgives a badly chosen rate.",
    "Lane": "One run among many that are trained together as one program.",
}
GROUPS: Mapping[str, Mapping[str, str]] = {
    "Training": TRAINING,
    "The rate": RATE,
    "Reduce on plateau": PLATEAU_RULE,
    "The valley and the loss": VALLEY,
    "Comparing": COMPARISON,
}
# The term that explains a setting, by the name of its field.
SETTINGS: Mapping[str, str] = {
    "base_lr": "Peak rate", "epochs": "Epoch", "batch_size": "Batch", "seed": "Seed",
    "optimizer": "Optimizer", "momentum": "Momentum", "weight_decay": "Weight decay",
    "loss": "Loss", "strategy": "Strategy", "warmup_epochs": "Warm-up", "patience": "Patience",
    "cooldown": "Cooldown", "min_delta": "min_delta", "monitor": "Monitored metric",
    "early_stopping": "Early stopping", "horizon": "Horizon",
}


def anchor(term: str) -> str:
    """The place of a term in the address of the glossary: `learning-rate-lr`, `min-delta`.

    >>> anchor("Learning rate (LR)"), anchor("min_delta")
    ('learning-rate-lr', 'min-delta')
    """
    return re.sub(r"[^a-z0-9]+", "-", term.lower()).strip("-")


def look_up(text: str) -> dict[str, dict[str, str]]:
    """The terms that have all these words in name or meaning, by group; empty groups are left out.

    Args:
        text: what is looked for, small and capital letters alike; empty: all terms.
    """
    words = text.lower().split()
    found = {
        group: {
            term: meaning for term, meaning in terms.items()
            if all(word in f"{term} {meaning}".lower() for word in words)
        }
        for group, terms in GROUPS.items()
    }
    return {group: terms for group, terms in found.items() if terms}
