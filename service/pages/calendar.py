"""The calendar feed: what is to be expected, as RFC 5545, under an address that only the runner knows."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from flask import Response, abort, flash, redirect, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from adductor.athletes import connections, decisions, situations
from adductor.coaching.situation import Dose, Expected
from adductor.installation import Installation
from adductor.notes import wording
from adductor.store.models import Athlete, Suggestion
from service import limits
from service.context import installation
from service.pages import status
from service.pages.access import Page, blueprint, signed_in
from service.pages.changes import changing
from service.pages.words import ROUTINES

_KEY_BYTES = 18
_LINE_OCTETS = 75  # RFC 5545, 3.1
# An expected session has no length yet; the usual routines take 4 to 17 minutes (evidence.md, section 7).
_EXPECTED_LENGTH = timedelta(minutes=15)
_DAYS_BACK = 30
_LOOK_AGAIN = "PT6H"


@blueprint.get("/calendar/<key>.ics")
@limits.link
def calendar(key: str) -> Response:
    """The feed. Whoever has the address can read it; the runner can make a new one at any time."""
    here = installation()
    now = here.clock.now()
    with here.store.read() as database:
        athlete = database.scalar(select(Athlete).where(Athlete.calendar_key == key, connections.is_connected()))
        if athlete is None:
            abort(404)
        body = feed(here, database, athlete, now)
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


def feed(here: Installation, database: Session, athlete: Athlete, now: datetime) -> str:
    """The runner's calendar: routines of the last month as they were, and the days ahead as they are to be expected."""
    zone = situations.zone_of(athlete.timezone)
    today = now.astimezone(zone).date()
    suggestions = database.scalars(
        select(Suggestion).where(
            Suggestion.athlete_id == athlete.id,
            Suggestion.status != "withdrawn",
            Suggestion.created_at >= now - timedelta(days=_DAYS_BACK),
        )
    ).all()
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Adductor Coach//Calendar//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "X-WR-CALNAME:Adductor routines",
        f"REFRESH-INTERVAL;VALUE=DURATION:{_LOOK_AGAIN}",
        f"X-PUBLISHED-TTL:{_LOOK_AGAIN}",
    ]
    for suggestion in suggestions:
        lines += _suggested(here, suggestion, now)
    given = {suggestion.local_date for suggestion in suggestions}
    for day in status.ahead(here, status.situation_now(database, athlete, now)):
        if day.placement is not None and (day.day != today or today not in given):
            lines += _expected(here, athlete, day, now)
    return "".join(f"{line}\r\n" for line in _folded([*lines, "END:VCALENDAR"]))


def _suggested(here: Installation, suggestion: Suggestion, now: datetime) -> list[str]:
    routine = decisions.routine_of(suggestion)
    done = {"done": " ✓", "declined": " (not this time)"}.get(suggestion.status, "")
    return _event(
        f"suggestion-{suggestion.public_id}",
        suggestion.created_at,
        timedelta(minutes=routine.minutes),
        f"{ROUTINES[suggestion.placement]}: {wording.title(routine)}{done}",
        suggestion.reason,
        f"{here.settings.public_url}/routine/{suggestion.public_id}",
        now,
    )


def _expected(here: Installation, athlete: Athlete, day: Expected, now: datetime) -> list[str]:
    zone = situations.zone_of(athlete.timezone)
    at = datetime.combine(day.day, time.fromisoformat(athlete.rest_day_prompt_local), tzinfo=zone)
    kind = "light routine" if day.dose is Dose.LIGHT else "routine"
    return _event(
        # One a day at most: the same day keeps its entry while the plan moves around it.
        f"expected-{athlete.id}-{day.day}",
        at,
        _EXPECTED_LENGTH,
        f"Adductor {kind} expected",
        f"{day.reason}. The plan follows your runs, so it may move.",
        f"{here.settings.public_url}/home",
        now,
    )


def _event(uid: str, start: datetime, length: timedelta, summary: str, text: str, url: str, now: datetime) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{uid}@adductor-coach",
        f"DTSTAMP:{_utc(now)}",
        f"DTSTART:{_utc(start)}",
        f"DTEND:{_utc(start + length)}",
        f"SUMMARY:{_escaped(summary)}",
        f"DESCRIPTION:{_escaped(text)}",
        f"URL:{url}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    """RFC 5545, 3.3.11."""
    for mark, instead in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r\n", "\\n"), ("\r", "\\n"), ("\n", "\\n")):
        text = text.replace(mark, instead)
    return text


def _folded(lines: Iterable[str]) -> Iterable[str]:
    """Lines of at most 75 octets, never cut inside a character; continued ones begin with a space."""
    for line in lines:
        part = ""
        for character in line:
            if len((part + character).encode()) > _LINE_OCTETS:
                yield part
                part = " "
            part += character
        yield part
