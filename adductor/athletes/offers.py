"""What was offered to a runner, from our own rows: the unanswered load, the record of each slot, and silence.

The record is derived at each decision from suggestions, which stay as long as the runner does. It holds weekdays, placements
and counts, and nothing of a platform's.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.orm import Session

from adductor.athletes import channels
from adductor.coaching import situation as words
from adductor.coaching.constants import SLOT_HALF_WEIGHT_WEEKS
from adductor.store.models import Athlete, Delivery, Suggestion

# Six halvings: older weeks weigh next to nothing. Judgement.
MEMORY = timedelta(weeks=6 * SLOT_HALF_WEIGHT_WEEKS)
_ANSWERED = ("done", "declined")


def has_reached() -> ColumnElement[bool]:
    """SQL: the runner answered or opened a suggestion, or it stands (or may stand) outside the pages."""
    goes_out = or_(
        Delivery.written_at.is_not(None), Delivery.state.in_(("waiting", "claimed")), Delivery.unconfirmed_writes > 0
    )
    sent = exists().where(Delivery.suggestion_id == Suggestion.id, Delivery.channel != channels.PAGES, goes_out)
    return or_(Suggestion.status.in_(_ANSWERED), Suggestion.opened_at.is_not(None), sent)


def open_now(session: Session, public_id: str, now: datetime) -> None:
    """Keep when a person first opened a suggestion; the caller knows that it was one."""
    opened = update(Suggestion).where(Suggestion.public_id == public_id, Suggestion.opened_at.is_(None))
    session.execute(opened.values(opened_at=now))


def earlier(athlete: Athlete, today: date, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """SQL: suggestions of earlier days that hold. One of today may still be done, or be replaced by a later run's."""
    return (
        Suggestion.athlete_id == athlete.id,
        Suggestion.created_at >= now - MEMORY,
        Suggestion.local_date < today,
        Suggestion.status != "withdrawn",
    )


def fields_of(session: Session, athlete: Athlete, today: date, now: datetime) -> dict[str, Any]:
    """The fields of the coach's `Athlete` that tell what was offered until yesterday."""
    row, alone = Suggestion, channels.pages_only(session, athlete, now)
    columns = (row.id, row.local_date, row.placement, row.status, row.opened_at, has_reached().label("has_reached"))
    wanted = select(*columns).where(*earlier(athlete, today, now)).order_by(row.created_at.desc())
    rows = session.execute(wanted).all()
    # Where the pages are all there is, silence on them is silence.
    everything_alone = {words.Placement.POST_RUN, words.Placement.REST_DAY} & set(athlete.placements) <= alone
    sessions = [one for one in rows if one.placement != words.Placement.WARM_UP]
    heard = [one for one in sessions if one.has_reached or everything_alone]
    since_reply = takewhile(lambda one: one.status not in _ANSWERED and one.opened_at is None, rows)
    counts: dict[tuple[int, str, int], list[int]] = defaultdict(lambda: [0, 0])
    for one in sessions:
        if one.has_reached:
            halvings = (today - one.local_date).days // 7 // SLOT_HALF_WEIGHT_WEEKS
            offered_and_done = counts[one.local_date.weekday(), one.placement, halvings * SLOT_HALF_WEIGHT_WEEKS]
            offered_and_done[0] += 1
            offered_and_done[1] += one.status == "done"
    return {
        "slots": tuple(
            words.SlotRecord(weekday, words.Placement(placement), offered, done, weeks_ago)
            for (weekday, placement, weeks_ago), (offered, done) in sorted(counts.items())
        ),
        "unanswered_in_a_row": sum(one in heard for one in since_reply),
        "last_suggested_on": max((one.local_date for one in heard), default=None),
        "pages_only": alone,
    }
