"""What every answer carries, and whom we believe about who asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import request
from flask.testing import FlaskClient

from service.app import create_app
from tests.security.conftest import path_of, person, routes
from tests.service.pages.conftest import Visitor
from tests.support.runners import Place, place


def _client(folder: Path, **settings: str) -> tuple[FlaskClient, list[str]]:
    """The application, and from where each of its requests came, as it sees it."""
    with place(folder, STRAVA_CLIENT_ID="1", STRAVA_CLIENT_SECRET="s", **settings) as here:
        app = create_app(here.installation.settings)
    seen: list[str] = []
    app.before_request(lambda: seen.append(f"{request.scheme} {request.remote_addr}"))
    return app.test_client(), seen


def test_every_answer_of_every_route_carries_the_protecting_headers(here: Place, visitor: Visitor) -> None:
    mine = person(here, "Anna")
    visitor.sign_in(mine.id)
    app = visitor.http.application

    for rule in routes(app, "GET"):
        headers = visitor.get(path_of(app, rule, public_id=mine.public_id)).headers
        policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'", rule.rule
        assert policy["frame-ancestors"] == "'none'", rule.rule
        assert policy["base-uri"] == "'none'", rule.rule
        assert policy["form-action"] == "'self'", rule.rule
        assert "unsafe" not in headers["Content-Security-Policy"], rule.rule
        assert headers["X-Content-Type-Options"] == "nosniff", rule.rule
        assert headers["X-Frame-Options"] == "DENY", rule.rule
        assert headers["Referrer-Policy"] == "no-referrer", rule.rule


@pytest.mark.parametrize("path", ["/", "/nowhere", "/healthz", "/connect/strava"])
def test_behind_tls_browsers_are_told_to_stay_there(tmp_path: Path, path: str) -> None:
    with_tls, _ = _client(tmp_path / "a", ADDUCTOR_PUBLIC_URL="https://coach.example.org")
    without, _ = _client(tmp_path / "b", ADDUCTOR_PUBLIC_URL="http://coach.example.org")

    assert with_tls.get(path).headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in without.get(path).headers


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
def test_who_asks_is_believed_of_as_many_proxies_as_are_set(
    tmp_path: Path, proxies: str, forwarded: str, who: str
) -> None:
    client, seen = _client(tmp_path, ADDUCTOR_TRUSTED_PROXIES=proxies)

    client.get("/privacy", headers={"X-Forwarded-For": forwarded}, environ_base={"REMOTE_ADDR": "198.51.100.1"})

    assert seen == [f"http {who}"]


@pytest.mark.parametrize("proxies", ["0", "1"])
@pytest.mark.parametrize(
    "claim",
    [
        {"X-Forwarded-Proto": "https"},
        {"X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Prefix": "/evil"},
        {"X-Forwarded-Port": "1"},
        {"Forwarded": "for=evil;host=evil.example;proto=https"},
        {"Script-Name": "/evil"},
    ],
)
def test_nobody_tells_us_our_own_address(tmp_path: Path, proxies: str, claim: dict[str, str]) -> None:
    client, seen = _client(tmp_path, ADDUCTOR_TRUSTED_PROXIES=proxies, ADDUCTOR_PUBLIC_URL="https://coach.example.org")

    answer = client.get("/connect/strava", headers=claim)

    assert "evil" not in answer.headers["Location"]
    assert "redirect_uri=https%3A%2F%2Fcoach.example.org%2F" in answer.headers["Location"]
    assert seen == ["http 127.0.0.1"]


def test_metrics_are_not_shown_to_whoever_comes_through_a_proxy_of_this_machine(tmp_path: Path) -> None:
    for proxies in ("0", "1", "2"):
        client, _ = _client(tmp_path / proxies, ADDUCTOR_TRUSTED_PROXIES=proxies)
        for header in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
            assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 404, (proxies, header)


def test_nothing_of_a_runners_is_kept_by_caches(here: Place, visitor: Visitor) -> None:
    mine = person(here, "Anna")
    visitor.sign_in(mine.id)
    for path in ("/home", "/settings", "/suggestions", "/privacy/export", f"/routine/{mine.public_id}/state"):
        assert visitor.get(path).headers["Cache-Control"] == "no-store", path
    assert visitor.get(f"/calendar/{mine.calendar_key}.ics").headers["Cache-Control"].startswith("private")


def test_what_may_be_kept_by_all_is_the_same_for_all(here: Place, visitor: Visitor, app: Any) -> None:
    mine = person(here, "Anna")
    stranger = app.test_client()
    visitor.sign_in(mine.id)
    public = []
    for rule in routes(app, "GET"):
        path = path_of(app, rule, public_id=mine.public_id)
        answer = visitor.get(path)
        if "public" in answer.headers.get("Cache-Control", ""):
            public.append(path)
            assert answer.data == stranger.get(path).data, path
    assert public
