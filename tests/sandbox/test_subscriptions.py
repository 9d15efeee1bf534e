"""The subscription and its handshake."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import subscriptions
from tests.sandbox.conftest import CLIENT_ID, CREDENTIALS, Callback, Sandbox

ADDRESS = "/api/v3/push_subscriptions"


def refusal(answer: Any) -> tuple[str, str]:
    """Field and code of Strava's 400."""
    assert answer.status_code == 400, answer.get_data(as_text=True)
    assert answer.get_json()["message"] == "Bad Request"
    (found,) = answer.get_json()["errors"]
    assert found["resource"] == "PushSubscription"
    return found["field"], found["code"]


def test_application_has_one_subscription_looks_at_it_and_ends_it(strava: Sandbox, callback: Callback) -> None:
    assert strava.http.get(ADDRESS, query_string=CREDENTIALS).get_json() == []
    answer = strava.subscribe(callback.url)
    assert (answer.status_code, answer.get_json()) == (201, {"id": 1})
    (handshake,) = callback.handshakes  # before the POST returned
    assert (handshake["hub.mode"], handshake["hub.verify_token"]) == ("subscribe", "from the application")
    assert len(handshake["hub.challenge"]) >= 8
    assert refusal(strava.subscribe(callback.url)) == ("", "already exists")
    (listed,) = strava.http.get(ADDRESS, query_string=CREDENTIALS).get_json()
    assert (listed["id"], listed["callback_url"], listed["application_id"]) == (1, callback.url, CLIENT_ID)
    assert strava.http.delete(f"{ADDRESS}/2", query_string=CREDENTIALS).status_code == 404
    ended = strava.http.delete(f"{ADDRESS}/1", query_string=CREDENTIALS)
    assert (ended.status_code, ended.get_data()) == (204, b"")
    assert strava.http.get(ADDRESS, query_string=CREDENTIALS).get_json() == []
    assert strava.subscribe(callback.url).get_json() == {"id": 2}


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        ({"handshake_status": 404}, "GET to callback URL does not return 200"),
        ({"echo": False}, "not verifiable"),
        ({"handshake_delay_s": 60}, "not verifiable"),
    ],
    ids=str,
)
def test_failed_handshake_has_stravas_reason(
    strava: Sandbox, callback: Callback, monkeypatch: pytest.MonkeyPatch, behaviour: dict[str, Any], code: str
) -> None:
    if "handshake_delay_s" in behaviour:
        assert subscriptions.HANDSHAKE_S == 2
        monkeypatch.setattr(subscriptions, "HANDSHAKE_S", 0.05)
    for name, value in behaviour.items():
        setattr(callback, name, value)
    assert refusal(strava.subscribe(callback.url)) == ("callback url", code)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:1/hook", "not verifiable"),
        ("", "invalid"),
        ("ftp://127.0.0.1/x", "invalid"),
        ("http://127.0.0.1/" + "x" * 256, "invalid"),
    ],
)
def test_unusable_address_or_credentials_are_refused(strava: Sandbox, url: str, code: str) -> None:
    assert refusal(strava.subscribe(url)) == ("callback url", code)
    assert strava.http.get(ADDRESS).status_code == 400
    assert strava.http.get(ADDRESS, query_string=CREDENTIALS | {"client_secret": "ß"}).status_code == 401
