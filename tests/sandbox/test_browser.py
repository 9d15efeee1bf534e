"""The pages in a real browser: nothing overflows on a phone, axe finds no barrier."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser

from tests.browser.conftest import no_barriers
from tests.sandbox.test_process import MARAS, Process
from tests.support import people

pytestmark = pytest.mark.browser

ASKED = "client_id=7&redirect_uri=http://localhost/x&response_type=code&scope=read,activity:write&approval_prompt=force"
AT_INTERVALS = ASKED.replace("id=7", "id=999").replace("read,activity:write", "CALENDAR:WRITE")
INTERVALS = [
    f"/intervals{path}"
    for path in ("/", "/log", "/faults", f"/oauth/authorize?{AT_INTERVALS}", f"/oauth/authorize?{ASKED}")
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with people.chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with Process(tmp_path_factory.mktemp("state"), "--app-url", "http://127.0.0.1:8000") as started:
        started.admin("/faults", {"endpoint": "activities.list", "status": 503})
        started.admin(MARAS, {"workout_type": "long", "description": "d", "private_note": "x" * 80})
        at_intervals = f"{started.url}/intervals"
        for kind in ("race_a", "key", "sick", "note"):
            requests.post(
                f"{at_intervals}/plan", {"kind": kind, "day": "2026-12-06", "description": "x" * 80}, timeout=10
            )
        requests.post(f"{at_intervals}/record", {"preset": "easy", "also_on_strava": "on"}, timeout=10)
        requests.post(f"{at_intervals}/wellness", {"soreness": "2"}, timeout=10)
        requests.post(f"{at_intervals}/faults/add", {"fault": "challenge"}, timeout=10)
        yield started


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone_and_passes_axe(sandbox: Process, browser: Browser, scheme: str) -> None:
    dark = "dark" if scheme == "dark" else "light"
    page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme=dark)  # type: ignore[arg-type]
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    for path in ("/", "/mailbox", "/log", "/faults", f"/oauth/authorize?{ASKED}", "/nothing", *INTERVALS):
        page.goto(sandbox.url + path)
        for summary in page.locator("summary").all():
            summary.click()
        no_barriers(page)
    assert [complaint for complaint in complaints if not re.search("status of 40[04]", complaint)] == []
