"""Connecting with Strava: the one click, and every way in which it can end otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support import people
from tests.support.live import Live

pytestmark = [pytest.mark.processes, pytest.mark.browser]


def test_one_button_and_one_short_page_lead_home(live: Live, context: BrowserContext) -> None:
    page = context.new_page()
    people.authorize(live, page, name="Mara")
    expect(page.get_by_text("Hello Mara")).to_be_visible()
    expect(page.locator("pre.note")).to_contain_text("Adductor routine · light · ")
    # Before the answers no note is written.
    strava_id = max(runner["id"] for runner in live.admin("GET", "runners"))
    run = int(live.admin("POST", f"runners/{strava_id}/activities", {})["id"])
    live.settles(run)
    assert live.written(run) == []
    people.first_answers(page)
    expect(page.get_by_role("heading", name="Record a run as always")).to_be_visible()


def test_signing_in_again_is_the_same_button_and_leads_home(live: Live, context: BrowserContext) -> None:
    page, _ = people.connected(live, context)
    page.goto(f"{live.web}/settings")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Connect with Strava").click()
    # The sandbox, like Strava, remembers who gave these permissions: no second question.
    page.wait_for_url("**/home")


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"deny": True}, "You said no, and that is fine"),
        ({"untick": "activity:read_all"}, "One more tick is needed"),
        ({"untick": "activity:write"}, "You left out Strava's permission to write"),
    ],
    ids=["denied", "read_all unticked", "write unticked"],
)
def test_a_denied_permission_is_named(live: Live, context: BrowserContext, choice: dict[str, Any], said: str) -> None:
    page = context.new_page()
    people.authorize(live, page, **choice)
    expect(page.get_by_text(said)).to_be_visible()


def test_an_answer_of_strava_used_twice_connects_nobody(live: Live, context: BrowserContext) -> None:
    page = context.new_page()
    answers: list[str] = []
    page.on("request", lambda request: answers.append(request.url) if "/callback?" in request.url else None)
    people.authorize(live, page)
    context.clear_cookies()

    page.goto(answers[-1])

    expect(page.get_by_role("heading", name="That took too long, or was used twice")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "body", "heading"),
    [
        ("switches", {"application": "inactive"}, "Strava has switched this application off"),
        ("switches", {"athlete_cap_at": "token", "tier": {"athletes": 0}}, "This installation is full"),
        ("faults", {"endpoint": "oauth.token", "status": 503}, "Strava doesn't answer right now"),
    ],
    ids=["inactive", "full", "out of reach"],
)
def test_a_refusal_by_strava_says_who_can_change_it(
    live: Live, context: BrowserContext, path: str, body: dict[str, object], heading: str
) -> None:
    page = context.new_page()
    page.goto(f"{live.web}/")
    page.get_by_role("link", name="Connect with Strava").click()
    page.get_by_label("Someone new").check()
    page.get_by_label("First name").fill("Late")
    live.admin("POST", path, body)
    try:
        page.get_by_role("button", name="Authorize").click()
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
    finally:
        live.admin("POST", "reset", {"what": path})
        live.admin("POST", "tier", {"tier": "unlimited"})
