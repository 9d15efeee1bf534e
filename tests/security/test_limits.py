"""Rate limits: guessers and floods are told to wait; athletes, mail scanners and Strava are not."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from service import limits, supervisor
from service.supervisor import Supervisor
from tests.security.conftest import SITE, person, place_with
from tests.service.pages.conftest import Visitor
from tests.support.runners import Place
from tests.support.site import site

# Addresses of the documentation (RFC 5737): not this machine, so they are counted.
ATTACKER, OTHER = "203.0.113.9", "198.51.100.7"
# The same rules with smaller figures, so that reaching them takes no minute.
EVERYTHING, MISSES, ONE_LINK = 60, 12, 20


def _at(app: Flask, address: str = ATTACKER) -> FlaskClient:
    """A browser or program at this address."""
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = address
    return client


def _until_refused(client: FlaskClient, path: str, most: int = 100, method: str = "GET") -> int:
    """How many were answered before the first 429."""
    asked = range(most)
    return next((count for count in asked if client.open(path, method=method).status_code == 429), most)


@pytest.fixture(autouse=True)
def _smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, most in (("EVERYTHING", EVERYTHING), ("MISSES", MISSES), ("ONE_LINK", ONE_LINK)):
        monkeypatch.setattr(limits, name, f"{most} per minute")


@pytest.fixture
def attacker(app: Flask) -> FlaskClient:
    return _at(app)


_OPENED = ("a/{}", "r/{}", "calendar/{}.ics", "routine/{}", "webhooks/strava/{}", "metrics?{}")
_SENT = ("r/{}", "unsubscribe/{}", "useful/{}", "confirm-address/{}", "webhooks/strava/{}")


@pytest.mark.parametrize(
    ("method", "secret"), [*(("GET", secret) for secret in _OPENED), *(("POST", secret) for secret in _SENT)]
)
def test_guesses_of_secrets_are_limited(app: Flask, attacker: FlaskClient, method: str, secret: str) -> None:
    """Guesses of all kinds count together."""
    paths = [f"/{secret.format(f'guess{number}')}" for number in range(MISSES + 1)]
    assert [attacker.open(path, method=method).status_code for path in paths] == [404] * MISSES + [429]
    assert attacker.get("/a/guess").status_code == 429
    assert _at(app, OTHER).open(paths[0], method=method).status_code == 404


@pytest.mark.parametrize(
    ("given", "counted"),
    [
        *((given, "203.0.113.9") for given in ("203.0.113.9", "203.0.113.9:4711", "::ffff:203.0.113.9")),
        *((given, "2001:db8::") for given in ("2001:db8::7", "[2001:db8::7]", "[2001:db8::7]:443")),
        ("2001:db8:0:1::7", "2001:db8:0:1::"),
        ("fe80::1%eth0", "fe80::"),
        ("no address", "unknown"),
        ("", "unknown"),
    ],
)
def test_address_of_a_proxy_with_port_or_brackets_is_the_callers(app: Flask, given: str, counted: str) -> None:
    with app.test_request_context(environ_base={"REMOTE_ADDR": given}):
        assert limits.address() == counted


def test_strava_is_never_refused_for_its_number(here: Place, attacker: FlaskClient) -> None:
    """Also when it came with an old key until a moment ago, and so from an address that is told to wait."""
    path = f"/webhooks/strava/{here.installation.settings.webhook_key}"
    assert _until_refused(attacker, "/webhooks/strava/an-old-key", method="POST") == MISSES

    answers = [attacker.post(path, data=b"{}") for _ in range(EVERYTHING + 50)]

    assert {answer.status_code for answer in answers} == {400}  # read, and found to be no event
    assert all(answer.get_json()["error"] for answer in answers)


def test_a_mail_scanner_may_open_every_link_of_every_mail(here: Place, attacker: FlaskClient) -> None:
    links, opened = here.installation.links, []
    for number in range(4):
        mine = person(here, f"Runner{number}")
        words = ("done", "too_easy", "too_hard", "not_today", "pain")
        made = [links.answer(mine.public_id, word, here.now) for word in words]
        made += [links.unsubscribe(mine.id, mine.external_id, here.now), links.routine(mine.public_id)]
        made.append(links.runner_routine(mine.public_id))
        opened += [(link.removeprefix(SITE), method) for link in made for method in ("HEAD", "GET", "GET")]

    assert len(opened) > EVERYTHING
    assert {attacker.open(path, method=method).status_code for path, method in opened} == {200}
    # But one link is not hammered.
    assert _until_refused(attacker, person(here, "Anna").links(here)["answers.take"]) == ONE_LINK


def test_flood_from_one_address_waits_and_others_are_answered(app: Flask, here: Place, attacker: FlaskClient) -> None:
    """An athlete at the same address counts by themselves; probes don't count. The refusal is in words or in JSON."""
    assert _until_refused(attacker, "/privacy") == EVERYTHING

    athlete = Visitor(_at(app), here)
    athlete.sign_in(person(here, "Anna").id)
    answers = [attacker.get("/nowhere/at/all"), _at(app, OTHER).get("/privacy"), athlete.get("/home")]
    assert [answer.status_code for answer in answers] == [429, 200, 200]
    assert [_until_refused(attacker, path, 20) for path in ("/healthz", "/readyz")] == [20, 20]
    page, program = attacker.get("/privacy"), attacker.get("/privacy", headers={"Accept": "application/json"})
    assert (page.mimetype, program.mimetype) == ("text/html", "application/json")
    assert ("Too many requests" in page.text, "Try again in" in program.get_json()["error"]) == (True, True)
    assert 1 <= int(page.headers["Retry-After"]) <= 60


@pytest.mark.parametrize(
    ("path", "limit"),
    [("/ops", limits.OPERATORS), ("/connect/strava/callback", limits.CONNECTING), ("/privacy/export", limits.EXPORTS)],
)
def test_connecting_exporting_operating_are_limited(here: Place, attacker: FlaskClient, path: str, limit: str) -> None:
    if path == "/privacy/export":
        Visitor(attacker, here).sign_in(person(here, "Anna").id)
    assert _until_refused(attacker, path) == int(limit.split()[0])


def test_this_machine_is_not_counted_and_callers_behind_a_proxy_are(app: Flask) -> None:
    local, forwarded = _at(app, "127.0.0.1"), {"X-Forwarded-For": ATTACKER}
    assert _until_refused(local, "/privacy", EVERYTHING * 2) == EVERYTHING * 2
    app.config["TRUSTED_PROXIES"] = 1
    answers = [local.get("/privacy", headers=forwarded).status_code for _ in range(EVERYTHING + 1)]
    assert answers == [200] * EVERYTHING + [429]


@pytest.mark.processes
def test_processes_count_together_in_redis_apart_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REDIS_TIMEOUT_S", 10.0)  # a slow moment of this machine is no Redis that is gone
    running = Supervisor()
    try:
        url = supervisor.start_broker(running, tmp_path / "redis", {})
        with place_with(tmp_path / "here", ADDUCTOR_REDIS_URL=url) as here:
            client = _at(site(here))
            assert _until_refused(client, "/a/guess") == MISSES
            keys = b" ".join(redis.Redis.from_url(url).scan_iter("*"))
            assert ATTACKER.encode() in keys
            assert b"guess" not in keys

            running.end()

            # Redis is gone: the site is not, and the process counts for itself.
            assert client.get("/privacy").status_code == 200
            assert _until_refused(client, "/a/guess") <= MISSES
            webhook = f"/webhooks/strava/{here.installation.settings.webhook_key}"
            assert client.post(webhook, data=b"{}").status_code == 400
    finally:
        running.end()
