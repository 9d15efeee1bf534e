"""Home: what can be done there in two taps. Its states: tests/service/pages/test_home.py."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support import people
from tests.support.live import Live

pytestmark = [pytest.mark.processes, pytest.mark.browser]


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
