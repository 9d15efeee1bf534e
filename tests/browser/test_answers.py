"""The links of notes and mails in a browser on a phone, without signing in. Barriers: test_barriers.py."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opens, no_barriers
from tests.support.live import Live

pytestmark = [pytest.mark.processes, pytest.mark.browser]


def test_pain_is_told_with_the_keyboard_alone_and_the_referral_is_read(live: Live, new_context: Opens) -> None:
    runner = live.runner()
    run = live.record(runner)
    live.note_comes(run)
    suggestion = live.suggestion(run)
    assert suggestion is not None
    page = new_context().new_page()
    page.goto(live.here.installation.links.answer(suggestion.public_id, "pain", suggestion.created_at))
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose how strong the pain was")

    page.get_by_role("radio", name="0").first.focus()
    for _ in range(7):
        page.keyboard.press("ArrowRight")
    page.get_by_label("Where is it?").fill("left groin")
    page.get_by_label("Pain when hopping").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Send").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("Please don't run until you have been seen.")
    assert live.athlete(runner).hold_since is not None
    no_barriers(page)
