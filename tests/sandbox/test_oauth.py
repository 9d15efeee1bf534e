"""Connecting, refreshing, leaving."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from stravalib.strava_model import SummaryAthlete

from tests.sandbox.conftest import ALL_SCOPES, CLIENT_ID, CLIENT_SECRET, CREDENTIALS, MARA, Sandbox

ASKED = {
    "client_id": str(CLIENT_ID),
    "redirect_uri": "http://127.0.0.1:8000/connect/strava/callback?x=1",
    "response_type": "code",
    "scope": ",".join(ALL_SCOPES),
    "approval_prompt": "auto",
    "state": "s/t=a&te",
}
OTHER = str(MARA + 1)


def ask(strava: Sandbox, **changed: str) -> Any:
    return strava.http.get("/oauth/authorize", query_string=ASKED | changed)


def answer(strava: Sandbox, **form: Any) -> Any:
    filled = {"runner_id": str(MARA), "granted": ALL_SCOPES, "answer": "authorize"} | form
    return strava.http.post("/oauth/authorize", data=ASKED | filled)


def redirected(response: Any) -> dict[str, str]:
    assert response.status_code == 302, response.get_data(as_text=True)
    target = urlsplit(response.location)
    assert target.netloc == "127.0.0.1:8000"
    return {key: values[0] for key, values in parse_qs(target.query, keep_blank_values=True).items()}


def exchange(strava: Sandbox, code: str, **changed: str) -> Any:
    form = CREDENTIALS | {"grant_type": "authorization_code", "code": code} | changed
    return strava.http.post("/oauth/token", data=form)


def error(response: Any, status: int) -> tuple[str, str, str]:
    """Resource, field and code of one of Strava's errors."""
    assert response.status_code == status, response.get_data(as_text=True)
    (found,) = response.get_json()["errors"]
    return found["resource"], found["field"], found["code"]


def test_code_works_once_and_comes_with_the_state_and_the_granted_scopes(strava: Sandbox) -> None:
    back = redirected(answer(strava))
    assert (back["state"], back["x"], back["scope"]) == (ASKED["state"], "1", ",".join(ALL_SCOPES))
    body = exchange(strava, back["code"]).get_json()
    assert set(body) == {"token_type", "access_token", "expires_at", "expires_in", "refresh_token", "athlete"}
    assert body["expires_in"] == pytest.approx(21_600, abs=30)
    assert SummaryAthlete.model_validate(body["athlete"]).id == MARA
    assert error(exchange(strava, back["code"]), 400) == ("AuthorizationCode", "code", "invalid")
    assert redirected(answer(strava, answer="deny")) == {"x": "1", "state": ASKED["state"], "error": "access_denied"}
    # A scope that was not asked for can't be granted; one that was unticked is not.
    assert redirected(answer(strava, granted=["read", "profile:write"]))["scope"] == "read"
    back = redirected(answer(strava, granted=["read", "activity:read_all"]))
    assert back["scope"] == "read,activity:read_all"
    strava.token = exchange(strava, back["code"]).get_json()["access_token"]
    refused = strava.put(strava.record(), private_note="x")
    assert error(refused, 401) == ("AccessToken", "activity:write_permission", "missing")


def test_auto_redirects_a_connected_runner_at_once_and_force_or_more_scopes_ask_again(strava: Sandbox) -> None:
    exchange(strava, redirected(answer(strava, granted=["read"]))["code"])
    assert ask(strava).status_code == 200
    exchange(strava, redirected(answer(strava))["code"])
    assert "code" in redirected(ask(strava))
    assert ask(strava, approval_prompt="force").status_code == 200


@pytest.mark.parametrize(
    ("changed", "resource", "field"),
    [
        ({"client_id": "1"}, "Application", "client_id"),
        ({"redirect_uri": "https://evil.example/x"}, "Application", "redirect_uri"),
        ({"redirect_uri": "javascript:alert(1)"}, "Application", "redirect_uri"),
        ({"scope": "read,everything"}, "Authorize", "scope"),
        ({"scope": ""}, "Authorize", "scope"),
        ({"response_type": "token"}, "Authorize", "response_type"),
    ],
)
def test_wrong_request_is_refused_before_the_page(
    strava: Sandbox, changed: dict[str, str], resource: str, field: str
) -> None:
    assert error(ask(strava, **changed), 400) == (resource, field, "invalid")


def test_old_code_unknown_client_and_wrong_secret_are_refused(strava: Sandbox) -> None:
    code = redirected(answer(strava))["code"]
    assert error(exchange(strava, code, client_id="1"), 400) == ("Application", "client_id", "invalid")
    assert exchange(strava, code, client_secret="ungültig").status_code == 401
    assert exchange(strava, code, grant_type="password").status_code == 400
    strava.admin("/clock", {"advance_s": 3600})
    assert exchange(strava, code).status_code == 400


def test_second_athlete_of_a_one_athlete_application_is_refused(strava: Sandbox) -> None:
    strava.connect()
    refused = answer(strava, runner_id=OTHER)
    assert refused.status_code == 403
    assert "Limit of connected athletes exceeded" in refused.get_data(as_text=True)
    assert "code" in redirected(answer(strava))  # an athlete who is connected already may come again
    strava.admin("/tier", {"tier": "10"})
    assert exchange(strava, redirected(answer(strava, runner_id=OTHER))["code"]).status_code == 200


def test_both_access_tokens_work_until_they_expire_with_a_401_without_limits(connected: Sandbox) -> None:
    assert connected.refresh().get_json()["access_token"] == connected.token  # more than an hour left
    connected.admin("/clock", {"advance_s": 5.1 * 3600})
    later, first = connected.refresh().get_json(), connected.token
    assert (later["access_token"] == first, "athlete" in later) == (False, False)
    for token in (later["access_token"], first):
        connected.token = token
        assert connected.call("GET", "/athlete/activities").status_code == 200
    connected.admin("/clock", {"advance_s": 3600})
    expired = connected.call("GET", "/athlete/activities")
    assert error(expired, 401) == ("Athlete", "access_token", "invalid")
    assert not [name for name, _ in expired.headers if "ratelimit" in name.lower()]


def test_revoked_access_ends_with_the_applications_secret_alone(connected: Sandbox) -> None:
    def revoke(token: str, *auth: str) -> int:
        pair = (auth[0], auth[1]) if auth else None
        status: int = connected.http.post("/oauth/revoke", data={"token": token}, auth=pair).status_code
        return status

    ours = (str(CLIENT_ID), CLIENT_SECRET)
    assert [revoke(connected.refresh_token, ours[0], "wrong"), revoke(connected.refresh_token)] == [401, 401]
    assert connected.call("GET", "/athlete/activities").status_code == 200
    assert [revoke(connected.refresh_token, *ours), revoke("never seen", *ours)] == [200, 200]
    assert connected.call("GET", "/athlete/activities").status_code == 401
    assert error(connected.refresh(), 400) == ("RefreshToken", "refresh_token", "invalid")


def test_one_of_twenty_that_refresh_together_succeeds(connected: Sandbox) -> None:
    connected.admin(f"/runners/{MARA}/expire-tokens")

    def refresh(_: int) -> int:
        status: int = Sandbox(connected.http.application.test_client()).refresh(connected.refresh_token).status_code
        return status

    with ThreadPoolExecutor(20) as pool:
        assert sorted(pool.map(refresh, range(20))) == [200] + [400] * 19
