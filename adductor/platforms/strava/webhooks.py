"""Strava's webhook requests, validated by pydantic. No I/O; a reason names the field and repeats nothing of the event.

Source: https://developers.strava.com/docs/webhooks/
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from adductor.platforms.base import EventError, WebhookEvent, id_of, storable
from adductor.platforms.fields import Answer

# An event is about 200 bytes; a title edit adds the title.
MAX_BODY_BYTES = 16_384
MAX_UPDATES = 20
MAX_UPDATE_KEY_CHARS = 64
# A title is shorter. A longer value is cut, because the event itself is still good.
MAX_UPDATE_VALUE_CHARS = 1_000
MAX_CHALLENGE_CHARS = 256

# A time beyond 2100 is in other units or made up; an id beyond a database's integer isn't Strava's.
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Seconds = Annotated[int, Field(ge=1, le=4_102_444_800)]
ObjectType = Literal["activity", "athlete"]
AspectType = Literal["create", "update", "delete"]


def _update_value(value: Any) -> Any:
    if isinstance(value, bool):  # Strava sends strings; its own examples once had booleans
        return "true" if value else "false"
    return value[:MAX_UPDATE_VALUE_CHARS] if isinstance(value, str) else value


UpdateKey = Annotated[str, Field(max_length=MAX_UPDATE_KEY_CHARS)]
UpdateValue = Annotated[str, BeforeValidator(_update_value)]


class _Event(Answer):
    subscription_id: Id
    object_type: ObjectType
    object_id: Id
    aspect_type: AspectType
    event_time: Seconds
    owner_id: Id
    updates: Annotated[dict[UpdateKey, UpdateValue], Field(max_length=MAX_UPDATES)] | None = None


def parse_event(body: bytes) -> WebhookEvent:
    """Read the body of an event POST.

    Raises EventError with a short reason that names the field, and no other exception for any bytes.
    """
    if len(body) > MAX_BODY_BYTES:
        raise EventError(f"body: longer than {MAX_BODY_BYTES} bytes")
    try:
        # Storable first: pydantic refuses half a surrogate pair, and a title with one is still a title.
        raw = json.loads(body.decode("utf-8"), object_pairs_hook=_storable)
        event = _Event.model_validate(raw)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = problem["loc"][0] if problem["loc"] else "body"
        raise EventError(f"{where}: {problem['msg']}") from None
    except (ValueError, RecursionError):
        raise EventError("body: not JSON in UTF-8") from None
    return WebhookEvent(
        platform="strava",
        subscription_id=event.subscription_id,
        object_type=event.object_type,
        object_id=id_of("strava", event.object_id),
        aspect_type=event.aspect_type,
        event_time=datetime.fromtimestamp(event.event_time, UTC),
        owner_id=str(event.owner_id),
        updates=event.updates or {},
    )


def answer_handshake(args: Mapping[str, str], verify_token: str) -> dict[str, str]:
    """Answer the GET by which Strava checks a callback before it makes the subscription.

    Raises EventError when the query isn't Strava's or doesn't know our verify token.
    """
    if args.get("hub.mode") != "subscribe":
        raise EventError("hub.mode: should be subscribe")
    given = args.get("hub.verify_token", "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), verify_token.encode()):
        raise EventError("hub.verify_token: not ours")
    challenge = args.get("hub.challenge", "")
    if not 1 <= len(challenge) <= MAX_CHALLENGE_CHARS:
        raise EventError(f"hub.challenge: should have 1 to {MAX_CHALLENGE_CHARS} characters")
    return {"hub.challenge": challenge}


def _storable(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {storable(key): storable(value) if isinstance(value, str) else value for key, value in pairs}
