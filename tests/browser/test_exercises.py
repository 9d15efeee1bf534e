"""The catalogue in a browser: drawings that move, and stills where the system asks for less motion."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opens
from tests.support.live import Live

pytestmark = [pytest.mark.processes, pytest.mark.browser]


@pytest.mark.parametrize("moving", [True, False], ids=["motion", "less motion"])
def test_drawings_move_or_are_still_pictures_as_the_system_asks(live: Live, new_context: Opens, moving: bool) -> None:
    page = new_context(moving=moving).new_page()
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(f"{live.web}/exercises", wait_until="networkidle")

    drawings, stills = page.locator(".exercise svg"), page.locator(".exercise img")
    expect(drawings.first if moving else stills.first).to_be_visible()
    expect(stills.first if moving else drawings.first).to_be_hidden()
    for still in [] if moving else stills.all():
        still.scroll_into_view_if_needed()
        page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=still.element_handle())
        assert (still.get_attribute("alt") or "").strip()
    page.locator(".exercise").last.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    assert len([url for url in fetched if "/drawings/" in url]) == (0 if moving else stills.count())
