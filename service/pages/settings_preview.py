"""What a change of settings would mean, in words, before it is kept: the coach is asked about the days ahead, twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from adductor import coaching
from adductor.athletes import situations
from adductor.catalogue.models import Catalogue
from adductor.coaching.normalise import facts
from adductor.coaching.routine import choose
from adductor.coaching.situation import Dose, Expected, Placement, PlannedRun, Routine, Situation
from adductor.installation import Installation
from adductor.notes import wording
from adductor.store.models import Athlete
from service.pages import settings_forms, status
from service.pages.words import PLACEMENTS

# Sections that change what a routine holds.
_SHAPES_ROUTINES = frozenset({"equipment", "routines", "left_out", "own", "keep"})


def of(installation: Installation, athlete_id: int, section: str, changes: dict[str, Any]) -> list[str]:
    """Sentences on what the changes of a section would mean."""
    now = installation.clock.now()
    if section == "races" and changes["start"] - now > timedelta(days=status.DAYS_AHEAD):
        return ["That is more than two weeks away: nothing changes yet. Routines make room when it comes near."]
    with installation.store.read() as database, database.no_autoflush:
        row = database.get_one(Athlete, athlete_id)
        before = situations.looking_ahead(database, row, now)
        address = row.email
        if section == "races":
            race = PlannedRun(changes["start"], changes["kind"], changes["priority"], changes["distance_km"])
            return _ahead(installation, before, replace(before, plan=(*before.plan, race)))
        for name, value in changes.items():
            setattr(row, name, value)  # never committed: this session only reads
        after = situations.looking_ahead(database, row, now)
        lines = _of_section(installation, row, section, address)
        if section in _SHAPES_ROUTINES:
            lines += _routines(installation.catalogue, before, after)
        database.rollback()
    return [*lines, *_ahead(installation, before, after)]


def _of_section(installation: Installation, row: Athlete, section: str, address: str | None) -> list[str]:
    if section == "dose":
        where = [
            f"{PLACEMENTS[name]}: {settings_forms.PLACE_WORDS[settings_forms.place_of(row, name)].lower()}."
            for name in row.placements
            if settings_forms.places_of(row, name)
        ]
        count = "one session" if row.target_sessions_per_week == 1 else "two sessions"
        return [f"At most {count} in any seven days.", *where]
    if section == "times":
        return [
            f"A rest-day prompt comes at {row.rest_day_prompt_local}, if one is due. "
            f"Between {row.quiet_from_local} and {row.quiet_until_local} nothing comes."
        ]
    if section == "email":
        if row.email is None:
            return ["No mails from us. Routines that went by mail stand here on your pages."]
        if row.email == address or not installation.settings.sends_mail:
            return ["Nothing changes."]
        return [f"We send one mail to {row.email}; routines go there only after you have confirmed it."]
    if section == "you" and row.clearance_needed:
        return ["Routines wait until you tell us that a professional has cleared it."]
    return []


def _routines(catalogue: Catalogue, before: Situation, after: Situation) -> list[str]:
    """The full routine of each placement that changes, as it would be and as it is."""
    lines = []
    for placement in sorted(after.athlete.placements_enabled - {Placement.WARM_UP}):
        was, will_be = (_in_short(choose(facts(one), catalogue, placement, Dose.FULL)) for one in (before, after))
        lines += [f"{PLACEMENTS[placement]}: {will_be} (before: {was})."] if was != will_be else []
    return lines or ["Your next routines stay as they are."]


def _in_short(routine: Routine) -> str:
    items = (f"{wording.name_of(item)} {wording.dose_of(item)}" for item in routine.items)
    return f"{'; '.join(items)}; {routine.minutes} min"


def _ahead(installation: Installation, before: Situation, after: Situation) -> list[str]:
    catalogue = installation.catalogue
    was, will_be = (coaching.forecast(situation, catalogue, status.DAYS_AHEAD) for situation in (before, after))
    next_was = status.what_is_next(catalogue, before, was)
    next_is = status.what_is_next(catalogue, after, will_be)
    if _days(was) == _days(will_be) and next_was == next_is:
        return [f"The days ahead stay as they are. Next: {next_is.inline}."]
    lines = [f"Next: {next_is.inline} (before: {next_was.inline})."]
    if next_is.expected is None:
        lines.append(next_is.why)
    planned = [f"{day:%A %-d %B}" for day, *_ in _days(will_be)]
    if planned:
        lines.append(f"Expected in the next two weeks: {', '.join(planned)}.")
    return lines


def _days(expected: Sequence[Expected]) -> list[tuple[date, Placement, Dose | None]]:
    return [(day.day, day.placement, day.dose) for day in expected if day.placement is not None]
