"""Settings that say what a change means, and leaving. Every form: tests/service/pages/test_settings.py."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect
from sqlalchemy import select

from adductor.store.models import Athlete
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
