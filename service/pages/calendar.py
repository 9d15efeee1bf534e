"""The calendar feed (RFC 5545): routines of the last month and the days ahead, under a capability URL."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from flask import Response, abort, flash, redirect, render_template, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from adductor.athletes import decisions, situations
from adductor.coaching.situation import Dose, Expected
from adductor.notes import wording
from adductor.store.models import Athlete, Suggestion
from service import limits
from service.context import installation
from service.pages import status
from service.pages.access import Page, blueprint, may_look, signed_in
from service.pages.changes import changing
from service.pages.words import ROUTINES

_KEY_BYTES = 18
_LINE_OCTETS = 75  # RFC 5545, 3.1
# An expected session has no length yet; the usual routines take 4 to 17 minutes (evidence.md, section 7).
_EXPECTED_LENGTH = timedelta(minutes=15)
_DAYS_BACK = 30
_MARKS = {"done": " ✓", "declined": " (not this time)"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One VEVENT."""

    uid: str
    start: datetime
    length: timedelta
    summary: str
    text: str
    path: str


@blueprint.get("/calendar/<key>.ics")
@limits.link
def calendar(key: str) -> Response:
    """The feed. Everyone who has the address can read it; the runner can make a new one at any time."""
    now = installation().clock.now()
    with installation().store.read() as database:
        athlete = database.scalar(select(Athlete).where(Athlete.calendar_key == key))
        if athlete is None or not may_look(athlete):
            abort(404)
        entries = _entries(database, athlete, now)
    lines = render_template("calendar.txt", entries=entries, now=now, utc=_utc, escaped=_escaped).splitlines()
    body = "".join(f"{_folded(line)}\r\n" for line in lines)
    return Response(body, mimetype="text/calendar", headers={"Cache-Control": "private, max-age=3600"})


@blueprint.post("/settings/calendar")
@signed_in
def calendar_address() -> Page:
    """A new address; an old one ends with it."""
    with changing(reschedules=False) as (_, row):
        was = row.calendar_key
        row.calendar_key = secrets.token_urlsafe(_KEY_BYTES)
    flash("The old address no longer works." if was else "Your calendar has an address now.", "done")
    return redirect(url_for("pages.settings") + "#calendar")


def _entries(database: Session, athlete: Athlete, now: datetime) -> list[Entry]:
    """Routines of the last month as they were, and the days ahead as they are to be expected."""
    today = now.astimezone(situations.zone_of(athlete.timezone)).date()
    suggestions = database.scalars(
        select(Suggestion).where(
            Suggestion.athlete_id == athlete.id,
            Suggestion.status != "withdrawn",
            Suggestion.created_at >= now - timedelta(days=_DAYS_BACK),
        )
    ).all()
    given = {suggestion.local_date for suggestion in suggestions}
    expected = status.ahead(installation(), status.situation_now(database, athlete, now))
    return [_suggested(suggestion) for suggestion in suggestions] + [
        _expected(athlete, day)
        for day in expected
        if day.placement is not None and (day.day != today or today not in given)
    ]


def _suggested(suggestion: Suggestion) -> Entry:
    routine = decisions.routine_of(suggestion)
    return Entry(
        f"suggestion-{suggestion.public_id}",
        suggestion.created_at,
        timedelta(minutes=routine.minutes),
        f"{ROUTINES[suggestion.placement]}: {wording.title(routine)}{_MARKS.get(suggestion.status, '')}",
        suggestion.reason,
        f"/routine/{suggestion.public_id}",
    )


def _expected(athlete: Athlete, day: Expected) -> Entry:
    at = time.fromisoformat(athlete.rest_day_prompt_local)
    return Entry(
        # One a day at most: the same day keeps its entry while the plan moves around it.
        f"expected-{athlete.id}-{day.day}",
        datetime.combine(day.day, at, tzinfo=situations.zone_of(athlete.timezone)),
        _EXPECTED_LENGTH,
        f"Adductor {'light routine' if day.dose is Dose.LIGHT else 'routine'} expected",
        f"{day.reason}. The plan follows your runs, so it may move.",
        "/home",
    )


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    """Escape a text value (RFC 5545, 3.3.11)."""
    for mark in ("\\", ";", ","):
        text = text.replace(mark, f"\\{mark}")
    return "\\n".join(text.splitlines())


def _folded(line: str) -> str:
    """Fold a line into parts of at most 75 octets, never inside a character (RFC 5545, 3.1)."""
    parts = [""]
    for character in line:
        if len((parts[-1] + character).encode()) > _LINE_OCTETS:
            parts.append(" ")
        parts[-1] += character
    return "\r\n".join(parts)
