"""Signing in by Strava, sessions that an attacker prepared, and links: each for one thing, one athlete and a time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import select

from adductor.athletes import connections
from adductor.mail.links import Links
from adductor.platforms.base import Grant, Tokens
from adductor.store.models import Athlete
from tests.security.conftest import SITE, Scene
from tests.service.pages.conftest import SCOPES, Strava, Visitor
from tests.support.runners import Place


def test_state_of_another_browser_connects_no_runner(app: Flask, here: Place, visitor: Visitor, strava: Strava) -> None:
    """The attacker's own way back, slipped to a victim: the victim would otherwise train under the attacker's name."""
    theirs = Visitor(app.test_client(), here).state()
    visitor.state()

    assert visitor.comes_back(state=theirs).status_code == 400

    assert strava.codes == []
    assert visitor.get("/home").headers["Location"] == "/"


def test_a_state_is_good_once_and_no_other_trades_a_code(visitor: Visitor, strava: Strava) -> None:
    """A wrong state also uses up the right one."""
    for wrong in ("", "guessed", "\N{GRINNING FACE}", "a" * 5000):
        right = visitor.state()
        assert [visitor.comes_back(state=state).status_code for state in (wrong, right)] == [400, 400], wrong
    assert strava.codes == []

    state = visitor.state()

    assert [visitor.comes_back(state=state).status_code for _ in range(2)] == [302, 400]
    assert strava.codes == ["c"]


def test_signing_in_leads_nowhere_else(visitor: Visitor, here: Place, strava: Strava) -> None:
    here.runner(external_id=77)
    evil = "https://evil.example"
    targets = [evil, "//evil.example", "/\\evil.example", "/routine/../../evil", "/privacy/export", "/sign-out"]
    targets += [f"/routine/abc\r\nLocation: {evil}", f"/routine/abc?x={evil}", "javascript:alert(1)"]

    for elsewhere in targets:
        state = visitor.state(next=elsewhere)
        assert visitor.comes_back(state=state, next=elsewhere).headers["Location"] == "/home", elsewhere

    assert strava.codes == ["c"] * len(targets)


def test_a_session_that_was_planted_is_thrown_away_at_sign_in(visitor: Visitor, strava: Strava) -> None:
    """Session fixation: nothing that was put into the victim's browser before is part of the new session."""
    state = visitor.state()
    with visitor.http.session_transaction() as session:
        session["planted"], session["csrf_token"] = "by an attacker", "a" * 40
    before = visitor.http.get_cookie("adductor")
    assert before is not None

    visitor.comes_back(state=state)

    assert strava.codes == ["c"]
    with visitor.http.session_transaction() as session:
        assert "athlete" in session
        assert "planted" not in session
        assert session.get("csrf_token") != "a" * 40
    visitor.http.set_cookie("adductor", before.value)
    assert visitor.get("/home").headers["Location"] == "/"


def test_a_session_that_we_did_not_sign_is_none(scene: Scene) -> None:
    stranger = scene.stranger()
    for forged in ("eyJhdGhsZXRlIjoxfQ", "eyJhdGhsZXRlIjoxfQ.aaaa.bbbb", "." * 50, "'; --", "\x00"):
        assert stranger.get("/home", headers={"Cookie": f"adductor={forged}"}).headers["Location"] == "/", forged


def test_the_button_pressed_twice_makes_one_runner(here_on_each: Place) -> None:
    """Four ways back at the same moment: none is an error, and both kept tokens are of one of them."""
    installation, start = here_on_each.installation, threading.Barrier(4)

    def connect(number: int) -> None:
        pair = Tokens(f"access {number}", f"refresh {number}", here_on_each.now)
        start.wait()
        with installation.store.write() as session:
            connections.connect(session, installation, "strava", Grant(pair, "4711", "Mara", "UTC", "metric"), SCOPES)

    for _ in range(5):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(connect, range(4)))
        with installation.store.write() as session:
            athlete = session.scalars(select(Athlete)).one()
            kept = (athlete.connection.access_encrypted or b"", athlete.connection.refresh_encrypted or b"")
            access, refresh = map(installation.vault.decrypt, kept)
            assert access.replace("access", "refresh") == refresh
            session.delete(athlete)


PURPOSES = {"a": 30, "r": 14, "useful": 30, "confirm-address": 3, "unsubscribe": 5 * 365}  # and days until it ends


def _token(scene: Scene, purpose: str) -> str:
    paths = {path.split("/")[1]: path for path in scene.mine.links(scene.here).values()}
    return paths[purpose].split("/")[2]


@pytest.fixture
def scene(scene: Scene) -> Scene:
    """With an address that is still to be confirmed, so that each link has something to do."""
    scene.here.change(scene.mine.id, email_confirmed_at=None)
    return scene


@pytest.mark.parametrize(("made_for", "days"), PURPOSES.items())
def test_a_link_of_one_purpose_does_nothing_else_and_ends(scene: Scene, made_for: str, days: int) -> None:
    before, token, csrf = scene.everything(), _token(scene, made_for), scene.visitor.token()

    for used_as in {*PURPOSES, "calendar", "webhooks/strava", "routine", "suggestions"} - {made_for}:
        path = f"/{used_as}/{token}" + (".ics" if used_as == "calendar" else "")
        assert scene.visitor.get(path).status_code in (404, 405), path
        assert scene.visitor.post(path, token=csrf).status_code in (404, 405), path

    scene.here.later(days=days, seconds=1)
    assert scene.visitor.http.post(f"/{made_for}/{token}").status_code == 410
    assert scene.everything() == before


@pytest.mark.parametrize("purpose", PURPOSES)
def test_each_link_does_its_own_thing(scene: Scene, purpose: str) -> None:
    """Only by a POST. Or the tests beside this one would pass for links that do nothing at all."""
    before = scene.everything()
    for method in ("GET", "HEAD"):
        assert scene.visitor.http.open(f"/{purpose}/{_token(scene, purpose)}", method=method).status_code == 200
    assert scene.everything() == before

    assert scene.visitor.http.post(f"/{purpose}/{_token(scene, purpose)}").status_code == 200

    mine, theirs = scene.everything()
    assert mine != before[0]
    assert theirs == before[1]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_link_changed_cut_or_signed_anew_is_none(scene: Scene, purpose: str, monkeypatch: pytest.MonkeyPatch) -> None:
    token, before = _token(scene, purpose), scene.everything()
    changed = [token[:at] + ("A" if letter != "A" else "B") + token[at + 1 :] for at, letter in enumerate(token)]
    guessed = Links("another secret of the right length 0123456789", SITE, lambda: scene.here.now)
    monkeypatch.setattr(scene.here.installation, "links", guessed)
    forged = _token(scene, purpose)
    monkeypatch.undo()

    spelt = [token[:at] + junk + token[at:] for junk in ("=", "==", "!", "%20", "..", "ü") for at in (-3, len(token))]
    for wrong in (*changed, *spelt, forged, token[:-1], token[1:], token + "A", token[: len(token) // 2], ""):
        assert scene.visitor.http.post(f"/{purpose}/{wrong}").status_code in (404, 405), wrong

    assert scene.everything() == before
