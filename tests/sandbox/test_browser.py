"""The pages in a real browser: the note appears, nothing overflows on a phone, nothing shuts anyone out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect, sync_playwright

from tests.sandbox.conftest import MARA
from tests.sandbox.test_process import Process
from tests.support.people import LAUNCHED_WITHIN_MS

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.browser

AUTHORIZE = "/oauth/authorize?client_id=7&redirect_uri=http://localhost/x&response_type=code&scope=read,activity:write"
NOTE = "Routine, 8 min\nSteps: http://127.0.0.1:8000/a-very-long-address-without-any-space-in-it-at-all-" + "x" * 80


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM, "these tests need Chromium; `make system` installs it (Debian: apt-get install chromium)"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--disable-dev-shm-usage"], timeout=LAUNCHED_WITHIN_MS
        )
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    started = Process(tmp_path_factory.mktemp("state"), "--app-url", "http://127.0.0.1:8000")
    started.admin("/faults", {"endpoint": "athlete.get", "status": 503})
    started.admin(f"/runners/{MARA}/activities", {"visibility": "only_me", "workout_type": "long", "description": "d"})
    yield started
    started.process.kill()
    started.process.communicate()


def test_the_note_appears_while_one_looks_and_not_while_one_types(sandbox: Process, browser: Browser) -> None:
    token = sandbox.admin(f"/runners/{MARA}/connect")["access_token"]
    page = browser.new_page()
    page.clock.install()
    page.goto(sandbox.url)
    page.get_by_role("button", name="Easy run, 45 min").click()
    activity_id = requests.get(f"{sandbox.url}/admin/runners/{MARA}/activities", timeout=10).json()[0]["id"]

    def write(note: str) -> None:
        requests.put(
            f"{sandbox.url}/api/v3/activities/{activity_id}",
            json={"private_note": note},
            headers={"Authorization": f"Bearer {token}"},
            timeout=10,
        ).raise_for_status()

    write(NOTE)
    page.clock.run_for(2000)
    note = page.locator(".note .words").first
    expect(note).to_contain_text("Routine, 8 min")
    feed = page.locator("#feed")
    feed.locator("summary", has_text="Edit").first.click()
    feed.get_by_label("Title").first.fill("Half a ti")
    page.locator("h1").first.click()  # leaves the field; the form is still open
    write("second")
    page.clock.run_for(10_000)
    expect(feed.get_by_label("Title").first).to_have_value("Half a ti")
    feed.locator("summary", has_text="Edit").first.click()
    page.locator("h1").first.click()
    page.clock.run_for(2000)
    expect(note).to_have_text("second")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/mailbox", "/log", "/faults", AUTHORIZE, "/nothing"])
def test_every_page_fits_a_phone_and_passes_axe(sandbox: Process, browser: Browser, path: str, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(sandbox.url + path)
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert [complaint for complaint in complaints if "404" not in complaint] == []
    context.close()
