"""When the clock should look at a runner next. Wall times are the runner's; they keep their hour across changes of clocks."""

from __future__ import annotations

import zlib
from datetime import date, datetime, time, timedelta

from adductor.athletes import channels, situations
from adductor.coaching.situation import Placement
from adductor.store.models import Athlete, Connection

# In time to read it and to do three minutes, and within what the coach calls "shortly before" (45 minutes). Judgement.
WARM_UP_LEAD = timedelta(minutes=30)
# A prompt that could not be given on time (nothing ran, Strava was away) still is for this long; then the evening is over.
LATE = timedelta(hours=3)


def spread_prompt(account: str) -> str:
    """The default of an account's rest-day prompt, ``HH:MM`` between 17:00 and 18:00: a hash spreads the load."""
    return f"17:{zlib.crc32(account.encode()) % 60:02}"


def reschedule(athlete: Athlete, now: datetime) -> None:
    """Work out anew when something may be due without an activity: after each look, and each change of what it goes by."""
    athlete.next_due_at = None
    may_prompt = athlete.leaving_at is None and any(each.state == Connection.CONNECTED for each in athlete.connections)
    if athlete.confirmed_at is None or not may_prompt:
        return
    if rest_day_due(athlete, now) or warm_up_due(athlete, now):
        athlete.next_due_at = now
        return
    moments = [*_rest_days(athlete, now), *_warm_ups(athlete, now)]
    athlete.next_due_at = min((moment for moment in moments if moment > now), default=None)


def rest_day_due(athlete: Athlete, now: datetime) -> bool:
    """Whether today's rest-day look is due and was not made yet. One a local day, also when a journey repeats the day."""
    return any(timedelta(0) <= now - moment <= LATE for moment in _rest_days(athlete, now))


def warm_up_due(athlete: Athlete, now: datetime) -> bool:
    """Whether a usual run starts soon that no warm-up was given for; one warm-up a day."""
    if (athlete.last_warm_up_on or date.min) >= situations.local_day(athlete, now):
        return False
    return any(moment <= now < moment + WARM_UP_LEAD for moment in _warm_ups(athlete, now))


def _wants(athlete: Athlete, placement: Placement) -> bool:
    return str(placement) in athlete.placements and channels.reaches(athlete, placement)


def _rest_days(athlete: Athlete, now: datetime) -> list[datetime]:
    if not _wants(athlete, Placement.REST_DAY):
        return []
    today = situations.local_day(athlete, now)
    first = max(today, athlete.paused_until or today)
    if athlete.last_prompted_on is not None and athlete.last_prompted_on >= first:
        first = athlete.last_prompted_on + timedelta(days=1)
    return [_prompt_time(athlete, first + timedelta(days=ahead)) for ahead in range(2)]


def _warm_ups(athlete: Athlete, now: datetime) -> list[datetime]:
    if not _wants(athlete, Placement.WARM_UP):
        return []
    return [start - WARM_UP_LEAD for start, _ in situations.usual_starts(athlete, now)]


def _prompt_time(athlete: Athlete, day: date) -> datetime:
    """A time that the clocks skip comes as much later; of one that comes twice, the first."""
    wall = time.fromisoformat(athlete.rest_day_prompt_local)
    return situations.instant(datetime.combine(day, wall, tzinfo=situations.zone_of(athlete.timezone)))
