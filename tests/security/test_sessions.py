"""Signing in by Strava, and what becomes of a browser that somebody prepared."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlalchemy import func, select

from adductor.athletes import connections
from adductor.platforms.base import Grant, Tokens
from adductor.store.models import Athlete, Connection
from service.app import create_app
from tests.security.conftest import person
from tests.service.pages.conftest import Visitor
from tests.support.runners import Place, place

SCOPES = "read,activity:read_all,activity:write"


@pytest.fixture
def strava(here: Place, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The codes that were traded; every code is good, so that only our own checks stand in the way."""
    traded: list[str] = []

    def exchange(_: object, code: str) -> Grant:
        traded.append(code)
        return Grant(
            Tokens("access", "refresh", here.now), athlete_id=77, name="Mara M", timezone="UTC", units="metric"
        )

    monkeypatch.setattr(type(here.installation.platform("strava")), "exchange_code", exchange)
    return traded


def _state(visitor: Visitor) -> str:
    target = visitor.get("/connect/strava").headers["Location"]
    return parse_qs(urlsplit(target).query)["state"][0]


def _back(visitor: Visitor, **query: str) -> Any:
    return visitor.get("/connect/strava/callback", query_string={"code": "c", "scope": SCOPES, **query})


def test_the_state_of_another_browser_connects_nobody(
    app: Flask, here: Place, visitor: Visitor, strava: list[str]
) -> None:
    """The attacker's own way back, slipped to a victim: the victim would otherwise train under the attacker's name."""
    attacker = Visitor(app.test_client(), here)
    theirs = _state(attacker)
    _state(visitor)

    answer = _back(visitor, state=theirs)

    assert answer.status_code == 400
    assert strava == []
    assert visitor.get("/home").headers["Location"] == "/"


@pytest.mark.parametrize("state", ["", "guessed", "\N{GRINNING FACE}", "a" * 5000])
def test_without_the_state_that_was_given_out_no_code_is_traded(
    visitor: Visitor, strava: list[str], state: str
) -> None:
    _state(visitor)

    assert _back(visitor, state=state).status_code == 400
    assert strava == []


def test_a_state_is_good_once(visitor: Visitor, strava: list[str]) -> None:
    state = _state(visitor)

    first, second = _back(visitor, state=state), _back(visitor, state=state)

    assert (first.status_code, second.status_code) == (302, 400)
    assert strava == ["c"]


def test_a_wrong_state_also_uses_up_the_right_one(visitor: Visitor, strava: list[str]) -> None:
    state = _state(visitor)

    _back(visitor, state="guessed")

    assert _back(visitor, state=state).status_code == 400
    assert strava == []


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/routine/../../evil",
        "/privacy/export",
        "/routine/abc\r\nLocation: https://evil.example",
        "/routine/abc?x=https://evil.example",
        "/sign-out",
        "javascript:alert(1)",
    ],
)
def test_signing_in_leads_nowhere_else(visitor: Visitor, here: Place, strava: list[str], elsewhere: str) -> None:
    here.runner(external_id=77)
    target = visitor.get("/connect/strava", query_string={"next": elsewhere}).headers["Location"]
    state = parse_qs(urlsplit(target).query)["state"][0]

    assert _back(visitor, state=state, next=elsewhere).headers["Location"] == "/home"


def test_no_redirect_of_any_page_follows_the_host_that_was_asked_for(visitor: Visitor, here: Place) -> None:
    mine = person(here, "Anna")
    for path in ("/", "/home", "/connect/strava", "/settings"):
        for headers in ({"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example"}, {"X-Original-URL": "//evil"}):
            answer = visitor.get(path, headers=headers)
            assert "evil" not in answer.headers.get("Location", ""), (path, headers)
            assert "evil" not in answer.text, (path, headers)
    visitor.sign_in(mine.id)
    assert "evil" not in visitor.get("/settings", headers={"Host": "evil.example"}).text


def test_a_session_that_was_planted_is_thrown_away_at_sign_in(visitor: Visitor, here: Place, strava: list[str]) -> None:
    """Session fixation: what somebody put into the victim's browser before must not be what they are signed in with."""
    state = _state(visitor)
    with visitor.http.session_transaction() as session:
        session["planted"] = "by somebody else"
        planted_token = session["csrf_token"] = "a" * 40
    before = visitor.http.get_cookie("adductor")

    _back(visitor, state=state)

    after = visitor.http.get_cookie("adductor")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    with visitor.http.session_transaction() as session:
        assert "planted" not in session
        assert session.get("csrf_token") != planted_token
    visitor.http.set_cookie("adductor", before.value)
    assert visitor.get("/home").headers["Location"] == "/"


@pytest.mark.parametrize("of", ["eyJhdGhsZXRlIjoxfQ", "eyJhdGhsZXRlIjoxfQ.aaaa.bbbb", "." * 50, "'; --", "\x00"])
def test_a_session_that_we_did_not_sign_is_nobodys(visitor: Visitor, here: Place, of: str) -> None:
    person(here, "Anna")

    answer = visitor.get("/home", headers={"Cookie": f"adductor={of}"})

    assert answer.headers["Location"] == "/"


def test_whoever_has_left_is_signed_out_everywhere(visitor: Visitor, here: Place) -> None:
    mine = person(here, "Anna")
    visitor.sign_in(mine.id)
    with here.installation.store.write() as session:
        connections.disconnect(session, here.locked(session, mine.id).connection, because="revoked", now=here.now)

    assert visitor.get("/home").headers["Location"] == "/"


def test_the_button_pressed_twice_makes_one_runner(here_on_each: Place) -> None:
    """Both ways back at the same moment: neither is an error, and the later tokens are the ones that are kept."""
    installation = here_on_each.installation
    start, problems = threading.Barrier(4), []

    def connect(number: int) -> None:
        grant = Grant(Tokens(f"access {number}", f"refresh {number}", here_on_each.now), 4711, "Mara", "UTC", "metric")
        start.wait()
        try:
            with installation.store.write() as session:
                connections.connect(session, installation, "strava", grant, SCOPES)
        except Exception as error:
            problems.append(error)

    for _ in range(5):
        threads = [threading.Thread(target=connect, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with installation.store.write() as session:
            assert session.scalar(select(func.count()).select_from(Athlete)) == 1
            token = session.scalars(select(Connection)).one()
            opened = [
                installation.vault.decrypt(sealed) for sealed in (token.access_encrypted, token.refresh_encrypted)
            ]
            assert opened[0].replace("access", "refresh") == opened[1]
            session.delete(session.scalars(select(Athlete)).one())
    assert problems == []


@pytest.mark.parametrize(("url", "name", "secure"), [("https", "__Host-adductor", True), ("http", "adductor", False)])
def test_the_cookie_is_closed_to_scripts_other_sites_and_plain_wires(
    tmp_path: Any, url: str, name: str, secure: bool
) -> None:
    with place(
        tmp_path, ADDUCTOR_PUBLIC_URL=f"{url}://coach.example.org", STRAVA_CLIENT_ID="1", STRAVA_CLIENT_SECRET="s"
    ) as here:
        cookie = create_app(here.installation.settings).test_client().get("/connect/strava").headers["Set-Cookie"]

    assert cookie.startswith(f"{name}=")
    parts = {part.strip() for part in cookie.split(";")}
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= parts
    assert ("Secure" in parts) is secure
    assert "Domain" not in cookie
