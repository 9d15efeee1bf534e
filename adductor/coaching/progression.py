"""How a runner moves along the ladder: double progression, deload, regress, return after a break, the jump gate."""

from __future__ import annotations

from datetime import date, timedelta

from adductor.coaching import constants as k
from adductor.coaching.normalise import Facts
from adductor.coaching.situation import Intensity


def is_deload_week(started_on: date | None, today: date) -> bool:
    """Whether a local day is in a sixth week of the programme. False while the start is unknown."""
    if started_on is None or today < started_on:
        return False
    week = (today - started_on).days // 7 + 1
    return week % k.DELOAD_EVERY_WEEKS == 0


def jump_lunges_allowed(seen: Facts) -> bool:
    """The gate of the jump lunges (catalogue, ``jump_lunges.gate``): everything must be known and good."""
    athlete = seen.athlete
    if athlete.programme_stage < 4 or not athlete.plyometrics_cleared or athlete.stage_since is None:
        return False
    if (seen.today - athlete.stage_since).days < 7 * k.JUMP_GATE_WEEKS_AT_STAGE_4:
        return False
    base = next((p for p in athlete.progress if p.exercise == "elevated_split_squat"), None)
    if (
        base is None
        or (base.sets or 0) < k.JUMP_GATE_SETS
        or (base.reps_or_holds or 0) < k.JUMP_GATE_REPS
        or base.last_rpe_1_10 is None
        or base.last_rpe_1_10 > k.JUMP_GATE_MAX_RPE_1_10
        or (base.last_pain_0_10 or 0) > k.JUMP_GATE_MAX_PAIN_0_10
        or (seen.pain or 0) > k.JUMP_GATE_MAX_PAIN_0_10
    ):
        return False
    since_last = seen.days_since_last_done
    if since_last is None or since_last >= k.REENTRY_GAP_DAYS:
        return False
    return not (_tired_legs(seen) or _race_within_72_h(seen))


def _tired_legs(seen: Facts) -> bool:
    """A hard, long or hilly run today or yesterday."""
    yesterday = seen.today - timedelta(days=1)
    return any(
        run.day >= yesterday
        and (
            run.intensity in (Intensity.HARD, Intensity.RACE)
            or run.moving_min >= k.LONG_RUN_MIN
            or run.gain_m >= k.HILLY_RUN_GAIN_M
        )
        for run in seen.runs
    )


def _race_within_72_h(seen: Facts) -> bool:
    gap_s = 3600 * k.PLYOMETRIC_RACE_GAP_H
    ahead = any(planned.run.kind == "race" and abs(planned.start_s - seen.now_s) <= gap_s for planned in seen.plan)
    days = k.PLYOMETRIC_RACE_GAP_H // 24
    return ahead or any(0 <= (seen.today - race.day).days <= days for race in seen.races)
