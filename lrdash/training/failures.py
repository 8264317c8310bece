"""What went wrong in training, in one line for the user."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lrdash.core.errors import LrdashError, StoreError
from lrdash.core.events import Status

if TYPE_CHECKING:
    from lrdash.checkpoints import Checkpoint
    from lrdash.training.commands import Turn

OUT_OF_MEMORY = (
    "out of memory: choose a smaller batch, fewer examples or a smaller model, "
    "or train on a machine with more memory"
)
MARKED = re.compile(  # colours and addresses
    r"\x1b\[[0-9;]*m|\{\{function_node [^}]*\}\} | ?\[Op:[^\]]*\]"
)
ROOT = re.compile(r"^ +\(0\) [A-Z_]+: +", re.MULTILINE)  # the first of several causes
AROUND = re.compile(
    r"\s|Graph execution error|Detected at node|Traceback |<stack traces unavailable>|"
    r"Exception encountered when calling|Arguments received by|\d+ root error"
)
NAMED = re.compile(r"[A-Za-z_]+(Error|Exception): ")


class Stopped(Exception):
    """Leaves a training because a stop was asked for."""


class Diverged(Exception):
    """Leaves `fit` because the loss is no longer a finite number; the message is the reason."""


class Turned(Exception):
    """Leaves `fit` because the user changed the rate by hand."""

    def __init__(self, turn: Turn, found: Checkpoint) -> None:
        super().__init__("the rate was changed by hand")
        self.turn, self.found = turn, found


class Contradiction(Exception):
    """Keras and lrdash's rule decided differently; the message is the reason."""


def ending(fault: Exception) -> Status:
    """How a fault ends a run: interrupted where the store refused, so that it can be resumed; else
    failed.
    """
    return "interrupted" if isinstance(fault, StoreError) else "failed"


def in_words(fault: Exception) -> str:
    """The reason of a failed run.

    Returns:
        The message of lrdash's own faults; what to do if memory ran out; else type and cause.
    """
    if isinstance(fault, LrdashError | Contradiction):
        return str(fault)
    if isinstance(fault, MemoryError) or type(fault).__name__ == "ResourceExhaustedError":
        return OUT_OF_MEMORY
    return cause(fault)


def cause(fault: Exception) -> str:
    """Type and cause of a fault: the first line that is neither a heading nor part of a stack.

    TensorFlow's messages name the place in the graph first, then the stack, then the cause.
    """
    kind, text = type(fault).__name__, MARKED.sub("", str(fault)).strip()
    lines = ROOT.sub("", text).splitlines()
    found = next((line for line in lines if line and not AROUND.match(line)), "")
    if found and NAMED.match(found):  # a fault in Python, as TensorFlow repeats it
        return found
    return f"{kind}: {found or lines[0]}" if lines else kind
