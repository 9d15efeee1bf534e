"""Connecting, refreshing, leaving."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from stravalib.strava_model import SummaryAthlete

from tests.sandbox.conftest import ALL_SCOPES, CLIENT_ID, CLIENT_SECRET, MARA, Sandbox

ASKED = {
    "client_id": str(CLIENT_ID),
    "redirect_uri": "http://127.0.0.1:8000/connect/strava/callback?x=1",
    "response_type": "code",
    "scope": ",".join(ALL_SCOPES),
    "approval_prompt": "auto",
    "state": "s/t=a&te",
}


def answer(strava: Sandbox, *, asked: dict[str, str] | None = None, **form: Any) -> Any:
    filled = {"runner_id": str(MARA), "granted": ALL_SCOPES, "answer": "authorize"} | form
    return strava.http.post("/oauth/authorize", data=(asked or ASKED) | filled)


def redirected(response: Any) -> dict[str, str]:
    assert response.status_code == 302, response.get_data(as_text=True)
    target = urlsplit(response.location)
    assert target.netloc == "127.0.0.1:8000"
    return {key: values[0] for key, values in parse_qs(target.query, keep_blank_values=True).items()}


def exchange(strava: Sandbox, code: str, **changed: str) -> Any:
    body = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "grant_type": "authorization_code", "code": code}
    return strava.http.post("/oauth/token", data=body | changed)


def test_the_page_offers_runners_and_every_scope_ticked(strava: Sandbox) -> None:
    page = strava.http.get("/oauth/authorize", query_string=ASKED).get_data(as_text=True)
    assert "Mara Lindholm" in page
    assert "Someone new" in page
    for scope in ALL_SCOPES:
        assert f'name="granted" value="{scope}" checked' in page


def test_yes_brings_a_code_the_state_and_the_granted_scopes(strava: Sandbox) -> None:
    back = redirected(answer(strava))
    assert back["state"] == ASKED["state"]
    assert back["x"] == "1"
    assert back["scope"] == ",".join(ALL_SCOPES)
    body = exchange(strava, back["code"]).get_json()
    assert set(body) == {"token_type", "access_token", "expires_at", "expires_in", "refresh_token", "athlete"}
    assert body["expires_in"] == pytest.approx(21_600, abs=2)
    assert SummaryAthlete.model_validate(body["athlete"]).id == MARA


def test_an_unticked_scope_is_not_granted_and_the_redirect_says_so(strava: Sandbox) -> None:
    back = redirected(answer(strava, granted=["read", "activity:read_all"]))
    assert back["scope"] == "read,activity:read_all"
    strava.token = exchange(strava, back["code"]).get_json()["access_token"]
    refused = strava.call("PUT", f"/activities/{strava.record()}", json={"private_note": "x"})
    assert refused.status_code == 401
    assert refused.get_json()["errors"] == [
        {"resource": "AccessToken", "field": "activity:write_permission", "code": "missing"}
    ]


def test_ticking_a_scope_that_was_not_asked_for_grants_nothing(strava: Sandbox) -> None:
    back = redirected(answer(strava, granted=["read", "profile:write"]))
    assert back["scope"] == "read"


def test_no_brings_access_denied_and_no_code(strava: Sandbox) -> None:
    back = redirected(answer(strava, answer="deny"))
    assert back == {"x": "1", "state": ASKED["state"], "error": "access_denied"}


def test_someone_new_can_be_made_up_on_the_page(strava: Sandbox) -> None:
    redirected(answer(strava, runner_id="new", firstname="Ada", timezone="America/Lima"))
    newest = strava.look("/runners")[-1]
    assert (newest["firstname"], newest["timezone"]) == ("Ada", "America/Lima")


def test_auto_redirects_a_connected_runner_at_once_and_force_asks_again(strava: Sandbox) -> None:
    exchange(strava, redirected(answer(strava))["code"])
    assert "code" in redirected(strava.http.get("/oauth/authorize", query_string=ASKED))
    asked_again = strava.http.get("/oauth/authorize", query_string=ASKED | {"approval_prompt": "force"})
    assert asked_again.status_code == 200


def test_auto_asks_when_more_is_wanted_than_was_granted(strava: Sandbox) -> None:
    exchange(strava, redirected(answer(strava, granted=["read"]))["code"])
    assert strava.http.get("/oauth/authorize", query_string=ASKED).status_code == 200


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
    refused = strava.http.get("/oauth/authorize", query_string=ASKED | changed)
    assert refused.status_code == 400
    assert refused.get_json()["errors"] == [{"resource": resource, "field": field, "code": "invalid"}]


def test_the_host_of_the_application_is_a_redirect_host_too(strava: Sandbox) -> None:
    asked = ASKED | {"redirect_uri": "http://app.example:8000/back"}
    assert strava.http.get("/oauth/authorize", query_string=asked).status_code == 200


def test_a_code_works_once(strava: Sandbox) -> None:
    code = redirected(answer(strava))["code"]
    assert exchange(strava, code).status_code == 200
    again = exchange(strava, code)
    assert again.status_code == 400
    assert again.get_json()["errors"][0] == {"resource": "AuthorizationCode", "field": "code", "code": "invalid"}


def test_a_code_grows_old(strava: Sandbox) -> None:
    code = redirected(answer(strava))["code"]
    strava.admin("/clock", {"advance_s": 3600})
    assert exchange(strava, code).status_code == 400


def test_an_unknown_client_is_400_and_a_wrong_secret_401(strava: Sandbox) -> None:
    code = redirected(answer(strava))["code"]
    unknown = exchange(strava, code, client_id="1")
    assert unknown.status_code == 400
    assert unknown.get_json()["errors"] == [{"resource": "Application", "field": "client_id", "code": "invalid"}]
    assert exchange(strava, code, client_secret="wrong").status_code == 401
    assert exchange(strava, code, client_secret="ungültig").status_code == 401
    assert exchange(strava, code, grant_type="password").status_code == 400


def test_the_second_athlete_of_a_one_athlete_application_meets_stravas_own_page(strava: Sandbox) -> None:
    strava.connect()
    refused = answer(strava, runner_id=str(MARA + 1))
    assert refused.status_code == 403
    assert "Limit of connected athletes exceeded" in refused.get_data(as_text=True)
    assert "code" in redirected(answer(strava))  # who is connected already may come again


def test_the_cap_can_show_at_the_exchange_instead(strava: Sandbox) -> None:
    strava.admin("/switches", {"athlete_cap_at": "token"})
    strava.connect()
    refused = exchange(strava, redirected(answer(strava, runner_id=str(MARA + 1)))["code"])
    assert refused.status_code == 403
    assert refused.get_json()["message"] == "Limit of connected athletes exceeded"
    strava.admin("/tier", {"tier": "10"})
    assert exchange(strava, redirected(answer(strava, runner_id=str(MARA + 1)))["code"]).status_code == 200


def test_a_refresh_returns_the_same_token_while_more_than_an_hour_is_left(connected: Sandbox) -> None:
    connected.admin("/clock", {"advance_s": 4.9 * 3600})
    body = connected.refresh().get_json()
    assert body["access_token"] == connected.token
    assert body["refresh_token"] == connected.refresh_token
    assert "athlete" not in body


def test_within_the_last_hour_both_tokens_change_and_the_old_refresh_token_dies_at_once(connected: Sandbox) -> None:
    connected.admin("/clock", {"advance_s": 5.1 * 3600})
    body = connected.refresh().get_json()
    assert body["access_token"] != connected.token
    assert body["refresh_token"] != connected.refresh_token
    dead = connected.refresh()
    assert dead.status_code == 400
    assert dead.get_json()["errors"] == [{"resource": "RefreshToken", "field": "refresh_token", "code": "invalid"}]
    # Strava: both access tokens can be used until they expire.
    assert connected.call("GET", "/athlete").status_code == 200
    connected.token = body["access_token"]
    assert connected.call("GET", "/athlete").status_code == 200


def test_rotation_can_happen_at_every_refresh(connected: Sandbox) -> None:
    connected.admin("/switches", {"tokens": {"rotate": "always"}})
    body = connected.refresh().get_json()
    assert body["access_token"] == connected.token
    assert body["refresh_token"] != connected.refresh_token


def test_of_twenty_that_refresh_together_exactly_one_succeeds(app: Flask, connected: Sandbox) -> None:
    connected.admin(f"/runners/{MARA}/expire-tokens")

    def refresh(_: int) -> int:
        status: int = Sandbox(app.test_client()).refresh(connected.refresh_token).status_code
        return status

    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(refresh, range(20)))
    assert sorted(statuses) == [200] + [400] * 19


def test_an_expired_token_is_a_401_without_limits(connected: Sandbox) -> None:
    connected.admin("/clock", {"advance_s": 6.1 * 3600})
    expired = connected.call("GET", "/athlete")
    assert expired.status_code == 401
    assert expired.get_json() == {
        "message": "Authorization Error",
        "errors": [{"resource": "Athlete", "field": "access_token", "code": "invalid"}],
    }
    assert not [name for name, _ in expired.headers if "ratelimit" in name.lower()]


def basic(secret: str = CLIENT_SECRET) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{CLIENT_ID}:{secret}".encode()).decode()}


@pytest.mark.parametrize("which", ["token", "refresh_token"])
def test_revoking_either_token_ends_the_connection(connected: Sandbox, which: str) -> None:
    done = connected.http.post("/oauth/revoke", data={"token": getattr(connected, which)}, headers=basic())
    assert (done.status_code, done.get_data()) == (200, b"")
    assert connected.call("GET", "/athlete").status_code == 401
    assert connected.refresh().status_code == 400


def test_revoking_what_nobody_knows_is_200_and_a_wrong_secret_401(connected: Sandbox) -> None:
    assert connected.http.post("/oauth/revoke", data={"token": "what"}, headers=basic()).status_code == 200
    assert connected.http.post("/oauth/revoke", data={"token": "x"}, headers=basic("no")).status_code == 401
    assert connected.http.post("/oauth/revoke", data={"token": "x"}).status_code == 401
    assert connected.call("GET", "/athlete").status_code == 200


def test_the_old_deauthorize_still_works(connected: Sandbox) -> None:
    done = connected.http.post("/oauth/deauthorize", headers={"Authorization": f"Bearer {connected.token}"})
    assert done.get_json() == {"access_token": connected.token}
    assert connected.call("GET", "/athlete").status_code == 401
