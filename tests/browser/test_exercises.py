"""The catalogue in a browser: drawings that move, and stills for whom nothing may move."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opens
from tests.support.live import Live

pytestmark = [pytest.mark.processes, pytest.mark.browser]


def _opened(live: Live, new_context: Opens, *, moving: bool) -> tuple[Page, list[str]]:
    context = new_context(moving=moving)
    fetched: list[str] = []
    context.on("request", lambda request: fetched.append(request.url))
    page = context.new_page()
    page.goto(f"{live.web}/exercises", wait_until="networkidle")
    page.locator(".exercise").last.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    return page, fetched


def test_where_things_may_move_no_still_picture_is_fetched(live: Live, new_context: Opens) -> None:
    page, fetched = _opened(live, new_context, moving=True)

    expect(page.locator(".exercise svg").first).to_be_visible()
    expect(page.locator(".exercise img").first).to_be_hidden()
    assert [url for url in fetched if "/drawings/" in url] == []


def test_where_nothing_may_move_the_drawings_are_still_pictures(live: Live, new_context: Opens) -> None:
    page, _ = _opened(live, new_context, moving=False)

    expect(page.locator(".exercise svg").first).to_be_hidden()
    stills = page.locator(".exercise img")
    assert stills.count() == page.locator(".exercise").count()
    for still in stills.all():
        still.scroll_into_view_if_needed()
        expect(still).to_be_visible()
        page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=still.element_handle())
        assert (still.get_attribute("alt") or "").strip()
