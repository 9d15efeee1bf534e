"""Notifications (Web Push), from the browser's subscription to the decrypted message, over real HTTP."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from adductor.athletes import browsers, channels, rotate_keys
from adductor.coaching.constants import WARM_UP_LEAD_MIN
from adductor.coaching.replies import Said
from adductor.coaching.situation import Placement
from adductor.jobs import deliveries, leaving, prompts
from adductor.push import PushLaterError, PushSubscription, SubscriptionError, is_public
from adductor.queue import timers, worker
from adductor.store.models import BrowserSubscription, Delivery
from adductor.vault import Vault
from tests.service.pages.conftest import Visitor, place_with
from tests.support.push_service import Browser, PushService, push_service
from tests.support.runners import Place

KEY, AUTH = Browser("").form["p256dh"], "A" * 22


@pytest.fixture
def service() -> Iterator[PushService]:
    with push_service() as made:
        yield made


@pytest.fixture
def here(tmp_path: Path, service: PushService) -> Iterator[Place]:
    with place_with(tmp_path, ADDUCTOR_PUSH_SERVICES=service.origin) as made:
        yield made


def _rows(here: Place) -> list[BrowserSubscription]:
    with here.installation.store.read() as session:
        return list(session.scalars(select(BrowserSubscription)))


def _rest_day(here: Place, runner: int) -> list[Delivery]:
    """The prompt time of a rest day comes."""
    here.clock.at = here.now.replace(hour=17, minute=30)
    here.change(runner, next_due_at=here.now, history_read_at=here.now)
    timers.tick(here.installation, prompts.TIMER)
    return here.deliveries(runner)


def test_rest_day_is_told_to_every_browser_in_words_that_tell_nothing(
    visitor: Visitor, here: Place, service: PushService, runner: int
) -> None:
    phone, laptop = service.browser(), service.browser()
    for browser in (phone, laptop):
        assert visitor.post("/notifications", **browser.form).get_json() == {"saved": True}
    with here.installation.store.write() as session:
        left = channels.messages_left(session, here.locked(session, runner), here.now)

    (delivery,) = _rest_day(here, runner)

    assert (delivery.channel, delivery.outcome) == ("push", "pushed")
    (got,), (other,) = phone.received, laptop.received
    assert got.message == other.message
    assert got.message.keys() == {"title", "tag", "url"}
    assert got.message["title"] == "A routine waits"
    assert visitor.get(got.message["url"].removeprefix(here.installation.settings.public_url)).status_code == 200
    assert got.headers["Topic"] == got.message["tag"]
    assert int(got.headers["TTL"]) == timedelta(hours=6).total_seconds()
    with here.installation.store.write() as session:
        assert channels.messages_left(session, here.locked(session, runner), here.now) == left - 1
    assert "Sent to you as a notification." in visitor.get(f"/suggestions/{here.suggestion(runner).public_id}").text


def test_warm_up_can_be_told_by_notification_and_counts_as_its_mail_would(
    visitor: Visitor, here: Place, service: PushService, runner: int
) -> None:
    browser = service.browser()
    here.change(runner, email=None, usual_runs=[{"weekday": 2, "at": "18:00", "kind": "key"}])
    by_push = {"target": "2", "placement_warm_up": "1", "channel_warm_up": "push"}
    assert "data-push-key" in visitor.get("/settings").text
    visitor.post("/notifications", **browser.form)
    assert visitor.post("/settings/dose", **by_push).status_code == 302
    with here.installation.store.write() as session:
        left = channels.messages_left(session, here.locked(session, runner), here.now, warm_up=True)

    (delivery,) = _rest_day(here, runner)

    assert (delivery.channel, delivery.outcome) == ("push", "pushed")
    (got,) = browser.received
    assert (got.message.keys(), got.message["title"]) == ({"title", "tag", "url"}, "A routine waits")
    assert int(got.headers["TTL"]) == timedelta(minutes=WARM_UP_LEAD_MIN).total_seconds()
    with here.installation.store.write() as session:
        assert channels.messages_left(session, here.locked(session, runner), here.now, warm_up=True) == left - 1


@pytest.mark.parametrize("status", [404, 410, 403, 307])
@pytest.mark.parametrize(("address", "instead"), [("runner@example.org", "mail"), (None, "pages")])
def test_subscription_that_ended_is_removed_and_another_channel_takes_over(
    visitor: Visitor, here: Place, service: PushService, runner: int, status: int, address: str | None, instead: str
) -> None:
    here.change(runner, email=address)
    visitor.post("/notifications", **service.browser(status).form)

    found = _rest_day(here, runner)

    assert [(each.channel, each.outcome) for each in found][:1] == [("push", "no_device")]
    assert [each.channel for each in found][1:] == [instead]
    assert _rows(here) == []
    assert service.seen == ["/push/0"]  # a redirect is not followed
    assert channels.chosen(here.athlete(runner), Placement.REST_DAY) == (instead,)


def test_service_that_is_busy_is_tried_again(visitor: Visitor, here: Place, service: PushService, runner: int) -> None:
    browser = service.browser(503, 429)
    visitor.post("/notifications", **browser.form)

    (delivery,) = _rest_day(here, runner)
    assert (delivery.state, browser.received) == ("waiting", [])
    for _ in range(2):
        here.later(minutes=1)
        worker.run_one(here.installation, deliveries.JOB)

    assert here.deliveries(runner)[0].outcome == "pushed"
    assert len(browser.received) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"endpoint": "http://fcm.googleapis.com/a"},
        {"endpoint": "https://fcm.googleapis.com.example.org/a"},
        {"endpoint": "https://notfcm.googleapis.com/a"},
        {"endpoint": "https://fcm.googleapis.com:8443/a"},
        {"endpoint": "https://fcm.googleapis.com@127.0.0.1/a"},
        {"endpoint": "https://127.0.0.1\\.fcm.googleapis.com/a"},
        {"endpoint": "https://127.0.0.1/a"},
        {"endpoint": "https://[::1]/a"},
        {"endpoint": "http://127.0.0.1:1/a"},
        {"endpoint": "file:///etc/passwd"},
        {"endpoint": "https://fcm.googleapis.com/a b"},
        {"endpoint": "https://fcm.googleapis.com/" + "a" * 1000},
        {"endpoint": "https://fcm.googleapis.com:99999/"},
        {"endpoint": ""},
        {"p256dh": "A" * 87},
        {"p256dh": "not base64!"},
        {"auth": "AAAA"},
    ],
)
def test_subscription_that_can_not_be_trusted_is_refused_and_not_kept(
    visitor: Visitor, here: Place, runner: int, given: dict[str, str]
) -> None:
    good = {"endpoint": "https://fcm.googleapis.com/a", "p256dh": KEY, "auth": AUTH}

    answer = visitor.post("/notifications", **{**good, **given})

    assert answer.status_code == 400
    assert answer.get_json()["problem"].startswith("This browser can't be notified: its ")
    assert _rows(here) == []
    assert visitor.post("/notifications", **good).get_json() == {"saved": True}


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:10.0.0.1"])
def test_known_service_whose_name_leads_into_our_network_is_not_reached(
    here: Place, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    asked: list[Any] = []
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **_: asked.append(args) or [entry])
    monkeypatch.setattr("urllib3.util.connection.create_connection", lambda *_: pytest.fail("it was connected to"))
    subscription = PushSubscription("https://web.push.apple.com/a", KEY, AUTH)

    with pytest.raises(PushLaterError, match="does not answer"):
        here.installation.pusher.send(subscription, {}, topic="t", ttl_s=60)

    assert asked[0][0] == "web.push.apple.com"
    assert not is_public(address)


def test_subscription_of_a_service_that_no_longer_counts_has_ended(here: Place) -> None:
    with pytest.raises(SubscriptionError):
        here.installation.pusher.send(PushSubscription("https://old.example.org/a", KEY, AUTH), {}, topic="t", ttl_s=60)


def test_notifications_are_offered_after_the_first_routine_and_never_before(visitor: Visitor, here: Place) -> None:
    new = here.runner(sessions_completed_total=0, last_completed_on=None)
    visitor.sign_in(new)
    visitor.suggested(new)
    for path in ("/home", "/settings"):
        assert "data-push-key" not in visitor.get(path).text

    here.answer(new, Said.DONE)

    for path in ("/home", "/settings"):
        assert f'data-push-key="{here.installation.pusher.public_key}"' in visitor.get(path).text


def test_browser_that_changes_hands_or_was_switched_off_tells_no_former_runner(
    visitor: Visitor, here: Place, service: PushService, runner: int
) -> None:
    browser = service.browser()
    visitor.post("/notifications", **browser.form)
    other = here.runner()
    visitor.sign_in(other)
    assert visitor.post("/notifications", **browser.form, again="1").status_code == 410
    visitor.post("/notifications", **browser.form)
    (row,) = _rows(here)
    assert row.athlete_id == other
    here.change(other, next_due_at=None)

    assert [each.channel for each in _rest_day(here, runner)] == ["push", "mail"]
    assert browser.received == []
    visitor.post("/notifications/remove", browser=str(row.id))
    assert (_rows(here), here.athlete(other).push_since) == ([], None)
    assert visitor.post("/notifications", **browser.form, again="1").get_json() == {"saved": False, "ended": True}


def test_addresses_are_encrypted_not_exported_rotated_limited_and_leave_with_the_runner(
    visitor: Visitor, here: Place, service: PushService, runner: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    browsers_of_runner = [service.browser() for _ in range(browsers.MOST + 1)]
    for browser in browsers_of_runner:
        visitor.post("/notifications", **browser.form)
    rows = _rows(here)
    assert len(rows) == browsers.MOST
    database = (here.installation.settings.data_dir / "adductor.db").read_bytes()
    for hidden in (browsers_of_runner[-1].endpoint, browsers_of_runner[-1].form["p256dh"]):
        assert hidden.encode() not in database
        assert hidden not in visitor.export()
    assert '"browser_subscriptions"' in visitor.export()
    keys = [Fernet.generate_key().decode(), *here.installation.settings.fernet_keys]
    monkeypatch.setattr(here.installation, "vault", Vault(keys))
    assert rotate_keys.rotate_keys(here.installation).older == len(rows)
    assert [each.channel for each in _rest_day(here, runner)] == ["push"]
    assert browsers_of_runner[-1].received

    leaving.forget(here.installation, runner)

    assert _rows(here) == []
