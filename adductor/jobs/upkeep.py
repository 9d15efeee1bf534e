"""Upkeep of the installation itself: periodic duties, each claimed by compare-and-set on its row of `heartbeats`.

The row's `at` is the time of the claim (athletes' time), its note what was wrong the last time, in words for the operator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError

from adductor import logs
from adductor.installation import Installation
from adductor.store.models import Heartbeat

log = logs.get(__name__)


@dataclass(frozen=True)
class Duty:
    """``run`` returns None, or what was wrong: then it runs again after ``retry_after``."""

    part: str  # names the row, and log lines
    every: timedelta
    retry_after: timedelta
    is_wanted: Callable[[Installation], bool]
    run: Callable[[Installation], str | None]

    def is_due(self, row: Heartbeat | None, now: datetime) -> bool:
        """Whether the wait since the last claim is over; a claim in the future is of a clock that was set back."""
        if row is None:
            return True
        return not timedelta(0) <= now - row.at < (self.every if row.note is None else self.retry_after)


def run_due(installation: Installation, duty: Duty) -> bool:
    """Run the duty if it is wanted and due; whether this process ran it."""
    now, store = installation.clock.now(), installation.store
    with store.read() as session:
        if not duty.is_due(session.get(Heartbeat, duty.part), now) or not duty.is_wanted(installation):
            return False
    try:
        with store.write() as session:
            row = session.get(Heartbeat, duty.part, with_for_update=True)
            if not duty.is_due(row, now):
                return False
            before = row.note if row is not None else None
            if row is None:
                session.add(Heartbeat(part=duty.part, at=now))  # not merged: that would find the row of a faster worker
            else:
                row.at = now
    except IntegrityError:  # a faster worker made the row
        return False
    problem = duty.run(installation)
    if problem != before:
        log.warning(f"{duty.part} failed", problem=problem) if problem else log.info(f"{duty.part} works again")
    with store.write() as session:
        session.merge(Heartbeat(part=duty.part, at=now, note=problem))
    return True
