"""The text of `/metrics`: the counters of `adductor.metrics`, and the figures of the status as gauges.

A part that doesn't answer takes its own figures with it and no others; `adductor_part_up` says so.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from adductor import __version__, metrics
from adductor.installation import Installation
from adductor.platforms.registry import NAMES
from service.doctor.status import Status, read_status

# Their series exist before their first heartbeat, and before the first runner of that status.
PARTS = ("beat", "worker")
ATHLETE_STATUSES = ("connected", "leaving", "resting", "revoked", "scope_missing")


def text(here: Installation) -> bytes:
    """The exposition of this installation now."""
    return generate_latest(_Everything(here))


class _Everything(Collector):
    def __init__(self, here: Installation) -> None:
        self._here = here

    def collect(self) -> Iterator[Metric]:
        yield from metrics.collect()
        status = read_status(self._here)
        version = (__version__, platform.python_version(), "sqlite" if self._here.store.is_sqlite else "postgresql")
        yield _gauge("build_info", "Always 1; what runs", ("version", "python", "database"), [(version, 1)])
        up = [((name,), int(name not in status.problems)) for name in ("database", "broker")]
        yield _gauge("part_up", "Whether it answers", ("part",), up)
        if "broker" not in status.problems:
            for name, meaning in (("limit", "Calls that Strava allows"), ("left", "Calls that are left")):
                amounts = [((window.bucket, window.name), getattr(window, name)) for window in status.windows]
                yield _gauge(f"strava_budget_{name}", meaning, ("bucket", "window"), amounts)
            yield _gauge(
                "platform_budget_left", "Calls left to our application", ("platform", "window"), _left(status.here)
            )
        if "database" not in status.problems:
            yield from _of_database(status)


def _left(here: Installation) -> Iterator[tuple[tuple[str, ...], float]]:
    """Of the platforms other than Strava, whose windows are of two kinds and have their own gauges."""
    for name in (name for name in NAMES if name != "strava"):
        state = here.budget(name).state()
        yield (name, "quarter_hour"), state.limits.overall_quarter - state.used.overall_quarter
        yield (name, "day"), state.limits.overall_day - state.used.overall_day


def _of_database(status: Status) -> Iterator[Metric]:
    rows = [
        ((queue.name, state), amount)
        for queue in status.queues
        for state, amount in (("due", queue.due), ("later", queue.later), ("given_up", queue.given_up))
    ]
    yield _gauge("queue_rows", "Rows that wait, or that were given up and are kept", ("queue", "state"), rows)
    ages = [((queue.name,), queue.age_s(status.now)) for queue in status.queues]
    yield _gauge("queue_oldest_due_seconds", "How long the oldest row that is due has been so", ("queue",), ages)
    athletes = dict.fromkeys(ATHLETE_STATUSES, 0) | status.connections
    yield _gauge(
        "athletes",
        "Connections by status; a runner with two logs has two",
        ("status",),
        [((name,), athletes[name]) for name in sorted(athletes)],
    )
    # A part that never ran is infinitely late, so that the same alert finds it.
    seen = [((part,), _age_s(status.real_now, status.heartbeats.get(part), never=math.inf)) for part in PARTS]
    yield _gauge("heartbeat_age_seconds", "Since a part was last seen at work", ("part",), seen)
    data = [((table,), _age_s(status.now, at, never=0.0)) for table, at in status.oldest.items()]
    yield _gauge("strava_data_oldest_seconds", "Age of the oldest row with Strava's data", ("table",), data)
    yield _gauge("backup_age_seconds", "Since the last backup", (), [((), status.backup_age_s)])
    if not status.here.settings.uses_sandbox:  # without an application there is nothing to know
        known = int(status.subscription_problem is None)
        yield _gauge("subscription_known", "Whether Strava confirmed our subscription lately", (), [((), known)])


def _age_s(now: datetime, at: datetime | None, *, never: float) -> float:
    return never if at is None else max((now - at).total_seconds(), 0.0)


def _gauge(
    name: str, meaning: str, labels: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"adductor_{name}", meaning, labels=labels)
    for values, amount in rows:
        family.add_metric(values, amount)
    return family
