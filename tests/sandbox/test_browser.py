"""The pages in a real browser: nothing overflows on a phone, axe finds no barrier."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import no_barriers
from tests.sandbox.test_process import MARAS, Process
from tests.support import people

pytestmark = pytest.mark.browser

ASKED = "client_id=7&redirect_uri=http://localhost/x&response_type=code&scope=read,activity:write&approval_prompt=force"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with people.chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with Process(tmp_path_factory.mktemp("state"), "--app-url", "http://127.0.0.1:8000") as started:
        started.admin("/faults", {"endpoint": "athlete.get", "status": 503})
        started.admin(MARAS, {"workout_type": "long", "description": "d", "private_note": "x" * 80})
        yield started


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
