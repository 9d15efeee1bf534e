"""Home in each of its states, and what can be done there in two taps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support import people
from tests.support.live import Live

pytestmark = [pytest.mark.processes, pytest.mark.browser]


def test_a_run_brings_a_routine_to_open(live: Live, context: BrowserContext) -> None:
    page, runner = people.connected(live, context)
    live.note_comes(live.record(runner))

    page.goto(f"{live.web}/home")
    page.get_by_role("link", name="Open the routine").click()

    expect(page.get_by_role("button", name="Start the timer")).to_be_visible()


def test_two_sessions_this_week_are_on_target(live: Live, context: BrowserContext) -> None:
    now = live.here.installation.clock.now()
    page, runner = people.connected(
        live, context, sessions_completed_total=9, last_completed_on=now.date() - timedelta(days=1)
    )
    live.settles(live.record(runner, minutes=5))
    people.with_a_past(live, runner, [2, 2, 1, 2])
    people.session_on(live, runner, now - timedelta(hours=30))
    people.session_on(live, runner, now - timedelta(hours=3))

    page.goto(f"{live.web}/home")

    expect(page.get_by_text("On target: 2 of 2 this week")).to_be_visible()
    expect(page.get_by_role("heading", name="2 weeks on target in a row")).to_be_visible()


def test_a_pause_and_its_end_are_one_button_each(live: Live, context: BrowserContext) -> None:
    page, _ = people.connected(live, context)
    page.goto(f"{live.web}/home")
    page.get_by_text("Pause the routines").click()
    page.get_by_role("button", name="2 weeks").click()
    expect(page.locator(".now")).to_contain_text("Paused")

    page.get_by_role("button", name="End the pause").click()

    expect(page.get_by_role("heading", name="Record a run as always")).to_be_visible()


def test_pain_stops_the_routines_until_the_runner_says_it_is_sorted(live: Live, context: BrowserContext) -> None:
    page, _ = people.connected(live, context)
    page.goto(f"{live.web}/home")
    page.get_by_text("Check in", exact=True).click()
    page.get_by_role("button", name="Pain 1 of 10").click()
    expect(page.get_by_text("Kept. Thank you")).to_be_visible()
    page.get_by_text("Check in", exact=True).click()
    page.get_by_role("button", name="Pain 8 of 10").click()
    expect(page.get_by_role("heading", name="Routines are stopped")).to_be_visible()
    expect(page.locator(".now")).to_contain_text("checked by a physiotherapist or doctor")

    page.get_by_label("It is sorted").check()
    page.get_by_role("button", name="Start again, gently").click()

    expect(page.get_by_text("Good to have you back")).to_be_visible()
    expect(page.get_by_role("heading", name="Routines are stopped")).to_have_count(0)
    page.goto(f"{live.web}/check-in")
    page.get_by_label("Pain when hopping").check()
    page.get_by_role("button", name="Check in").click()

    expect(page.locator(".now")).to_contain_text("Please don't run until you have been seen.")


def test_a_yes_to_a_health_question_keeps_quiet_until_cleared(live: Live, context: BrowserContext) -> None:
    page = context.new_page()
    people.authorize(live, page)
    page.locator("input[name=pain][value=yes]").check()
    page.locator("input[name=condition][value=no]").check()
    page.get_by_role("button", name="Start").click()

    expect(page.get_by_role("heading", name="No routines for now")).to_be_visible()
