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
    "callback_url", "runner", "timezone", "what",
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
