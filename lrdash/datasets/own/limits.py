"""The limits of a user's file: the one table for messages, form and docs."""

from __future__ import annotations

from dataclasses import dataclass

from lrdash.core.errors import DataRefused
from lrdash.core.files import UPLOAD_MB

MEGABYTE = 2**20


@dataclass(frozen=True, kw_only=True)
class Limit:
    """One limit and what to do when a file exceeds it."""

    what: str  # what is limited, in words for messages and tables
    most: int
    unit: str = ""  # `MB`, `s`; empty for a count
    remedy: str = ""

    @property
    def words(self) -> str:
        """The limit as text: `20 MB`, `200,000`."""
        return f"{self.most:,} {self.unit}".strip()

    def hold(self, file: str, given: int, where: str = "") -> None:
        """Refuse a file that exceeds the limit.

        Args:
            file: its name.
            given: how much it has, in the unit of the limit.
            where: the part of the file, if not all of it, e.g. `member cat/1.png`.

        Raises:
            DataRefused: if it is too much.
        """
        if given > self.most:
            amount = f"{given:,} {self.unit}".strip()
            head = f"{where}: " if where else ""
            problem = f"{head}{self.what}: {amount}, and at most {self.words} are taken"
            raise DataRefused(file, problem, self.remedy)


FILE = Limit(
    what="size of the file", most=UPLOAD_MB, unit="MB",
    remedy="Use a part of the rows or images, or smaller images.",
)
UNPACKED = Limit(
    what="size when unpacked", most=300, unit="MB",
    remedy="Use a part of the rows or images.",
)
MEMBERS = Limit(
    what="files in the archive", most=20_000, remedy="Use a part of the images.",
)
ROWS = Limit(what="rows", most=200_000, remedy="Use a random part of the rows.")
COLUMNS = Limit(what="columns", most=500, remedy="Remove uninformative columns.")
FEATURES = Limit(
    what="features, after texts have become columns", most=2_000,
    remedy="Choose fewer feature columns.",
)
VALUES = Limit(
    what="numbers in all (examples × features)", most=20_000_000,
    remedy="Use fewer rows or columns, or a smaller image size.",
)
CLASSES = Limit(
    what="classes", most=200,
    remedy="Choose another target, or the task regression if the target is a number.",
)
CATEGORIES = Limit(
    what="values of a text column that become columns of their own", most=50,
    remedy="The rarer ones share one column.",
)
PIXELS = Limit(
    what="pixels of one image", most=25_000_000, remedy="Make the image smaller.",
)
SIDE = Limit(what="side of an image after resizing", most=128, unit="pixels")
SECONDS = Limit(
    what="time to read a file", most=60, unit="s",
    remedy="Use a smaller part of the data.",
)
MEMORY = Limit(
    what="memory to read a file", most=3_072, unit="MB",
    remedy="Use a smaller part of the data.",
)
LEAST_ROWS = 20  # a run uses at least so many examples
LEAST_SIDE = 8  # pixels

LIMITS = (
    FILE, UNPACKED, MEMBERS, ROWS, COLUMNS, FEATURES, VALUES, CLASSES, CATEGORIES, PIXELS, SIDE,
    SECONDS, MEMORY,
)


def megabytes(size: int) -> int:
    """Bytes as whole megabytes, rounded up, so that one byte too many exceeds the limit."""
    return -(-size // MEGABYTE)
