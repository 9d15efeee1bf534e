"""Rate limits: guessers and floods are told to wait; athletes, mail scanners and Strava are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from werkzeug.test import TestResponse

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


class Client:
    """A browser or program at an address."""

    def __init__(self, app: Flask, address: str = ATTACKER) -> None:
        self.http, self.address = app.test_client(), address

    def ask(self, path: str, method: str = "GET", **more: Any) -> TestResponse:
        return self.http.open(path, method=method, environ_base={"REMOTE_ADDR": self.address}, **more)

    def until_refused(self, path: str, most: int, method: str = "GET") -> int:
        """How many were answered before the first 429."""
        asked = range(most)
        return next((count for count in asked if self.ask(path, method).status_code == 429), most)

    def sign_in(self, here: Place) -> None:
        Visitor(self.http, here).sign_in(person(here, "Anna").id)


@pytest.fixture(autouse=True)
def _smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, most in (("EVERYTHING", EVERYTHING), ("MISSES", MISSES), ("ONE_LINK", ONE_LINK)):
        monkeypatch.setattr(limits, name, f"{most} per minute")


@pytest.fixture
def attacker(app: Flask) -> Client:
    return Client(app)


def _count(limit: str) -> int:
    return int(limit.split()[0])


_OPENED = ("a/{}", "r/{}", "calendar/{}.ics", "routine/{}", "webhooks/strava/{}", "metrics?{}")
_SENT = ("r/{}", "unsubscribe/{}", "useful/{}", "confirm-address/{}", "webhooks/strava/{}")


@pytest.mark.parametrize(
    ("method", "secret"), [*(("GET", secret) for secret in _OPENED), *(("POST", secret) for secret in _SENT)]
)
def test_guesses_of_secrets_are_limited(app: Flask, attacker: Client, method: str, secret: str) -> None:
    """Guesses of all kinds count together."""
    paths = [f"/{secret.format(f'guess{number}')}" for number in range(MISSES + 1)]

    assert [attacker.ask(path, method).status_code for path in paths] == [404] * MISSES + [429]
    assert attacker.ask("/a/guess").status_code == 429
    assert Client(app, OTHER).ask(paths[0], method).status_code == 404


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


def test_strava_is_never_refused_for_its_number(here: Place, attacker: Client) -> None:
    """Also when it came with an old key until a moment ago, and so from an address that is told to wait."""
    path = f"/webhooks/strava/{here.installation.settings.webhook_key}"
    assert attacker.until_refused("/webhooks/strava/an-old-key", 100, "POST") == MISSES

    answers = [attacker.ask(path, "POST", data=b"{}") for _ in range(EVERYTHING + 50)]

    assert {answer.status_code for answer in answers} == {400}  # read, and found to be no event
    assert all(answer.get_json()["error"] for answer in answers)


def test_a_mail_scanner_may_open_every_link_of_every_mail(here: Place, attacker: Client) -> None:
    links, opened = here.installation.links, []
    for number in range(4):
        mine = person(here, f"Runner{number}")
        words = ("done", "too_easy", "too_hard", "not_today", "pain")
        made = [links.answer(mine.public_id, word, here.now) for word in words]
        made += [links.unsubscribe(mine.id, mine.external_id, here.now), links.routine(mine.public_id)]
        made.append(links.runner_routine(mine.public_id))
        opened += [(link.removeprefix(SITE), method) for link in made for method in ("HEAD", "GET", "GET")]

    assert len(opened) > EVERYTHING
    assert {attacker.ask(*each).status_code for each in opened} == {200}
    # But one link is not hammered.
    assert attacker.until_refused(person(here, "Anna").links(here)["answers.take"], 100) == ONE_LINK


def test_a_flood_from_one_address_is_told_to_wait_and_others_are_answered(
    app: Flask, here: Place, attacker: Client
) -> None:
    """An athlete at the same address counts by themselves; probes don't count."""
    assert attacker.until_refused("/privacy", EVERYTHING + 10) == EVERYTHING

    athlete = Client(app)
    athlete.sign_in(here)
    answers = [attacker.ask("/nowhere/at/all"), Client(app, OTHER).ask("/privacy"), athlete.ask("/home")]
    assert [answer.status_code for answer in answers] == [429, 200, 200]
    assert [attacker.until_refused(path, 20) for path in ("/healthz", "/readyz")] == [20, 20]


def test_connecting_exporting_and_the_operators_token_have_limits_of_their_own(here: Place, attacker: Client) -> None:
    assert attacker.until_refused("/ops", 100) == _count(limits.OPERATORS)
    assert attacker.until_refused("/connect/strava/callback", 100) == _count(limits.CONNECTING)
    attacker.sign_in(here)
    assert attacker.until_refused("/privacy/export", 100) == _count(limits.EXPORTS)


def test_refusal_says_how_long_to_wait_in_words_or_json(attacker: Client) -> None:
    attacker.until_refused("/privacy", 1000)
    attacker.until_refused("/webhooks/strava/guess", 1000, "POST")

    page, program = attacker.ask("/privacy"), attacker.ask("/webhooks/strava/guess", "POST")

    assert (page.mimetype, program.mimetype) == ("text/html", "application/json")
    assert attacker.ask("/privacy", headers={"Accept": "application/json"}).mimetype == "application/json"
    assert "Too many requests" in page.text
    assert "Try again in" in program.get_json()["error"]
    assert 1 <= int(page.headers["Retry-After"]) <= 60


def test_this_machine_is_not_counted_and_callers_behind_a_proxy_are(app: Flask) -> None:
    local, forwarded = Client(app, "127.0.0.1"), {"X-Forwarded-For": ATTACKER}
    assert local.until_refused("/privacy", EVERYTHING * 2) == EVERYTHING * 2

    app.config["TRUSTED_PROXIES"] = 1
    answers = [local.ask("/privacy", headers=forwarded).status_code for _ in range(EVERYTHING + 1)]

    assert answers == [200] * EVERYTHING + [429]


@pytest.mark.processes
def test_processes_count_together_in_redis_and_apart_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REDIS_TIMEOUT_S", 10.0)  # a slow moment of this machine is no Redis that is gone
    running = Supervisor()
    try:
        url = supervisor.start_broker(running, tmp_path / "redis", {})
        with place_with(tmp_path / "here", ADDUCTOR_REDIS_URL=url) as here:
            client = Client(site(here))
            assert client.until_refused("/a/guess", 100) == MISSES
            keys = b" ".join(redis.Redis.from_url(url).scan_iter("*"))
            assert ATTACKER.encode() in keys
            assert b"guess" not in keys

            running.end()

            # Redis is gone: the site is not, and the process counts for itself.
            assert client.ask("/privacy").status_code == 200
            assert client.until_refused("/a/guess", 100) <= MISSES
            webhook = f"/webhooks/strava/{here.installation.settings.webhook_key}"
            assert client.ask(webhook, "POST", data=b"{}").status_code == 400
    finally:
        running.end()
