"""Settings, the calendar, taking everything along, and leaving."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import requests
from playwright.sync_api import BrowserContext, expect
from sqlalchemy import select

from adductor.store.models import Athlete, Connection
from tests.browser.conftest import Opens
from tests.support import people
from tests.support.live import Live

pytestmark = [pytest.mark.processes, pytest.mark.browser]


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_change_says_its_meaning_before_it_is_kept(live: Live, new_context: Opens, script: bool) -> None:
    page, runner = people.connected(live, new_context(script=script))
    page.goto(f"{live.web}/settings")
    dose = page.locator("#dose")

    dose.get_by_label("One").check()
    if not script:
        dose.get_by_role("button", name="What would it mean?").click()
    expect(dose.locator(".preview")).to_contain_text("At most one session in any seven days")
    expect(dose.get_by_label("One")).to_be_checked()
    assert live.athlete(runner).target_sessions_per_week == 2
    dose.get_by_role("button", name="Save").click()

    expect(page.get_by_text("Saved.")).to_be_visible()
    assert live.athlete(runner).target_sessions_per_week == 1


def test_a_race_is_planned_and_taken_off_again(live: Live, context: BrowserContext) -> None:
    page, _ = people.connected(live, context)
    page.goto(f"{live.web}/settings")
    day = (live.here.installation.clock.now() + timedelta(days=20)).date()
    races = page.locator("#races")

    races.get_by_label("Day", exact=True).fill(day.isoformat())
    races.get_by_label("Name").fill("City run")
    races.get_by_role("button", name="Add").click()
    expect(races).to_contain_text("City run")
    races.get_by_role("button", name="Remove City run").click()

    expect(races).to_contain_text("None yet.")


def test_the_calendar_has_an_address_that_can_be_renewed(live: Live, context: BrowserContext) -> None:
    page, _ = people.connected(live, context)
    page.goto(f"{live.web}/settings")
    page.get_by_role("button", name="Make the address").click()
    first = page.locator("#calendar input[readonly]").input_value()
    assert requests.get(first, timeout=10).text.startswith("BEGIN:VCALENDAR\r\n")

    page.get_by_role("button", name="Make a new address, end this one").click()

    assert requests.get(first, timeout=10).status_code == 404
    assert requests.get(page.locator("#calendar input[readonly]").input_value(), timeout=10).status_code == 200


def test_everything_held_can_be_taken_along(live: Live, context: BrowserContext) -> None:
    page, runner = people.connected(live, context)
    live.note_comes(live.record(runner))
    page.goto(f"{live.web}/privacy")

    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    whole = json.loads(download.value.path().read_text())

    assert len(whole["suggestions"]) == 1
    assert "sealed" not in json.dumps(whole)


def test_disconnecting_gives_the_access_back_and_keeps_the_record(live: Live, context: BrowserContext) -> None:
    page, runner = people.connected(live, context)
    page.goto(f"{live.web}/privacy")

    page.get_by_role("button", name="Disconnect from Strava").click()

    expect(page.get_by_role("heading", name="Disconnected")).to_be_visible()
    with live.store.read() as session:
        assert session.scalars(select(Connection.state).where(Connection.athlete_id == runner.id)).all() == ["revoked"]
    assert live.admin("GET", f"runners/{runner.strava_id}")["connected"] is False
    page.goto(f"{live.web}/home")
    expect(page.get_by_role("link", name="Connect with Strava")).to_be_visible()


def test_deleting_everything_takes_our_notes_out_first(live: Live, context: BrowserContext) -> None:
    page, runner = people.connected(live, context)
    run = live.record(runner, private_note="My own words.\r\nTwo lines 🙂")
    live.note_comes(run)
    page.goto(f"{live.web}/privacy")

    page.get_by_label("Take them out first").check()
    page.get_by_label("Type delete to confirm").fill("delete")
    page.get_by_role("button", name="Delete everything").click()

    expect(page.get_by_role("heading", name="Everything is deleted")).to_be_visible()
    assert live.truth(run)["private_note"] == "My own words.\r\nTwo lines 🙂"
    with live.store.read() as session:
        assert session.scalar(select(Athlete).where(Athlete.id == runner.id)) is None
    assert live.admin("GET", f"runners/{runner.strava_id}")["connected"] is False
