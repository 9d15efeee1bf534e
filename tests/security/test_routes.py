"""Every route, also those that come later: no change without a form of ours, no look at another athlete's anything.

The headers of every answer, and what is believed of a request's.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import request
from flask.testing import FlaskClient

from service.app import create_app
from tests.security.conftest import BY_ADDRESS, ENDING, FIELDS, SITE, Scene, person, place_with

# The address is the athlete's own secret, given to a calendar or standing in their mail.
_SECRET = BY_ADDRESS | {"answers.ask", "pages.calendar"}
# Shows exercises and nothing of the athlete, by a link that can't be guessed and stands in their notes.
_STEPS_ONLY = {"pages.routine", "pages.routine_exercise", "pages.routine_state"}


@pytest.mark.parametrize("token_of", ["none", "another browser"])
def test_every_form_wants_the_token_of_a_page_of_this_browser(scene: Scene, token_of: str) -> None:
    fields, before = dict(FIELDS), scene.everything()
    if token_of != "none":
        attacker = scene.stranger()
        attacker.sign_in(scene.theirs.id)
        fields["csrf_token"] = attacker.token()
    forms = list(scene.routes("POST", without=BY_ADDRESS))
    assert len(forms) > 12

    for rule, path in forms:
        answer = scene.visitor.http.post(path, data=fields)
        assert answer.status_code == 400, rule.rule
        assert "out of date" in answer.text, rule.rule

    assert scene.everything() == before


def test_routes_without_a_token_need_the_secret_in_their_address(scene: Scene) -> None:
    for rule, path in scene.routes("POST"):
        if rule.endpoint in BY_ADDRESS:
            assert scene.visitor.http.post(path, data=FIELDS).status_code == 404, rule.rule


def test_another_runners_ids_open_nothing_on_any_route(scene: Scene) -> None:
    theirs, before = scene.theirs, scene.everything()[1]
    owned = [
        (method, rule, path)
        for method in ("GET", "POST")
        for rule, path in scene.routes(method, of=theirs)
        if rule.arguments & {"public_id", "race_id"}
    ]
    assert len(owned) >= 6

    for method, rule, path in owned:
        data = {"csrf_token": scene.visitor.token(), **FIELDS} if method == "POST" else None
        answer = scene.visitor.http.open(path, method=method, data=data)
        if rule.endpoint in _STEPS_ONLY:
            assert answer.status_code in (200, 400), rule.rule
            assert scene.here.suggestion(theirs.id).reason not in answer.text, rule.rule
        else:
            assert answer.status_code in (403, 404), rule.rule
        assert not [text for text in theirs.private if text in answer.text], rule.rule

    assert scene.everything()[1] == before


def test_no_page_shows_anything_of_another_athlete_or_follows_the_host_that_was_asked_for(scene: Scene) -> None:
    """Neither to an athlete nor to a stranger, who has the ids of one."""
    strange, theirs = scene.stranger(), scene.theirs
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Original-URL": "//evil"}
    looked = [(scene.visitor, *each) for each in scene.routes("GET", without=_SECRET)]
    looked += [(strange, *each) for each in scene.routes("GET", of=theirs, without=_SECRET)]

    for visitor, rule, path in looked:
        answer = visitor.get(path, headers=headers)
        private = theirs.private if visitor is strange else (*theirs.private, theirs.public_id)
        assert not [text for text in (*private, "evil") if text in answer.text], rule.rule
        assert "evil" not in answer.headers.get("Location", ""), rule.rule


def test_nothing_that_i_send_changes_anything_of_theirs(scene: Scene) -> None:
    """Also with their ids among the fields: a form names no athlete, only the session does."""
    names = ("athlete", "athlete_id", "id", "user", "runner", "external_id", "public_id", "suggestion")
    fields = {**FIELDS, **dict.fromkeys(names, str(scene.theirs.id))}
    before = scene.everything()[1]

    for _, path in scene.routes("POST", without=BY_ADDRESS | ENDING):
        scene.visitor.post(path, **fields)

    assert scene.everything()[1] == before


def test_who_comes_after_one_who_left_is_not_taken_for_them(scene: Scene) -> None:
    """SQLite gives a deleted athlete's number to the next: old browsers and old links must not follow the number."""
    here, gone = scene.here, scene.theirs
    scene.visitor.sign_in(gone.id)
    link = here.installation.links.unsubscribe(gone.id, gone.external_id, here.now).removeprefix(SITE)
    with here.installation.store.write() as session:
        session.delete(here.locked(session, gone.id))
    newcomer = person(here, "Clara")
    assert newcomer.id == gone.id

    page = scene.visitor.get("/home")

    assert (page.status_code, page.headers["Location"]) == (302, "/")
    assert (scene.visitor.http.get(link).status_code, scene.visitor.http.post(link).status_code) == (404, 404)
    assert here.athlete(newcomer.id).unsubscribed_at is None


