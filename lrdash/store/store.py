"""All that lrdash stores in its database, in one repository each."""

from __future__ import annotations

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

        Reads all of it: damaged pages, rows without what they belong to, runs without epochs that
        they count.
        """
        with self._database.reading() as connection:
            return soundness.unsound(connection)

    def close(self) -> None:
        """Close the connections. A later call of any method opens new ones."""
        self._database.close()
