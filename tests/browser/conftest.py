"""A browser, and pages that report whatever the browser complains about."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from adductor.store.models import Suggestion
from tests.support import people
from tests.support.live import Live, Runner

Opens = Callable[..., BrowserContext]
SMALLEST = {"width": 320, "height": 640}
expect.set_options(timeout=30_000)  # nothing here measures how soon


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if people.CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with people.chromium() as launched:
        yield launched


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Opens]:
    """Makes browsers of their own: nothing kept from another test; a phone unless said otherwise."""
    opened: list[BrowserContext] = []

    def make(
        *, scheme: str = "light", size: dict[str, int] = people.PHONE, script: bool = True, moving: bool = False
    ) -> BrowserContext:
        context = browser.new_context(
            viewport={"width": size["width"], "height": size["height"]},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=script,
            reduced_motion="no-preference" if moving else "reduce",
        )
        context.set_default_timeout(15_000)
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()


@pytest.fixture
def context(new_context: Opens) -> BrowserContext:
    return new_context()


def suggested(live: Live, runner: Runner) -> Suggestion:
    """The routine after a run that this runner has just recorded; its note stands."""
    run = live.record(runner)
    live.note_comes(run)
    suggestion = live.suggestion(run)
    assert suggestion is not None
    return suggestion


def no_barriers(page: Page) -> None:
    """axe finds nothing, and nothing is wider than the screen."""
    page.wait_for_load_state("load")
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0, f"{page.url} is {wider} px wider than the screen"
