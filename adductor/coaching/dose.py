"""The light dose: one predicate a reason, and the table that orders them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from adductor.coaching import constants as k
from adductor.coaching import words
from adductor.coaching.normalise import Facts


def light_for_pain(seen: Facts) -> str | None:
    """Pain of 3-5 keeps to squeezes at or under the usual pain."""
    if seen.pain is None or seen.pain <= k.PAIN_GREEN_MAX:
        return None
    return f"{seen.pain_where} {seen.pain} out of 10"


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
    """The day after a long run."""
    yesterday = seen.today - timedelta(days=1)
    if any(run.day == yesterday and run.moving_min >= k.LONG_RUN_MIN for run in seen.runs):
        return "long run yesterday"
    return None


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
    light_for_taper,
    light_for_new_athlete,
    light_for_return,
    light_after_long_run,
    light_for_hard_day,
    light_for_climb,
)


def why_light(seen: Facts) -> str | None:
    """The first reason for the light dose; None for the full one."""
    return next((reason for rule in LIGHT_WHEN if (reason := rule(seen)) is not None), None)
