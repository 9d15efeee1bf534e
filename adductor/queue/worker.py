"""The worker: claims due rows one after the other, and one ladder of except decides how each attempt ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import structlog

from adductor import logs
from adductor.queue import claims
from adductor.queue.retry import POLICY, Final, RetryLater
from adductor.store.models import InboxEvent, Queued

if TYPE_CHECKING:
    from adductor.installation import Installation

log = logs.get(__name__)

T = TypeVar("T", bound=Queued)

# A Celery task begins no row after this (real time): it ends well before the process manager's patience does.
BEGIN_WITHIN_S = 25.0
stopping = threading.Event()


@dataclass(frozen=True)
class Job(Generic[T]):
    """How rows of one table are handled.

    ``handle`` ends the row in its own transaction and returns None, or returns the outcome with which the worker ends it.
    It raises `RetryLater` or `Final`. ``created_at``: from when on the dead-letter deadline counts (athletes'
    time), asked with the row in a session.
    """

    name: str
    table: type[T]
    handle: Callable[[Installation, T], str | None]
    created_at: Callable[[T], datetime]


def drain(installation: Installation, jobs: Sequence[Job[Any]]) -> int:
    """Run due rows of these jobs, the first job's first, until nothing is due; returns how many were run."""
    until, done = time.monotonic() + BEGIN_WITHIN_S, 0
    while not stopping.is_set() and time.monotonic() < until:
        if not any(run_one(installation, job) for job in jobs):
            break
        done += 1
    return done


def run_one(installation: Installation, job: Job[T], *, ids: Sequence[int] | None = None) -> bool:
    """Claim one due row (of those named, if any) and run it; False when nothing is due."""
    row = claims.claim(installation, job.table, ids=ids)
    if row is not None:
        run(installation, job, row)
    return row is not None


def run(installation: Installation, job: Job[T], row: T) -> None:
    """Run one attempt of a claimed row and release its lease. Never raises what a row can cause."""
    owner = row.lease_owner
    with structlog.contextvars.bound_contextvars(trace=row.trace_id, **{f"{job.name}_id": row.id}):
        try:
            outcome = job.handle(installation, row)
        except RetryLater as later:
            _retry(installation, job, row, later)
        except Final as final:
            log.warning(f"{job.name} ended", outcome=final.outcome, problem=final.problem, attempt=row.attempts)
            _finish(installation, row, final.outcome, final.problem)
        except Exception as error:
            log.exception(f"{job.name} failed", attempt=row.attempts)
            _retry(installation, job, row, RetryLater(f"{type(error).__name__}: {error}"[:500]))
        else:
            if outcome is not None:
                log.info(f"{job.name} ended", outcome=outcome, attempt=row.attempts)
                _finish(installation, row, outcome, None)
        finally:
            installation.leases.release(owner)


def _finish(installation: Installation, claimed: T, outcome: str, problem: str | None) -> None:
    with installation.store.write() as session:
        row = claims.reload(session, claimed)
        if row is not None:
            claims.finish(session, row, outcome, problem)
            if isinstance(row, InboxEvent):
                row.handled_at = installation.clock.now()


def _retry(installation: Installation, job: Job[T], claimed: T, later: RetryLater) -> None:
    wait = POLICY.wait(claimed.attempts) if later.wait is None else later.wait
    now = installation.clock.now()
    with installation.store.write() as session:
        row = claims.reload(session, claimed)
        if row is None:
            return  # another worker re-claimed the row, or it was reopened
        if now - job.created_at(row) > POLICY.dead_letter_after:
            claims.dead_letter(session, row, later.problem)
            log.error(f"{job.name} dead-lettered", attempt=row.attempts, problem=later.problem)
        else:
            if later.budget:
                row.attempts -= 1  # no call was made: the backoff of a later failure begins at its beginning
            claims.retry(row, now + wait, later.problem)
            log.warning(
                "retry scheduled",
                attempt=row.attempts,
                wait_s=round(wait.total_seconds(), 1),
                problem=later.problem,
            )
