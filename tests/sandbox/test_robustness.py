"""The sandbox answers any input with a reason: never with a 500, and never with a damaged state."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.conftest import MARA, Sandbox

MARAS = f"/admin/runners/{MARA}/activities"
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
PATHS = [
    ("PUT", "/api/v3/activities/{activity}"), ("POST", "/api/v3/push_subscriptions"), ("POST", "/oauth/token"),
    ("POST", "/admin/clock"), ("POST", MARAS), ("POST", "/admin/activities/{activity}/edit"), ("POST", "/admin/faults"),
    ("POST", "/admin/switches"), ("POST", "/admin/tier"), ("POST", "/admin/connected-athletes"),
]  # fmt: skip


API, ACCOUNT = "/intervals/api/v1", "/intervals/admin/athletes/i2049000"
AT_INTERVALS = [
    *[("POST", f"{API}/athlete/0/events"), ("POST", f"{API}/athlete/0/events/bulk?upsert=true")],
    *[("PUT", f"{API}/athlete/0/events/{{entry}}")],
    *[("PUT", f"{API}/activity/{{run}}"), ("POST", "/intervals/api/oauth/token"), ("POST", ACCOUNT)],
    *[("POST", f"{ACCOUNT}/{what}") for what in ("activities", "events", "wellness", "scopes", "connect")],
    *[("POST", f"/intervals/admin/{what}") for what in ("athletes", "application", "faults", "switches", "reset")],
    *[("POST", "/intervals/admin/activities/{run}/edit"), ("POST", "/intervals/admin/entries/{entry}/edit")],
]


@settings(max_examples=150)
@given(where=st.sampled_from(AT_INTERVALS), body=st.dictionaries(NAMES, NESTED, max_size=5))
def test_json_body_is_never_a_500_at_intervals(shared: Sandbox, where: tuple[str, str], body: dict[str, Any]) -> None:
    shared.admin("/reset")
    account = shared.http.post(f"{ACCOUNT}/connect", json={}).json
    run = shared.http.post(f"{ACCOUNT}/activities", json={}).json["id"]
    entry = {"category": "NOTE", "name": "n", "start_date_local": "2026-11-22T00:00:00"}
    number = shared.http.post(f"{ACCOUNT}/events", json=entry).json["id"]
    headers = {"Authorization": f"Bearer {account['access_token']}", "User-Agent": "Coach/1"}
    method, path = where
    sent = [entry | body] if "bulk" in path else entry | body if path.endswith("/events") else body
    text = {"data": json.dumps(sent), "content_type": "application/json"}
    assert (
        shared.http.open(path.format(run=run, entry=number), method=method, headers=headers, **text).status_code < 500
    )
    shared.http.post("/intervals/admin/reset", json={"what": "switches"})
    reads = ("athlete/0/activities?oldest=2020-01-01", "athlete/0/events?oldest=2020-01-01", "athlete/0/wellness")
    shared.http.post("/intervals/admin/reset", json={"what": "faults"})
    for read in reads:
        assert shared.http.get(f"{API}/{read}", headers=headers).status_code in (200, 401)
    for page in ("/intervals/", "/intervals/log"):
        assert shared.http.get(page, headers={"Cookie": f"sandbox_runner={MARA}"}).status_code == 200


@settings(max_examples=100)
@given(where=st.sampled_from(PATHS), body=st.dictionaries(NAMES, NESTED, max_size=4))
def test_json_body_is_never_a_500(shared: Sandbox, where: tuple[str, str], body: dict[str, Any]) -> None:
    method, path = where
    shared.admin("/reset")
    shared.admin("/clock", {"now": 1_795_341_600, "speed": 1})
    shared.connect()
    activity_id = shared.record(silent=True)
    headers = {"Authorization": f"Bearer {shared.token}", "Content-Type": "application/json"}
    address = path.format(activity=activity_id)
    assert shared.http.open(address, method=method, data=json.dumps(body), headers=headers).status_code < 500
    for what in ("faults", "switches"):
        shared.admin("/reset", {"what": what})
    assert shared.get(activity_id).status_code in (200, 401, 429)  # a clock or tier was set
    assert [shared.http.get(page).status_code for page in ("/", "/log")] == [200, 200]


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"NaN", b'{"minutes": NaN}', b"\xff\xfe", b'"x"'])
def test_bytes_that_are_no_json_object_are_refused(strava: Sandbox, body: bytes) -> None:
    for path in (MARAS, "/admin/clock", "/admin/switches"):
        assert strava.http.post(path, data=body, content_type="application/json").status_code == 400
