"""The calendar feed (RFC 5545): routines of the last month and the days ahead, under a capability URL."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, time, timedelta

from flask import Response, abort, flash, redirect, render_template, url_for
from sqlalchemy import select

from adductor import coaching
from adductor.athletes import decisions, situations
from adductor.store.models import Athlete, Suggestion
from service import limits
from service.context import installation
from service.pages import status
from service.pages.access import Page, blueprint, may_look, signed_in
from service.pages.forms import changing

_KEY_BYTES = 18
_LINE_OCTETS = 75  # RFC 5545, 3.1
# An expected session has no length yet; the usual routines take 4 to 17 minutes (evidence.md, section 7).
_EXPECTED_MINUTES = 15
_DAYS_BACK = 30
_MARKS = {"done": " ✓", "declined": " (not this time)"}


@blueprint.get("/calendar/<key>.ics")
@limits.link
def calendar(key: str) -> Response:
    """The feed. Its address is the permission to read it; the runner can make a new one at any time."""
    here = installation()
    now = here.clock.now()
    with here.store.read() as database:
        athlete = database.scalar(select(Athlete).where(Athlete.calendar_key == key))
        if athlete is None or not may_look(athlete):
            abort(404)
        suggestions = database.scalars(
            select(Suggestion).where(
                Suggestion.athlete_id == athlete.id,
                Suggestion.status != "withdrawn",
                Suggestion.created_at >= now - timedelta(days=_DAYS_BACK),
            )
        ).all()
        situation = situations.looking_ahead(database, athlete, now)
    zone = situations.zone_of(athlete.timezone)
    at = time.fromisoformat(athlete.rest_day_prompt_local)
    given_today = now.astimezone(zone).date() in {suggestion.local_date for suggestion in suggestions}
    today, *later = coaching.forecast(situation, here.catalogue, status.DAYS_AHEAD)
    days = later if given_today else [today, *later]
    text = render_template(
        "calendar.txt",
        owner=athlete,
        suggestions=[(suggestion, decisions.routine_of(suggestion)) for suggestion in suggestions],
        expected=[(day, datetime.combine(day.day, at, tzinfo=zone)) for day in days if day.placement is not None],
        expected_minutes=_EXPECTED_MINUTES,
        marks=_MARKS,
        now=now,
        runner_routine=here.links.runner_routine,
        utc=_utc,
        escaped=_escaped,
    )
    body = "".join(f"{_folded(line)}\r\n" for line in text.splitlines())
    return Response(body, mimetype="text/calendar", headers={"Cache-Control": "private, max-age=3600"})


@blueprint.post("/settings/calendar")
@signed_in
def calendar_address() -> Page:
    """A new address; an old one ends with it."""
    with changing(reschedules=False) as coach:
        was = coach.athlete.calendar_key
        coach.athlete.calendar_key = secrets.token_urlsafe(_KEY_BYTES)
    flash("The old address no longer works." if was else "Your calendar has an address now.", "done")
    return redirect(url_for("pages.settings") + "#calendar")


def _utc(moment: datetime, minutes_later: int = 0) -> str:
    return f"{moment.astimezone(UTC) + timedelta(minutes=minutes_later):%Y%m%dT%H%M%SZ}"


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
