"""A hand at the wheel: which command changes a run at the end of an epoch."""

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

    A command takes effect once, one at an end of an epoch, in their order. Epochs that are recorded
    already, which a run says again after an interruption, stay as they are; and where a piece takes
    over anyway, a branch's own or one by hand, the next command waits for the epoch after.

    Args:
        run_id: of the run.
        mailbox: where commands arrive. It may give one again that has been heeded.
        recorded: epochs of the run that are recorded already.
    """

    def __init__(self, run_id: str, mailbox: Mailbox, recorded: int) -> None:
        self._run_id, self._mailbox, self._recorded = run_id, mailbox, recorded
        self._heeded: set[int] = set()

    def turn(self, plan: Plan, done: int) -> Turn | None:
        """What changes when this many epochs are done; None if nothing does.

        A command that makes no sense at this place is passed over and logged.
        """
        if done < self._recorded or done >= plan.spec.epochs or plan.spec.begins(done):
            return None
        for command in self._mailbox(self._run_id):
            if command.number in self._heeded:
                continue
            self._heeded.add(command.number)
            try:
                piece = command.piece.replace(epoch=done)
                turned = plan.steered(piece)
            except LrdashError as fault:
                log.warning("run %s cannot be steered so: %s", self._run_id, fault)
                continue
            return Turn(plan=turned, event=Steered(piece=piece, command=command.number))
        return None
