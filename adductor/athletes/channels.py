"""Delivery channels: what the athlete chose for each placement, and what of it works now.

``athlete.channels`` maps a placement to a channel or a list of them ("both"): private_note, description, calendar, mail,
push, pages.
``{"post_run": "private_note"}`` and ``{"post_run": ["private_note", "mail"]}`` are both good.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adductor.coaching.constants import QUALIFYING_RUN_MIN_MOVING_MIN, QUALIFYING_SPORTS
from adductor.coaching.situation import Placement
from adductor.platforms import registry
from adductor.platforms.base import id_of, platform_of
from adductor.store.models import Athlete, Connection, Delivery, Letter, LoggedActivity, Suggestion

PRIVATE_NOTE = "private_note"
DESCRIPTION = "description"
CALENDAR = "calendar"
MAIL = "mail"
PUSH = "push"
PAGES = "pages"
MESSAGES = frozenset({MAIL, PUSH})
NOTES = frozenset({PRIVATE_NOTE, DESCRIPTION})
WRITTEN = NOTES | {CALENDAR}  # by a platform
CHANNELS = (PRIVATE_NOTE, DESCRIPTION, CALENDAR, MAIL, PUSH, PAGES)
# For a placement without a choice. A routine that isn't about a run just recorded goes by mail: a note is written into an
# old run only by choice.
DEFAULTS = {Placement.POST_RUN: (PRIVATE_NOTE,), Placement.REST_DAY: (MAIL,), Placement.WARM_UP: (MAIL,)}
# A rest-day note stands in a run that is looked at still.
NOTE_OF_LATEST_RUN_DAYS = 3
# evidence.md section 8: at 2-5 messages a week 37 % switch them off, so three is the most; notes are not messages.
MOST_MESSAGES_A_WEEK = 3
WEEK = timedelta(days=7)
# For how long notes take another channel after the private note was found not to work.
REFUSAL_GOOD_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DeliveryChannel:
    """A channel that works now. ``activity_id`` : where a note stands."""

    channel: str
    activity_id: str | None = None


def chosen(athlete: Athlete, placement: Placement) -> tuple[str, ...]:
    """The channels chosen for this placement, whether they work now or not."""
    value = athlete.channels.get(str(placement))
    values = [value] if isinstance(value, str) else value or []
    if not _has_place(athlete, values):
        # A calendar takes the place of a private note that no platform of this athlete has.
        by_calendar = placement is not Placement.WARM_UP and not _has_place(athlete, [PRIVATE_NOTE])
        return (CALENDAR,) if by_calendar and _has_place(athlete, [CALENDAR]) else DEFAULTS[placement]
    if athlete.push_since is None:  # the last browser has ended its subscription
        values = [(MAIL if can_mail(athlete) else PAGES) if entry == PUSH else entry for entry in values]
    return tuple(dict.fromkeys(entry for entry in values if entry in CHANNELS)) or (PAGES,)


def _has_place(athlete: Athlete, values: Iterable[str]) -> bool:
    """Whether one of these channels is no platform's, or one of a platform that the athlete is connected to."""
    platforms = [registry.FACTS[each.platform] for each in athlete.connections if each.is_usable]
    return any(value not in WRITTEN or any(value in facts.scopes for facts in platforms) for value in values)


def writer(athlete: Athlete, channel: str, activity_id: str | None = None) -> Connection | None:
    """The connection that may write into this channel, at the activity's platform if one is given."""
    for each in athlete.connections:
        of_activity = activity_id is None or platform_of(activity_id) == each.platform
        if of_activity and each.allows(registry.FACTS[each.platform].scopes.get(channel)):
            return each
    return None


def can_write(athlete: Athlete, channels: Iterable[str] = WRITTEN) -> bool:
    """Whether a connection permits writing into one of these channels."""
    return any(writer(athlete, channel) is not None for channel in channels)


def awaits_other_log(athlete: Athlete, platform: str) -> bool:
    """Whether routines should stand in a private note of another platform, where the same run is about to arrive."""
    private_note = writer(athlete, PRIVATE_NOTE)
    wanted = PRIVATE_NOTE in chosen(athlete, Placement.POST_RUN)
    return wanted and private_note is not None and PRIVATE_NOTE not in registry.FACTS[platform].scopes


def can_mail(athlete: Athlete) -> bool:
    """Whether there is an address for mail: confirmed, not bounced, not unsubscribed."""
    return bool(
        athlete.email
        and athlete.email_confirmed_at is not None
        and athlete.email_bounced_at is None
        and athlete.unsubscribed_at is None
    )


def write_letter(
    session: Session, athlete: Athlete, kind: str, now: datetime, *, due_at: datetime | None = None, words: str = ""
) -> None:
    """Queue a mail to the athlete's address as it stands now. ``words``: the coach's, of a referral."""
    key, trace_id = secrets.token_hex(8), secrets.token_hex(8)
    mail = {"kind": kind, "key": key, "to": athlete.email, "words": words}
    session.add(Letter(athlete_id=athlete.id, created_at=now, due_at=due_at or now, trace_id=trace_id, **mail))


def note_refused(athlete: Athlete, now: datetime) -> bool:
    """Whether the private note was lately found not to work; a day later it is tried again."""
    connection = writer(athlete, PRIVATE_NOTE) or athlete.connection
    refused = connection.private_note_refused_at
    return refused is not None and now - refused < REFUSAL_GOOD_FOR


