"""The light dose: one predicate a reason, and the table that orders them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from adductor.coaching import constants as k
from adductor.coaching import words
from adductor.coaching.normalise import Facts, family
from adductor.coaching.situation import Activity


def light_for_pain(seen: Facts) -> str | None:
    """Pain of 3-5 keeps to the squeeze between the knees, at or under the usual pain."""
    if seen.pain is None or seen.pain <= k.PAIN_GREEN_MAX:
        return None
    return f"{seen.pain_where} {seen.pain} out of 10"


def light_for_hint(seen: Facts) -> str | None:
    """A hint that a running log gave, such as an injury without a place."""
    return seen.situation.athlete.kept_light_because


def light_for_taper(seen: Facts) -> str | None:
    """Days 4-7 before an A-race."""
    for planned in seen.plan:
        if planned.run.kind == "race" and planned.priority == "A":
            until = (planned.day - seen.today).days
            if k.PRE_RACE_BLOCK_DAYS["A"] < until <= k.TAPER_LIGHT_DAYS_A:
                return f"race {words.ahead(until)}"
    return None


def light_for_new_athlete(seen: Facts) -> str | None:
    """The first two sessions ever."""
    if seen.sessions_ever < k.NEW_ATHLETE_LIGHT_SESSIONS:
        return "the first two sessions start gently"
    return None


def light_after_hold(seen: Facts) -> str | None:
    """Two light sessions after a hold or a referral."""
    if seen.back_since_s is None:
        return None
    since = sum(1 for session in seen.counted if session.done and session.at_s > seen.back_since_s)
    return "the first two sessions after the pause for pain" if since < k.AFTER_HOLD_LIGHT_SESSIONS else None


def light_after_race(seen: Facts) -> str | None:
    """The first session after a week or more that a race kept free."""
    for race in seen.races:
        last_free = race.day + timedelta(days=race.block_days)
        free = race.blocks and race.block_days >= k.POST_RACE_LIGHT_FROM_DAYS and last_free < seen.today
        if free and (seen.last_done is None or seen.last_done <= last_free):
            return f"the first session after {words.days(race.block_days)} free for the race"
    return None


def light_for_return(seen: Facts) -> str | None:
    """Three weeks without a session, or the first run after two weeks without one."""
    since = seen.days_since_last_done
    if since is None:
        # None in the log, which covers two weeks, and no date known: longer than that.
        return "a while since the last session"
    if since >= k.REENTRY_GAP_DAYS:
        return f"{words.days(since)} since the last session"
    if seen.runs_today or seen.trigger_run is not None:
        before = seen.last_run_before_today
        if before is None:
            return f"first run in {k.FIRST_RUN_BACK_GAP_DAYS} days or more"
        if (seen.today - before).days >= k.FIRST_RUN_BACK_GAP_DAYS:
            return f"first run in {words.days((seen.today - before).days)}"
    return None


def light_after_long_run(seen: Facts) -> str | None:
    """A lot of running today or yesterday: all runs of the local day together."""
    for day in (seen.today, seen.today - timedelta(days=1)):
        minutes = seen.running_min(day)
        if minutes >= k.RUNNING_LIGHT_MIN:
            when = words.ago((seen.today - day).days)
            one = any(run.day == day and run.moving_min >= k.LONG_RUN_MIN for run in seen.runs)
            return f"long run {when}" if one else f"{words.number(minutes)} minutes of running {when}"
    return None


def light_after_other_load(seen: Facts) -> str | None:
    """A long ride, a long hike or strength work for the legs, today or yesterday."""
    for entry in seen.entries:
        since = (seen.today - entry.day).days
        what = _loads_the_legs(entry.activity) if 0 <= since <= 1 else None
        if what is not None:
            return f"{what} {words.ago(since)}"
    return None


def _loads_the_legs(activity: Activity) -> str | None:
    """In words, when an activity other than a run or a session of ours leaves tired legs."""
    sport, minutes = activity.sport, activity.moving_min
    limits = {"ride": k.RIDE_LIGHT_MIN, "walk": k.HIKE_LIGHT_MIN}
    limit = limits.get(family(sport))
    if limit is not None and minutes >= limit:
        return f"{words.number(minutes)}-minute {sport.replace('_', ' ')}"
    if sport not in k.STRENGTH_SPORTS or activity.is_adductor_session or activity.body_part in k.NOT_LOWER_BODY:
        return None
    known = activity.body_part is not None
    return "leg strength" if known else "strength work" if minutes >= k.UNKNOWN_STRENGTH_LIGHT_MIN else None


def light_for_hard_day(seen: Facts) -> str | None:
    """A hard run today while the routine is still new."""
    if seen.sessions_ever >= k.HARD_DAY_FULL_FROM_SESSIONS:
        return None
    runs = [*seen.runs_today, *([seen.trigger_run] if seen.trigger_run else [])]
    return "hard run today" if any(run.intensity in k.HARD_INTENSITIES for run in runs) else None


def light_for_climb(seen: Facts) -> str | None:
    """A lot of climb on foot today."""
    climbed = sum(
        entry.activity.elevation_gain_m or 0
        for entry in seen.entries
        if entry.day == seen.today and entry.activity.sport in k.QUALIFYING_SPORTS | k.FOOT_SPORTS
    )
    if seen.trigger_run is not None:
        climbed = max(climbed, seen.trigger_run.gain_m)
    return f"{climbed:.0f} m of climb today" if climbed >= k.HILLY_RUN_GAIN_M else None


# Pain stands first: it also narrows the routine.
LIGHT_WHEN: tuple[Callable[[Facts], str | None], ...] = (
    light_for_pain,
    light_for_hint,
    light_for_taper,
    light_for_new_athlete,
    light_after_hold,
    light_for_return,
    light_after_race,
    light_after_long_run,
    light_after_other_load,
    light_for_hard_day,
    light_for_climb,
)


def why_light(seen: Facts) -> str | None:
    """The first reason for the light dose; None for the full one."""
    return next((reason for rule in LIGHT_WHEN if (reason := rule(seen)) is not None), None)
