"""The guided routine: with the timer, without a connection, without a script, with another exercise; and notifications."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select

from adductor.store.models import BrowserSubscription, SessionRecord
from tests.browser.conftest import SMALLEST, Opens, no_barriers, suggested
from tests.support import people
from tests.support.live import Live, Runner
from tests.support.push_service import Browser

pytestmark = [pytest.mark.processes, pytest.mark.browser]

# The squeezes and lifts of a light routine take four minutes and a half; the tests' clock is twenty times as fast.
MOST_SECONDS = 40


def _stands_still(page: Page, address: str) -> None:
    """The page, with a timer that doesn't run on while a test looks at it."""
    page.clock.install()
    page.goto(address)
    page.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))


def _due(live: Live, context: BrowserContext) -> tuple[Page, Runner, str]:
    page, runner = people.connected(live, context)
    return page, runner, f"{live.web}/routine/{suggested(live, runner).public_id}"


def _link(live: Live) -> tuple[Runner, str]:
    """The link of a note, for a browser that never signed in."""
    runner = live.runner()
    note = live.note_comes(live.record(runner))
    return runner, note.split("finish here: ")[1].split()[0]


def _how_it_was(page: Page, *, rpe: int, pain: int) -> None:
    page.locator(f"input[name=rpe][value='{rpe}']").check(force=True)
    page.locator(f"input[name=pain][value='{pain}']").check(force=True)
    page.get_by_role("button", name="Save").click()


def _finishes(page: Page, *, rpe: int, pain: int = 0) -> None:
    page.get_by_role("button", name="Start the timer").click()
    page.get_by_role("button", name="Finish now").click()
    page.get_by_label("All of it").check()
    _how_it_was(page, rpe=rpe, pain=pain)


def _sessions(live: Live, runner: Runner) -> list[SessionRecord]:
    with live.store.read() as session:
        return list(session.scalars(select(SessionRecord).where(SessionRecord.athlete_id == runner.id)))


def test_the_timer_leads_through_all_of_it_and_the_session_is_done(live: Live, context: BrowserContext) -> None:
    page, runner, address = _due(live, context)
    _stands_still(page, address)

    page.get_by_role("button", name="Start the timer").click()
    expect(page.locator("[data-show=phase]")).to_contain_text("Get ready")
    expect(page.locator("#routine")).to_have_attribute("data-awake", "yes")
    finish, phases = page.get_by_role("heading", name="How did it go?"), set()
    for _ in range(MOST_SECONDS):
        if finish.is_visible():
            break
        phases.add(page.locator("[data-show=phase]").text_content() or "")
        page.clock.run_for(1000)
    assert any("Side-lying" in phase and "Side 2" in phase for phase in phases)
    expect(finish).to_be_visible()
    expect(page.get_by_label("All of it")).to_be_checked()
    page.clock.resume()
    _how_it_was(page, rpe=6, pain=0)

    expect(page.get_by_role("heading", name="Done.")).to_be_visible()
    (session,) = _sessions(live, runner)
    assert (session.completed_pct, session.rpe_1_10, session.pain_during_0_10) == (100, 6, 0)
    assert live.athlete(runner).sessions_completed_total == 1


def test_pause_next_and_back_do_what_they_say_and_the_drawing_stands_as_named(live: Live, new_context: Opens) -> None:
    page, _, address = _due(live, new_context(moving=True))
    _stands_still(page, address)
    page.get_by_role("button", name="Start the timer").click()
    expect(page.locator("#routine")).to_have_attribute("data-awake", "yes")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#routine")).to_have_attribute("data-awake", "no")  # a pause lets the phone sleep
    action, shown = page.locator("[data-show=action]"), {}
    for _ in range(5):
        page.get_by_role("button", name="Next").click()
        shown[action.inner_text()] = page.locator(".step.current").evaluate(
            "step => [...new Set(step.getAnimations({ subtree: true }).map(a => a.playState + ' ' + a.currentTime))]"
        )
    positions = {"legs straight": "paused 0", "feet flat": "paused 1400", "hips and knees at 90°": "paused 5400"}
    assert {name: shown[f"Hold: {name}"] for name in positions} == {name: [at] for name, at in positions.items()}

    page.get_by_role("button", name="Back").click()

    expect(action).to_have_text("Relax")
    expect(page.locator("[data-show=where]")).to_contain_text("Next: ")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    page.locator("[data-tap]").click()
    expect(action).to_contain_text("Hold: ")


@pytest.mark.parametrize("closed", [False, True], ids=["the same page", "the next page"])
def test_without_a_connection_it_works_and_is_sent_once(live: Live, context: BrowserContext, closed: bool) -> None:
    page, runner, address = _due(live, context)
    page.goto(address)
    expect(page.locator("#routine")).to_have_attribute("data-offline", "ready")
    context.set_offline(True)

    page.goto(address)
    page.locator("#step-2").get_by_text("Something else").click()
    page.locator("#step-2 [data-swap]").first.click()
    expect(page.locator("#step-2")).to_have_attribute("data-exercise", "side_lying_adduction_floor")
    _finishes(page, rpe=7, pain=1)
    expect(page.locator("[data-show=sent]")).to_contain_text("saved on this device")
    assert _sessions(live, runner) == []
    if closed:
        page.close()
    context.set_offline(False)

    if closed:
        page = context.new_page()
        page.goto(f"{live.web}/home")
    live.until(lambda: [(one.rpe_1_10, one.completed_pct) for one in _sessions(live, runner)] == [(7, 100)])
    assert (_sessions(live, runner)[0].routine or {})["items"][1]["exercise"] == "side_lying_adduction_floor"
    # From outside the page: it goes on to Home by itself, and its policy forbids evaluating text.
    live.until(lambda: not _kept_answers(context))


