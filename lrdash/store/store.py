"""All that lrdash stores in its database, in one repository each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from lrdash.core.errors import StoreError
from lrdash.store import soundness
from lrdash.store.branches import Branches
from lrdash.store.database import BUSY_TIMEOUT, Database
from lrdash.store.experiments import Experiments
from lrdash.store.hindsights import Hindsights
from lrdash.store.migrations import migrate
from lrdash.store.range_tests import RangeTests
from lrdash.store.runs import Runs
from lrdash.store.settings import database_url
from lrdash.store.workers import Workers


class Store:
    """Runs with their epochs and decisions, experiments, range tests, searches, and the workers.

    Any number of threads may use one store, and any number of processes a store each on the same
    database. A method of a repository is one transaction: it does all that it says, or raises and
    leaves the database as it was. A process that is killed loses at most the transaction that it
    was in.

    Args:
        url: SQLAlchemy URL of a SQLite file or a PostgreSQL database; default: `database_url()`.
        busy_timeout: seconds to wait for other processes before giving up.

    Raises:
        StoreError: here and from every method, if the database cannot be used.
    """

    def __init__(self, url: str | None = None, *, busy_timeout: float = BUSY_TIMEOUT) -> None:
        self.url = database_url() if url is None else url  # may hold a password
        database = self._database = Database(self.url, busy_timeout)
        self.runs = Runs(database)
        self.branches = Branches(database)
        self.experiments = Experiments(database)
        self.range_tests = RangeTests(database)
        self.hindsights = Hindsights(database, self.runs, self.branches)
        self.workers = Workers(database)
        try:
            migrate(database)
        except BaseException:
            self.close()
            raise

    def unsound(self) -> list[str]:
        """What is wrong with the database, in words for the user; nothing if it is sound.

        Reads all of it: damaged pages, rows without what they belong to, rows that cannot be read,
        runs without epochs that they count.
        """
        with self._database.reading() as connection:
            found = soundness.unsound(connection)
            for repository in (self.runs, self.experiments, self.range_tests, self.hindsights):
                found += soundness.first(list(repository.unreadable().values()))
            return found

    def close(self) -> None:
        """Close the connections. A later call of any method opens new ones."""
        self._database.close()


@contextmanager
def open_store() -> Iterator[Store]:
    """The store of a shell command or a script, closed at the end of the block.

    No server may run that looks after dead workers, so this does: a run whose process is gone is
    interrupted from the start of the block. A database that cannot be written is shown as it is.

    Raises:
        StoreError: if the database cannot be used.
    """
    with closing(Store()) as store:
        with suppress(StoreError):
            store.workers.mark_interrupted()
        yield store
