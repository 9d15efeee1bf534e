"""Progress over months: sessions a week, pain answers, and each exercise over its sessions; to look at, and as CSV."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo

from flask import Response, render_template
from sqlalchemy import select

from adductor.athletes import situations
from adductor.coaching.constants import SESSION_COUNTS_FROM_COMPLETED_PCT
from adductor.coaching.situation import RoutineItem
from adductor.notes import wording
from adductor.store.models import SessionRecord
from service import limits
from service.context import installation
from service.pages import status
from service.pages.access import Page, blueprint, signed_in, the_athlete

WEEKS_SHOWN = 26
LEAST_WEEKS_SHOWN = 8
_COLUMNS = ("day", "kind", "completed_pct", "effort_1_10", "pain_0_10", "pain_place")
_ITEM_COLUMNS = ("exercise", "sets", "reps", "holds", "hold_s", "positions", "per_side")


@dataclass(frozen=True, slots=True)
class Point:
    """One session on a chart: its local day, its value, and the value in words."""

    day: date
    value: int
    words: str


def work_of(item: RoutineItem) -> int:
    """The reps of a set-up, or its seconds of holding: all sets, one side."""
    return item.sets * item.count * (item.hold_s or 1) * item.positions


@blueprint.get("/progress")
@signed_in
def progress() -> Page:
    """Charts of the last half year, or since the first session."""
    here, athlete = installation(), the_athlete()
    now, zone = here.clock.now(), situations.zone_of(athlete.timezone)
    with here.store.read() as database:
        weeks = status.weeks(database, athlete, now)[-WEEKS_SHOWN:]
    begun = next((index for index, week in enumerate(weeks) if week.sessions), len(weeks))
    weeks = weeks[min(begun, len(weeks) - LEAST_WEEKS_SHOWN) :]
    by_exercise: dict[tuple[str, str], list[Point]] = defaultdict(list)
    pain: list[Point] = []
    for row, day, items in _sessions(zone):
        if day < weeks[0].monday:
            continue
        if row.pain_during_0_10 is not None:
            pain.append(Point(day, row.pain_during_0_10, f"{row.pain_during_0_10} of 10"))
        for item in items if row.completed_pct >= SESSION_COUNTS_FROM_COMPLETED_PCT else ():
            unit = "reps" if item.reps is not None else "seconds held"
            by_exercise[wording.name_of(item), unit].append(Point(day, work_of(item), wording.dose_of(item)))
    exercises = sorted(by_exercise.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    days = (weeks[0].monday, weeks[-1].monday + timedelta(days=6))
    loads = {wording.short_name(entry["exercise"]): entry.get("load") for entry in athlete.progress}
    return render_template("progress.html", weeks=weeks, pain=pain, exercises=exercises, days=days, loads=loads)


@blueprint.get("/progress.csv")
@limits.exports
@signed_in
def progress_csv() -> Page:
    """Every session, one line an exercise, as a file for a spreadsheet."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow([*_COLUMNS, *_ITEM_COLUMNS, "name_of_own"])
    for row, day, items in _sessions(situations.zone_of(the_athlete().timezone)):
        session = (day, row.kind, row.completed_pct, row.rpe_1_10, row.pain_during_0_10, row.pain_place)
        lines.writerows([*session, *(getattr(item, name) for name in _ITEM_COLUMNS)] for item in items)
        if not items:
            lines.writerow(session)
    headers = {"Content-Disposition": 'attachment; filename="adductor-progress.csv"', "Cache-Control": "no-store"}
    return Response(text.getvalue(), mimetype="text/csv", headers=headers)


def _sessions(zone: tzinfo) -> Iterator[tuple[SessionRecord, date, list[RoutineItem]]]:
    """The runner's sessions, oldest first, each with its local day and its exercises."""
    mine = (
        select(SessionRecord).where(SessionRecord.athlete_id == the_athlete().id).order_by(SessionRecord.completed_at)
    )
    with installation().store.read() as database:
        rows = database.scalars(mine).all()
    for row in rows:
        items = [RoutineItem(**item) for item in (row.routine or {}).get("items", [])]
        yield row, row.completed_at.astimezone(zone).date(), items