_POLICY = {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"}
_ALWAYS = {("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer")}
WITH_TLS = "https://coach.example.org"


def _client(folder: Path, **settings: str) -> tuple[FlaskClient, list[str]]:
    """The application, and from where each of its requests came, as it sees it."""
    with place_with(folder, **settings) as here:
        app = create_app(here.installation.settings)
    seen: list[str] = []
    app.before_request(lambda: seen.append(f"{request.scheme} {request.remote_addr}"))
    return app.test_client(), seen


def test_looking_changes_nothing_and_every_answer_carries_the_protecting_headers(scene: Scene) -> None:
    """No page needs more than the policy allows: no style or script within it, none from another host."""
    before = scene.everything()
    for rule, path in scene.routes("GET", key=scene.mine.calendar_key):
        assert scene.visitor.http.head(path).status_code != 500, rule.rule
        answer = scene.visitor.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert {part.strip() for part in policy.split(";")} >= _POLICY, rule.rule
        assert "unsafe" not in policy, rule.rule
        assert set(answer.headers.items()) >= _ALWAYS, rule.rule
        if answer.mimetype == "text/html":
            found = re.findall(r" style=|<style|<script>| on\w+=|//fonts\.", answer.text)
            assert found == [], rule.rule
    assert scene.everything() == before
    for path in ("/home", "/settings", "/suggestions", "/privacy/export", f"/routine/{scene.mine.public_id}/state"):
        assert scene.visitor.get(path).headers["Cache-Control"] == "no-store", path
    feed = scene.visitor.get(f"/calendar/{scene.mine.calendar_key}.ics")
    assert feed.headers["Cache-Control"].startswith("private")


@pytest.mark.parametrize(
    ("url", "name", "secure"), [(WITH_TLS, "__Host-adductor", True), ("http://coach.example.org", "adductor", False)]
)
def test_cookie_is_closed_to_scripts_other_sites_and_wires(tmp_path: Path, url: str, name: str, secure: bool) -> None:
    """And browsers behind TLS are told to stay there."""
    client, _ = _client(tmp_path, ADDUCTOR_PUBLIC_URL=url)
    for path in ("/", "/nowhere", "/healthz", "/connect/strava"):
        expected = "max-age=31536000" if secure else None
        assert client.get(path).headers.get("Strict-Transport-Security") == expected, path

    given, *attributes = client.get("/connect/strava").headers["Set-Cookie"].split("; ")

    assert given.startswith(f"{name}=")
    assert set(attributes) >= {"HttpOnly", "SameSite=Lax", "Path=/"}
    assert ("Secure" in attributes) is secure
    assert not [attribute for attribute in attributes if attribute.startswith("Domain")]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "who"),
    [
        ("0", "203.0.113.9", "198.51.100.1"),
        ("1", "203.0.113.9", "203.0.113.9"),
        ("1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("2", "1.1.1.1, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        ("2", "203.0.113.9", "198.51.100.1"),
    ],
)
def test_caller_is_believed_of_as_many_proxies_as_set(tmp_path: Path, proxies: str, forwarded: str, who: str) -> None:
    client, seen = _client(tmp_path, ADDUCTOR_TRUSTED_PROXIES=proxies)
    client.get("/privacy", headers={"X-Forwarded-For": forwarded}, environ_base={"REMOTE_ADDR": "198.51.100.1"})
    assert seen == [f"http {who}"]


@pytest.mark.parametrize("proxies", ["0", "1"])
def test_no_header_tells_us_our_own_address(tmp_path: Path, proxies: str) -> None:
    client, seen = _client(tmp_path, ADDUCTOR_TRUSTED_PROXIES=proxies, ADDUCTOR_PUBLIC_URL=WITH_TLS)
    claims = [(f"X-Forwarded-{name}", "/evil") for name in ("Host", "Prefix")]
    claims += [("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "1"), ("Script-Name", "/evil")]
    claims += [("Forwarded", "for=evil;host=evil.example;proto=https"), ("Host", "evil.example")]

    for claim in claims:
        target = client.get("/connect/strava", headers=[claim]).headers["Location"]
        assert "evil" not in target, claim
        assert "redirect_uri=https%3A%2F%2Fcoach.example.org%2F" in target, claim

    assert set(seen) == {"http 127.0.0.1"}


def test_metrics_are_not_shown_through_a_proxy_of_this_machine(tmp_path: Path) -> None:
    for proxies in ("0", "1", "2"):
        client, _ = _client(tmp_path / proxies, ADDUCTOR_TRUSTED_PROXIES=proxies)
        for header in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
            assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 404, (proxies, header)
