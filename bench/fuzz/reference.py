"""What the documents say about requests (docs/openapi.yaml), written down a second time and without the product's code.

JSON is judged by another parser than the product's (jiter, which comes with pydantic) wherever it can: it knows no halves
of surrogate pairs and no nesting beyond 200.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from pydantic_core import from_json

LARGEST_EVENT_BYTES = 16_384
LARGEST_REQUEST_BYTES = 65_536
LAST_MOMENT_S = 4_102_444_800  # 2100-01-01
_HALF_A_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")


class Event(NamedTuple):
    """What a row of the inbox must hold."""

    subscription_id: int
    object_type: str
    object_id: int
    aspect_type: str
    event_time_s: int
    owner_id: int
    updates: tuple[tuple[str, str], ...]


def event_of(body: bytes) -> Event | None:
    """The event in a body; None when the documented shape has no room for it."""
    if len(body) > LARGEST_EVENT_BYTES:
        return None
    try:
        raw = _document(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(raw, dict):
        return None
    for name in ("subscription_id", "object_id", "owner_id"):
        if not _whole(raw.get(name), 2**63 - 1):
            return None
    if not _whole(raw.get("event_time"), LAST_MOMENT_S):
        return None
    if raw.get("object_type") not in ("activity", "athlete") or raw.get("aspect_type") not in (
        "create",
        "update",
        "delete",
    ):
        return None
    updates = raw.get("updates")
    updates = {} if updates is None else updates
    if not isinstance(updates, dict) or len(updates) > 20:
        return None
    kept = {}
    for name, value in updates.items():
        if len(name) > 64 or not isinstance(value, str | bool):
            return None
        kept[_kept(name)] = _kept(value[:1000]) if isinstance(value, str) else ("false", "true")[value]
    return Event(
        raw["subscription_id"],
        raw["object_type"],
        raw["object_id"],
        raw["aspect_type"],
        raw["event_time"],
        raw["owner_id"],
        tuple(kept.items()),
    )


def _document(body: bytes) -> Any:
    if _HALF_A_PAIR.search(body) or body.count(b"[") + body.count(b"{") > 150:
        return json.loads(body.decode("utf-8"), parse_constant=_no_number)
    return from_json(body, allow_inf_nan=False)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _whole(value: object, highest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= highest


def _kept(text: str) -> str:
    return "".join("\ufffd" if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in _joined(text))


def _joined(text: str) -> str:
    """Two halves that stand side by side are a character."""
    return re.sub(
        "[\ud800-\udbff][\udc00-\udfff]",
        lambda pair: chr(0x10000 + (ord(pair[0][0]) - 0xD800) * 0x400 + ord(pair[0][1]) - 0xDC00),
        text,
    )


def path_of(target: bytes) -> str:
    """The path that a request's target asks for, decoded; bytes that are no UTF-8 become U+FFFD."""
    return unquote_to_bytes(target.partition(b"?")[0]).decode("utf-8", "replace")


def query_of(target: bytes) -> dict[str, str]:
    """The first value of each name of a query. Bytes that are no UTF-8 stay percent-encoded."""
    first: dict[str, str] = {}
    for name, value in pairs_of(target):
        first.setdefault(name, value)
    return first


def pairs_of(target: bytes) -> list[tuple[str, str]]:
    """The names and values of a query."""
    pairs = (pair.partition(b"=") for pair in target.partition(b"?")[2].split(b"&") if pair)
    return [(_query_text(name), _query_text(value)) for name, _, value in pairs]


def _query_text(raw: bytes) -> str:
    decoded = unquote_to_bytes(raw.replace(b"+", b" "))
    text = ""
    while decoded:
        try:
            return text + decoded.decode("utf-8")
        except UnicodeDecodeError as error:
            text += decoded[: error.start].decode("utf-8")
            text += "".join(f"%{byte:02X}" for byte in decoded[error.start : error.end])
            decoded = decoded[error.end :]
    return text
