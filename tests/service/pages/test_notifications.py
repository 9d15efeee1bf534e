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
GOOGLE = "fcm.googleapis.com"
UNTRUSTED = [
    *(
        f"https://{host}/a"
        for host in (f"{GOOGLE}.example.org", f"not{GOOGLE}", f"{GOOGLE}:8443", "127.0.0.1", "[::1]")
    ),
    *(f"https://{host}/a" for host in (f"{GOOGLE}@127.0.0.1", f"127.0.0.1\\.{GOOGLE}", f"{GOOGLE}:99999")),
    *(f"https://{GOOGLE}/{path}" for path in ("a b", "a" * 1000)),
    f"http://{GOOGLE}/a",
    "http://127.0.0.1:1/a",
    "file:///etc/passwd",
    "",
]


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


def _rest_day(me: Visitor, runner: int = 0) -> list[Delivery]:
    """The prompt time of a rest day comes; the deliveries of ``runner``, or of the one who is signed in."""
    here, runner = me.here, runner or me.runner
    here.clock.at = here.now.replace(hour=17, minute=30)
    here.change(runner, next_due_at=here.now, history_read_at=here.now)
    timers.tick(here.installation, prompts.TIMER)
    return here.deliveries(runner)


@pytest.mark.parametrize(("warm_up", "ttl"), [(False, timedelta(hours=6)), (True, timedelta(minutes=WARM_UP_LEAD_MIN))])
def test_routine_is_told_to_every_browser_in_words_that_tell_nothing(
    me: Visitor, service: PushService, warm_up: bool, ttl: timedelta
) -> None:
    phone, laptop = service.browser(), service.browser()
    for browser in (phone, laptop):
        assert me.post("/notifications", **browser.form).get_json() == {"saved": True}
    if warm_up:
        me.change(email=None, usual_runs=[{"weekday": 2, "at": "18:00", "kind": "key"}])
        by_push = {"target": "2", "placement_warm_up": "1", "channel_warm_up": "push"}
        assert me.post("/settings/dose", **by_push).status_code == 302

    def messages_left() -> int:
        with me.here.installation.store.write() as session:
            return channels.messages_left(session, me.here.locked(session, me.runner), me.here.now, warm_up=warm_up)

    left = messages_left()
    (delivery,) = _rest_day(me)

    assert (delivery.channel, delivery.outcome) == ("push", "pushed")
    (got,), (other,) = phone.received, laptop.received
    assert got.message == other.message
    assert (got.message.keys(), got.message["title"]) == ({"title", "tag", "url"}, "A routine waits")
    assert me.get(got.message["url"].removeprefix(me.here.installation.settings.public_url)).status_code == 200
    assert got.headers["Topic"] == got.message["tag"]
    assert int(got.headers["TTL"]) == ttl.total_seconds()
    assert messages_left() == left - 1
    assert "Sent to you as a notification." in me.page(f"/suggestions/{me.suggestion.public_id}")


@pytest.mark.parametrize("status", [404, 410, 403, 307])
@pytest.mark.parametrize(("address", "instead"), [("runner@example.org", "mail"), (None, "pages")])
def test_subscription_that_ended_is_removed_and_another_channel_takes_over(
    me: Visitor, service: PushService, status: int, address: str | None, instead: str
) -> None:
    me.change(email=address)
    me.post("/notifications", **service.browser(status).form)

    found = _rest_day(me)

    assert [(each.channel, each.outcome) for each in found][:1] == [("push", "no_device")]
    assert [each.channel for each in found][1:] == [instead]
    assert _rows(me.here) == []
    assert service.seen == ["/push/0"]  # a redirect is not followed
    assert channels.chosen(me.row, Placement.REST_DAY) == (instead,)


def test_service_that_is_busy_is_tried_again(me: Visitor, service: PushService) -> None:
    browser = service.browser(503, 429)
    me.post("/notifications", **browser.form)

    (delivery,) = _rest_day(me)
    assert (delivery.state, browser.received) == ("waiting", [])
    for _ in range(2):
        me.here.later(minutes=1)
        worker.run_one(me.here.installation, deliveries.JOB)

    assert me.here.deliveries(me.runner)[0].outcome == "pushed"
    assert len(browser.received) == 1


@pytest.mark.parametrize(
    "given",
    [
        *({"endpoint": endpoint} for endpoint in UNTRUSTED),
        *({"p256dh": key} for key in ("A" * 87, "not base64!")),
        {"auth": "AAAA"},
    ],
)
def test_subscription_that_can_not_be_trusted_is_refused_and_not_kept(me: Visitor, given: dict[str, str]) -> None:
    good = {"endpoint": "https://fcm.googleapis.com/a", "p256dh": KEY, "auth": AUTH}

    answer = me.post("/notifications", **{**good, **given})

    assert answer.status_code == 400
    assert answer.get_json()["problem"].startswith("This browser can't be notified: its ")
    assert _rows(me.here) == []
    assert me.post("/notifications", **good).get_json() == {"saved": True}


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:10.0.0.1"])
def test_service_inside_our_network_is_not_reached(here: Place, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
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
    visitor.sign_in(here.runner(sessions_completed_total=0, last_completed_on=None))
    visitor.suggested()
    offer = f'data-push-key="{here.installation.pusher.public_key}"'
    assert not [path for path in ("/home", "/settings") if "data-push-key" in visitor.page(path)]

    here.answer(visitor.runner, Said.DONE)

    assert [offer in visitor.page(path) for path in ("/home", "/settings")] == [True, True]


def test_browser_that_changes_hands_or_was_switched_off_tells_no_other(me: Visitor, service: PushService) -> None:
    browser = service.browser()
    me.post("/notifications", **browser.form)
    former, other = me.runner, me.here.runner()
    me.sign_in(other)
    assert me.post("/notifications", **browser.form, again="1").status_code == 410
    me.post("/notifications", **browser.form)
    (row,) = _rows(me.here)
    assert row.athlete_id == other
    me.change(next_due_at=None)

    assert [each.channel for each in _rest_day(me, former)] == ["push", "mail"]
    assert browser.received == []
    me.post("/notifications/remove", browser=str(row.id))
    assert (_rows(me.here), me.row.push_since) == ([], None)
    assert me.post("/notifications", **browser.form, again="1").get_json() == {"saved": False, "ended": True}


def test_addresses_are_encrypted_not_exported_rotated_limited_and_leave_with_the_runner(
    me: Visitor, service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    browsers_of_runner = [service.browser() for _ in range(browsers.MOST + 1)]
    for browser in browsers_of_runner:
        me.post("/notifications", **browser.form)
    rows = _rows(me.here)
    assert len(rows) == browsers.MOST
    database = (me.here.installation.settings.data_dir / "adductor.db").read_bytes()
    for hidden in (browsers_of_runner[-1].endpoint, browsers_of_runner[-1].form["p256dh"]):
        assert hidden.encode() not in database
        assert hidden not in me.export()
    assert '"browser_subscriptions"' in me.export()
    keys = [Fernet.generate_key().decode(), *me.here.installation.settings.fernet_keys]
    monkeypatch.setattr(me.here.installation, "vault", Vault(keys))
    assert rotate_keys.rotate_keys(me.here.installation).older == len(rows)
    assert [each.channel for each in _rest_day(me)] == ["push"]
    assert browsers_of_runner[-1].received

    leaving.forget(me.here.installation, me.runner)

    assert _rows(me.here) == []
