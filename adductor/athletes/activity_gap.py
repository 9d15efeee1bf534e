"""The usual gap between an athlete's activities, and when silence is unusual. Pure but for one query of our own record.

An athlete who runs every day is looked at after two days of silence, one who runs twice a week after five. A usual run that
the athlete told us of is missed two hours after its start: early enough for a note to be of use.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from adductor.athletes import situations
from adductor.athletes.decisions import Consultation
from adductor.store.models import Athlete, DecisionRecord

# Silence of so many times the usual gap is unusual. Judgement: a skipped run is usual.
FACTOR = 1.5
# The least and the most days between two looks: the history that a look brings expires after a week.
LEAST_DAYS = 1
MOST_DAYS = 7
# The habit is read from this long.
SEEN_OVER = timedelta(days=28)
# The gap of a new athlete. Judgement: twice a week.
USUAL_GAP_DAYS = 3.5
# Most people run at one time of the day, and we hear of it when they are back. An hour later it should be in the log.
AFTER_THE_USUAL_HOUR = timedelta(hours=1)
# A usual run has been run and uploaded; what is due after it still is (post_run: three hours).
AFTER_A_USUAL_START = timedelta(hours=2)
_DAY = timedelta(days=1)


def _usual_gap_days(coach: Consultation) -> float:
    """Days between two activities, from our own record of the last four weeks; else what the runner told us."""
    athlete, now = coach.athlete, coach.now
    since = max(now - SEEN_OVER, athlete.connection.connected_at)
    activities = select(func.count(func.distinct(DecisionRecord.activity_id))).where(
        DecisionRecord.athlete_id == athlete.id, DecisionRecord.at >= since, DecisionRecord.activity_id.is_not(None)
    )
    heard_of = coach.session.scalar(activities) or 0
    if heard_of >= 2:
        return max((now - since) / _DAY, 1.0) / heard_of
    if athlete.usual_runs:
        return 7 / len(athlete.usual_runs)
    return USUAL_GAP_DAYS


def next_look(coach: Consultation) -> datetime:
    """When this athlete's log should be looked at, should nothing be heard until then (UTC; may have passed)."""
    athlete = coach.athlete
    heard = max(athlete.connection.connected_at, athlete.last_event_at or athlete.connection.connected_at)
    looked = athlete.reconciled_at
    if looked is None or looked <= heard:
        moment = heard + _whole_days(FACTOR * _usual_gap_days(coach)) + AFTER_THE_USUAL_HOUR
        missed = _usual_start_after(athlete, heard)
    else:
        # Looked already during this silence: it is looked again when it has lasted twice as long.
        moment = looked + _whole_days((looked - heard) / _DAY)
        missed = _usual_start_after(
            athlete, looked + _whole_days(LEAST_DAYS) - AFTER_A_USUAL_START - AFTER_THE_USUAL_HOUR
        )
    return moment if missed is None else min(moment, missed + AFTER_A_USUAL_START)


def _whole_days(days: float) -> timedelta:
    """Whole ones, so that the look keeps the hour of the day."""
    return timedelta(days=min(max(round(days), LEAST_DAYS), MOST_DAYS))


def _usual_start_after(athlete: Athlete, moment: datetime) -> datetime | None:
    """The first usual run that begins after a moment."""
    starts = (start for start, _ in situations.usual_starts(athlete, moment))
    return min((start for start in starts if start > moment), default=None)
