"""The field's terms, each in one or two plain sentences, grouped by topic."""

from __future__ import annotations

import re
from collections.abc import Mapping

TRAINING = {
    "Loss": "How wrong the model is, as one number. Training minimises it.",
    "Gradient": "The direction in which the loss grows fastest, for all weights at once. An update "
    "moves the weights against it.",
    "Learning rate (LR)": "How far an update moves along the gradient. Too high, and the loss "
    "jumps or becomes NaN; too low, and it hardly falls.",
    "Batch": "The training examples behind one update. Small batches give noisier gradients than "
    "large ones.",
    "Update": "One change of the weights, after one batch; also called step or iteration.",
    "Epoch": "One pass over all training examples, with one update for each batch.",
    "Optimizer": "The rule that turns gradients and the rate into updates, such as SGD or Adam.",
    "Momentum": "The share of the last update that is carried into the next. It smooths the path "
    "and acts like a rate 1 / (1 - momentum) times as high.",
    "Weight decay": "Removes a small share of each weight with every update, so that weights stay "
    "small.",
    "Seed": "The number that decides the initial weights, the order of batches and dropout. "
    "Another seed repeats the same settings with other luck, so use several.",
    "Checkpoint": "Everything a run needs to resume as if it had never paused: weights, "
    "optimizer, counters and random states.",
}
RATE = {
    "Strategy": "How the learning rate changes during training: a schedule or a feedback rule.",
    "Schedule": "A strategy that knows all its rates before training starts, such as step, linear "
    "or cosine.",
    "Feedback rule": "A strategy that decides after each epoch from how training went, such as "
    "reduce on plateau.",
    "Callback": "Code that training calls after each batch or epoch. Keras' LearningRateScheduler "
    "and ReduceLROnPlateau are callbacks that set the rate.",
    "Peak rate": "The highest rate of a strategy, also called base rate. Each strategy has its own "
    "best one.",
    "Warm-up": "A ramp from a low rate to the peak at the start of training, so that the first "
    "updates do not throw the fresh weights far off.",
    "Decay": "The fall of the rate during training, gradually or in steps.",
    "Cut": "A single drop of the rate, usually by a factor such as 0.5.",
    "Horizon": "The number of epochs that a schedule plans for. Linear and cosine must know it in "
    "advance; reduce on plateau needs none.",
    "Range test": "A short training in which the rate grows with every update (Smith 2015). A good "
    "peak rate to start with is where the loss falls fastest.",
}
PLATEAU_RULE = {
    "Plateau": "A stretch of epochs in which the metric no longer improves.",
    "Monitored metric": "The value that a callback watches, usually the validation loss.",
    "Patience": "Epochs without improvement that the rule waits before it cuts the rate. Long: few "
    "and late cuts; short: noise drives the rate down.",
    "Wait": "The rule's counter of epochs without improvement. The rule cuts the rate when the "
    "wait reaches the patience.",
    "Cooldown": "Epochs after a cut in which the rule does not count, so that the lower rate has "
    "time to take effect.",
    "min_delta": "The smallest change that counts as an improvement. Anything smaller is a plateau "
    "to the rule.",
    "Early stopping": "Ends training when the metric has not improved for some epochs. Its "
    "patience should be longer than that of the plateau rule.",
}
VALLEY = {
    "Valley": "A picture of the loss over the weights: training walks downhill, and a narrow "
    "valley requires small steps.",
    "Curvature": "How quickly the slope changes across the valley. Narrow valleys have a high one.",
    "Stability limit": "2 / curvature: at a higher rate, plain gradient descent bounces ever "
    "higher up the walls. Momentum moves the limit.",
    "Divergence": "The loss grows without bound or becomes NaN, usually at too high a rate.",
    "Noise floor": "The loss at which a constant rate settles, since the noise of the batches "
    "keeps scattering the weights. It is about proportional to the rate.",
    "Training loss": "The loss on the examples that the model learns from.",
    "Validation loss": "The loss on examples that the model does not learn from. It should be low.",
    "Accuracy": "The share of examples that are classified correctly.",
    "Overfitting": "The model fits details of its training examples that do not generalise: the "
    "training loss keeps falling while the validation loss rises.",
}
COMPARISON = {
    "Arm": "One strategy with its settings in a comparison.",
    "Baseline": "The strategy that all others are compared with.",
    "Paired": "With the same seed all strategies start from the same weights and see the same "
    "batches, so that a difference between them comes from the rate alone.",
    "Interval": "Where the true mean probably lies, at 95% by Student's t over the seeds. That of "
    "a difference holds what the test does not reject. Few seeds make it wide.",
    "No evidence": "The difference is no larger than what other seeds alone would produce. That "
    "does not mean that there is none.",
    "Bowl": "The final loss plotted against the peak rate: low rates are slow, high ones diverge. "
    "A wide bowl tolerates a badly chosen rate.",
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
    """The terms with all these words, in any case, in name or meaning; all for an empty text.

    Returns:
        The meaning by group and term; groups without such terms are left out.
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
