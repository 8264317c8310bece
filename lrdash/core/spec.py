"""What to train: `RunSpec`, and the records that it is made of."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Literal, Self

import pydantic

from lrdash.core.errors import InvalidField
from lrdash.core.record import Definition, Knob, Record, canonical, digest_of, field

MAX_RATE = 1000.0  # no rate above this is accepted anywhere
# Fields of a run that are written down only where they are set.
UNSET = ("horizon", "pieces", "origin", "facts")
NAME_LIMIT = 80  # characters of a dataset's or a model's name


@dataclass(frozen=True, kw_only=True)
class DataShape:
    """What a model has to know of a dataset."""

    task: Literal["classification", "regression"]
    input_shape: tuple[int, ...]  # of one example: (features,) or (height, width, channels)
    num_classes: int  # 0 for regression

    @property
    def outputs(self) -> int:
        """Units of the last layer: one a class, or one number."""
        return self.num_classes or 1


class EarlyStopping(Record):
    """Stop when the monitored metric has not improved for `patience` epochs.

    Reference: keras.callbacks.EarlyStopping.
    """

    prefix = "early_stopping."

    monitor: Literal["val_loss", "loss", "val_accuracy", "accuracy"] = field(
        "val_loss", label="Watch",
        help="The metric that has to improve for training to continue. When it stops improving, "
        "both curves end.",
    )
    patience: int = field(
        10, label="Patience", unit="epochs", ge=1, le=10_000, step=1,
        help="Epochs without improvement before both curves end. Set it above the plateau rule's "
        "patience, or training ends before the rate is cut.",
    )
    min_delta: float = field(
        0.0, label="Smallest improvement", ge=0, le=10, step=0.0001,
        help="Smaller changes do not count as an improvement. Larger: the curves end earlier.",
    )
    restore_best_weights: bool = field(
        False, label="Keep the best weights",
        help="Restore the weights of the best epoch when training ends. The curves do not change; "
        "the model kept is the one at their lowest point.",
    )

    @property
    def mode(self) -> Literal["min", "max"]:
        """Whether the metric should fall or rise."""
        return "max" if self.monitor.endswith("accuracy") else "min"


class Piece(Record):
    """Another rate from some epoch on: set by hand, or in a branch.

    Either a strategy of its own takes over, or (without one) the previous rates continue, times
    `factor`. There is no warm-up inside a piece.

    Raises:
        InvalidField: for a value that is not allowed, or settings of a strategy without one.
    """

    prefix = "pieces."

    epoch: int = field(
        ..., label="From epoch", unit="epochs", ge=1, le=10_000, step=1,
        help="Epochs done when this piece takes over. Up to there the rate curve stays as it was.",
    )
    strategy: str = field(
        "", label="Strategy",
        help="Whose curve the rate follows from here on. Empty: the previous one, times a factor.",
    )
    params: dict[str, Any] = field(
        {}, label="Strategy settings",
        help="The strategy's own settings, which shape its curve from here on.",
    )
    base_lr: float | None = field(
        None, label="Peak rate", gt=0, le=MAX_RATE, step=0.01,
        help="The strategy's peak rate: the height of its curve. Empty: the peak rate of the run.",
    )
    factor: float = field(
        1.0, label="Factor", gt=0, le=MAX_RATE, step=0.1,
        help="Multiplies the previous curve from here on, where no strategy takes over. Below 1 it "
        "steps down, above 1 up; its shape stays the same.",
    )
    from_start: bool = field(
        False, label="Counted from the start",
        help="Lay the strategy's curve over the whole run and enter it at this epoch. Off: the "
        "curve starts here.",
    )
    horizon: int | None = field(
        None, label="Horizon", unit="epochs", ge=1, le=10_000, step=1,
        help="Epochs over which the strategy's curve is stretched; after them its last rate holds. "
        "Empty: to the end of the run.",
    )
    state: dict[str, Any] = field(
        {}, label="State",
        help="What a rule has seen and counted before it takes over. Empty: it starts at zero.",
    )

    @pydantic.model_serializer(mode="wrap")
    def _without_empty_state(
        self, dump: pydantic.SerializerFunctionWrapHandler
    ) -> dict[str, Any]:
        """As `RunSpec.as_dict`: digests stay what they were before there could be a state."""
        values: dict[str, Any] = dump(self)
        return {name: value for name, value in values.items() if value or name != "state"}

    @pydantic.model_validator(mode="after")
    def _belongs_together(self) -> Self:
        for name in ("params", "base_lr", "from_start", "horizon", "state"):
            if not self.strategy and getattr(self, name):
                problem = "must be empty without a strategy"
                raise InvalidField(f"{self.prefix}{name}", problem, getattr(self, name))
        if self.strategy and self.factor != 1.0:
            problem = "must be 1 with a strategy, whose peak rate is base_lr"
            raise InvalidField(f"{self.prefix}factor", problem, self.factor)
        if self.from_start and self.horizon and self.horizon <= self.epoch:
            problem = f"must be above {self.epoch}, the epoch at which the piece takes over"
            raise InvalidField(f"{self.prefix}horizon", problem, self.horizon)
        return self

    def settled(self, epochs: int) -> Self:
        """The same with its horizon written out, for a run of this many epochs."""
        if not self.strategy or self.horizon:
            return self
        return self.replace(horizon=epochs if self.from_start else epochs - self.epoch)


class Facts(Record):
    """What is known of a run whose dataset and model lrdash cannot load: for pages and reports."""

    prefix = "facts."

    train_examples: int = field(
        0, label="Training examples", unit="examples", ge=0, help="0: not known."
    )
    validation_examples: int = field(
        0, label="Validation examples", unit="examples", ge=0, help="0: none, or not known."
    )
    steps_per_epoch: int = field(
        1, label="Updates per epoch", unit="updates", ge=1, help="How often an epoch uses a rate."
    )
    parameters: int = field(
        0, label="Trainable weights", unit="weights", ge=0, help="0: not known."
    )
    metrics: tuple[str, ...] = field(
        ("loss", "val_loss"), label="Metrics", help="What each epoch is measured by."
    )
    input_shape: tuple[int, ...] = field((), label="Inputs", help="The shape of one example.")
    num_classes: int = field(0, label="Classes", ge=0, help="0: not classes, or not known.")
    loss: str = field("", label="Loss", help="What training minimises, in words.")
    optimizer: str = field(
        "", label="Optimizer", help="In words, where its kind and settings are its own."
    )
    notes: tuple[str, ...] = field((), label="Notes", help="Sentences that belong to the run.")
    token: str = field(
        "", label="Token", max_length=64, help="Distinguishes one model and its data from others."
    )


class RunSpec(Definition):
    """Everything that decides one training run: same spec, same curve.

    Only runs of the origin "here" can be trained from their spec alone. For the others dataset and
    model are just names, and `facts` holds what is known of them: see `lrdash.planning.external`.

    `params` belong to the strategy and `model_params` to the model; both are checked against their
    records by `lrdash.planning.plan.make`, which also fills in their defaults.

    Raises:
        InvalidField: for a value that is not allowed.
    """

    kept_as = "spec"

    dataset: str = field(
        "digits", label="Dataset", max_length=NAME_LIMIT,
        help="The examples to learn from. On hard or noisy data the loss falls more slowly and "
        "ends higher.",
    )
    examples: int | None = field(
        None, label="Use n examples", unit="examples", ge=20, le=1_000_000, step=500,
        help="Size of the fixed, stratified part of the dataset to train on; empty takes the "
        "dataset's default. Fewer examples: shorter epochs, and the validation loss rises earlier.",
    )
    model: str = field(
        "mlp", label="Model", max_length=NAME_LIMIT,
        help="The network to train. Deeper ones have narrower valleys and tolerate only lower "
        "rates.",
    )
    model_params: dict[str, Any] = field(
        {}, label="Model settings",
        help="The model's own settings, such as widths or dropout. They change which rate it "
        "tolerates.",
    )
    optimizer: Literal["sgd", "rmsprop", "adam", "adamw"] = field(
        "sgd", label="Optimizer",
        help="The rule that turns gradients and the rate into updates. Adaptive ones (RMSprop, "
        "Adam, AdamW) scale each weight's step and need a rate about 100 times lower.",
    )
    momentum: float = field(
        0.9, label="Momentum", ge=0, lt=1, step=0.05,
        help="Share of the last update carried into the next (SGD and RMSprop). It acts like a "
        "rate 1 / (1 - momentum) times higher: the loss falls faster, and jumps earlier.",
    )
    nesterov: bool = field(
        False, label="Nesterov",
        help="Look ahead along the momentum before correcting (SGD). The loss overshoots less.",
    )
    weight_decay: float = field(
        0.004, label="Weight decay", ge=0, le=1, step=0.001,
        help="Share of each weight removed per update, times the rate (AdamW), so it fades as the "
        "rate falls. More: the training loss ends higher, the validation loss often lower.",
    )
    loss: Literal["auto", "cross_entropy", "mse", "mae", "huber"] = field(
        "auto", label="Loss",
        help="What training minimises; automatic is cross-entropy for classes, squared error for "
        "numbers. Compare only curves of the same loss, since their scales differ.",
    )
    label_smoothing: float = field(
        0.0, label="Label smoothing", ge=0, lt=1, step=0.05,
        help="Share of each label spread over all classes, so that the model is less "
        "overconfident. The loss curve then ends above 0 by construction.",
    )
    strategy: str = field(
        "constant", label="Strategy",
        help="How the learning rate changes over training: the shape of its curve.",
    )
    params: dict[str, Any] = field(
        {}, label="Strategy settings",
        help="The strategy's own settings, which shape its curve.",
    )
    base_lr: float = field(
        0.1, label="Peak rate", gt=0, le=MAX_RATE, step=0.01,
        help="The highest learning rate: the height of the whole curve. Too high and the loss "
        "jumps or becomes NaN; too low and it hardly falls.",
    )
    warmup_epochs: float = field(
        0.0, label="Warm-up", unit="epochs", ge=0, le=10_000, step=0.5,
        help="Raise the rate in a straight line before the strategy's curve begins, so that fresh "
        "weights survive a high peak. Longer: a calmer start, less time for the rest.",
    )
    warmup_start_factor: float = field(
        0.0, label="Warm-up start", ge=0, le=1, step=0.05,
        help="Where the warm-up line starts, as a share of the peak rate. 0 starts near zero; 1 "
        "means no ramp.",
    )
    epochs: int = field(
        30, label="Epochs", unit="epochs", ge=1, le=10_000, step=1,
        help="Passes over the training data: the length of both curves. Strategies that end at a "
        "set rate, such as cosine, are stretched to fit.",
    )
    batch_size: int = field(
        32, label="Batch size", unit="examples per update", ge=1, le=65_536, step=1,
        help="Examples per update. Larger batches: fewer, less noisy updates that tolerate a "
        "higher rate, and a smoother loss curve.",
    )
    seed: int = field(
        0, label="Seed", ge=0, le=2**31 - 1, step=1,
        help="Decides the initial weights, the order of the batches and the dropout masks. The "
        "spread of the loss curves over several seeds is luck.",
    )
    early_stopping: EarlyStopping | None = field(
        None, label="Early stopping",
        help="Stop when the metric no longer improves. Both curves then end early.",
    )
    horizon: int | None = field(
        None, label="Horizon", unit="epochs", ge=1, le=10_000, step=1,
        help="Epochs over which the strategy's curve is stretched, warm-up included; after them "
        "its last rate holds. Empty: the epochs of the run.",
    )
    pieces: tuple[Piece, ...] = field(
        (), label="Pieces", help="Where the rate leaves the strategy, in ascending order of epochs."
    )
    origin: Literal["here", "script", "watched", "import"] = field(
        "here", label="Origin",
        help="Where dataset and model come from: lrdash, a script that called it, a training loop "
        "that it only watched, or files that it read.",
    )
    facts: Facts | None = field(
        None, label="Facts", help="What is known of an external dataset and model."
    )

    @pydantic.field_validator("pieces", mode="before")
    @classmethod
    def _listed(cls, given: object) -> object:
        if not isinstance(given, list | tuple):
            raise ValueError("must be a list of pieces")
        return given

    @pydantic.model_validator(mode="after")
    def _facts_match_origin(self) -> Self:
        if (self.facts is None) != self.trainable_here:
            wanted = "must be empty" if self.trainable_here else "must be given"
            problem = f"{wanted} for a run of the origin {self.origin}"
            raise InvalidField("facts", problem, self.facts and self.facts.as_dict())
        return self

    @pydantic.model_validator(mode="after")
    def _ordered(self) -> Self:
        places = [piece.epoch for piece in self.pieces]
        if any(a >= b for a, b in itertools.pairwise(places)):
            raise InvalidField("pieces", "must have ascending epochs, no two alike", places)
        if places and places[-1] >= self.epochs:
            problem = f"must take over before the last of {self.epochs} epochs is done"
            raise InvalidField("pieces.epoch", problem, places[-1])
        return self

    @classmethod
    def knobs(cls) -> tuple[Knob, ...]:
        """What a form draws: the others come from branches, steering and scripts instead."""
        return tuple(knob for knob in super().knobs() if knob.name not in UNSET)

    def as_dict(self) -> dict[str, Any]:
        """The values as JSON types; without those of `UNSET` that are not set, so that the digest
        of a run is what it was before there could be any.
        """
        values = super().as_dict()
        if self.trainable_here:
            del values["origin"]
        return {name: value for name, value in values.items() if value or name not in UNSET}

    @property
    def trainable_here(self) -> bool:
        """Whether lrdash can train it from this spec alone."""
        return self.origin == "here"

    def settled(self) -> Self:
        """The same rates with every horizon written out: what stays if `epochs` changes."""
        pieces = tuple(piece.settled(self.epochs) for piece in self.pieces)
        update = {"horizon": self.horizon or self.epochs, "pieces": pieces}
        return self.model_copy(update=update)

    def prefix_digest(self, epoch: int) -> str:
        """Digest of what decides the first epochs: equal for specs that share them to the bit.

        The number of epochs does not, nor do pieces that take over at the end of the last of them
        or later.
        """
        settled = self.settled()
        kept = tuple(piece for piece in settled.pieces if piece.epoch < epoch)
        values = settled.model_copy(update={"pieces": kept}).as_dict()
        del values["epochs"]
        return digest_of(canonical(values))

    def begins(self, epoch: int) -> bool:
        """Whether a piece takes over when this many epochs are done."""
        return any(piece.epoch == epoch for piece in self.pieces)

    def steered(self, piece: Piece) -> Self:
        """The spec with a piece more, in place of one at the same epoch."""
        others = (other for other in self.pieces if other.epoch != piece.epoch)
        return self.replace(pieces=sorted((*others, piece), key=lambda one: one.epoch))

    @property
    def digest(self) -> str:
        """Stable hash of the spec, 16 hexadecimal digits; equal specs give equal digests."""
        return digest_of(self.to_json())
