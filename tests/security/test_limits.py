"""Rate limits: guessers and floods are told to wait; athletes, mail scanners and Strava are not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service import limits, supervisor
from service.supervisor import Supervisor
from tests.security.conftest import application, person
from tests.support.runners import Place, place

# Addresses of the documentation (RFC 5737, RFC 3849): not this machine, so they are counted.
ATTACKER, OTHER = "203.0.113.9", "198.51.100.7"


class Client:
    """A browser or program at an address."""

    def __init__(self, app: Flask, address: str) -> None:
        self.http: FlaskClient = app.test_client()
        self.address = address

    def ask(self, path: str, method: str = "GET", **more: object) -> TestResponse:
        environ = {"REMOTE_ADDR": self.address}
        return self.http.open(path, method=method, environ_base=environ, **more)  # type: ignore[arg-type]

    def until_refused(self, path: str, most: int, method: str = "GET") -> int:
        """How many were answered before the first 429."""
        for count in range(most):
            if self.ask(path, method).status_code == 429:
                return count
        return most

    def sign_in(self, here: Place) -> None:
        mine = person(here, "Anna")
        with self.http.session_transaction() as session:
            session["athlete"], session["platform_athlete"] = mine.id, mine.platform_athlete_id


def _count(limit: str) -> int:
    return int(limit.split()[0])


@pytest.fixture(autouse=True)
def _smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rules with smaller figures, so that reaching them takes no minute."""
    monkeypatch.setattr(limits, "EVERYTHING", "60 per minute")
    monkeypatch.setattr(limits, "MISSES", "12 per minute")
    monkeypatch.setattr(limits, "ONE_LINK", "20 per minute")


@pytest.fixture
def attacker(app: Flask) -> Client:
    return Client(app, ATTACKER)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/a/guess-{}"),
        ("POST", "/unsubscribe/guess-{}"),
        ("POST", "/confirm-address/guess-{}"),
        ("GET", "/calendar/guess-{}.ics"),
        ("GET", "/routine/guess{}"),
        ("POST", "/webhooks/strava/guess-{}"),
        ("GET", "/webhooks/strava/guess-{}"),
        ("GET", "/metrics?{}"),
    ],
)
def test_whoever_guesses_secrets_is_told_to_wait(attacker: Client, app: Flask, method: str, path: str) -> None:
    allowed = _count(limits.MISSES)

    answers = [attacker.ask(path.format(number), method).status_code for number in range(allowed + 2)]

    assert answers == [404] * allowed + [429] * 2
    assert Client(app, OTHER).ask(path.format(0), method).status_code == 404


def test_guesses_of_all_kinds_count_together(attacker: Client) -> None:
    for number in range(_count(limits.MISSES)):
        kind = ("a", "unsubscribe", "confirm-address", "routine")[number % 4]
        assert attacker.ask(f"/{kind}/guess{number}").status_code == 404

    assert attacker.ask("/a/one-more").status_code == 429


