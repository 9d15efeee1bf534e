"""The site on a phone: Home and the routine without a connection, notifications, and nothing left after signing out."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import BrowserContext, expect
from sqlalchemy import select

from adductor.store.models import BrowserSubscription
from tests.support import people
from tests.support.live import Live
from tests.support.push_service import Browser

pytestmark = [pytest.mark.processes, pytest.mark.browser]

# Chromium subscribes at Google's service, which tests don't reach: the subscription is made up, all else is the browser's.
SUBSCRIBED = """
const given = %s;
let now = null;
PushManager.prototype.getSubscription = async () => now;
PushManager.prototype.subscribe = async (options) => {
  now = {
    endpoint: given.endpoint,
    options: { applicationServerKey: options.applicationServerKey.buffer },
    toJSON: () => ({ keys: given }),
    unsubscribe: async () => { now = null; return true; },
  };
  return now;
};
"""
NOTIFICATIONS = "async () => (await (await navigator.serviceWorker.ready).getNotifications()).map((one) => one.data)"


def test_home_and_routine_work_without_a_connection_and_go_with_the_runner(live: Live, context: BrowserContext) -> None:
    page, runner = people.connected(live, context)
    live.note_comes(live.record(runner))
    page.goto(f"{live.web}/home")
    expect(page.locator("html[data-offline=ready]")).to_be_attached()

    context.set_offline(True)
    page.reload()
    expect(page.get_by_text("This is how it looked on")).to_be_visible()
    page.get_by_role("link", name="Open the routine").click()
    expect(page.get_by_role("button", name="Start the timer")).to_be_visible()
    page.goto(f"{live.web}/settings")
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    context.set_offline(False)
    page.goto(f"{live.web}/privacy")
    page.get_by_label("Type delete").fill("delete")
    page.get_by_role("button", name="Delete everything").click()
    expect(page.get_by_role("heading", name="Everything is deleted")).to_be_visible()
    context.set_offline(True)
    page.goto(f"{live.web}/home")

    expect(page.get_by_role("heading", name="No connection")).to_be_visible()


def test_notification_is_asked_for_after_the_first_routine_shown_and_ended_with_the_sign_out(
    live: Live, context: BrowserContext
) -> None:
    browser = Browser("https://fcm.googleapis.com/fcm/send/made-up")
    context.grant_permissions(["notifications"], origin=live.web)
    context.add_init_script(SUBSCRIBED % json.dumps(browser.form))
    page, runner = people.connected(live, context)
    asks = page.get_by_role("button", name="Notify me here")
    expect(page.locator("html[data-notify=known]")).to_be_attached()
    expect(asks).to_have_count(0)
    with live.store.write() as session:
        live_athlete = session.merge(live.athlete(runner))
        live_athlete.last_completed_on = live.here.installation.clock.now().date()

    page.reload()
    asks.click()
    expect(page.get_by_text("On. A rest day's routine rings here.")).to_be_visible()

    assert live.athlete(runner).channels["rest_day"] == "push"
    tell = context.new_cdp_session(page)
    found: list[str] = []
    update = "ServiceWorker.workerRegistrationUpdated"
    tell.on(update, lambda event: found.extend(each["registrationId"] for each in event["registrations"]))
    tell.send("ServiceWorker.enable")
    live.until(lambda: page.title() and found)  # the browser's events come with its answers
    message = {"title": "A routine waits", "tag": "t", "url": f"{live.web}/home"}
    pushed = {"origin": live.web, "registrationId": found[0], "data": json.dumps(message)}
    tell.send("ServiceWorker.deliverPushMessage", pushed)
    live.until(lambda: page.evaluate(NOTIFICATIONS) == [message["url"]])
    page.goto(f"{live.web}/settings?open=notifications")
    expect(page.get_by_text("This browser is notified.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{live.web}/")
    context.set_offline(True)
    page.goto(f"{live.web}/home")
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    with live.store.read() as session:
        assert session.scalars(select(BrowserSubscription)).all() == []
