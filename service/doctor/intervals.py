"""intervals.icu: application, secret, the last webhook, the last poll of each runner, the calls left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import select

from adductor.jobs import poll
from adductor.platforms.intervals import FACTS
from adductor.platforms.intervals.webhooks import WEBHOOK_SEEN
from adductor.queue import heartbeats
from adductor.store.models import Connection
from service.doctor import FailedError
from service.doctor.status import Status

NAME = "intervals"
# A poll waits its turn for minutes; one that is later than this has nobody to run it.
LATE = timedelta(minutes=30)


def lines(status: Status) -> Iterator[str]:
    """What there is to know, a line each; secrets are never shown."""
    settings = status.here.settings
    yield f"application    {settings.intervals_client_id or 'none: INTERVALS_CLIENT_ID is not set'}"
    yield f"API keys       {'taken' if settings.intervals_api_keys == 'on' else 'not taken: INTERVALS_API_KEYS is off'}"
    yield f"webhook        {settings.public_url}/webhooks/{NAME}/..., {_secrets(status)}"
    seen = heartbeats.last(status.here, WEBHOOK_SEEN)
    yield f"last webhook   {f'{seen:%Y-%m-%d %H:%M} UTC' if seen is not None else 'none yet'}"
    used = status.here.budget(NAME).state()
    left = (used.limits.overall_quarter - used.used.overall_quarter, used.limits.overall_day - used.used.overall_day)
    yield f"calls left     {left[0]} this quarter of an hour, {left[1]} today; each API key has its own"
    for each in connections(status):
        how = "key" if each.by_key else "OAuth"
        at = each.poll_at
        interval = poll.every(status.here, each)
        due = f"next poll {at:%H:%M:%S} UTC" if at is not None else "not polled"
        yield f"runner {each.athlete_id:<7} {NAME}:{each.external_id}, {how}, {each.state}, {due}, every {interval}"


def connections(status: Status) -> list[Connection]:
    """All connections to intervals.icu."""
    with status.here.store.read() as session:
        return list(session.scalars(select(Connection).where(Connection.platform == NAME).order_by(Connection.id)))


def check(status: Status) -> str:
    """Webhooks can come where there is an application, and no poll is late."""
    settings, here = status.here.settings, connections(status)
    if settings.intervals_client_id is not None and not settings.intervals_secrets:
        raise FailedError(
            "there is an application and no INTERVALS_WEBHOOK_SECRET: no webhook is taken",
            f"copy the secret from Manage App at {FACTS.label}; until then every log is read once an hour",
        )
    late = [each for each in here if each.is_usable and each.poll_at is not None and status.now - each.poll_at > LATE]
    if late:
        raise FailedError(
            f"{len(late)} of {len(here)} logs were not read when they were due",
            "start `adductor beat` and `adductor worker`, or look at their log",
        )
    return f"{len(here)} connected, every log is read in time" if here else "nobody is connected"


def _secrets(status: Status) -> str:
    count = len(status.here.settings.intervals_secrets)
    return {0: "no secret is set", 1: "one secret is set"}.get(count, f"{count} secrets are set, for a rotation")