@pytest.mark.parametrize(
    ("given", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("2001:db8::7", "2001:db8::"),
        ("[2001:db8::7]", "2001:db8::"),
        ("[2001:db8::7]:443", "2001:db8::"),
        ("2001:db8:0:1::7", "2001:db8:0:1::"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::"),
        ("nobody", "unknown"),
        ("", "unknown"),
    ],
)
def test_address_of_a_proxy_with_port_or_brackets_is_the_callers(app: Flask, given: str, counted: str) -> None:
    with app.test_request_context(environ_base={"REMOTE_ADDR": given}):
        assert limits.address() == counted


def test_strava_is_never_refused_for_its_number(here: Place, app: Flask) -> None:
    """Also when it came with an old key until a moment ago, and so from an address that is told to wait."""
    strava = Client(app, ATTACKER)
    path = f"/webhooks/strava/{here.installation.settings.webhook_key}"
    assert strava.until_refused("/webhooks/strava/an-old-key", 100, "POST") == _count(limits.MISSES)

    answers = {strava.ask(path, "POST", data=b"{}").status_code for _ in range(_count(limits.EVERYTHING) + 50)}

    assert answers == {400}  # read, and found to be no event


def test_a_mail_scanner_may_open_every_link_of_every_mail(here: Place, app: Flask) -> None:
    scanner = Client(app, ATTACKER)
    links = here.installation.links
    answers = set()
    for number in range(4):
        mine = person(here, f"Runner{number}")
        said = ("done", "too_easy", "too_hard", "not_today", "pain")
        made = [links.answer(mine.public_id, word, here.now) for word in said]
        made += [links.unsubscribe(mine.id, mine.platform_athlete_id, here.now), links.routine(mine.public_id)]
        for link in made:
            for method in ("HEAD", "GET", "GET"):
                answers.add(scanner.ask(link.removeprefix("http://coach.example.org"), method).status_code)

    assert _count(limits.EVERYTHING) < 4 * 7 * 3
    assert answers == {200}


def test_one_link_is_not_hammered(here: Place, attacker: Client) -> None:
    mine = person(here, "Anna")
    link = here.installation.links.answer(mine.public_id, "done", here.now).removeprefix("http://coach.example.org")

    assert attacker.until_refused(link, 100) == _count(limits.ONE_LINK)


def test_a_flood_from_one_address_is_told_to_wait_and_others_are_answered(
    here: Place, app: Flask, attacker: Client
) -> None:
    allowed = _count(limits.EVERYTHING)

    assert attacker.until_refused("/privacy", allowed + 10) == allowed
    assert attacker.ask("/nowhere/at/all").status_code == 429
    assert Client(app, OTHER).ask("/privacy").status_code == 200
    athlete_there = Client(app, ATTACKER)
    athlete_there.sign_in(here)
    assert athlete_there.ask("/home").status_code == 200
    for path in ("/healthz", "/readyz"):
        assert attacker.until_refused(path, 20) == 20


def test_connecting_and_exporting_have_limits_of_their_own(here: Place, attacker: Client) -> None:
    assert attacker.until_refused("/connect/strava/callback", 100) == _count(limits.CONNECTING)
    attacker.sign_in(here)
    assert attacker.until_refused("/privacy/export", 100) == _count(limits.EXPORTS)


def test_the_operators_token_is_not_guessed(attacker: Client) -> None:
    page = attacker.ask("/ops/sign-in").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    answers = [
        attacker.ask("/ops/sign-in", "POST", data={"csrf_token": token, "token": f"guess {number}"}).status_code
        for number in range(_count(limits.OPERATORS) + 1)
    ]

    assert answers[-1] == 429
    assert 429 not in answers[:-1]


def test_the_answer_says_how_long_to_wait_in_words_or_json(attacker: Client) -> None:
    attacker.until_refused("/privacy", 1000)
    attacker.until_refused("/webhooks/strava/guess", 1000, "POST")

    page, program = attacker.ask("/privacy"), attacker.ask("/webhooks/strava/guess", "POST")
    asked = attacker.ask("/privacy", headers={"Accept": "application/json"})

    assert (page.mimetype, program.mimetype, asked.mimetype) == ("text/html", "application/json", "application/json")
    assert "Too many requests" in page.text
    assert "Try again in" in program.get_json()["error"]
    assert 1 <= int(page.headers["Retry-After"]) <= 60
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_this_machine_is_not_counted_and_callers_behind_a_proxy_are(here: Place) -> None:
    app = application(here)
    local = Client(app, "127.0.0.1")
    assert local.until_refused("/privacy", 100) == 100

    app.config["TRUSTED_PROXIES"] = 1
    answers = [local.ask("/privacy", headers={"X-Forwarded-For": ATTACKER}).status_code for _ in range(61)]
    assert answers[-1] == 429


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[tuple[Supervisor, str]]:
    """A Redis of the test's own."""
    running = Supervisor()
    try:
        yield running, supervisor.start_broker(running, tmp_path / "redis", {})
    finally:
        running.end()


@pytest.mark.processes
def test_processes_count_together_in_redis_and_apart_without_it(
    tmp_path: Path, broker: tuple[Supervisor, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REDIS_TIMEOUT_S", 10.0)  # a slow moment of this machine is no Redis that is gone
    running, url = broker
    with place(tmp_path / "here", ADDUCTOR_REDIS_URL=url, STRAVA_CLIENT_ID="1", STRAVA_CLIENT_SECRET="s") as here:
        client = Client(application(here), ATTACKER)
        assert client.until_refused("/a/guess", 100) == _count(limits.MISSES)
        keys = b" ".join(redis.Redis.from_url(url).scan_iter("*"))
        assert ATTACKER.encode() in keys
        assert b"guess" not in keys

        running.end()

        # Redis is gone: the site is not, and the process counts for itself.
        assert client.ask("/privacy").status_code == 200
        assert client.until_refused("/a/guess", 100) <= _count(limits.MISSES)
        webhook = "/webhooks/strava/" + here.installation.settings.webhook_key
        assert client.ask(webhook, "POST", data=b"{}").status_code == 400
