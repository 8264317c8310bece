"""Setting the rate by hand: which command changes a run at the end of an epoch."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from lrdash.core.errors import LrdashError
from lrdash.core.events import Mailbox, Steered
from lrdash.planning.plan import Plan

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """The plan of a run after a command."""

    plan: Plan
    event: Steered


class RunCommands:
    """The commands of one run. Belongs to the thread that trains it.

    Each command takes effect once, in their order, one at the end of an epoch. None changes epochs
    that were recorded before an interruption; where another piece begins anyway, the next command
    waits for the epoch after.

    Args:
        mailbox: where commands arrive. It may give one again that was followed.
        recorded: epochs of the run that are recorded already.
    """

    def __init__(self, run_id: str, mailbox: Mailbox, recorded: int) -> None:
        self._run_id, self._mailbox, self._recorded = run_id, mailbox, recorded
        self._followed: set[int] = set()

    def turn(self, plan: Plan, done: int) -> Turn | None:
        """What changes when this many epochs are done; None if nothing does.

        A command that is not possible here is skipped and logged.
        """
        if done < self._recorded or done >= plan.spec.epochs or plan.spec.begins(done):
            return None
        for command in self._mailbox(self._run_id):
            if command.number in self._followed:
                continue
            self._followed.add(command.number)
            try:
                piece = command.piece.replace(epoch=done)
                turned = plan.steered(piece)
            except LrdashError as fault:
                log.warning("run %s skips a command: %s", self._run_id, fault)
                continue
            return Turn(plan=turned, event=Steered(piece=piece, command=command.number))
        return None
