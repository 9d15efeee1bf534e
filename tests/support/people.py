"""A runner in front of a real browser: connects through the OAuth pages, and has a past where a test needs one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy import select

from adductor.store.models import Athlete, SessionRecord
from tests.support.athletes import earlier_run
from tests.support.live import Live, Runner

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
LAUNCHED_WITHIN_MS = 180_000  # its first start on a busy machine has taken twenty seconds
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 860}


@contextmanager
def chromium() -> Iterator[Browser]:
    """A real Chromium of this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--mute-audio"],
            timeout=LAUNCHED_WITHIN_MS,
        )
        try:
            yield browser
        finally:
            browser.close()


def authorize(live: Live, page: Page, *, untick: str | None = None, deny: bool = False, name: str = "Robin") -> None:
    """From the button on our page through the sandbox's page, as a new runner."""
    page.goto(f"{live.web}/")
    page.get_by_role("link", name="Connect with Strava").click()
    page.get_by_label("A new runner").check()
    page.get_by_label("First name").fill(name)
    page.get_by_label("Time zone").fill("UTC")
    if untick is not None:
        page.locator(f"input[name=granted][value='{untick}']").uncheck()
    with page.expect_navigation():
        page.get_by_role("button", name="Deny" if deny else "Authorize").click()


def first_answers(page: Page) -> None:
    """Healthy, and everything else as suggested."""
    for question in ("pain", "condition"):
        page.locator(f"input[name={question}][value=no]").check()
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/home")


def connected(live: Live, context: BrowserContext, **athlete: Any) -> tuple[Page, Runner]:
    """A runner who has connected and answered, whose row has these columns; their page stands on Home."""
    page = context.new_page()
    known = set(_ids(live))
    authorize(live, page)
    first_answers(page)
    (new,) = set(_ids(live)) - known
    now = live.here.installation.clock.now()
    with live.store.write() as session:
        row = session.get_one(Athlete, new)
        for column, value in athlete.items():
            setattr(row, column, value)
        session.add(earlier_run(row.id, now))
        return page, Runner(row.id, int(row.connection.external_id))


def with_a_past(live: Live, runner: Runner, weeks: list[int]) -> None:
    """Sessions of the weeks before this one, oldest first: so many in each."""
    now = live.here.installation.clock.now()
    monday = (now - timedelta(days=now.weekday())).replace(hour=18, minute=0)
    with live.store.write() as session:
        for back, count in zip(range(len(weeks), 0, -1), weeks, strict=True):
            for index in range(count):
                session.add(_session(runner.id, monday - timedelta(weeks=back) + timedelta(days=1 + 3 * index)))


def _session(athlete_id: int, at: datetime) -> SessionRecord:
    return SessionRecord(
        athlete_id=athlete_id, completed_at=at, kind="strength_full", completed_pct=100, rpe_1_10=7, source="page"
    )


def _ids(live: Live) -> list[int]:
    with live.store.read() as session:
        return list(session.scalars(select(Athlete.id)))
