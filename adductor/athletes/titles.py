"""Answers from inside the running log: words in a title, and recorded strength work.

A title edit sends an event with the title in it; the title of a new activity is read with it. Titles are not kept.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from adductor import logs
from adductor.athletes import answers, schedule, situations
from adductor.athletes.answers import Answer
from adductor.coaching.constants import CLOCK_TOLERANCE_MIN
from adductor.coaching.replies import Said
from adductor.installation import Installation
from adductor.platforms.base import LoggedActivity
from adductor.store.models import Athlete, SessionRecord, Suggestion
from adductor.store.models import LoggedActivity as ActivityRow

log = logs.get(__name__)

_WORDS = re.compile(r"#adductor-(done|skip|pause|resume)\b", re.IGNORECASE)
# How long after a routine was suggested a word or strength work elsewhere in the log still means it. Judgement.
MEANS_IT_FOR = timedelta(hours=48)
# A watch's clock is not ours, and the log's times are whole seconds (constants.CLOCK_TOLERANCE_MIN).
CLOCKS_DIFFER_BY = timedelta(minutes=CLOCK_TOLERANCE_MIN)
# A pause without an end would be for ever if forgotten; `#adductor-resume` or the pages end it sooner. Judgement.
PAUSE_DAYS = 28


def obey(
    session: Session, installation: Installation, athlete: Athlete, title: str, activity_id: int, *, now: datetime
) -> str | None:
    """Do what the words in a title say, in their order. ``athlete`` must be locked. Returns the last word obeyed."""
    obeyed = None
    for found in _WORDS.finditer(title):
        word = found.group(1).lower()
        if word == "pause":
            today = now.astimezone(situations.zone_of(athlete.timezone)).date()
            answers.pause(athlete, today + timedelta(days=PAUSE_DAYS))
        elif word == "resume":
            answers.pause(athlete, None)
        elif not _answer(session, installation, athlete, word, activity_id, now):
            continue
        schedule.reschedule(athlete, now)
        obeyed = f"title_{word}"
    if obeyed:
        log.info("title obeyed", athlete=athlete.id, word=obeyed)
    return obeyed


def strength(
    session: Session, installation: Installation, athlete: Athlete, activity: LoggedActivity, *, now: datetime
) -> str | None:
    """Strength work recorded after a suggestion: ours is the answer "done"; of an unknown kind, we ask about it."""
    if activity.sport != "strength":
        return None
    ended = activity.start + timedelta(seconds=max(activity.elapsed_s, activity.moving_s))
    suggestion = _open_suggestion(session, athlete, not_before=ended - MEANS_IT_FOR, until=ended + CLOCKS_DIFFER_BY)
    if suggestion is None:
        return None
    if activity.is_adductor_session:
        answers.answer(session, installation, athlete, suggestion, Answer(Said.DONE), source="log", now=now)
        done = session.scalar(select(SessionRecord).where(SessionRecord.suggestion_id == suggestion.id))
        if done is not None:
            done.platform_id = activity.id
        return "strength_done"
    if activity.body_part is None:
        suggestion.asks_about_activity = activity.id
        return "strength_asked"
    return None


def worth_reading(session: Session, athlete: Athlete, now: datetime) -> bool:
    """Whether a new activity may answer a suggestion although no routine can be due.

    A pause is not a reason: during it the platform isn't called, and a title that ends it comes with its edit.
    """
    today: date = now.astimezone(situations.zone_of(athlete.timezone)).date()
    if athlete.paused_until is not None and athlete.paused_until > today:
        return False
    return _open_suggestion(session, athlete, not_before=now - MEANS_IT_FOR, until=now) is not None


def _answer(
    session: Session, installation: Installation, athlete: Athlete, word: str, activity_id: int, now: datetime
) -> bool:
    suggestion = session.scalar(
        select(Suggestion).where(Suggestion.athlete_id == athlete.id, Suggestion.activity_id == activity_id)
    )
    if suggestion is None:
        row = session.scalar(
            select(ActivityRow).where(ActivityRow.athlete_id == athlete.id, ActivityRow.platform_id == activity_id)
        )
        # An old title that is edited again speaks of its own day, not of today's routine.
        ended = now if row is None else row.start + timedelta(seconds=row.elapsed_s)
        suggestion = _open_suggestion(session, athlete, not_before=ended - MEANS_IT_FOR, until=ended + CLOCKS_DIFFER_BY)
    if suggestion is None:
        return False
    said = Said.DONE if word == "done" else Said.NOT_TODAY
    answers.answer(session, installation, athlete, suggestion, Answer(said), source="title", now=now)
    return True


def _open_suggestion(session: Session, athlete: Athlete, *, not_before: datetime, until: datetime) -> Suggestion | None:
    return session.scalar(
        select(Suggestion)
        .where(
            Suggestion.athlete_id == athlete.id,
            Suggestion.status == "open",
            Suggestion.created_at >= not_before,
            Suggestion.created_at <= until,
        )
        .order_by(Suggestion.created_at.desc())
        .limit(1)
    )
