"""The sandbox answers any input with a reason: never with a 500, and never with a damaged state."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.conftest import MARA, NOW, Sandbox

MARAS, SAMS = f"/admin/runners/{MARA}/activities", "/intervals/admin/athletes/i2049000"
API = "/intervals/api/v1"
NAMES = st.sampled_from([
    "name", "description", "private_note", "type", "sport_type", "trainer", "gear_id", "minutes", "start",
    "start_local", "elapsed_time", "start_date_local", "distance", "climb_m", "endpoint", "status", "share",
    "delay_ms", "now", "speed", "advance_s", "scopes", "changes", "title", "tier", "overall", "delivery", "copies",
    "seed", "tokens", "lifetime_s", "client_id", "client_secret", "grant_type", "code", "refresh_token",
    "callback_url", "runner", "timezone", "what", "category", "end_date_local", "external_id", "icu_rpe", "feel", "tags",
    "moving_time", "id", "day", "fields", "times", "absent", "source", "webhook_url", "secret", "rpe", "api_key",
])  # fmt: skip
ODD = ["\ud800", "Run", "1e400", "²", "9999-12-31T23:59:59", "0001-01-01T00:00:00Z", "read", "-0"]
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8), st.sampled_from(ODD)
)
NESTED = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
ENTRY = {"category": "NOTE", "name": "n", "start_date_local": "2026-11-22T00:00:00"}
PATHS = [
    *[("PUT", "/api/v3/activities/{run}"), ("POST", "/api/v3/push_subscriptions"), ("POST", "/oauth/token")],
    *[("POST", MARAS), ("POST", "/admin/activities/{run}/edit")],
    *[("POST", f"/admin/{what}") for what in ("clock", "faults", "switches", "tier", "connected-athletes")],
    ("POST", f"{API}/athlete/0/events/bulk?upsert=true"),
    *[("PUT", f"{API}/athlete/0/events/{{entry}}"), ("PUT", f"{API}/activity/{{theirs}}")],
    *[("POST", f"{SAMS}{what}") for what in ("", "/activities", "/events", "/wellness", "/scopes", "/connect")],
    *[("POST", f"/intervals/admin/{what}") for what in ("athletes", "application", "faults", "switches", "reset")],
    *[("POST", "/intervals/admin/activities/{theirs}/edit"), ("POST", "/intervals/admin/entries/{entry}/edit")],
    ("POST", "/intervals/api/oauth/token"),
]


@settings(max_examples=200)
@given(where=st.sampled_from(PATHS), body=st.dictionaries(NAMES, NESTED, max_size=5))
def test_json_body_is_never_a_500_and_all_can_still_be_read(
    shared: Sandbox, where: tuple[str, str], body: dict[str, Any]
) -> None:
    (method, path), http = where, shared.http
    shared.admin("/reset")
    shared.admin("/clock", {"now": NOW, "speed": 1})
    shared.connect()
    token = http.post(f"{SAMS}/connect", json={}).json["access_token"]
    ids = {"run": shared.record(silent=True), "theirs": http.post(f"{SAMS}/activities", json={}).json["id"]}
    ids["entry"] = http.post(f"{SAMS}/events", json=ENTRY).json["id"]
    of_intervals = {"Authorization": f"Bearer {token}", "User-Agent": "Coach/1"}
    headers = of_intervals if API in path else {"Authorization": f"Bearer {shared.token}"}
    sent = [ENTRY | body] if "bulk" in path else ENTRY | body if path.endswith("/events") else body
    text = {"data": json.dumps(sent), "content_type": "application/json"}

    assert http.open(path.format(**ids), method=method, headers=headers, **text).status_code < 500

    for reset in ("/admin/reset", "/intervals/admin/reset"):
        for what in ("faults", "switches"):
            http.post(reset, json={"what": what})
    assert shared.get(ids["run"]).status_code in (200, 401, 429)  # a clock or tier was set
    for read in ("activities?oldest=2020-01-01", "events?oldest=2020-01-01", "wellness"):
        assert http.get(f"{API}/athlete/0/{read}", headers=of_intervals).status_code in (200, 401)
    for page in ("/", "/log", "/intervals/", "/intervals/log"):
        assert http.get(page, headers={"Cookie": f"sandbox_runner={MARA}"}).status_code == 200


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"NaN", b'{"minutes": NaN}', b"\xff\xfe", b'"x"'])
def test_bytes_that_are_no_json_object_are_refused(strava: Sandbox, body: bytes) -> None:
    for path in (MARAS, "/admin/clock", "/admin/switches"):
        assert strava.http.post(path, data=body, content_type="application/json").status_code == 400
