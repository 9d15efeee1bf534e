"""Events that Strava did not send, or that speak of another runner, against a whole installation."""

from __future__ import annotations

import pytest
import requests

from tests.support.live import Live

pytestmark = pytest.mark.processes


def test_an_event_about_an_activity_that_is_anothers_or_not_there_or_of_an_unknown_runner_writes_nothing(
    live: Live,
) -> None:
    """Its author needs the key and the subscription's id, and still only makes us look: the read decides."""
    anna, berta = live.runner(), live.runner()
    run = live.record(anna, silent=True)
    live.event(object_id=run, owner_id=123_456_789_012)
    (event,) = live.settles(run)
    assert (event.outcome, live.calls(activity=run)) == ("unknown_athlete", [])

    for activity in (run, 999_999_999):
        live.event(object_id=activity, owner_id=berta.strava_id)
        live.until(
            lambda asked=activity: any(event.problem or event.state == "done" for event in live.events(asked)[-1:])
        )
        assert live.suggestion(activity) is None

    assert live.written(run) == []
    assert live.truth(run)["private_note"] in (None, "")


def test_a_forged_farewell_without_the_key_ends_nothing(live: Live) -> None:
    runner = live.runner()
    body = {
        "object_type": "athlete",
        "object_id": runner.strava_id,
        "owner_id": runner.strava_id,
        "aspect_type": "update",
        "event_time": int(live.here.installation.clock.now().timestamp()) + 5,
        "subscription_id": live.subscription_id(),
        "updates": {"authorized": "false"},
    }
    key = live.here.installation.settings.webhook_key
    before = live.count_events()

    for guess in ("", key[:-1], key + "x", key.upper(), "%00", "a" * 3000, f"{key}/", f"../strava/{key[1:]}"):
        answer = requests.post(f"{live.web}/webhooks/strava/{guess}", json=body, timeout=10)
        assert answer.status_code in (404, 405, 308), guess

    assert live.count_events() == before
    assert live.athlete(runner).connection.state == "connected"


def test_the_handshake_wants_the_key_and_the_word(live: Live) -> None:
    settings = live.here.installation.settings
    asked = {"hub.mode": "subscribe", "hub.challenge": "abc", "hub.verify_token": settings.verify_token}

    right = requests.get(settings.webhook_url, params=asked, timeout=10)
    wrong_word = requests.get(settings.webhook_url, params={**asked, "hub.verify_token": "guess"}, timeout=10)
    wrong_key = requests.get(f"{live.web}/webhooks/strava/guess", params=asked, timeout=10)
    markup = requests.get(settings.webhook_url, params={**asked, "hub.challenge": "<script>"}, timeout=10)

    assert (right.status_code, wrong_word.status_code, wrong_key.status_code) == (200, 400, 404)
    assert "abc" not in wrong_word.text + wrong_key.text
    assert markup.headers["Content-Type"] == "application/json"
    assert markup.headers["X-Content-Type-Options"] == "nosniff"
