"""Whatever is sent, the sandbox answers with a reason: never with a 500, and never with a damaged state."""

# ruff: noqa: SIM905 - a paragraph of names reads better than fifty lines of them

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.app import close, create_app
from sandbox.config import SandboxConfig
from tests.sandbox.conftest import MARA, Sandbox

NAMES = st.sampled_from(
    "name description private_note type sport_type trainer gear_id minutes start start_local elapsed_time "
    "start_date_local distance climb_m endpoint status share delay_ms now speed advance_s scopes changes title tier "
    "overall delivery copies seed tokens lifetime_s client_id client_secret grant_type code refresh_token "
    "callback_url runner timezone what".split()
)
ODD = ["\ud800", "Run", "1e400", "²", "9999-12-31T23:59:59", "0001-01-01T00:00:00Z", "read", "-0"]
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8), st.sampled_from(ODD)
)
NESTED = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
BODIES = st.dictionaries(NAMES, NESTED, max_size=4)

PATHS = [
    ("PUT", "/api/v3/activities/{activity}"), ("POST", "/api/v3/activities"), ("POST", "/api/v3/push_subscriptions"),
    ("POST", "/oauth/token"), ("POST", "/oauth/revoke"), ("POST", "/admin/runners"), ("POST", "/admin/clock"),
    ("POST", f"/admin/runners/{MARA}/activities"), ("POST", "/admin/activities/{activity}/edit"),
    ("POST", "/admin/faults"), ("POST", "/admin/switches"),
    ("POST", "/admin/tier"), ("POST", "/admin/connected-athletes"), ("POST", "/admin/events"),
]  # fmt: skip


@pytest.fixture(scope="module")
def tough() -> Iterator[Sandbox]:
    with tempfile.TemporaryDirectory() as folder:
        app: Flask = create_app(SandboxConfig(Path(folder), 4711, "not-so-secret"))
        try:
            sandbox = Sandbox(app.test_client())
            sandbox.connect()
            yield sandbox
        finally:
            close(app)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(where=st.sampled_from(PATHS), body=BODIES)
def test_no_json_body_is_a_500(tough: Sandbox, where: tuple[str, str], body: dict[str, Any]) -> None:
    method, path = where
    tough.admin("/reset")
    tough.admin("/clock", {"now": 1_795_341_600, "speed": 1})
    tough.connect()
    activity_id = tough.record(silent=True)
    answer = tough.http.open(
        path.format(activity=activity_id),
        method=method,
        data=json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {tough.token}"},
    )
    assert answer.status_code < 500
    tough.admin("/reset", {"what": "faults"})
    tough.admin("/reset", {"what": "switches"})
    assert tough.call("GET", f"/activities/{activity_id}").status_code in (200, 401, 429)  # a clock or tier was set
    assert tough.http.get("/").status_code == 200
    assert tough.http.get("/log").status_code == 200


FORM_PATHS = "/ /record /runner /oauth/authorize /faults/clock /faults/remove /mailbox/html".split()
FORM_FIELDS = (
    "runner runner_id minutes preset sport_type start_local when speed id mail advance_s client_id redirect_uri scope "
    "response_type answer timezone"
).split()
FORM_VALUES = [
    "new", "at", "4711", "code", "read", "http://localhost/x", "http://[", "inf", "2026-02-30T10:00", "authorize", "²",
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    path=st.sampled_from(FORM_PATHS),
    fields=st.dictionaries(
        st.sampled_from(FORM_FIELDS), st.text(max_size=12) | st.sampled_from(FORM_VALUES), max_size=8
    ),
)
def test_no_form_and_no_query_is_a_500(tough: Sandbox, path: str, fields: dict[str, str]) -> None:
    assert tough.http.get(path, query_string=fields).status_code < 500
    assert tough.http.post(path, data=fields).status_code < 500
    tough.admin("/clock", {"now": 1_795_341_600, "speed": 1})


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"NaN", b'{"minutes": NaN}', b"\xff\xfe", b'"x"'])
def test_bytes_that_are_no_json_object_are_refused(tough: Sandbox, body: bytes) -> None:
    for path in (f"/admin/runners/{MARA}/activities", "/admin/clock", "/admin/switches"):
        answer = tough.http.post(path, data=body, content_type="application/json")
        assert answer.status_code == 400, answer.get_data(as_text=True)


def test_half_a_surrogate_pair_becomes_a_replacement_character(tough: Sandbox) -> None:
    tough.admin("/reset")
    tough.connect()
    activity_id = tough.record()
    answer = tough.call(
        "PUT", f"/activities/{activity_id}", data=b'{"private_note": "a\\ud83c!"}', content_type="application/json"
    )
    assert answer.get_json()["private_note"] == "a�!"
