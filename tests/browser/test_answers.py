"""The links of notes and mails in a browser on a phone, without signing in and without scripts."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from adductor.store.models import Suggestion
from tests.browser.conftest import Opens, no_barriers
from tests.support.live import Live, Runner

pytestmark = [pytest.mark.processes, pytest.mark.browser]


def _link(live: Live, runner: Runner, said: str | None = None) -> str:
    with live.store.read() as session:
        row = session.scalars(select(Suggestion).where(Suggestion.athlete_id == runner.id)).one()
    return live.here.installation.links.answer(row.public_id, said, row.created_at)


def _runner_with_a_note(live: Live) -> tuple[Runner, int, str]:
    runner = live.runner()
    run = live.record(runner)
    return runner, run, live.note_comes(run)


def _status(live: Live, run: int) -> str:
    suggestion = live.suggestion(run)
    assert suggestion is not None
    return suggestion.status


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_the_note_to_an_answer_in_two_taps(live: Live, new_context: Opens, scheme: str) -> None:
    _, run, text = _runner_with_a_note(live)
    page: Page = new_context(scheme=scheme, script=False).new_page()

    page.goto(text.split("how did it go: ")[1].split()[0])
    page.get_by_role("button", name="Too hard").click()

    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert _status(live, run) == "done"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_behind_a_link_is_free_of_barriers(live: Live, new_context: Opens, scheme: str) -> None:
    runner, _, _ = _runner_with_a_note(live)
    page = new_context(scheme=scheme).new_page()
    links = live.here.installation.links
    now = live.here.installation.clock.now()
    for address in (
        _link(live, runner),
        _link(live, runner, "done"),
        _link(live, runner, "pain"),
        links.unsubscribe(runner.id, runner.strava_id, now),
        links.confirm(runner.id, "anna@example.org", now),
        f"{live.web}/a/nonsense",
    ):
        page.goto(address)
        no_barriers(page)


def test_pain_is_told_with_the_keyboard_alone_and_the_referral_is_read(live: Live, new_context: Opens) -> None:
    runner, _, _ = _runner_with_a_note(live)
    page = new_context().new_page()
    page.goto(_link(live, runner, "pain"))

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


def test_pain_without_a_number_is_asked_again(live: Live, new_context: Opens) -> None:
    runner, run, _ = _runner_with_a_note(live)
    page = new_context().new_page()
    page.goto(_link(live, runner, "pain"))

    page.get_by_role("button", name="Send").click()

    expect(page.get_by_role("alert")).to_contain_text("Choose how strong the pain was")
    assert _status(live, run) == "open"
