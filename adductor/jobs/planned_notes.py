"""Planned NOTEs: the week ahead in an athlete's own calendar, by their choice, off by default.

1. A timer compares the forecast with the entries that we wrote: hourly, and when a local day ends. Equal: no call.
2. Otherwise one read of these days, then one call for each entry that changes. A write is stored before and after.
3. An entry that isn't as we wrote it (renamed, edited, moved, gone) is the athlete's: it is left, and its day too.

Only days after today have one: a routine never stands beside its announcement.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from datetime import time as wall_time
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from adductor import coaching, logs
from adductor.athletes import channels, decisions, platform_calls, situations
from adductor.installation import Installation
from adductor.notes import wording
from adductor.platforms import registry
from adductor.platforms.base import CalendarEntry, Caller, KeepsCalendar, PlatformError, Priority
from adductor.queue import timers
from adductor.queue.retry import Final, RetryLater
from adductor.store.models import Connection, Suggestion

log = logs.get(__name__)
T = TypeVar("T")

DAYS = 7
LOOK_EVERY = timedelta(hours=1)
RETRY_AFTER = timedelta(minutes=15)
_LEFT = {"left": True}


def may_choose(connection: Connection) -> bool:
    """Whether the choice is offered: the calendar may be written, or an earlier choice can be taken back."""
    return _may_write(connection) or (connection.is_usable and connection.plan_notes_wanted)


def choose(connection: Connection, *, wanted: bool, now: datetime) -> None:
    """Keep the athlete's choice, and look soon. The lease of a look under way is not cut short: it ends with another one."""
    connection.plan_notes_wanted = wanted
    if connection.plan_notes_at is None or connection.plan_notes_at > now + timers.LEASE:
        connection.plan_notes_at = now


def look(installation: Installation, connection_id: int) -> None:
    """Bring one calendar in line with the forecast. Raises RetryLater and Final."""
    now = installation.clock.now()
    with installation.store.read() as session:
        seen = session.get(Connection, connection_id)
        if seen is None or seen.athlete.leaving_at is not None:
            return
        expected = _expected(session, installation, seen, now) if seen.plan_notes_wanted else {}
        today = situations.local_day(seen.athlete, now)
    calendar = _Calendar(installation, seen, Priority.HISTORY)
    if seen.state == Connection.CONNECTED and _may_write(seen):
        calendar.bring({day: expected.get(day) for day in {*expected, *calendar.standing()}})
    with installation.store.write() as session:
        row = session.get(Connection, connection_id, with_for_update=True)
        if row is None or not row.is_usable:
            return
        oldest = (today - timedelta(days=1)).isoformat()  # a journey may repeat a day
        row.plan_notes = {day: note for day, note in row.plan_notes.items() if day >= oldest}
        if row.plan_notes_wanted != seen.plan_notes_wanted:
            row.plan_notes_at = now
        else:
            row.plan_notes_at = _next_look(row, today, now) if row.plan_notes_wanted or row.plan_notes else None


TIMER = timers.Timer(
    "planned notes", Connection.plan_notes_at, look, retry_after=RETRY_AFTER, final_after=timedelta(days=1)
)


def remove_on(installation: Installation, connection: Connection, day: date, priority: Priority) -> None:
    """Remove the entry of a day on which a routine is about to stand; without one no call is made. Raises as `look`."""
    calendar = _Calendar(installation, connection, priority)
    if day in calendar.standing():
        calendar.bring({day: None})


def remove_all(
    installation: Installation, athlete_id: int, platform: str | None = None, *, until: float = math.inf
) -> tuple[int, int]:
    """End the choice and remove the entries at once, as far as time goes (``until``, by `time.monotonic`).

    Returns how many are removed, and how many could not be reached and may still stand.
    """
    with installation.store.write() as session:
        athlete = decisions.lock(session, athlete_id)
        chosen = [each for each in athlete.connections if platform in (None, each.platform)] if athlete else []
        for connection in chosen:
            connection.plan_notes_wanted, connection.plan_notes_at = False, None
    removed = left = 0
    for connection in chosen:
        calendar = _Calendar(installation, connection, Priority.CONNECT)
        try:
            removed += calendar.bring(dict.fromkeys(calendar.standing()), until)
        except (RetryLater, Final) as error:
            log.info("planned notes not removed", athlete=athlete_id, problem=error.problem)
        left += len(calendar.standing())
    return removed, left


def _may_write(connection: Connection) -> bool:
    return connection.allows(registry.FACTS[connection.platform].scopes.get(channels.CALENDAR))


def _expected(session: Session, installation: Installation, connection: Connection, now: datetime) -> dict[date, str]:
    """The entry of each day ahead on which the coach expects a session: its name, and its text below."""
    athlete, settings_url = connection.athlete, f"{installation.settings.public_url}/settings"
    if athlete.confirmed_at is None:
        return {}
    today = situations.local_day(athlete, now)
    # After a journey west a day ahead may have its routine already.
    given = select(Suggestion.local_date).where(Suggestion.athlete_id == athlete.id, Suggestion.local_date > today)
    has_routine = set(session.scalars(given))
    situation = situations.looking_ahead(session, athlete, now)
    return {
        entry.day: wording.planned_note(entry.placement, entry.dose, settings_url)
        for entry in coaching.forecast(situation, installation.catalogue, 1 + DAYS)
        if entry.placement is not None and entry.day > today and entry.day not in has_routine
    }


