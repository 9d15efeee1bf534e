"""Reading why, and changing an answer."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support import people
from tests.support.live import Live

pytestmark = [pytest.mark.processes, pytest.mark.browser]


def test_every_decision_can_be_read_with_its_reason_and_the_text_as_written(
    live: Live, context: BrowserContext
) -> None:
    page, runner = people.connected(live, context)
    run = live.record(runner)
    note = live.note_comes(run)
    second = live.record(runner)
    live.note_comes(second)
    live.settles(run)  # the first one's note has been taken away again, and is still shown as it stood

    page.goto(f"{live.web}/suggestions")

    expect(page.locator(".log > li")).to_have_count(len(live.decisions(run)) + len(live.decisions(second)))
    page.get_by_role("link", name="Routine after the run").last.click()
    expect(page.locator("pre.note").first).to_have_text(note[note.index("Adductor routine") :])
    expect(page.get_by_role("heading", name="Everything considered")).to_be_visible()
    expect(page.get_by_role("link", name="View on Strava")).to_have_attribute(
        "href", f"{live.sandbox}/activities/{run}"
    )


def test_an_answer_can_be_given_and_changed(live: Live, context: BrowserContext) -> None:
    page, runner = people.connected(live, context)
    run = live.record(runner)
    live.note_comes(run)
    suggestion = live.suggestion(run)
    assert suggestion is not None
    page.goto(f"{live.web}/suggestions/{suggestion.public_id}")

    page.get_by_role("button", name="Done").click()
    expect(page.locator("#answer")).to_contain_text("Done")
    page.get_by_text("Change it").click()
    page.get_by_role("button", name="Not today").click()

    expect(page.locator("#answer strong")).to_have_text("Not today")
    assert live.athlete(runner).sessions_completed_total == 0
