"""What needs a person, in words, and the way out of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from adductor.jobs import backlog
from adductor.jobs.backlog import Oldest, Queue
from adductor.platforms.base import BudgetState


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that is not as it should be."""

    what: str
    do: str


def of_parts(problems: dict[str, str], beats: dict[str, datetime], real_now: datetime) -> Iterator[Concern]:
    """Database, broker, clock, workers."""
    if "database" in problems:
        yield Concern(f"The database {problems['database']}.", "Start it, or mend ADDUCTOR_DATABASE_URL.")
        return
    if "broker" in problems:
        yield Concern(
            f"The broker {problems['broker']}.", "Start it, or mend ADDUCTOR_REDIS_URL. Events are stored meanwhile."
        )
    for part, name in (("beat", "clock"), ("worker", "worker")):
        seen = beats.get(part)
        if seen is None or real_now - seen > backlog.SEEN_WITHIN:
            since = "ever" if seen is None else f"for {_long(real_now - seen)}"
            yield Concern(
                f"No {name} was seen at work {since}.", f"Look whether `adductor {part}` runs and reaches the broker."
            )


def of_queues(queues: list[Queue], now: datetime) -> Iterator[Concern]:
    """What waits too long and what was given up."""
    for queue in queues:
        if queue.is_late(now):
            waiting = _long(timedelta(seconds=queue.age_s(now)))
            yield Concern(
                f"The oldest of the due {queue.name} has been waiting for {waiting}.",
                "Look at the workers' log; more workers help where they are all busy.",
            )
    given_up = sum(queue.given_up for queue in queues)
    if given_up:
        yield Concern(
            f"{given_up} {'was' if given_up == 1 else 'were'} given up.",
            "When the cause is gone, try them again below.",
        )


def of_strava(budget: BudgetState, *, subscribed: bool, uses_sandbox: bool) -> Iterator[Concern]:
    """The subscription and the rate limit."""
    if not subscribed:
        yield Concern(
            "No webhook subscription is known here: Strava sends nothing.",
            "Run: adductor up" if uses_sandbox else "Run: adductor strava subscribe",
        )
    low = any(
        limit - used < backlog.BUDGET_LOW_SHARE * limit for limit, used in zip(budget.limits, budget.used, strict=True)
    )
    if low:
        yield Concern(
            "Strava's rate limit is nearly used up.",
            "Nothing is lost, notes come later. Ask Strava for a higher limit if this is usual.",
        )


def of_data(oldest: list[Oldest], now: datetime) -> Iterator[Concern]:
    """Strava's data that should have gone."""
    for row in oldest:
        if row.at is not None and now - row.at > backlog.STRAVA_ALLOWS:
            yield Concern(
                f"Rows of {row.table} are {_long(now - row.at)} old; Strava allows {backlog.STRAVA_ALLOWS.days} days.",
                "Look whether the clock and a worker run: they delete them once an hour.",
            )


def _long(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    for size_s, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= 2 * size_s:
            return f"{seconds // size_s} {name}s"
    return f"{seconds} seconds"
