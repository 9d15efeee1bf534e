"""Polling: the logs of platforms that miss events by rule, one list call each; all that is new becomes an event of ours.

An athlete with a key of their own has no events at all and is polled every few minutes. An athlete with webhooks is caught up
with once an hour. Both are spread by a hash of their account.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta

from adductor import logs
from adductor.athletes import activities, decisions
from adductor.installation import Installation
from adductor.jobs import reconcile
from adductor.platforms import registry
from adductor.queue.timers import Timer
from adductor.store.models import Connection

log = logs.get(__name__)

RETRY_AFTER = timedelta(minutes=15)
_SPREAD = 1_000


def every(installation: Installation, connection: Connection) -> timedelta | None:
    """How often this log is listed; None: its platform tells all."""
    if connection.by_key and connection.state == Connection.CONNECTED:
        return timedelta(seconds=registry.setting(installation.settings, connection.platform, "poll_s"))
    return registry.FACTS[connection.platform].catch_up  # also of one that rests: its calls are refused


def next_at(connection: Connection, interval: timedelta, now: datetime) -> datetime:
    """The next moment of this account's own phase: after an outage the polls don't stay together."""
    phase = interval * (zlib.crc32(connection.external_id.encode()) % _SPREAD / _SPREAD)
    return now + interval - (now - datetime.min.replace(tzinfo=UTC) - phase) % interval


def look(installation: Installation, connection_id: int) -> int:
    """List one log and take in what is new; returns how many events that made. Raises RetryLater and Final."""
    with installation.store.write() as session:
        connection = session.get(Connection, connection_id)
        athlete = decisions.lock(session, connection.athlete_id) if connection is not None else None
        if connection is None or athlete is None:
            return 0
        session.refresh(connection)
        now, interval = installation.clock.now(), every(installation, connection)
        if athlete.leaving_at is not None or not connection.is_usable or interval is None:
            connection.poll_at = None
            return 0
        connection.poll_at = next_at(connection, interval, now)
        if athlete.confirmed_at is None:
            return 0
    if connection.by_key:
        activities.read_wellness(installation, connection)
    made = reconcile.read_log(installation, connection)
    if made:
        log.info("polled activities became events", athlete=connection.athlete_id, events=made)
    return made


TIMER = Timer("poll", Connection.poll_at, look, retry_after=RETRY_AFTER, final_after=timedelta(days=1))
