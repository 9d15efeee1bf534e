"""The subscription and its handshake."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.sandbox.conftest import CLIENT_ID, CLIENT_SECRET, Callback, Sandbox

CREDENTIALS = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


def error(answer: Any) -> dict[str, str]:
    assert answer.status_code == 400, answer.get_data(as_text=True)
    assert answer.get_json()["message"] == "Bad Request"
    (found,) = answer.get_json()["errors"]
    return dict(found)


def test_the_callback_is_asked_before_the_post_returns(strava: Sandbox, callback: Callback) -> None:
    answer = strava.subscribe(callback.url)
    assert (answer.status_code, answer.get_json()) == (201, {"id": 1})
    (handshake,) = callback.handshakes
    assert handshake["hub.mode"] == "subscribe"
    assert handshake["hub.verify_token"] == "from the application"
    assert len(handshake["hub.challenge"]) >= 8


def test_the_application_can_look_at_its_subscription_and_end_it(strava: Sandbox, callback: Callback) -> None:
    address = "/api/v3/push_subscriptions"
    assert strava.http.get(address, query_string=CREDENTIALS).get_json() == []
    strava.subscribe(callback.url)
    (listed,) = strava.http.get(address, query_string=CREDENTIALS).get_json()
    assert (listed["id"], listed["callback_url"], listed["application_id"]) == (1, callback.url, CLIENT_ID)
    assert strava.http.delete(f"{address}/2", query_string=CREDENTIALS).status_code == 404
    ended = strava.http.delete(f"{address}/1", query_string=CREDENTIALS)
    assert (ended.status_code, ended.get_data()) == (204, b"")
    assert strava.http.get(address, query_string=CREDENTIALS).get_json() == []
    assert strava.subscribe(callback.url).get_json() == {"id": 2}


def test_there_is_one_for_each_application(subscribed: Sandbox, callback: Callback) -> None:
    second = error(subscribed.subscribe(callback.url))
    assert (second["resource"], second["code"]) == ("PushSubscription", "already exists")


def test_a_callback_that_does_not_answer_200_is_named(strava: Sandbox, callback: Callback) -> None:
    callback.handshake_status = 404
    assert error(strava.subscribe(callback.url)) == {
        "resource": "PushSubscription",
        "field": "callback url",
        "code": "GET to callback URL does not return 200",
    }


NOT_VERIFIABLE = {"resource": "PushSubscription", "field": "callback url", "code": "not verifiable"}


def test_the_wrong_challenge_is_not_verifiable(strava: Sandbox, callback: Callback) -> None:
    callback.echo = False
    assert error(strava.subscribe(callback.url)) == NOT_VERIFIABLE


def test_two_seconds_are_all_the_callback_has(strava: Sandbox, callback: Callback) -> None:
    callback.handshake_delay_s = 60
    start = time.monotonic()
    assert error(strava.subscribe(callback.url)) == NOT_VERIFIABLE
    assert 2 <= time.monotonic() - start < 30


def test_a_callback_that_is_not_there_is_not_verifiable(strava: Sandbox) -> None:
    assert error(strava.subscribe("http://127.0.0.1:1/hook")) == NOT_VERIFIABLE


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1/x", "http://127.0.0.1/" + "x" * 256])
def test_an_address_that_can_be_none_is_refused(strava: Sandbox, url: str) -> None:
    assert error(strava.subscribe(url))["code"] == "invalid"


def test_credentials_are_checked(strava: Sandbox) -> None:
    address = "/api/v3/push_subscriptions"
    assert strava.http.get(address).status_code == 400
    assert strava.http.get(address, query_string=CREDENTIALS | {"client_secret": "ß"}).status_code == 401
