"""Duties of the installation: the subscription is asked for, the dead man's switch pinged, the weekly mail sent."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from unittest import mock

import pytest
import requests
from pytest_httpserver import HTTPServer
from sqlalchemy import select

from adductor.jobs import duties, letters, rounds, subscribing
from adductor.platforms.base import ErrorKind, PlatformError, Subscription
from adductor.queue import heartbeats
from adductor.store.models import Heartbeat, Outage
from service.doctor.status import read_status
from service.ops import exposition
from tests.service.conftest import APPLICATION
from tests.support.runners import Place, place
from tests.support.site import site

AT_WORK = ("beat", "clock", "web")


class Strava:
    """The subscriptions of one application at Strava. ``refuses``: what is raised by listing or creating one."""

    label = "Strava"

    def __init__(self) -> None:
        self.standing: list[Subscription] = []
        self.refuses: dict[str, PlatformError] = {}
        self.asked = 0

    def list_subscriptions(self) -> list[Subscription]:
        self.asked += 1
        self._refuse("list")
        return self.standing

    def create_subscription(self, callback_url: str, verify_token: str) -> int:
        self._refuse("create")
        self.standing = [Subscription(self.asked, callback_url)]
        return self.asked

    def delete_subscription(self, subscription_id: int) -> None:
        self.standing = []

    def _refuse(self, call: str) -> None:
        if call in self.refuses:
            raise self.refuses[call]


@pytest.fixture
def strava(here: Place) -> Strava:
    """With our subscription, which `adductor strava subscribe` has made."""
    strava = Strava()
    here.installation.platforms["strava"] = strava
    subscribing.subscribe(here.installation)
    return strava


def _known(here: Place) -> bool:
    return "adductor_subscription_known 1.0" in exposition.text(here.installation).decode()


def _outages(here: Place) -> list[datetime]:
    with here.installation.store.read() as session:
        return list(session.scalars(select(Outage.began_at)))


def _run(here: Place, duty: duties.Duty, **after: float) -> bool:
    here.later(**after)
    return duties.run_due(here.installation, duty)


def _refusal(code: str) -> PlatformError:
    return PlatformError(ErrorKind.REFUSED, "Strava refused.", status=400, details=(f"PushSubscription/{code}",))


def _problem(here: Place) -> str:
    return read_status(here.installation).subscription_problem or ""


def test_subscription_gone_at_strava_is_made_again_and_its_id_learned(here: Place, strava: Strava) -> None:
    """The time without it is an outage: every log is looked at. A repeated `subscribe` is none."""
    subscribed_at = here.now
    assert _known(here)
    assert [_run(here, duties.SUBSCRIPTION, minutes=30), _outages(here)] == [False, []]

    strava.standing = []
    assert _run(here, duties.SUBSCRIPTION, minutes=31)
    assert strava.standing[0].callback_url == here.installation.settings.webhook_url
    assert _known(here)

    strava.standing = [Subscription(77, here.installation.settings.webhook_url)]
    _run(here, duties.SUBSCRIPTION, hours=1)
    subscribing.subscribe(here.installation)
    known = read_status(here.installation).subscription
    assert (known and known.subscription_id, _outages(here)) == (77, [subscribed_at])

    asked = strava.asked
    assert _run(here, duties.SUBSCRIPTION, hours=-5)  # the clock was set back
    assert strava.asked == asked + 1


def test_subscription_that_cannot_be_made_again_is_unknown_and_tried_in_minutes(here: Place, strava: Strava) -> None:
    subscribed_at = here.now
    strava.standing, strava.refuses = [], {"create": _refusal("callback url/not verifiable")}
    assert _run(here, duties.SUBSCRIPTION, hours=1)
    assert (_known(here), "didn't get the right answer" in _problem(here)) == (False, True)

    strava.refuses = {}

    assert [_run(here, duties.SUBSCRIPTION, minutes=9), _run(here, duties.SUBSCRIPTION, minutes=1)] == [False, True]
    assert (_known(here), _outages(here)) == (True, [subscribed_at])


@pytest.mark.parametrize(
    ("former", "code", "words"),
    [
        (None, "callback url/not verifiable", "https://coach.example.org .*ADDUCTOR_PUBLIC_URL .*again.$"),
        ("https://old.example/the-old-key", "callback url/invalid", "https://old.example had to be deleted"),
        (None, "subscription/already exists", "Another process or installation"),
        (None, "Application//", "^Strava refused.$"),
    ],
)
def test_refused_subscription_names_what_to_check(
    here: Place, strava: Strava, monkeypatch: pytest.MonkeyPatch, former: str | None, code: str, words: str
) -> None:
    monkeypatch.setattr(subscribing, "handshake_problem", lambda _: None)
    strava.standing = [Subscription(9, former)] if former else []
    strava.refuses = {"create": _refusal(code)}

    with pytest.raises(PlatformError, match=words) as caught:
        subscribing.subscribe(here.installation)

    assert "old-key" not in caught.value.message
    assert here.installation.settings.webhook_key not in caught.value.message


@pytest.mark.parametrize(
    ("host", "is_ours"), [("https://other.example.org", False), ("https://coach.example.org", True)]
)
def test_subscription_elsewhere_is_replaced_under_our_own_host_and_left_and_told_at_another(
    here: Place, strava: Strava, monkeypatch: pytest.MonkeyPatch, host: str, is_ours: bool
) -> None:
    strava.standing = [Subscription(9, f"{host}/webhooks/strava/another-key")]
    monkeypatch.setattr(subscribing, "handshake_problem", lambda _: None)

    _run(here, duties.SUBSCRIPTION, hours=1)

    (found,) = strava.standing
    assert (found.callback_url == here.installation.settings.webhook_url) is is_ours
    assert _known(here) is is_ours
    assert (host in _problem(here)) is not is_ours
    assert "another-key" not in _problem(here)


def test_subscription_counts_as_unknown_when_strava_gives_no_word_for_three_hours(here: Place, strava: Strava) -> None:
    strava.refuses = {"list": PlatformError(ErrorKind.RETRY, "Strava is away")}
    known = [_known(here) for _ in range(4) if _run(here, duties.SUBSCRIPTION, hours=1)]
    assert known == [True, True, True, False]
    assert "Strava is away" in _problem(here)


def test_subscription_ended_by_the_operator_is_not_made_again(here: Place, strava: Strava) -> None:
    subscribing.unsubscribe(here.installation)
    assert not _run(here, duties.SUBSCRIPTION, days=1)
    assert (strava.standing, _known(here)) == ([], False)


@pytest.fixture
def watched(tmp_path: Path, httpserver: HTTPServer) -> Iterator[Place]:
    """An installation whose heartbeat is watched; its parts are at work."""
    url = httpserver.url_for("/ping/secret-key?status=up")
    with place(tmp_path, ADDUCTOR_HEARTBEAT_URL=url, **APPLICATION) as made:
        _beat(made)
        yield made


def _beat(here: Place, parts: tuple[str, ...] = AT_WORK) -> None:
    with here.installation.store.write() as session:
        for part in parts:
            session.merge(Heartbeat(part=part, at=here.now))


def test_ping_goes_out_every_ten_minutes_while_no_part_is_silent(watched: Place, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/ping/secret-key", query_string="status=up").respond_with_data("ok")
    ran = []
    for minutes in (0, 9, 1):
        watched.later(minutes=minutes)
        _beat(watched)
        ran.append(_run(watched, duties.PING))

    assert ran == [True, False, True]
    assert len(httpserver.log) == 2
    assert read_status(watched.installation).duty_problems == []

    for silent in AT_WORK:
        watched.later(minutes=12)
        _beat(watched, tuple(part for part in AT_WORK if part != silent))
        _run(watched, duties.PING)
        (problem,) = read_status(watched.installation).duty_problems
        assert "held back" in problem
    assert len(httpserver.log) == 2


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (None, "answers 404"),
        (requests.ConnectTimeout("https://hc.example.org/secret-key"), "can't be reached (ConnectTimeout)"),
        (UnicodeError("label too long"), "can't be reached (UnicodeError)"),
    ],
)
def test_ping_that_fails_is_told_without_its_address_and_repeated_after_a_minute(
    watched: Place, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, error: Exception | None, said: str
) -> None:
    httpserver.expect_request("/ping/secret-key").respond_with_data("no such check", status=404)
    if error is not None:
        monkeypatch.setattr(requests, "get", mock.Mock(side_effect=error))
    _run(watched, duties.PING)
    (problem,) = read_status(watched.installation).duty_problems
    _beat(watched)

    assert said in problem
    assert "secret-key" not in problem
    assert [_run(watched, duties.PING, seconds=59), _run(watched, duties.PING, seconds=1)] == [False, True]


def test_weekly_mail_has_the_weeks_figures_and_no_runner(tmp_path: Path) -> None:
    settings = {"ADDUCTOR_WEEKLY_MAIL": "on", "ADDUCTOR_CONTACT": "host@example.org", **APPLICATION}
    with place(tmp_path, **settings) as here:
        here.run_done(here.runner(name="Anna Kowalska"))
        heartbeats.backed_up(here.installation)
        ran = [_run(here, duties.WEEKLY_MAIL, days=days) for days in (0, 6, 1)]
        first, second = (message_from_bytes(mail, policy=policy.default) for mail in here.mails())
        text = first.get_body().get_content()

    assert ran == [True, False, True]
    assert first["To"] == "host@example.org"
    assert first["Message-ID"] != second["Message-ID"]
    for line in ("Runners: 1 connected", "Decisions: 1, 1 with a routine", "Last backup: 2026-11-18 09:00 UTC"):
        assert line in text
    assert "Anna" not in text


def test_duty_due_for_many_workers_runs_once(tmp_path: Path, database_url: str) -> None:
    ran: list[int] = []
    duty = duties.Duty("a duty", timedelta(hours=1), timedelta(hours=1), lambda _: True, lambda _: ran.append(1))
    with place(tmp_path, ADDUCTOR_DATABASE_URL=database_url) as here, ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            list(pool.map(lambda _: duties.run_due(here.installation, duty), range(8)))
            here.later(hours=1)

    assert len(ran) == 3


def test_duty_without_its_setting_never_runs(here: Place) -> None:
    assert [_run(here, duty) for duty in duties.DUTIES] == [False, False, False]


@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        ("host@example.org", '<a href="mailto:host@example.org">host@example.org</a>'),
        ("https://club.example.org/us", '<a href="https://club.example.org/us">https://club.example.org/us</a>'),
        ("javascript:alert(1)", "Club &amp; Co, javascript:alert(1)</p>"),
    ],
)
def test_operator_and_contact_stand_on_pages_and_in_mails(tmp_path: Path, contact: str, shown: str) -> None:
    with place(tmp_path, ADDUCTOR_OPERATOR="Club & Co", ADDUCTOR_CONTACT=contact, **APPLICATION) as here:
        page = site(here).test_client().get("/privacy").text
        runner = here.runner(email_confirmed_at=None)
        with here.installation.store.write() as session:
            letters.confirm_address(here.installation, session, here.locked(session, runner))
        rounds.work(here.installation)
        (mail,) = (message_from_bytes(each, policy=policy.default) for each in here.mails())

        text = mail.get_body(("plain",)).get_content()

    assert shown in page
    assert "Run by Club & Co" in text
    assert contact in text
