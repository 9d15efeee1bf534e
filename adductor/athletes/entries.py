"""Our entries in an athlete's calendar: found by our key on their day, never changed where the athlete has touched them."""

from __future__ import annotations

from dataclasses import replace

from adductor.athletes import platform_calls
from adductor.installation import Installation
from adductor.platforms.base import CalendarEntry, Priority
from adductor.store.models import Connection, Delivery, Suggestion


def expected(delivery: Delivery, suggestion: Suggestion) -> CalendarEntry:
    """The entry that should stand, without its text."""
    key = f"adductor-{suggestion.public_id}"
    return CalendarEntry(id=delivery.activity_id or "", key=key, day=suggestion.local_date, name="", text="")


def read(
    installation: Installation, connection: Connection, wanted: CalendarEntry, priority: Priority
) -> CalendarEntry | None:
    """The entry as it stands on its day; None when the athlete deleted it or moved it to another. One call."""
    _, found = platform_calls.calendar_call(
        installation,
        connection,
        priority,
        lambda platform, caller: platform.read_calendar(caller, wanted.day, wanted.day),
    )
    on_the_day = (each for each in found if each.day == wanted.day)
    return next((each for each in on_the_day if each.key == wanted.key), None)


def write(
    installation: Installation, connection: Connection, wanted: CalendarEntry, text: str, priority: Priority
) -> CalendarEntry:
    """Make the entry, or replace its text: the first line is its name. NOT_FOUND comes through as PlatformError."""
    name, _, rest = text.partition("\n")
    return platform_calls.calendar_call(
        installation,
        connection,
        priority,
        lambda platform, caller: platform.put_entry(caller, replace(wanted, name=name, text=rest)),
    )


def remove(installation: Installation, connection: Connection, entry: CalendarEntry, priority: Priority) -> None:
    """Delete the entry. NOT_FOUND comes through as PlatformError."""
    platform_calls.calendar_call(
        installation, connection, priority, lambda platform, caller: platform.delete_entry(caller, entry.id)
    )
