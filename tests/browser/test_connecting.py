"""Connecting with Strava: the one click, and every way in which it can end otherwise."""

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
    expect(page.locator("pre.note")).to_contain_text("Adductor routine · light · ")
    people.first_answers(page)
    expect(page.get_by_role("heading", name="Record a run as always")).to_be_visible()


def test_nothing_is_written_before_the_first_page_is_answered(live: Live, context: BrowserContext) -> None:
    page = context.new_page()
    people.authorize(live, page, name="Unsure")
    strava_id = max(runner["id"] for runner in live.admin("GET", "runners"))

    run = int(live.admin("POST", f"runners/{strava_id}/activities", {})["id"])
    live.settles(run)

    assert live.written(run) == []


def test_signing_in_again_is_the_same_button_and_leads_home(live: Live, context: BrowserContext) -> None:
    page, _ = people.connected(live, context)
    page.goto(f"{live.web}/settings")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Connect with Strava").click()
    # The sandbox, like Strava, remembers who gave these permissions: no second question.
    page.wait_for_url("**/home")


def test_a_denial_says_what_happened_and_the_next_step(live: Live, context: BrowserContext) -> None:
    page = context.new_page()

    people.authorize(live, page, deny=True)

    expect(page.get_by_role("heading", name="You said no, and that is fine")).to_be_visible()
    expect(page.get_by_role("link", name="Connect with Strava")).to_be_visible()


def test_a_missing_permission_is_named(live: Live, context: BrowserContext) -> None:
    page = context.new_page()

    people.authorize(live, page, untick="activity:read_all")

    expect(page.get_by_role("heading", name="One more tick is needed")).to_be_visible()


def test_without_the_permission_to_write_the_first_page_says_so(live: Live, context: BrowserContext) -> None:
    page = context.new_page()

    people.authorize(live, page, untick="activity:write")

    expect(page.get_by_text("You left out Strava's permission to write")).to_be_visible()


def test_an_answer_of_strava_used_twice_connects_nobody(live: Live, context: BrowserContext) -> None:
    page = context.new_page()
    answers: list[str] = []
    page.on("request", lambda request: answers.append(request.url) if "/callback?" in request.url else None)
    people.authorize(live, page)
    context.clear_cookies()

    page.goto(answers[-1])

    expect(page.get_by_role("heading", name="That took too long, or was used twice")).to_be_visible()


@pytest.mark.parametrize(
    ("switch", "undo", "heading"),
    [
        ({"application": "inactive"}, {"application": "active"}, "Strava has switched this application off"),
        (
            {"athlete_cap_at": "token", "tier": {"athletes": 0}},
            {"athlete_cap_at": "authorize", "tier": {"athletes": 1_000_000}},
            "This installation is full",
        ),
    ],
    ids=["inactive", "full"],
)
def test_what_only_the_operator_can_change_says_so(
    live: Live, context: BrowserContext, switch: dict[str, object], undo: dict[str, object], heading: str
) -> None:
    page = context.new_page()
    page.goto(f"{live.web}/")
    page.get_by_role("link", name="Connect with Strava").click()
    page.get_by_label("Someone new").check()
    page.get_by_label("First name").fill("Late")
    live.admin("POST", "switches", switch)
    try:
        page.get_by_role("button", name="Authorize").click()
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
    finally:
        live.admin("POST", "switches", undo)


def test_strava_out_of_reach_says_to_try_again(live: Live, context: BrowserContext) -> None:
    fault = live.fault(endpoint="oauth.token", status=503)
    page = context.new_page()
    try:
        people.authorize(live, page)
        expect(page.get_by_role("heading", name="Strava doesn't answer right now")).to_be_visible()
    finally:
        live.admin("DELETE", f"faults/{fault}")
