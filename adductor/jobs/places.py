"""The place of a note: a text of an activity, or our entry in a calendar. One call reads it, one writes it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from adductor.athletes import channels, platform_calls
from adductor.installation import Installation
from adductor.jobs import planned_notes
from adductor.notes import plan
from adductor.platforms.base import CalendarEntry, LoggedActivity, Priority
from adductor.queue import retry
from adductor.queue.retry import Final, RetryLater
from adductor.store.models import Connection, Delivery


@dataclass(frozen=True, slots=True)
class CalendarPage:
    """Our calendar entry as it stands, read like the text of an activity; ``calendar`` is "" without one."""

    entry: CalendarEntry
    calendar: str
    private_note: None = None
    description: None = None

    @property
    def id(self) -> str:
        return self.entry.id


Page = LoggedActivity | CalendarPage


def may_stand(delivery: Delivery) -> bool:
    """Whether a write of this delivery arrived, or may have."""
    return bool(delivery.written_text is not None or delivery.unconfirmed_writes or delivery.crashes)


def read(installation: Installation, connection: Connection, delivery: Delivery, priority: Priority) -> Page:
    """Read the place as it is now. Raises RetryLater and Final, also while or when the activity can't be read."""
    if delivery.channel == channels.CALENDAR:
        return _read_entry(installation, connection, delivery, priority)
    activity = platform_calls.read(installation, connection, delivery.activity_id or "", priority)
    if activity is not None:
        return activity
    if installation.clock.now() - delivery.suggestion.created_at < retry.NOT_YET_READABLE_FOR:
        raise RetryLater("the activity can't be read now")
    raise Final("gone", "the activity is gone")


def write(
    installation: Installation,
    connection: Connection,
    delivery: Delivery,
    step: plan.Write | plan.Remove,
    page: Page,
    priority: Priority,
) -> Page:
    """Write the place that was read; returns it as the platform answered. NOT_FOUND comes through as PlatformError."""
    if isinstance(page, CalendarPage):
        return _write_entry(installation, connection, delivery, step, page, priority)
    return platform_calls.call(
        installation,
        connection,
        priority,
        lambda platform, caller: platform.update_activity(caller, page.id, step.field, step.text),
    )


def _read_entry(
    installation: Installation, connection: Connection, delivery: Delivery, priority: Priority
) -> CalendarPage:
    """Our entry by its key on its day: one that the athlete moved to another day is no longer ours."""
    day, key = delivery.suggestion.local_date, f"adductor-{delivery.suggestion.public_id}"
    expected = CalendarEntry(id=delivery.activity_id or "", key=key, day=day, name="", text="")
    # A first write needs no look: nothing of ours can stand there.
    if delivery.attempts <= 1 and not may_stand(delivery):
        return CalendarPage(expected, "")
    _, found = platform_calls.calendar_call(
        installation, connection, priority, lambda platform, caller: platform.read_calendar(caller, day, day)
    )
    entry = next((each for each in found if (each.day, each.key) == (day, key)), None)
    return CalendarPage(entry or expected, entry.whole if entry is not None else "")


def _write_entry(
    installation: Installation,
    connection: Connection,
    delivery: Delivery,
    step: plan.Write | plan.Remove,
    page: CalendarPage,
    priority: Priority,
) -> CalendarPage:
    if isinstance(step, plan.Remove):
        platform_calls.calendar_call(
            installation, connection, priority, lambda platform, caller: platform.delete_entry(caller, page.id)
        )
        return CalendarPage(page.entry, "")
    planned_notes.remove_on(installation, connection, page.entry.day, priority)
    name, _, text = step.text.partition("\n")
    # An entry that isn't there has no number to be found by, also if one stood there before.
    wanted = replace(page.entry, id=page.id if page.calendar else "", name=name, text=text)
    made = platform_calls.calendar_call(
        installation, connection, priority, lambda platform, caller: platform.put_entry(caller, wanted)
    )
    delivery.activity_id = made.id
    return CalendarPage(made, made.whole)
