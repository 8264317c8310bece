"""The one door to what is remembered. Each method is one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from lrdash.core.events import Command, Event, RateDecided, Status
from lrdash.core.spec import Piece, RunSpec
from lrdash.store import branches, experiments, lookup, runs, soundness, workers
from lrdash.store.database import BUSY_TIMEOUT, Database
from lrdash.store.experiments import Columns
from lrdash.store.heartbeats import Watch
from lrdash.store.hindsights import Hindsights
from lrdash.store.migrations import migrate
from lrdash.store.range_tests import RangeTests
from lrdash.store.record import record
from lrdash.store.rows import DataUse, EpochRow, ExperimentRow, NewRun, RunRow
from lrdash.store.schema import CURVES
from lrdash.store.settings import database_url


class Store:
    """Experiments, runs, their epochs and decisions, and the workers that train them.

    Any number of threads may use one store, and any number of processes a store each on the same
    database. A method either does all that it says or raises and leaves the database as it was.
    A process that is killed loses at most the transaction that it was in.

    Args:
        url: SQLAlchemy URL of a SQLite file or a PostgreSQL database; default: `database_url()`.
        busy_timeout: seconds to wait for other processes before giving up.

    Raises:
        StoreError: here and from every method, if the database cannot be used.
    """

    def __init__(self, url: str | None = None, *, busy_timeout: float = BUSY_TIMEOUT) -> None:
        self.url = database_url() if url is None else url  # may hold a password
        self._database = Database(self.url, busy_timeout)
        self._watch = Watch()
        self.range_tests = RangeTests(self._database)
        self.hindsights = Hindsights(self._database)
        try:
            migrate(self._database)
        except BaseException:
            self.close()
            raise

    def unsound(self) -> list[str]:
        """What is wrong with the database, in words for the user; nothing if it is sound.

        Reads all of it: damaged pages, rows without what they belong to, runs without epochs that
        they tell of.
        """
        with self._database.reading() as connection:
            return soundness.unsound(connection)

    def close(self) -> None:
        """Close the connections. A later call of any method opens new ones."""
        self._database.close()

    # Runs

    def create_run(
        self,
        spec: RunSpec,
        *,
        steps_per_epoch: int,
        updates: int,
        parameters: int,
        engine: str = "auto",
        name: str = "",
        tags: Iterable[str] = (),
        worker_id: str | None = None,
    ) -> str:
        """Add a run and give its id.

        Args:
            spec: complete spec of the run.
            steps_per_epoch: updates an epoch.
            updates: updates in all.
            parameters: trainable weights of the model.
            engine: as asked: `auto`, `lanes` or `keras`.
            name: shown to users, at most 200 characters.
            tags: words to find it by, at most 50 characters each.
            worker_id: the worker that trains it itself, so that no other can claim it; by default
                the run is queued.

        Raises:
            InvalidField: for a name or tag that is not allowed.
        """
        with self._database.writing() as connection:
            return runs.create(
                connection, spec, steps_per_epoch=steps_per_epoch, updates=updates,
                parameters=parameters, engine=engine, name=name, tags=tags, worker_id=worker_id,
            )

    def run(self, run_id: str) -> RunRow:
        """A run as it stands.

        Raises:
            RunNotFound: if there is none of this id.
            StoreError: also if its spec cannot be read by this version of lrdash.
        """
        with self._database.reading() as connection:
            return lookup.one(connection, run_id)

    def runs(
        self,
        *,
        status: Status | Collection[Status] | None = None,
        run_ids: Iterable[str] | None = None,
        digest: str | None = None,
        experiment_id: str | None = None,
        limit: int | None = None,
    ) -> list[RunRow]:
        """Runs that meet all conditions, newest first.

        A run whose spec this version cannot read is left out (see `unreadable`) so that it does
        not hide the others; `limit` counts it.

        Args:
            status: one status or several; all by default.
            run_ids: only these; unknown ids are passed over.
            digest: only runs of the spec of this digest.
            experiment_id: only runs of this experiment.
            limit: largest number of runs.
        """
        with self._database.reading() as connection:
            return lookup.listing(
                connection, status=status, run_ids=run_ids, digest=digest,
                experiment_id=experiment_id, limit=limit,
            )[0]

    def unreadable(self) -> dict[str, str]:
        """Runs that `runs` leaves out, with the reason, by id. `delete` takes them."""
        with self._database.reading() as connection:
            return lookup.listing(connection)[1]

    def data_use(self, dataset: str) -> DataUse:
        """Which runs, comparisons and range tests name a user's data.

        Args:
            dataset: id of own data, which is unlike any other text in a spec.
        """
        with self._database.reading() as connection:
            return lookup.data_use(connection, dataset)

    def counts(self) -> dict[Status, int]:
        """Number of runs of each status, 0 included."""
        with self._database.reading() as connection:
            return lookup.counts(connection)

    def versions(self, run_ids: Iterable[str] | None = None) -> dict[str, int]:
        """Versions by run id, of the runs named or of the active ones: a cheap way to see whether
        anything changed. Runs that do not exist are left out.
        """
        with self._database.reading() as connection:
            return lookup.versions(connection, run_ids)

    def rename(self, run_id: str, name: str) -> None:
        """Give a run another name, at most 200 characters.

        Raises:
            RunNotFound: if there is no such run.
            InvalidField: for a name that is not allowed.
        """
        with self._database.writing() as connection:
            runs.rename(connection, run_id, name)

    def tag(self, run_id: str, tags: Iterable[str]) -> None:
        """Give a run these tags in place of those it has.

        Raises:
            RunNotFound: if there is no such run.
            InvalidField: for a tag that is not allowed.
        """
        with self._database.writing() as connection:
            runs.tag(connection, run_id, tags)

    def delete(self, run_ids: Iterable[str]) -> int:
        """Delete runs with all that belongs to them; gives the number of runs deleted.

        Unknown ids are passed over.

        Raises:
            StoreError: if one of them is queued or running; then nothing is deleted.
        """
        with self._database.writing() as connection:
            return runs.remove(connection, run_ids)

    # Experiments

    def create_experiment(
        self,
        definition: str,
        new_runs: Sequence[NewRun],
        *,
        groups: Sequence[Sequence[int]],
        name: str = "",
        engine: str = "auto",
        worker_id: str | None = None,
    ) -> str:
        """Add an experiment with all its runs and give its id.

        Args:
            definition: JSON object; its `target`, if any, is a number.
            new_runs: what to train.
            groups: places in `new_runs`, each once: runs to be trained together.
            name: shown to users, at most 200 characters.
            engine: as asked: `auto`, `lanes` or `keras`.
            worker_id: the worker that trains them itself; by default they are queued.

        Raises:
            InvalidField: for a name, definition or groups that are not allowed.
        """
        with self._database.writing() as connection:
            return experiments.create(
                connection, definition, new_runs, groups, name=name, engine=engine,
                worker_id=worker_id,
            )

    def add_runs(
        self,
        experiment_id: str,
        definition: str,
        new_runs: Sequence[NewRun],
        *,
        groups: Sequence[Sequence[int]],
        engine: str = "auto",
        worker_id: str | None = None,
    ) -> list[str]:
        """Extend an experiment: more runs, and the definition that now holds; gives their ids.

        Raises:
            ExperimentNotFound: if there is no such experiment.
            InvalidField: as in `create_experiment`.
        """
        with self._database.writing() as connection:
            return experiments.add(
                connection, experiment_id, definition, new_runs, groups, engine=engine,
                worker_id=worker_id,
            )

    def experiments(self, limit: int | None = None) -> list[ExperimentRow]:
        """Experiments, newest first."""
        with self._database.reading() as connection:
            return experiments.listing(connection, limit=limit)

    def experiment(self, experiment_id: str) -> ExperimentRow:
        """An experiment as it stands.

        Raises:
            ExperimentNotFound: if there is no such experiment.
        """
        with self._database.reading() as connection:
            return experiments.one(connection, experiment_id)

    def rename_experiment(self, experiment_id: str, name: str) -> None:
        """Give an experiment another name, at most 200 characters.

        Raises:
            ExperimentNotFound: if there is no such experiment.
            InvalidField: for a name that is not allowed.
        """
        with self._database.writing() as connection:
            experiments.rename(connection, experiment_id, name)

    def set_target(self, experiment_id: str, target: float | None) -> None:
        """Give an experiment another validation loss to reach, or none.

        Raises:
            ExperimentNotFound: if there is no such experiment.
            InvalidField: for a target that is not a number of at least 0.
        """
        with self._database.writing() as connection:
            experiments.set_target(connection, experiment_id, target)

    def delete_experiment(self, experiment_id: str) -> int:
        """Delete an experiment with its runs; gives the number of runs deleted.

        Raises:
            ExperimentNotFound: if there is no such experiment.
            StoreError: if one of its runs is queued or running; then nothing is deleted.
        """
        with self._database.writing() as connection:
            return experiments.remove(connection, experiment_id)

    def curves(
        self,
        *,
        experiment_id: str | None = None,
        run_ids: Iterable[str] | None = None,
        after: int = 0,
        metrics: Sequence[str] = CURVES,
    ) -> Columns:
        """Epochs of many runs as columns, sorted by run, then epoch; made for 50,000 rows.

        Args:
            experiment_id: all runs of this experiment, in the order in which they were made.
            run_ids: these runs, in this order; unknown ids have no rows.
            after: only epochs beyond this one.
            metrics: names of the metrics to give.

        Returns:
            Arrays of one length: run (int64, the run's place in the order above), run_id (str),
            epoch (int64, epochs done, from 1), each metric (float64, NaN where the value was not
            finite or the run does not have it), learning_rate (float64, of the epoch's last
            update), seconds (float64, since training began).
        """
        with self._database.reading() as connection:
            ids = experiments.run_ids_of(connection, experiment_id) if experiment_id else []
            return experiments.curves(connection, [*ids, *(run_ids or ())], after, metrics)

    # Branches, more epochs, steering

    def create_branches(
        self,
        parent_id: str,
        epoch: int | Sequence[int],
        new_runs: Sequence[NewRun],
        *,
        groups: Sequence[Sequence[int]] | None = None,
        engine: str = "auto",
        worker_id: str | None = None,
    ) -> list[str]:
        """Add branches of a run, which may be running, and give their ids.

        Each has the parent's epochs up to its own first, and the decisions before that.

        Args:
            parent_id: the run that they leave.
            epoch: epochs done when they do, of all or of each.
            new_runs: what to train, complete.
            groups: places in `new_runs`, each once, to be trained together; by default all.
            engine: as asked: `auto`, `lanes` or `keras`.
            worker_id: the worker that trains them itself; by default they are queued.

        Raises:
            RunNotFound: if there is no such run.
            InvalidField: for an epoch that the parent has not done.
        """
        at = [epoch] * len(new_runs) if isinstance(epoch, int) else list(epoch)
        with self._database.writing() as connection:
            return branches.create(
                connection, parent_id, at, new_runs, groups, engine=engine, worker_id=worker_id
            )

    def origins(self, run_ids: Iterable[str]) -> dict[str, tuple[int, list[str]]]:
        """Of those that are branches: epochs shared with the parent, and all ancestors that are
        left, the nearest first.
        """
        with self._database.reading() as connection:
            return branches.origins(connection, run_ids)

    def origin_engines(self, run_ids: Iterable[str]) -> dict[str, str]:
        """Of those that are branches: the engine that trained the last epoch that they share with
        their parent, where that is known.
        """
        with self._database.reading() as connection:
            return branches.engines(connection, run_ids)

    def children(self, run_ids: Iterable[str]) -> list[str]:
        """Ids of the branches of these runs, oldest first."""
        with self._database.reading() as connection:
            return branches.children(connection, run_ids)

    def lengthen(
        self, run_id: str, spec: RunSpec, *, updates: int, worker_id: str | None = None
    ) -> None:
        """Let a run that is finished, stopped or interrupted go on by a longer spec.

        Args:
            run_id: of the run.
            spec: complete, with the same beginning.
            updates: in all.
            worker_id: the worker that trains it itself; by default it is queued.

        Raises:
            RunNotFound: if there is no such run.
            StoreError: if it is queued, running, failed or diverged.
        """
        with self._database.writing() as connection:
            branches.lengthen(connection, run_id, spec, updates, worker_id)

    def amend(self, run_id: str, spec: RunSpec) -> None:
        """Give a run that is only watched another spec, as more becomes known of it; its length,
        updates an epoch and weights follow from it. A run that does not exist is passed over.

        Raises:
            InvalidField: for a spec without facts, which decides what is trained.
        """
        with self._database.writing() as connection:
            runs.amend(connection, run_id, spec)

    def steer(self, run_id: str, piece: Piece) -> int:
        """Change the rate of a run that trains, from its next epoch on.

        Args:
            run_id: of the run, which may still be queued.
            piece: what takes over; its epoch is set when it does.

        Returns:
            The number of the command.

        Raises:
            RunNotFound: if there is no such run.
            StoreError: if it is over.
        """
        with self._database.writing() as connection:
            return branches.steer(connection, run_id, piece)

    def commands(self, run_ids: Iterable[str]) -> Mapping[str, Sequence[Command]]:
        """Changes of the rate that are wanted and not made yet, oldest first, by the run."""
        with self._database.reading() as connection:
            return branches.waiting(connection, run_ids)

    # From the queue to the end

    def queued(self, limit: int | None = None) -> list[str]:
        """Ids of queued runs, oldest first."""
        with self._database.reading() as connection:
            return lookup.queued(connection, limit)

    def queued_groups(self, limit: int | None = None) -> list[list[str]]:
        """Ids of queued runs, group by group, oldest first; a run without a group is alone.

        Args:
            limit: largest number of groups.
        """
        with self._database.reading() as connection:
            return lookup.queued_groups(connection, limit)

    def claim(self, run_id: str, worker_id: str) -> bool:
        """Make a queued run the worker's own, running from now; False if another was faster or
        it is no longer queued.
        """
        with self._database.writing() as connection:
            return runs.claim(connection, run_id, worker_id)

    def claim_group(self, run_ids: Iterable[str], worker_id: str) -> list[str]:
        """Make queued runs the worker's own, running from now.

        Returns:
            Those that were still queued, in their order.
        """
        with self._database.writing() as connection:
            return runs.claim_group(connection, run_ids, worker_id)

    def requeue(self, run_ids: Iterable[str], worker_id: str | None = None) -> list[str]:
        """Let interrupted and stopped runs go on; gives their ids.

        Others, unknown ids, and runs whose model lrdash does not have are passed over. Each keeps
        its epochs, its place in the queue and its group.

        Args:
            run_ids: of the runs.
            worker_id: the worker that trains them itself; by default they are queued.
        """
        with self._database.writing() as connection:
            return runs.requeue(connection, run_ids, worker_id)

    def record(
        self, batch: Sequence[tuple[str, Event]], worker_id: str | None = None
    ) -> None:
        """Write down what runs said, in its order, all of it or nothing.

        The same batch may be given again after a fault. Events of a deleted run are dropped; a
        final status is never overwritten.

        Args:
            batch: run ids and events.
            worker_id: who says it; what it says about runs that by now are another worker's, or
                queued anew, is dropped. By default everybody may speak.
        """
        if batch:
            with self._database.writing() as connection:
                record(connection, batch, worker_id)

    def request_stop(self, run_id: str) -> None:
        """Ask a run to stop: a queued one is stopped at once, an ended one left as it is.

        Raises:
            RunNotFound: if there is no such run.
        """
        with self._database.writing() as connection:
            runs.request_stop(connection, run_id)

    def request_stop_all(self, run_ids: Iterable[str]) -> int:
        """Ask several runs to stop, as `request_stop` does; unknown ids are passed over.

        Returns:
            The number of runs that were stopped or asked.
        """
        with self._database.writing() as connection:
            return runs.request_stop_all(connection, run_ids)

    def stop_requests(self, run_ids: Iterable[str], worker_id: str | None = None) -> set[str]:
        """Those of a worker's runs that it has to stop: a stop was asked for, or the run was
        declared interrupted, deleted or (if the worker is named) given to another while the worker
        lived on.
        """
        with self._database.reading() as connection:
            return lookup.stop_requests(connection, run_ids, worker_id)

    def end(self, run_id: str, status: Status, reason: str) -> bool:
        """Give a queued or running run its final status from outside; False if it has one already
        or does not exist.

        Raises:
            InvalidField: for a status that is not final.
        """
        with self._database.writing() as connection:
            return runs.end(connection, run_id, status, reason)

    # What runs said

    def epochs(self, run_id: str, after: int = 0) -> list[EpochRow]:
        """Finished epochs of a run with a number above `after`, in their order."""
        with self._database.reading() as connection:
            return lookup.epochs_after(connection, run_id, after)

    def epochs_of(self, run_ids: Iterable[str]) -> dict[str, list[EpochRow]]:
        """All finished epochs by run id, for each id given."""
        with self._database.reading() as connection:
            return lookup.epochs_of(connection, run_ids)

    def decisions(self, run_id: str, after: int = -1) -> list[RateDecided]:
        """Decisions about a run's rate taken after epoch `after`, in their order."""
        with self._database.reading() as connection:
            return lookup.decisions_after(connection, run_id, after)

    # Workers

    def register_worker(self, worker_id: str, host: str, pid: int) -> None:
        """Note a worker that begins.

        Args:
            worker_id: its id, new for every process.
            host: `socket.gethostname()` of its machine.
            pid: its process id there.
        """
        with self._database.writing() as connection:
            workers.register(connection, worker_id, host, pid)

    def beat(self, worker_id: str) -> None:
        """Say that a worker lives; to be called every second or so."""
        with self._database.writing() as connection:
            workers.beat(connection, worker_id)

    def forget_worker(self, worker_id: str) -> None:
        """Remove a worker that ended in order."""
        with self._database.writing() as connection:
            workers.forget(connection, worker_id)

    def mark_interrupted(
        self, worker_id: str | None = None, reason: str = workers.UNEXPECTED
    ) -> list[str]:
        """Declare running runs interrupted whose worker is dead, and range tests with them; gives
        the ids of the runs, oldest first.

        Args:
            worker_id: a worker known to be dead. By default all whose process is gone from this
                machine, that were never registered, or that this store has seen silent for 10 s:
                it has to be asked every few seconds to see that.
            reason: why, in words for the user.
        """
        with self._database.reading() as connection:
            if not workers.anyone_lost(connection, worker_id, self._watch):
                return []
        with self._database.writing() as connection:
            return workers.mark_interrupted(connection, worker_id, reason, self._watch)

    def silent(self, worker_ids: Iterable[str]) -> set[str]:
        """Those workers that give no sign of life although the database can be written.

        As with `mark_interrupted`, this store sees it only if it is asked every few seconds.
        """
        asked = set(worker_ids)
        with self._database.reading() as connection:
            if not workers.silent(connection, asked, self._watch):
                return set()
        with self._database.writing() as connection:
            return workers.dead(connection, asked, self._watch)
