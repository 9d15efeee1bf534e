"""Strava's webhook requests, validated by hand: light imports, no I/O, and reasons that name the field.

Source: https://developers.strava.com/docs/webhooks/
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NoReturn

from adductor.platforms.base import EventError, WebhookEvent, storable

PLATFORM = "strava"

# An event is about 200 bytes; a title edit adds the title.
MAX_BODY_BYTES = 16_384
MAX_UPDATES = 20
MAX_UPDATE_KEY_CHARS = 64
# A title is shorter. A longer value is cut, because the event itself is still good.
MAX_UPDATE_VALUE_CHARS = 1_000
MAX_CHALLENGE_CHARS = 256

OBJECT_TYPES = frozenset({"activity", "athlete"})
ASPECT_TYPES = frozenset({"create", "update", "delete"})

_BIGINT_MAX = 2**63 - 1
# 2100-01-01: a time beyond it is in other units or made up.
_EPOCH_MAX_S = 4_102_444_800


def parse_event(body: bytes) -> WebhookEvent:
    """Read the body of an event POST. Keys that we don't know are ignored: Strava may add some.

    Raises EventError with a short reason that names the field; nothing else, whatever the bytes are.
    """
    if len(body) > MAX_BODY_BYTES:
        raise EventError(f"body: longer than {MAX_BODY_BYTES} bytes")
    try:
        raw = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except EventError:
        raise
    except (ValueError, RecursionError):
        raise EventError("body: not JSON in UTF-8") from None
    if not isinstance(raw, dict):
        raise EventError("body: not a JSON object")
    return WebhookEvent(
        platform=PLATFORM,
        subscription_id=_id(raw, "subscription_id"),
        object_type=_one_of(raw, "object_type", OBJECT_TYPES),
        object_id=_id(raw, "object_id"),
        aspect_type=_one_of(raw, "aspect_type", ASPECT_TYPES),
        event_time=datetime.fromtimestamp(_integer(raw, "event_time", _EPOCH_MAX_S), UTC),
        owner_id=_id(raw, "owner_id"),
        updates=_updates(raw.get("updates")),
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
    if not challenge or len(challenge) > MAX_CHALLENGE_CHARS:
        raise EventError(f"hub.challenge: should have 1 to {MAX_CHALLENGE_CHARS} characters")
    return {"hub.challenge": challenge}


def _refuse_constant(name: str) -> NoReturn:
    raise EventError(f"body: {name} is not JSON")


def _integer(raw: dict[str, object], key: str, highest: int) -> int:
    value = raw.get(key)
    # bool is an int to Python, not to JSON.
    if type(value) is not int:
        raise EventError(f"{key}: missing" if value is None else f"{key}: not an integer")
    if not 1 <= value <= highest:
        raise EventError(f"{key}: out of range")
    return value


def _id(raw: dict[str, object], key: str) -> int:
    return _integer(raw, key, _BIGINT_MAX)


def _one_of(raw: dict[str, object], key: str, known: frozenset[str]) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or value not in known:
        raise EventError(f"{key}: missing" if value is None else f"{key}: not one of {', '.join(sorted(known))}")
    return value


def _updates(raw: object) -> dict[str, str]:
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise EventError("updates: not an object")
    if len(raw) > MAX_UPDATES:
        raise EventError(f"updates: more than {MAX_UPDATES} keys")
    updates: dict[str, str] = {}
    for key, value in raw.items():
        if len(key) > MAX_UPDATE_KEY_CHARS:
            raise EventError(f"updates: a key longer than {MAX_UPDATE_KEY_CHARS} characters")
        if isinstance(value, bool):
            # Strava sends strings; its own examples once had booleans.
            updates[storable(key)] = "true" if value else "false"
        elif isinstance(value, str):
            updates[storable(key)] = storable(value[:MAX_UPDATE_VALUE_CHARS])
        else:
            raise EventError(f"updates.{storable(key)}: not a string")
    return updates
