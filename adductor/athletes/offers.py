"""What was offered to a runner, from our own rows: the unanswered load, the record of each slot, and silence.

The record is derived at each decision from suggestions, which stay as long as the runner does. It holds weekdays, placements
and counts, and nothing of a platform's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import takewhile

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.orm import Session

from adductor.athletes import channels
from adductor.coaching import situation as words
from adductor.coaching.constants import BACK_OFF_AFTER_UNANSWERED, SLOT_HALF_WEIGHT_WEEKS
from adductor.store.models import Athlete, Delivery, Suggestion

# Six halvings: older weeks weigh next to nothing. Judgement.
MEMORY = timedelta(weeks=6 * SLOT_HALF_WEIGHT_WEEKS)
_ANSWERED = ("done", "declined")


@dataclass(frozen=True, slots=True)
class Offers:
    """The fields of the coach's `Athlete` that tell what was offered."""

    slots: tuple[words.SlotRecord, ...]
    unanswered_in_a_row: int
    asks_if_useful: bool  # silence calls for the question, and it was not put yet
    last_suggested_on: date | None
    pages_only: frozenset[words.Placement]


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


def of(session: Session, athlete: Athlete, today: date, now: datetime) -> Offers:
    """What was offered until yesterday."""
    row, alone = Suggestion, channels.pages_only(session, athlete, now)
    rows = session.execute(
        select(
            row.id,
            row.asks_if_useful,
            row.local_date,
            row.placement,
            row.status,
            row.opened_at,
            has_reached().label("has_reached"),
        )
        .where(*earlier(athlete, today, now))
        .order_by(row.created_at.desc())
    ).all()
    # Where the pages are all there is, silence on them is silence.
    everything_alone = {words.Placement.POST_RUN, words.Placement.REST_DAY} & set(athlete.placements) <= alone
    sessions = [one for one in rows if one.placement != words.Placement.WARM_UP]
    heard = [one for one in sessions if one.has_reached or everything_alone]
    since_reply = takewhile(lambda one: one.status not in _ANSWERED and one.opened_at is None, rows)
    silent = [one for one in since_reply if one in heard]
    offered: Counter[tuple[int, str, int]] = Counter()
    done: Counter[tuple[int, str, int]] = Counter()
    for one in sessions:
        if one.has_reached:
            halvings = (today - one.local_date).days // 7 // SLOT_HALF_WEIGHT_WEEKS
            slot = (one.local_date.weekday(), one.placement, halvings * SLOT_HALF_WEIGHT_WEEKS)
            offered[slot] += 1
            done[slot] += one.status == "done"
    return Offers(
        slots=tuple(
            words.SlotRecord(weekday, words.Placement(placement), offers, done[weekday, placement, weeks], weeks)
            for (weekday, placement, weeks), offers in sorted(offered.items())
        ),
        unanswered_in_a_row=len(silent),
        asks_if_useful=len(silent) >= BACK_OFF_AFTER_UNANSWERED and not any(one.asks_if_useful for one in silent),
        last_suggested_on=max((one.local_date for one in heard), default=None),
        pages_only=alone,
    )
