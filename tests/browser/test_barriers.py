"""Every page without barriers: axe finds nothing in both colour schemes, nothing is too wide at 320 px, no foreign host."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import SMALLEST, Opens, no_barriers
from tests.support import people
from tests.support.live import Live

pytestmark = [pytest.mark.processes, pytest.mark.browser]

PAGES = ("/home", "/suggestions", "/settings", "/progress", "/privacy", "/check-in", "/exercises", "/nothing-here")
PAGES += ("/leave-out/side_lunge",)


def _complaints(page: Page) -> list[str]:
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


@pytest.mark.parametrize(
    ("scheme", "size"), [("light", SMALLEST), ("dark", people.DESKTOP)], ids=["light at 320 px", "dark on a desktop"]
)
def test_every_page_is_free_of_barriers(live: Live, new_context: Opens, scheme: str, size: dict[str, int]) -> None:
    context: BrowserContext = new_context(scheme=scheme, size=size)
    hosts: set[str] = set()
    context.on("request", lambda request: hosts.add("/".join(request.url.split("/")[:3])))
    page = context.new_page()
    complaints = _complaints(page)
    page.goto(f"{live.web}/")
    no_barriers(page)
    people.authorize(live, page)
    no_barriers(page)
    page.get_by_role("button", name="Start").evaluate("button => button.form.noValidate = true")
    with page.expect_navigation():  # otherwise axe may read a page that is half there
        page.get_by_role("button", name="Start").click()
    no_barriers(page)
    page.close()
    context.clear_cookies()

    page, runner = people.connected(live, context)
    complaints += _complaints(page)
    no_barriers(page)
    run = live.record(runner)
    live.note_comes(run)
    suggestion = live.suggestion(run)
    assert suggestion is not None
    links, now = live.here.installation.links, live.here.installation.clock.now()
    signed = [
        *(links.answer(suggestion.public_id, said, suggestion.created_at) for said in ("done", "pain")),
        links.runner_routine(suggestion.public_id),
        links.unsubscribe(runner.id, str(runner.strava_id), now),
        links.confirm(runner.id, "anna@example.org", now),
    ]
    own = [*PAGES, f"/suggestions/{suggestion.public_id}", f"/routine/{suggestion.public_id}", "/a/nonsense"]
    for address in (*(live.web + path for path in own), *signed):
        page.goto(address)
        for summary in page.locator("summary").all()[:12]:
            summary.click()
        no_barriers(page)
    page.set_viewport_size({"width": people.PHONE["width"], "height": people.PHONE["height"]})
    for path in PAGES:
        page.goto(live.web + path)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate("document.documentElement.scrollWidth") <= people.PHONE["width"], path
    page.set_viewport_size({"width": size["width"], "height": size["height"]})
    page.goto(links.runner_routine(suggestion.public_id))
    page.get_by_role("button", name="Start the timer").click()
    page.get_by_role("button", name="Pause").click()
    no_barriers(page)
    page.get_by_role("button", name="It hurts").click()
    no_barriers(page)
    page.locator("input[name=rpe][value='9']").check(force=True)
    page.locator("input[name=pain][value='8']").check(force=True)
    page.get_by_role("button", name="Save").click()
    page.get_by_role("alert").wait_for()
    no_barriers(page)
    assert [text for text in complaints if "400" not in text and "404" not in text] == []
    assert hosts <= {live.web, live.sandbox}


def test_keyboard_alone_goes_through_a_whole_routine(live: Live, context: BrowserContext) -> None:
    page, runner = people.connected(live, context)
    run = live.record(runner)
    live.note_comes(run)
    suggestion = live.suggestion(run)
    assert suggestion is not None
    page.goto(f"{live.web}/routine/{suggestion.public_id}")
    begin = page.get_by_role("button", name="Start the timer")
    begin.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # the focus is on Pause now
    expect(page.get_by_role("button", name="Resume")).to_be_focused()
    page.get_by_role("button", name="Next").focus()
    finish = page.locator("#finish-title")
    for _ in range(120):
        if finish.is_visible():
            break
        page.keyboard.press("Enter")
    expect(finish).to_be_focused()
    for key in ("Tab", "Tab", "Tab", "Space", "Tab", "Space", "Tab", "Tab", "Tab", "Enter"):
        page.keyboard.press(key)

    expect(page.get_by_role("heading", name="Done.")).to_be_focused()
