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
    return strava.http.post(
        "/oauth/token", data=CREDENTIALS | {"grant_type": "authorization_code", "code": code} | changed
    )


def error(response: Any, status: int) -> tuple[str, str, str]:
    """Resource, field and code of one of Strava's errors."""
    assert response.status_code == status, response.get_data(as_text=True)
    (found,) = response.get_json()["errors"]
    return found["resource"], found["field"], found["code"]


def test_the_page_offers_runners_and_every_scope_ticked(strava: Sandbox) -> None:
    page = ask(strava).get_data(as_text=True)
    assert "Mara Lindholm" in page
    assert "Someone new" in page
    assert page.count("checked") >= len(ALL_SCOPES)
    for scope in ALL_SCOPES:
        assert f'name="granted" value="{scope}" checked' in page
    redirected(answer(strava, runner_id="new", firstname="Ada", timezone="America/Lima"))
    newest = strava.look("/runners")[-1]
    assert (newest["firstname"], newest["timezone"]) == ("Ada", "America/Lima")


def test_yes_brings_a_code_that_works_once_the_state_and_the_granted_scopes(strava: Sandbox) -> None:
    back = redirected(answer(strava))
    assert (back["state"], back["x"], back["scope"]) == (ASKED["state"], "1", ",".join(ALL_SCOPES))
    body = exchange(strava, back["code"]).get_json()
    assert set(body) == {"token_type", "access_token", "expires_at", "expires_in", "refresh_token", "athlete"}
    assert body["expires_in"] == pytest.approx(21_600, abs=30)
    assert SummaryAthlete.model_validate(body["athlete"]).id == MARA
    assert error(exchange(strava, back["code"]), 400) == ("AuthorizationCode", "code", "invalid")


def test_an_unticked_scope_is_not_granted_and_the_redirect_says_so(strava: Sandbox) -> None:
    back = redirected(answer(strava, granted=["read", "activity:read_all"]))
    assert back["scope"] == "read,activity:read_all"
    strava.token = exchange(strava, back["code"]).get_json()["access_token"]
    refused = strava.put(strava.record(), private_note="x")
    assert error(refused, 401) == ("AccessToken", "activity:write_permission", "missing")
    # A scope that was not asked for can't be granted.
    assert redirected(answer(strava, granted=["read", "profile:write"]))["scope"] == "read"


def test_no_brings_access_denied_and_no_code(strava: Sandbox) -> None:
    assert redirected(answer(strava, answer="deny")) == {"x": "1", "state": ASKED["state"], "error": "access_denied"}


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
def test_a_wrong_request_is_refused_before_anyone_is_asked(
    strava: Sandbox, changed: dict[str, str], resource: str, field: str
) -> None:
    assert error(ask(strava, **changed), 400) == (resource, field, "invalid")


def test_the_host_of_the_application_is_a_redirect_host_too(strava: Sandbox) -> None:
    assert ask(strava, redirect_uri="http://app.example:8000/back").status_code == 200


def test_an_old_code_an_unknown_client_and_a_wrong_secret_are_refused(strava: Sandbox) -> None:
    code = redirected(answer(strava))["code"]
    assert error(exchange(strava, code, client_id="1"), 400) == ("Application", "client_id", "invalid")
    for changed, status in (
        ({"client_secret": "wrong"}, 401), ({"client_secret": "ungültig"}, 401), ({"grant_type": "password"}, 400),
    ):  # fmt: skip
        assert exchange(strava, code, **changed).status_code == status
    strava.admin("/clock", {"advance_s": 3600})
    assert exchange(strava, code).status_code == 400


def test_the_second_athlete_of_a_one_athlete_application_is_refused(strava: Sandbox) -> None:
    strava.connect()
    refused = answer(strava, runner_id=str(MARA + 1))
    assert refused.status_code == 403
    assert "Limit of connected athletes exceeded" in refused.get_data(as_text=True)
    assert "code" in redirected(answer(strava))  # an athlete who is connected already may come again
    strava.admin("/switches", {"athlete_cap_at": "token"})
    refused = exchange(strava, redirected(answer(strava, runner_id=str(MARA + 1)))["code"])
    assert (refused.status_code, refused.get_json()["message"]) == (403, "Limit of connected athletes exceeded")
    strava.admin("/tier", {"tier": "10"})
    assert exchange(strava, redirected(answer(strava, runner_id=str(MARA + 1)))["code"]).status_code == 200


@pytest.mark.parametrize(
    ("age_h", "rotate", "new_access", "new_refresh"),
    [(4.9, None, False, False), (5.1, None, True, True), (0, "always", False, True)],
    ids=["more than an hour left", "the last hour", "rotation at every refresh"],
)
def test_a_refresh_changes_tokens_as_strava_does(
    connected: Sandbox, age_h: float, rotate: str | None, new_access: bool, new_refresh: bool
) -> None:
    if rotate:
        connected.admin("/switches", {"tokens": {"rotate": rotate}})
    connected.admin("/clock", {"advance_s": age_h * 3600})
    body = connected.refresh().get_json()
    assert "athlete" not in body
    assert (body["access_token"] != connected.token) is new_access
    assert (body["refresh_token"] != connected.refresh_token) is new_refresh
    if new_refresh:  # the old one dies at once
        assert error(connected.refresh(), 400) == ("RefreshToken", "refresh_token", "invalid")
    # Strava: both access tokens can be used until they expire.
    for token in (connected.token, body["access_token"]):
        connected.token = token
        assert connected.call("GET", "/athlete").status_code == 200


def test_of_twenty_that_refresh_together_exactly_one_succeeds(connected: Sandbox) -> None:
    connected.admin(f"/runners/{MARA}/expire-tokens")

    def refresh(_: int) -> int:
        client = Sandbox(connected.http.application.test_client())
        status: int = client.refresh(connected.refresh_token).status_code
        return status

    with ThreadPoolExecutor(20) as pool:
        assert sorted(pool.map(refresh, range(20))) == [200] + [400] * 19


def test_an_expired_token_is_a_401_without_limits(connected: Sandbox) -> None:
    connected.admin("/clock", {"advance_s": 6.1 * 3600})
    expired = connected.call("GET", "/athlete")
    assert error(expired, 401) == ("Athlete", "access_token", "invalid")
    assert expired.get_json()["message"] == "Authorization Error"
    assert not [name for name, _ in expired.headers if "ratelimit" in name.lower()]


@pytest.mark.parametrize(
    ("token", "secret", "status"),
    [
        ("token", CLIENT_SECRET, 200),
        ("refresh_token", CLIENT_SECRET, 200),
        ("unknown", CLIENT_SECRET, 200),
        ("token", "no", 401),
        ("token", None, 401),
    ],
)
def test_revoking_either_token_ends_the_connection(
    connected: Sandbox, token: str, secret: str | None, status: int
) -> None:
    credentials = None if secret is None else (str(CLIENT_ID), secret)
    done = connected.http.post("/oauth/revoke", data={"token": getattr(connected, token, token)}, auth=credentials)
    assert done.status_code == status
    ended = status == 200 and token != "unknown"
    assert connected.call("GET", "/athlete").status_code == (401 if ended else 200)
    assert connected.refresh().status_code == (400 if ended else 200)
    if status == 200:
        assert done.get_data() == b""


def test_the_old_deauthorize_still_works(connected: Sandbox) -> None:
    done = connected.http.post("/oauth/deauthorize", headers={"Authorization": f"Bearer {connected.token}"})
    assert done.get_json() == {"access_token": connected.token}
    assert connected.call("GET", "/athlete").status_code == 401
