"""The headers of every answer, and what is believed of a request's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import request
from flask.testing import FlaskClient

from service.app import create_app
from tests.security.conftest import Scene, place_with

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


def test_every_answer_of_every_route_carries_the_protecting_headers_and_no_cache_keeps_an_athletes(
    scene: Scene,
) -> None:
    """No page needs more than the policy allows: no style or script within it, none from another host."""
    for rule, path in scene.routes("GET"):
        answer = scene.visitor.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert {part.strip() for part in policy.split(";")} >= _POLICY, rule.rule
        assert "unsafe" not in policy, rule.rule
        assert set(answer.headers.items()) >= _ALWAYS, rule.rule
        if answer.mimetype == "text/html":
            found = re.findall(r" style=|<style|<script>| on\w+=|//fonts\.", answer.text)
            assert found == [], rule.rule
    for path in ("/home", "/settings", "/suggestions", "/privacy/export", f"/routine/{scene.mine.public_id}/state"):
        assert scene.visitor.get(path).headers["Cache-Control"] == "no-store", path
    feed = scene.visitor.get(f"/calendar/{scene.mine.calendar_key}.ics")
    assert feed.headers["Cache-Control"].startswith("private")


@pytest.mark.parametrize(
    ("url", "name", "secure"), [(WITH_TLS, "__Host-adductor", True), ("http://coach.example.org", "adductor", False)]
)
def test_the_cookie_is_closed_to_scripts_other_sites_and_plain_wires(
    tmp_path: Path, url: str, name: str, secure: bool
) -> None:
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
def test_caller_is_believed_of_as_many_proxies_as_are_set(
    tmp_path: Path, proxies: str, forwarded: str, who: str
) -> None:
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
