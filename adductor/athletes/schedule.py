"""When the clock should look at a runner next. Wall times are the runner's; they keep their hour across changes of clocks."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from adductor.athletes import channels, situations
from adductor.coaching.situation import Placement
from adductor.store.models import Athlete, Connection

# In time to read it and to do three minutes, and within what the coach calls "shortly before" (45 minutes). Judgement.
WARM_UP_LEAD = timedelta(minutes=30)
# A prompt that could not be given on time (nothing ran, Strava was away) still is for this long; then the evening is over.
LATE = timedelta(hours=3)
_AHEAD_DAYS = 8  # a weekly habit repeats within these


def next_due(athlete: Athlete, now: datetime) -> datetime | None:
    """The next moment (UTC-comparable) at which something may be due without an activity; None: never, as things stand."""
    if athlete.confirmed_at is None or not _may_prompt(athlete):
        return None
    if rest_day_due(athlete, now) or warm_up_due(athlete, now):
        return now
    moments = [*_rest_days(athlete, now), *_warm_ups(athlete, now)]
    return min((moment for moment in moments if moment > now), default=None)


def _may_prompt(athlete: Athlete) -> bool:
    return athlete.leaving_at is None and any(each.state == Connection.CONNECTED for each in athlete.connections)


def reschedule(athlete: Athlete, now: datetime) -> None:
    """Work out anew when to look: after a change of settings, of the time zone, of an address, and after each look."""
    athlete.next_due_at = next_due(athlete, now)


def rest_day_due(athlete: Athlete, now: datetime) -> bool:
    """Whether today's rest-day look is due and was not made yet. One a local day, also when a journey repeats the day."""
    if not _wants(athlete, Placement.REST_DAY):
        return False
    zone = situations.zone_of(athlete.timezone)
    today = now.astimezone(zone).date()
    if athlete.last_prompted_on is not None and athlete.last_prompted_on >= today:
        return False
    at = _wall(today, athlete.rest_day_prompt_local, zone)
    return timedelta(0) <= now - at <= LATE


def warm_up_due(athlete: Athlete, now: datetime) -> bool:
    """Whether a usual run starts soon that no warm-up was given for; one warm-up a day."""
    if not _wants(athlete, Placement.WARM_UP):
        return False
    zone = situations.zone_of(athlete.timezone)
    today = now.astimezone(zone).date()
    if athlete.last_warm_up_on is not None and athlete.last_warm_up_on >= today:
        return False
    return any(timedelta(0) < start - now <= WARM_UP_LEAD for start in _usual_starts(athlete, zone, today))


def _wants(athlete: Athlete, placement: Placement) -> bool:
    return str(placement) in athlete.placements and channels.reaches(athlete, placement)


def _rest_days(athlete: Athlete, now: datetime) -> list[datetime]:
    if not _wants(athlete, Placement.REST_DAY):
        return []
    zone = situations.zone_of(athlete.timezone)
    today = now.astimezone(zone).date()
    first = max(today, athlete.paused_until or today)
    if athlete.last_prompted_on is not None and athlete.last_prompted_on >= first:
        first = athlete.last_prompted_on + timedelta(days=1)
    return [_wall(first + timedelta(days=ahead), athlete.rest_day_prompt_local, zone) for ahead in range(2)]


def _warm_ups(athlete: Athlete, now: datetime) -> list[datetime]:
    if not _wants(athlete, Placement.WARM_UP):
        return []
    zone = situations.zone_of(athlete.timezone)
    today = now.astimezone(zone).date()
    return [start - WARM_UP_LEAD for start in _usual_starts(athlete, zone, today)]


def _usual_starts(athlete: Athlete, zone: ZoneInfo, today: date) -> list[datetime]:
    days = [today + timedelta(days=ahead) for ahead in range(_AHEAD_DAYS)]
    return [
        _wall(day, run["at"], zone) for day in days for run in athlete.usual_runs if run["weekday"] == day.weekday()
    ]


def _wall(day: date, at: str, zone: ZoneInfo) -> datetime:
    """A wall time as an instant. One that the clocks skip comes as much later; of one that comes twice, the first."""
    return situations.instant(datetime.combine(day, time.fromisoformat(at), tzinfo=zone))