def private_note_problem(athlete: Athlete, now: datetime, *, mails: bool = True) -> str | None:
    """Why routines don't stand in the private note now, for the settings page; None while it works or isn't chosen."""
    chosen_somewhere = any(PRIVATE_NOTE in chosen(athlete, placement) for placement in Placement)
    if not chosen_somewhere or not note_refused(athlete, now):
        return None
    instead = "Your routines come by e-mail" if mails and can_mail(athlete) else "Your routines stand on these pages"
    label = registry.LABELS[athlete.connection.platform]
    return (
        f"{label} took our note but didn't show it in your private note, several times. {instead} meanwhile; "
        "we try the private note again after a day. Nothing was written where others can read it."
    )


def reaches(athlete: Athlete, placement: Placement) -> bool:
    """Whether a routine of this placement can be delivered at all; if not, no prompt is made for it.

    A recorded run always gets its routine: the pages take over.
    """
    channels = chosen(athlete, placement)
    if placement is Placement.POST_RUN:
        return True
    if placement is Placement.WARM_UP:
        return PUSH in channels or (MAIL in channels and can_mail(athlete))
    return bool({PUSH, PAGES} & set(channels)) or can_mail(athlete) or can_write(athlete, WRITTEN & set(channels))


def delivery_channels(
    session: Session, athlete: Athlete, placement: Placement, *, activity_id: str | None, now: datetime
) -> Sequence[DeliveryChannel]:
    """The channels of a routine due now. Mail takes the place of a chosen one that doesn't work; else the pages."""
    found: list[DeliveryChannel] = []
    for channel in chosen(athlete, placement):
        # A routine days after the run has no place in a text that others read.
        field = channel if activity_id is not None else PRIVATE_NOTE
        if channel == CALENDAR and can_write(athlete, [CALENDAR]):
            found.append(DeliveryChannel(CALENDAR))
            continue
        works = not (field == PRIVATE_NOTE and note_refused(athlete, now))
        if channel in NOTES and placement is not Placement.WARM_UP and works:
            stands_in = activity_id if activity_id is not None else _latest_run(session, athlete, now)
            if stands_in is not None and writer(athlete, field, stands_in) is not None:
                found.append(DeliveryChannel(field, stands_in))
                continue
        if channel == PUSH:
            found.append(DeliveryChannel(PUSH))
        elif channel != PAGES and can_mail(athlete):
            found.append(DeliveryChannel(MAIL))
    return list(dict.fromkeys(found)) or [DeliveryChannel(PAGES)]


def pages_only(session: Session, athlete: Athlete, now: datetime) -> frozenset[Placement]:
    """The placements of sessions whose routines would stand on the pages now, and nowhere else."""
    # Any run: only whether there is one matters.
    run_of = {Placement.POST_RUN: id_of(athlete.connection.platform, "any"), Placement.REST_DAY: None}
    return frozenset(
        placement
        for placement, run in run_of.items()
        if delivery_channels(session, athlete, placement, activity_id=run, now=now) == [DeliveryChannel(PAGES)]
    )


def _latest_run(session: Session, athlete: Athlete, now: datetime) -> str | None:
    """The athlete's latest run of the last three days, at a platform with private notes."""
    connection = writer(athlete, PRIVATE_NOTE)
    if connection is None:
        return None
    return session.scalar(
        select(LoggedActivity.platform_id)
        .where(
            LoggedActivity.athlete_id == athlete.id,
            LoggedActivity.platform_id.startswith(f"{connection.platform}:"),
            LoggedActivity.sport.in_(sorted(QUALIFYING_SPORTS)),
            LoggedActivity.moving_s >= QUALIFYING_RUN_MIN_MOVING_MIN * 60,
            LoggedActivity.deleted_at.is_(None),
            LoggedActivity.start >= now - timedelta(days=NOTE_OF_LATEST_RUN_DAYS),
            LoggedActivity.start <= now,
        )
        .order_by(LoggedActivity.start.desc())
        .limit(1)
    )


def messages_left(
    session: Session, athlete: Athlete, now: datetime, apart_from: int | None = None, *, warm_up: bool = False
) -> int:
    """How many mails and notifications with routines may still go to this athlete now: at most three in any seven days.

    A warm-up has what the sessions of a week leave. ``apart_from``: a suggestion that isn't counted.
    """
    sent_or_waiting = Delivery.written_at.is_not(None) | Delivery.state.in_(("waiting", "claimed"))
    lately = (
        select(Suggestion.placement, func.count(Delivery.id))
        .join(Suggestion)
        .where(Suggestion.athlete_id == athlete.id, Suggestion.created_at > now - WEEK)
        .where(Suggestion.id != (apart_from or 0), Delivery.channel.in_(MESSAGES), sent_or_waiting)
        .group_by(Suggestion.placement)
    )
    sent = dict(session.execute(lately).all())
    warm_ups = sent.pop(Placement.WARM_UP, 0)
    sessions = sum(sent.values())
    kept = max(sessions, athlete.target_sessions_per_week) if warm_up else sessions
    return max(MOST_MESSAGES_A_WEEK - kept - warm_ups, 0)
