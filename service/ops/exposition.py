"""What `/metrics` says, read at each scrape from the database, from Redis and from the processes' counters.

Counters come from `adductor.metrics`, gauges from `adductor.jobs.backlog`. A part that doesn't answer takes its own
figures with it and no others; `adductor_part_up` says so.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from adductor import __version__, metrics
from adductor.installation import Installation
from adductor.jobs import backlog
from adductor.platforms.base import Figures
from service.ops.health import find_problems

# Their series exist before their first heartbeat, and before the first runner of that status.
PARTS = ("beat", "worker")
ATHLETE_STATUSES = ("connected", "leaving", "resting", "revoked", "scope_missing")


def text(here: Installation) -> bytes:
    """The exposition of this installation now."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Everything(here))
    return generate_latest(registry)


class _Everything(Collector):
    def __init__(self, here: Installation) -> None:
        self._here = here

    def collect(self) -> Iterator[Metric]:
        here = self._here
        kind = "sqlite" if here.store.is_sqlite else "postgresql"
        yield _gauge(
            "build_info",
            "Always 1; what runs",
            ("version", "python", "database"),
            [((__version__, platform.python_version(), kind), 1)],
        )
        yield from metrics.collect()
        problems = find_problems(here)
        up = [((name,), int(name not in problems)) for name in ("database", "broker")]
        yield _gauge("part_up", "Whether it answers", ("part",), up)
        if "broker" not in problems:
            yield from _budget(here)
        if "database" not in problems:
            try:
                yield from _standing(here)
            except SQLAlchemyError:
                return  # it went meanwhile


def _budget(here: Installation) -> Iterator[Metric]:
    state = here.budget("strava").state()
    for name, what, amounts in (
        ("strava_budget_limit", "Calls that Strava allows", state.limits),
        ("strava_budget_left", "Calls that are left", left(state.limits, state.used)),
    ):
        rows = [
            (("overall", "quarter_hour"), amounts.overall_quarter),
            (("overall", "day"), amounts.overall_day),
            (("read", "quarter_hour"), amounts.read_quarter),
            (("read", "day"), amounts.read_day),
        ]
        yield _gauge(name, what, ("bucket", "window"), rows)


def left(limits: Figures, used: Figures) -> Figures:
    """What is left of each window."""
    return Figures(*(max(limit - gone, 0) for limit, gone in zip(limits, used, strict=True)))


def _standing(here: Installation) -> Iterator[Metric]:
    now, real_now = here.clock.now(), here.clock.real_now()
    with here.store.read() as session:
        queues = backlog.queues(session, now)
        athletes = backlog.connections_by_state(session)
        beats = backlog.heartbeats(session)
        oldest = backlog.oldest_strava_data(session)
        subscribed = backlog.subscription(session) is not None
    rows = [
        ((queue.name, state), amount)
        for queue in queues
        for state, amount in (("due", queue.due), ("later", queue.later), ("given_up", queue.given_up))
    ]
    yield _gauge("queue_rows", "Rows that wait, or that were given up and are kept", ("queue", "state"), rows)
    ages = [((queue.name,), queue.age_s(now)) for queue in queues]
    yield _gauge("queue_oldest_due_seconds", "How long the oldest row that is due has been so", ("queue",), ages)
    statuses = sorted({*ATHLETE_STATUSES, *athletes})
    yield _gauge("athletes", "Runners by status", ("status",), [((name,), athletes.get(name, 0)) for name in statuses])
    # A part that never ran is infinitely late, so that the same alert finds it.
    seen = [((part,), _age_s(real_now, beats[part]) if part in beats else math.inf) for part in PARTS]
    yield _gauge("heartbeat_age_seconds", "Since a part was last seen at work", ("part",), seen)
    data = [((row.table,), _age_s(now, row.at) if row.at else 0.0) for row in oldest]
    yield _gauge("strava_data_oldest_seconds", "Age of the oldest row with Strava's data", ("table",), data)
    yield _gauge("subscription_known", "Whether we know of a webhook subscription", (), [((), int(subscribed))])


def _age_s(now: datetime, at: datetime) -> float:
    return max((now - at).total_seconds(), 0.0)


def _gauge(
    name: str, what: str, labels: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"adductor_{name}", what, labels=labels)
    for values, amount in rows:
        family.add_metric(values, amount)
    return family
