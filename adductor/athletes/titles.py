"""Answers from inside the running log: words in a title, and recorded strength work.

A title edit sends an event with the title in it; the title of a new activity is read with it. Titles are not kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from adductor import logs
from adductor.athletes import answers, decisions, schedule
from adductor.athletes.answers import Answer
from adductor.athletes.decisions import Consultation
from adductor.coaching.constants import CLOCK_TOLERANCE_MIN
from adductor.coaching.replies import Said
from adductor.platforms.base import LoggedActivity
from adductor.store.models import LoggedActivity as ActivityRow
from adductor.store.models import SessionRecord, Suggestion

log = logs.get(__name__)

_WORDS = re.compile(r"#adductor-(done|skip|pause|resume)\b", re.IGNORECASE)
# Of a new activity, the first are obeyed before it is decided, the others afterwards: they mean its own routine.
BEFORE, AFTERWARDS = ("pause", "resume"), ("done", "skip")
# How long after a routine was suggested a word or strength work elsewhere in the log still means it. Judgement.
MEANS_IT_FOR = timedelta(hours=48)
# A watch's clock is not ours, and the log's times are whole seconds (constants.CLOCK_TOLERANCE_MIN).
CLOCKS_DIFFER_BY = timedelta(minutes=CLOCK_TOLERANCE_MIN)


def obey(coach: Consultation, title: str, activity_id: str, only: Sequence[str] = BEFORE + AFTERWARDS) -> str | None:
    """Obey the words in a title, in their order; returns the last word obeyed."""
    athlete, obeyed = coach.athlete, None
    for found in _WORDS.finditer(title):
        word = found.group(1).lower()
        if word not in only:
            continue
        if word == "pause":
            answers.pause(coach, coach.today + timedelta(days=answers.PAUSE_DAYS))
        elif word == "resume":
            answers.pause(coach, None)
        elif not _answer(coach, word, activity_id):
            continue
        schedule.reschedule(athlete, coach.now)
        obeyed = f"title_{word}"
    if obeyed:
        log.info("title obeyed", athlete=athlete.id, word=obeyed)
    return obeyed


def strength(coach: Consultation, activity: LoggedActivity) -> None:
    """Strength work recorded after a suggestion: ours is the answer "done"; of an unknown kind, we ask about it."""
    if activity.sport != "strength":
        return
    suggestion = _open_suggestion(coach, end_of(activity) + CLOCKS_DIFFER_BY)
    if suggestion is None:
        return
    if activity.is_adductor_session:
        answers.answer(coach, suggestion, Answer(Said.DONE), source="log")
        done = select(SessionRecord).where(SessionRecord.suggestion_id == suggestion.id)
        coach.session.scalars(done).one().platform_id = activity.id
    elif activity.body_part is None:
        suggestion.asks_about_activity = activity.id


def end_of(activity: LoggedActivity) -> datetime:
    """When the activity ended."""
    return activity.start + timedelta(seconds=max(activity.elapsed_s, activity.moving_s))


def worth_reading(coach: Consultation) -> bool:
    """Whether a new activity may answer a suggestion although no routine can be due.

    A pause is not a reason: during it the platform isn't called, and a title that ends it comes with its edit.
    """
    paused_until = coach.athlete.paused_until
    if paused_until is not None and paused_until > coach.today:
        return False
    return _open_suggestion(coach, coach.now) is not None


def _answer(coach: Consultation, word: str, activity_id: str) -> bool:
    suggestion = coach.find_suggestion(activity_id)
    if suggestion is None:
        activity = select(ActivityRow).filter_by(athlete_id=coach.athlete.id, platform_id=activity_id)
        row = coach.session.scalar(activity)
        # An old title that is edited again speaks of its own day, not of today's routine.
        ended = coach.now if row is None else row.start + timedelta(seconds=row.elapsed_s)
        suggestion = _open_suggestion(coach, ended + CLOCKS_DIFFER_BY)
    if suggestion is None:
        return False
    said = Said.DONE if word == "done" else Said.NOT_TODAY
    answers.answer(coach, suggestion, Answer(said), source="title")
    return True


def _open_suggestion(coach: Consultation, until: datetime) -> Suggestion | None:
    """The latest open suggestion of the two days before ``until``."""
    return coach.session.scalar(
        decisions.open_suggestions(coach.athlete)
        .where(Suggestion.created_at.between(until - MEANS_IT_FOR, until))
        .order_by(Suggestion.created_at.desc())
        .limit(1)
    )