def test_without_a_script_it_is_a_list_with_a_form(live: Live, new_context: Opens) -> None:
    page, runner, address = _due(live, new_context(script=False))
    page.goto(address)

    expect(page.get_by_role("button", name="Start the timer")).to_be_hidden()
    page.locator("#step-2 .swap").get_by_text("Something else").click()
    page.locator("#step-2 [data-swap]").first.click()
    expect(page.locator("#step-2")).to_have_attribute("data-exercise", "side_lying_adduction_floor")
    _how_it_was(page, rpe=7, pain=0)

    expect(page.get_by_role("heading", name="Done.")).to_be_visible()
    assert [session.source for session in _sessions(live, runner)] == ["page"]


def test_an_answer_given_signed_out_is_sent_after_signing_in(live: Live, context: BrowserContext) -> None:
    page, runner, address = _due(live, context)
    page.goto(f"{live.web}/settings?open=browser")
    page.get_by_role("button", name="Sign out").click()
    page.goto(address)
    _finishes(page, rpe=8)
    expect(page.locator("[data-show=sent]")).to_contain_text("Sign in")

    page.get_by_role("link", name="Sign in with Strava").click()

    expect(page.get_by_role("heading", name="Done.")).to_be_visible()
    assert [session.rpe_1_10 for session in _sessions(live, runner)] == [8]


def test_note_leads_to_the_timer_in_one_tap_and_to_done_in_two_signed_out(live: Live, new_context: Opens) -> None:
    runner, link = _link(live)
    page = new_context(size=SMALLEST).new_page()

    page.goto(link)
    expect(page.get_by_role("button", name="Start the timer")).to_be_in_viewport()
    page.get_by_role("button", name="Mark as done").click()

    expect(page.get_by_role("heading", name="Done.")).to_be_focused()
    expect(page.get_by_text("1 of 2 in 7 days. Next: ")).to_be_visible()
    assert len(_sessions(live, runner)) == 1
    assert page.context.cookies() == []


def test_text_twice_as_large_keeps_every_button_whole(live: Live, new_context: Opens) -> None:
    page = new_context(size=SMALLEST).new_page()
    _stands_still(page, _link(live)[1])
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    page.get_by_role("button", name="Start the timer").click()

    for button in page.locator(".controls button").all():
        expect(button).to_be_in_viewport(ratio=1)
        assert button.evaluate("button => button.scrollWidth <= button.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_reload_goes_on_where_it_was_and_the_voice_says_what_comes(live: Live, new_context: Opens) -> None:
    runner, link = _link(live)
    context = new_context()
    page = context.new_page()
    _stands_still(page, link)
    page.get_by_role("button", name="Start the timer").click()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#routine")).to_have_attribute("data-said", re.compile(r"^(Relax|Change sides|Rest)\. Next: "))
    page.get_by_role("button", name="Voice: on").click()
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#routine")).to_have_attribute("data-said", "")
    before = page.locator("[data-show=phase]").text_content()
    context.set_offline(True)

    page.reload()

    expect(page.get_by_role("button", name="Resume")).to_be_focused()
    assert page.locator("[data-show=phase]").text_content() == before
    expect(page.get_by_role("button", name="Voice: off")).to_be_visible()
    page.get_by_role("button", name="Finish now").click()
    page.reload()
    page.get_by_role("button", name="Back to the routine").click()
    assert page.locator("[data-show=phase]").text_content() == before
    page.get_by_role("button", name="Finish now").click()
    _how_it_was(page, rpe=6, pain=0)
    expect(page.locator("[data-show=sent]")).to_contain_text("saved on this device")
    context.set_offline(False)
    live.until(lambda: [one.source for one in _sessions(live, runner)] == ["link"])


def test_own_exercise_is_done_with_the_timer_and_its_load_is_noted(live: Live, context: BrowserContext) -> None:
    days_ago = (live.here.installation.clock.now() - timedelta(days=5)).date()
    past = {"programme_stage": 2, "sessions_completed_total": 9, "last_completed_on": days_ago}
    own = {"id": "own_1", "name": "Pelvic tilt", "sets": 2, "reps": 10, "placements": ["post_run"]}
    page, runner = people.connected(live, context, **past, own_exercises=[own])
    note = live.note_comes(live.record(runner))
    assert "Pelvic tilt: 2 x 10" in note
    page.goto(note.split("finish here: ")[1].split()[0])
    no_barriers(page)

    page.get_by_role("button", name="Start the timer").click()
    phase = page.locator("[data-show=phase]")
    while "Pelvic tilt" not in (phase.text_content() or ""):
        page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Finish now").click()
    page.get_by_text("With which band or weight?").click()
    page.get_by_role("textbox", name="Pelvic tilt").fill("2 kg")
    _how_it_was(page, rpe=6, pain=0)

    expect(page.get_by_role("heading", name="Done.")).to_be_visible()
    assert "2 kg" in [entry["load"] for entry in live.athlete(runner).progress]


def _kept_answers(context: BrowserContext) -> list[str]:
    origins = context.storage_state()["origins"]
    return [item["name"] for origin in origins for item in origin["localStorage"] if "answer" in item["name"]]


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


def test_notification_is_asked_for_shown_and_ended_with_the_sign_out(live: Live, context: BrowserContext) -> None:
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
