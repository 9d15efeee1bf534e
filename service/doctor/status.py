"""A snapshot of an installation, read once: `/metrics`, `/ops` and `adductor doctor` show and judge the same figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from adductor import broker
from adductor.installation import Installation
from adductor.jobs import backlog, duties, retention, subscribing
from adductor.jobs.backlog import Queue
from adductor.platforms.budget import QUARTERS_A_DAY, opens_at, quarter_of
from adductor.queue.heartbeats import BACKUP, CLOCKS
from adductor.store import words_of
from adductor.store.models import Connection, Heartbeat, Subscription

# Every process notes it every ten seconds while its clock is off.
_CLOCKS_NOTED_WITHIN = timedelta(minutes=2)
_WINDOWS = (
    ("overall", "quarter_hour", "all calls this quarter of an hour"),
    ("overall", "day", "all calls today"),
    ("read", "quarter_hour", "reading this quarter of an hour"),
    ("read", "day", "reading today"),
)


class Window(NamedTuple):
    """One window of Strava's rate limit, in calls; ``opens_at``: when the next one opens (UTC)."""

    bucket: str
    name: str
    words: str
    limit: int
    left: int
    opens_at: datetime


@dataclass(slots=True)
class Status:
    """The figures of one moment. A part that does not answer is named in ``problems``, and its figures are empty."""

    here: Installation
    now: datetime
    real_now: datetime
    problems: dict[str, str]  # of database and broker
    windows: list[Window] = field(default_factory=list)
    budget_is_shared: bool = False
    queues: list[Queue] = field(default_factory=list)
    heartbeats: dict[str, datetime] = field(default_factory=dict)
    oldest: dict[str, datetime | None] = field(default_factory=dict)  # of Strava's data, by table
    connections: dict[str, int] = field(default_factory=dict)
    subscription: Subscription | None = None
    clocks_apart: str | None = None
    subscription_problem: str | None = None  # as of Strava's last answer
    duty_problems: list[str] = field(default_factory=list)
    other_logs: bool = False  # no application at Strava, and runners of another log
    backup_age_s: float = 0.0
    has_backup: bool = False


def read_status(here: Installation) -> Status:
    """Read all figures."""
    status = Status(here, here.clock.now(), here.clock.real_now(), find_problems(here))
    _read_budget(status)
    if "database" not in status.problems:
        try:
            _read_database(status)
        except SQLAlchemyError as error:
            status.problems["database"] = f"can't be read ({words_of(error)})"
    return status


def find_problems(here: Installation) -> dict[str, str]:
    """What is wrong with database and broker now; empty when both work."""
    found = {"database": here.store.problem(), "broker": broker.find_problem(here.redis)}
    return {name: problem for name, problem in found.items() if problem is not None}


def _read_budget(status: Status) -> None:
    state = status.here.budget("strava").state()
    quarter = quarter_of(status.now)
    opens = {"quarter_hour": opens_at(quarter + 1), "day": opens_at((quarter // QUARTERS_A_DAY + 1) * QUARTERS_A_DAY)}
    status.budget_is_shared = state.shared
    status.windows = [
        Window(bucket, name, words, limit, max(limit - used, 0), opens[name])
        for (bucket, name, words), limit, used in zip(_WINDOWS, state.limits, state.used, strict=True)
    ]


def _read_database(status: Status) -> None:
    with status.here.store.read() as session:
        status.queues = backlog.queues(session, status.now)
        status.heartbeats = backlog.heartbeats(session)
        status.oldest = retention.oldest(session)
        status.connections = backlog.connections_by_state(session)
        elsewhere = select(Connection.id).where(Connection.platform != "strava").limit(1)
        status.other_logs = status.here.settings.uses_sandbox and session.scalar(elsewhere) is not None
        status.subscription = session.get(Subscription, "strava")
        status.subscription_problem = subscribing.find_problem(session, status.now)
        status.duty_problems = duties.find_problems(session, status.here)
        clocks = session.get(Heartbeat, CLOCKS)
        if clocks is not None and abs(status.real_now - clocks.at) < _CLOCKS_NOTED_WITHIN:
            status.clocks_apart = clocks.note
        backup = session.get(Heartbeat, BACKUP)
        status.has_backup = backup is not None
        status.backup_age_s = _backup_age_s(session, status, backup)


def _backup_age_s(session: Session, status: Status, backup: Heartbeat | None) -> float:
    """Real seconds since the last backup; without one since the first athlete connected, before whom nothing was to keep."""
    if backup is not None:
        return max((status.real_now - backup.at).total_seconds(), 0.0)
    first = session.scalar(select(Connection.connected_at).order_by(Connection.id).limit(1))
    age_s = (status.now - first).total_seconds() if first is not None else 0.0
    return max(status.here.clock.real_seconds(age_s), 0.0)
