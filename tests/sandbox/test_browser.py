"""The pages in a real browser: the note appears, nothing overflows on a phone, axe finds no barrier."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import no_barriers
from tests.sandbox.conftest import MARA
from tests.sandbox.test_process import MARAS, Process
from tests.support import people

pytestmark = pytest.mark.browser

ASKED = "client_id=7&redirect_uri=http://localhost/x&response_type=code&scope=read,activity:write&approval_prompt=force"
NOTE = "Routine, 8 min\nSteps: http://127.0.0.1:8000/a-very-long-address-without-any-space-in-it-at-all-" + "x" * 80


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with people.chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with Process(tmp_path_factory.mktemp("state"), "--app-url", "http://127.0.0.1:8000") as started:
        started.admin("/faults", {"endpoint": "athlete.get", "status": 503})
        started.admin(MARAS, {"visibility": "only_me", "workout_type": "long", "description": "d"})
        yield started


def test_note_appears_in_an_open_page_but_not_during_typing(sandbox: Process, browser: Browser) -> None:
    token = sandbox.admin(f"/runners/{MARA}/connect")["access_token"]
    page = browser.new_page()
    page.clock.install()
    page.goto(sandbox.url)
    page.get_by_role("button", name="Easy run, 45 min").click()
    path = f"/api/v3/activities/{sandbox.call('GET', f'/admin{MARAS}')[0]['id']}"
    sandbox.call("PUT", path, {"private_note": NOTE}, token)
    page.clock.run_for(2000)
    note, feed = page.locator(".note .words").first, page.locator("#feed")
    expect(note).to_contain_text("Routine, 8 min")
    feed.locator("summary", has_text="Edit").first.click()
    feed.get_by_label("Title").first.fill("Half a ti")
    page.locator("h1").first.click()  # leaves the field; the form is still open
    sandbox.call("PUT", path, {"private_note": "second"}, token)
    page.clock.run_for(10_000)
    expect(feed.get_by_label("Title").first).to_have_value("Half a ti")
    feed.locator("summary", has_text="Edit").first.click()
    page.locator("h1").first.click()
    page.clock.run_for(2000)
    expect(note).to_have_text("second")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone_and_passes_axe(sandbox: Process, browser: Browser, scheme: str) -> None:
    dark = "dark" if scheme == "dark" else "light"
    page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme=dark)  # type: ignore[arg-type]
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    for path in ("/", "/mailbox", "/log", "/faults", f"/oauth/authorize?{ASKED}", "/nothing"):
        page.goto(sandbox.url + path)
        for summary in page.locator("summary").all():
            summary.click()
        no_barriers(page)
    assert [complaint for complaint in complaints if "404" not in complaint] == []
