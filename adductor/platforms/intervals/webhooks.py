"""intervals.icu's webhook requests: a list of events, and the secret in the body. Pure; a reason repeats nothing of the body.

There is no event id: the natural key is kind, athlete, object and timestamp. An activity comes whole and is carried along.
What only repeats the same facts (wellness of the same day with the same scales) has the same key and is stored once.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from adductor.platforms.base import UNKNOWN_SPORT, EventError, WebhookEvent, carry, id_of
from adductor.platforms.fields import Answer, Instant, OptionalText
from adductor.platforms.intervals import FACTS
from adductor.platforms.intervals.activities import OwnId, parse_activity
from adductor.platforms.intervals.calendar import KEY_PREFIX, read_wellness

MAX_BODY_BYTES = 2**20
MAX_EVENTS = 1_000
# The heartbeat of the latest body with the right secret.
WEBHOOK_SEEN = "intervals-webhook"
_ACTIVITY = {
    "ACTIVITY_UPLOADED": "create",
    "ACTIVITY_UPDATED": "update",
    "ACTIVITY_ANALYZED": "update",
    "ACTIVITY_ACHIEVEMENTS": "update",
    "ACTIVITY_DELETED": "delete",
}
_NAME = "intervals"


class _Event(Answer):
    athlete_id: OwnId
    type: str
    timestamp: Instant
    activity: Any = None
    records: Any = None
    events: Any = None
    deleted_events: Any = None
    scope: OptionalText = None
    deauthorized: Any = None


class _Body(Answer):
    secret: str
    events: list[_Event]


def parse_body(body: bytes) -> tuple[str, Sequence[_Event]]:
    """Read the body of a POST: its secret, and its events. Raises EventError with a short reason that names the field."""
    try:
        found = _Body.model_validate(json.loads(body.decode("utf-8")))
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"])
        raise EventError(f"{where or 'body'}: {error.errors(include_url=False)[0]['msg']}") from None
    except (ValueError, RecursionError):
        raise EventError("body: not JSON in UTF-8") from None
    if len(found.events) > MAX_EVENTS:
        raise EventError(f"events: more than {MAX_EVENTS}")
    return found.secret, found.events


def knows_secret(given: str, secrets: Iterable[str]) -> bool:
    """Whether it is one of ours, in constant time; two are good while the secret is rotated."""
    matches = [hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode()) for secret in secrets]
    return any(matches)


def events_of(found: Iterable[_Event], now: datetime) -> list[WebhookEvent]:
    """The events that matter, in our words; floods, forecasts and kinds that aren't ours are left out."""
    return [event for each in found for event in _translate(each, now)]


def _translate(event: _Event, now: datetime) -> Iterator[WebhookEvent]:
    if event.type in _ACTIVITY:
        yield from _of_activity(event, now)
    elif event.type == "APP_SCOPE_CHANGED":
        gone = event.deauthorized is True or not event.scope
        updates = {"authorized": "false"} if gone else {"scopes": with_reading(event.scope or "")}
        yield _made(event, "athlete", event.athlete_id, "update", event.timestamp, updates)
    elif event.type == "WELLNESS_UPDATED" and isinstance(event.records, list):
        # A local day may be ahead of UTC's by one.
        days = read_wellness(event.records, (now + timedelta(days=1)).date()).wellness or {}
        for day, scales in days.items():
            midnight = datetime.fromisoformat(f"{day}T00:00:00+00:00")
            yield _made(event, "wellness", event.athlete_id, "update", midnight, {"wellness": {day: scales}})
    elif event.type == "CALENDAR_UPDATED" and not _is_echo(event):
        today = event.timestamp.replace(hour=0, minute=0, second=0, microsecond=0)
        yield _made(event, "calendar", event.athlete_id, "update", today, {"at": event.timestamp.isoformat()})


def _of_activity(event: _Event, now: datetime) -> Iterator[WebhookEvent]:
    try:
        activity = parse_activity(event.activity, now)
    except ValueError:
        raise EventError("activity: no object with an id") from None
    aspect = _ACTIVITY[event.type]
    owner = FACTS.athlete_id(event.athlete_id)
    activity = activity if activity.athlete_id else replace(activity, athlete_id=owner)
    updates: dict[str, Any] = {}
    if aspect != "delete" and activity.complete and activity.sport != UNKNOWN_SPORT:
        updates = carry(activity)
        if aspect == "update":
            updates["title"] = activity.title
    yield _made(event, "activity", activity.id.partition(":")[2], aspect, event.timestamp, updates)


def _is_echo(event: _Event) -> bool:
    """Whether only entries of ours changed: our own writes come back."""
    entries = event.events if isinstance(event.events, list) else []
    ours = [isinstance(each, dict) and str(each.get("external_id", "")).startswith(KEY_PREFIX) for each in entries]
    return bool(ours) and all(ours) and not event.deleted_events


def _made(event: _Event, kind: str, own: str, aspect: str, at: datetime, updates: dict[str, Any]) -> WebhookEvent:
    owner = FACTS.athlete_id(event.athlete_id)
    number = owner if own == event.athlete_id else own
    return WebhookEvent(_NAME, 0, kind, id_of(_NAME, number), aspect, at, owner, updates)


def with_reading(scopes: str) -> str:
    """The scopes with what they imply: writing includes reading."""
    granted = {scope.strip() for scope in scopes.split(",") if scope.strip()}
    implied = {f"{scope.partition(':')[0]}:READ" for scope in granted if scope.endswith(":WRITE")}
    return ",".join(sorted(granted | implied))
