"""Connecting with Strava: the one click. Every other end: tests/service/pages/test_site.py."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support import people
from tests.support.live import Live

pytestmark = [pytest.mark.processes, pytest.mark.browser]


def test_one_button_and_one_short_page_lead_home(live: Live, context: BrowserContext) -> None:
    page = context.new_page()
    people.authorize(live, page, name="Mara")
    expect(page.get_by_text("Hello Mara")).to_be_visible()
    # Before the answers no note is written.
    strava_id = max(runner["id"] for runner in live.admin("GET", "runners"))
    run = int(live.admin("POST", f"runners/{strava_id}/activities", {})["id"])
    live.settles(run)
    assert live.written(run) == []
    people.first_answers(page)
    expect(page.get_by_role("heading", name="Just record your next run")).to_be_visible()

    page.goto(f"{live.web}/settings")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Connect with Strava").click()
    # The sandbox, like Strava, remembers who gave these permissions: no second question.
    page.wait_for_url("**/home")