def _next_look(connection: Connection, today: date, now: datetime) -> datetime:
    """In an hour, or when the local day ends: the entry of the new day goes."""
    zone = situations.zone_of(connection.athlete.timezone)
    midnight = datetime.combine(today + timedelta(days=1), wall_time.min, tzinfo=zone)
    return min(now + LOOK_EVERY, situations.instant(midnight))


class _Calendar:
    """The planned NOTEs of one connection: as they were written (``plan_notes``), and the calls that change them.

    A note is ``id``, ``text`` ("" while a write is unconfirmed) and ``texts`` (all that may stand), or ``left``.
    """

    def __init__(self, installation: Installation, connection: Connection, priority: Priority) -> None:
        self._installation, self._connection, self._priority = installation, connection, priority
        self._notes: dict[str, dict[str, Any]] = dict(connection.plan_notes)

    def standing(self) -> list[date]:
        """The days on which an entry of ours stands, or may stand."""
        return [date.fromisoformat(day) for day, note in self._notes.items() if "left" not in note]

    def bring(self, wanted: Mapping[date, str | None], until: float = math.inf) -> int:
        """Make, change and remove the entries of these days; returns how many are removed. Raises RetryLater and Final."""
        changes = {day: text for day, text in wanted.items() if self._differs(day, text)}
        if not changes:
            return 0
        first = min(changes)
        last = max(*changes, first + timedelta(days=DAYS))
        _, found = platform_calls.calendar_call(
            self._installation,
            self._connection,
            self._priority,
            lambda platform, caller: platform.read_calendar(caller, first, last),
        )
        removed = 0
        for day in sorted(changes, key=lambda day: (changes[day] is not None, day)):  # removals first
            if time.monotonic() < until:
                with_key = [each for each in found if each.key == self._key(day)]
                removed += self._settle(day, changes[day], with_key)
        return removed

    def _differs(self, day: date, text: str | None) -> bool:
        note = self._notes.get(day.isoformat())
        if note is None:
            return text is not None
        return "left" not in note and note["text"] != text

    def _settle(self, day: date, text: str | None, with_key: Sequence[CalendarEntry]) -> bool:
        """Bring one day in line with what was read of it; whether an entry was removed."""
        note = self._notes.get(day.isoformat())
        standing = next((each for each in with_key if each.day == day), None)
        known = [text] if note is None else note["texts"]
        if standing is None:
            moved_or_deleted = with_key or (note is not None and note["id"])
            if moved_or_deleted or text is None:
                self._keep(day, _LEFT if moved_or_deleted else None)
            else:
                self._write(day, text, known)
        elif standing.whole not in known:
            self._keep(day, _LEFT)
        elif text is None:
            return self._remove(day, standing)
        elif standing.whole == text:
            self._keep(day, {"id": standing.id, "text": text, "texts": [text]})
        else:
            self._write(day, text, known, standing.id)
        return False

    def _write(self, day: date, text: str, known: Sequence[str | None], entry_id: str = "") -> None:
        sent = {"id": entry_id, "text": "", "texts": list(dict.fromkeys([*known, text]))}
        if not self._keep(day, sent, if_wanted=True):
            return
        name, _, below = text.partition("\n")
        entry = CalendarEntry(id=entry_id, key=self._key(day), day=day, name=name, text=below)
        made = self._change(lambda platform, caller: platform.put_entry(caller, entry))
        stands = None if made is None else {"id": made.id, "text": text, "texts": [made.whole]}
        self._keep(day, stands or _LEFT)

    def _remove(self, day: date, standing: CalendarEntry) -> bool:
        def delete(platform: KeepsCalendar, caller: Caller) -> bool:
            platform.delete_entry(caller, standing.id)
            return True

        removed = self._change(delete) is not None
        self._keep(day, None if removed else _LEFT)
        return removed

    def _change(self, do: Callable[[KeepsCalendar, Caller], T]) -> T | None:
        """One call; None when the entry is gone, which is the athlete's wish."""
        try:
            return platform_calls.calendar_call(self._installation, self._connection, self._priority, do)
        except PlatformError:  # NOT_FOUND: the other kinds are translated
            return None

    def _keep(self, day: date, note: dict[str, Any] | None, *, if_wanted: bool = False) -> bool:
        """Store what stands on a day (None: nothing). False and not stored after the end of the connection or the choice."""
        with self._installation.store.write() as session:
            row = session.get(Connection, self._connection.id, with_for_update=True)
            if row is None or not row.is_usable:
                return False
            if if_wanted and (not row.plan_notes_wanted or row.athlete.leaving_at is not None):
                return False
            notes = {each: kept for each, kept in row.plan_notes.items() if each != day.isoformat()}
            row.plan_notes = self._notes = notes if note is None else {**notes, day.isoformat(): note}
        return True

    def _key(self, day: date) -> str:
        """Never a routine's: the public id in its key is shorter."""
        return f"adductor-plan-{self._connection.athlete_id}-{day.isoformat()}"
