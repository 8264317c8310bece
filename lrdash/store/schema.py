"""The tables as the current code reads and writes them. `migrations` makes them.

    lrdash_schema   one row a migration that was applied
    experiments     one row a comparison
    runs            one row a run, with its state of now
    epochs          one row a finished epoch, deleted with its run
    decisions       one row a decision about the rate, deleted with its run
    commands        one row a change of the rate that a user requested and that is not made yet
    workers         one row a training process that is or was alive
    range_tests     one row a range test, with its losses
    hindsights      one row a search for the schedule that would have been best
    hindsight_runs  one row a run of such a search, deleted with either

Times are ISO text in UTC with microseconds, of one length, so that they sort as they passed.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)


class UtcTime(TypeDecorator[datetime]):
    """An aware datetime as ISO text in UTC; a naive one is refused."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: Dialect  # noqa: ARG002
    ) -> str | None:
        """The text that is stored."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a stored time needs a time zone, got {value.isoformat()}")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(
        self, value: str | None, dialect: Dialect  # noqa: ARG002
    ) -> datetime | None:
        """The time that was stored, in UTC; a text that is no time as it is, which rows refuse."""
        try:
            return None if value is None else datetime.fromisoformat(value)
        except ValueError:
            return value  # type: ignore[return-value]


CURVES = ("loss", "val_loss", "accuracy", "val_accuracy")

metadata = MetaData()

schema_versions = Table(
    "lrdash_schema", metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("description", Text, nullable=False),
    Column("applied_at", UtcTime, nullable=False),
)

# Grows with every row: the order of creation even where two clock readings are equal.
COUNTER = BigInteger().with_variant(Integer, "sqlite")

experiments = Table(
    "experiments", metadata,
    Column("number", COUNTER, primary_key=True),
    Column("experiment_id", String(12), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("definition", Text, nullable=False),  # JSON object
    Column("target", Double),  # validation loss
)

runs = Table(
    "runs", metadata,
    Column("number", COUNTER, primary_key=True),
    Column("run_id", String(12), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("tags", Text, nullable=False),  # JSON list
    Column("spec", Text, nullable=False),  # canonical JSON
    Column("spec_digest", String(16), nullable=False, index=True),
    Column("status", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("engine", String(16), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("stop_requested_at", UtcTime),
    Column("seconds", Double, nullable=False),  # of training
    Column("steps_per_epoch", Integer, nullable=False),
    Column("updates", BigInteger, nullable=False),  # in all
    Column("updates_done", BigInteger, nullable=False),
    Column("parameters", BigInteger, nullable=False),
    Column("epochs_done", Integer, nullable=False),
    Column("worker_id", Text),
    Column("versions", Text, nullable=False),  # JSON object
    Column("version", BigInteger, nullable=False),  # grows with every change
    Column(
        "experiment_id", ForeignKey("experiments.experiment_id", ondelete="CASCADE"), index=True
    ),
    Column("group_id", String(12)),  # runs to be trained together
    Column("label", Text),
    Column("engine_note", Text),
    Column("parent_id", ForeignKey("runs.run_id", ondelete="SET NULL"), index=True),
    Column("fork_epoch", Integer),  # epochs of the parent that it shares
)

epochs = Table(
    "epochs", metadata,
    Column("run_id", ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("epoch", Integer, primary_key=True),  # epochs done, from 1
    Column("metrics", Text, nullable=False),  # JSON object, null where not finite
    Column("learning_rate", Double),  # of the last update
    Column("rates", LargeBinary, nullable=False),  # float32, little-endian, one an update
    Column("seconds", Double, nullable=False),  # since training began
    # Copies of values in `metrics`, for reading many runs at once.
    *(Column(name, Double) for name in CURVES),
)

decisions = Table(
    "decisions", metadata,
    Column("run_id", ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("decision", Text, nullable=False),  # JSON object, see `codec`
)

commands = Table(
    "commands", metadata,
    Column("number", COUNTER, primary_key=True),
    Column(
        "run_id", ForeignKey("runs.run_id", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("command", Text, nullable=False),  # JSON object: a piece
    Column("created_at", UtcTime, nullable=False),
)

workers = Table(
    "workers", metadata,
    Column("id", Text, primary_key=True),
    Column("host", Text, nullable=False),  # `processes.place()`
    Column("pid", BigInteger, nullable=False),
    Column("born", BigInteger),  # when the process began, in clock ticks
    Column("started_at", UtcTime, nullable=False),
    Column("heartbeat_at", UtcTime, nullable=False),
)

range_tests = Table(
    "range_tests", metadata,
    Column("number", COUNTER, primary_key=True),
    Column("range_test_id", String(12), nullable=False, unique=True),
    Column("created_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("stop_requested_at", UtcTime),
    Column("definition", Text, nullable=False),  # JSON object
    Column("status", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("worker_id", Text),
    Column("seeds", Integer, nullable=False),
    Column("updates_done", Integer, nullable=False),
    Column("rates", LargeBinary, nullable=False),  # float32, little-endian, one an update
    Column("losses", LargeBinary, nullable=False),  # the same, seed by seed
    Column("experiment_id", ForeignKey("experiments.experiment_id", ondelete="SET NULL")),
    Column("version", BigInteger, nullable=False),  # grows with every change
)

hindsights = Table(
    "hindsights", metadata,
    Column("number", COUNTER, primary_key=True),
    Column("hindsight_id", String(12), nullable=False, unique=True),
    Column("created_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("definition", Text, nullable=False),  # JSON object
    Column("status", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("worker_id", Text),  # the process that goes through it; empty: the server
    Column("stage", Integer, nullable=False),  # whose runs are queued, trained or over
    Column("attempts", Integer, nullable=False),  # how often runs of this stage were queued again
    Column("version", BigInteger, nullable=False),  # grows with every change
)

hindsight_runs = Table(
    "hindsight_runs", metadata,
    Column(
        "hindsight_id", ForeignKey("hindsights.hindsight_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column(
        "run_id", ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True, index=True
    ),
    Column("stage", Integer, nullable=False),
    Column("part", Text, nullable=False),  # JSON object: what the run is in the search
)
