"""Strava's webhook requests: what is read, what is refused and with which reason."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adductor.platforms.base import EventError, WebhookEvent, own_id
from adductor.platforms.strava.webhooks import (
    MAX_BODY_BYTES,
    MAX_UPDATE_VALUE_CHARS,
    answer_handshake,
    parse_event,
)
from tests.platforms.conftest import ANYTHING

CREATED = {
    "object_type": "activity",
    "object_id": 16_000_000_001,
    "aspect_type": "create",
    "updates": {},
    "owner_id": 134_815,
    "subscription_id": 120_475,
    "event_time": 1_795_348_800,
}


def body(**changes: Any) -> bytes:
    return json.dumps({key: value for key, value in (CREATED | changes).items() if value is not ...}).encode()


def test_a_create_event_is_read() -> None:
    at = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    expected = WebhookEvent("strava", 120_475, "activity", "strava:16000000001", "create", at, "134815", {})
    assert parse_event(body()) == expected


@pytest.mark.parametrize(
    ("changes", "updates"),
    [
        # Strava sends strings; its own examples once had booleans.
        (
            {"updates": {"title": "Run", "private": "true", "x": False}},
            {"title": "Run", "private": "true", "x": "false"},
        ),
        *((changes, {}) for changes in ({"updates": ...}, {"updates": None}, {"something_new": {"a": 1}})),
        ({"updates": {"title": "a\0b\ud83d c 😀"}}, {"title": "a\ufffdb\ufffd c 😀"}),  # storable
        ({"updates": {"title": "x" * 5_000}}, {"title": "x" * MAX_UPDATE_VALUE_CHARS}),  # cut, and the event kept
    ],
)
def test_updates_are_strings_that_can_be_stored(changes: dict[str, Any], updates: dict[str, str]) -> None:
    assert parse_event(body(**changes)).updates == updates


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (body(object_type="club"), "object_type: Input should be 'activity' or 'athlete'"),
        (body(object_type=...), "object_type: Field required"),
        (body(aspect_type=["create"]), "aspect_type: Input should be 'create', 'update' or 'delete'"),
        *((body(object_id=wrong), "object_id: Input should be a valid integer") for wrong in ("16", 1.0, True, None)),
        (body(object_id=2**63), "object_id: Input should be less than"),
        (body(object_id=0), "object_id: Input should be greater than"),
        (body(owner_id=...), "owner_id: Field required"),
        (body(subscription_id=-5), "subscription_id: Input should be greater than"),
        (body(event_time=1_795_348_800_000), "event_time: Input should be less than"),
        (body(updates=["title"]), "updates: Input should be a valid dictionary"),
        (body(updates={"title": {"a": "b"}}), "updates: Input should be a valid string"),
        (body(updates={"t" * 65: "x"}), "updates: String should have at most 64 characters"),
        (body(updates={f"k{i}": "x" for i in range(21)}), "updates: Dictionary should have at most 20 items"),
        *((raw, "body: not JSON in UTF-8") for raw in (b"", b"\xff\xfe", b"[" * 16_000, b'{"a":' * 3_000)),
        (b'{"object_id": ' + b"9" * 5_000 + b"}", "body: not JSON in UTF-8"),
        *((raw, "body: Input should be a valid dictionary") for raw in (b"[]", b"null")),
        (b'{"object_id": NaN}', "subscription_id: Field required"),
        (b" " * (MAX_BODY_BYTES + 1), f"body: longer than {MAX_BODY_BYTES} bytes"),
    ],
)
def test_what_is_no_event_is_refused_with_the_field_in_the_reason(raw: bytes, expected: str) -> None:
    with pytest.raises(EventError) as refused:
        parse_event(raw)
    assert str(refused.value).startswith(expected)


@given(st.dictionaries(st.sampled_from(sorted(CREATED)), ANYTHING))
def test_an_event_with_anything_in_its_fields_is_read_or_refused(changes: dict[str, Any]) -> None:
    try:
        event = parse_event(json.dumps(CREATED | changes).encode())
    except EventError as error:
        field = re.split(r"[:.]", str(error))[0]
    else:
        field = "body"
        assert 0 < int(own_id(event.object_id)) < 2**63
        assert all(isinstance(text, str) for pair in event.updates.items() for text in pair)
        json.dumps(event.updates, ensure_ascii=False).encode("utf-8")
    assert field in {*CREATED, "body"}


def test_the_handshake_returns_the_challenge() -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "15f7d1a91c1f40f8", "hub.verify_token": "ours"}
    assert answer_handshake(query, "ours") == {"hub.challenge": "15f7d1a91c1f40f8"}


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("hub.mode", ["unsubscribe", ""]),
        ("hub.verify_token", ["other", "", "ours\ud800"]),
        ("hub.challenge", ["", "x" * 257]),
    ],
)
def test_a_handshake_that_is_not_stravas_is_refused(field: str, values: list[str]) -> None:
    for value in values:
        query = {"hub.mode": "subscribe", "hub.challenge": "c", "hub.verify_token": "ours"} | {field: value}
        with pytest.raises(EventError) as caught:
            answer_handshake(query, "ours")
        assert str(caught.value).startswith(field)
        assert "ours" not in str(caught.value).removesuffix("not ours")
