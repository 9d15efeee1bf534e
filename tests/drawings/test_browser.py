"""The inline drawings in a real browser: movement, reduced motion, pause."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from adductor import drawings
from tests.support import people


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with people.chromium() as browser:
        yield browser.new_page()


def show(page: Page, *, reduced: bool) -> None:
    page.emulate_media(reduced_motion="reduce" if reduced else "no-preference")
    page.set_content(
        f"<style>{drawings.stylesheet()}</style>"
        + "".join(
            f'<div id="{exercise_id}">{drawings.svg(exercise_id)}</div>' for exercise_id in drawings.exercise_ids()
        )
    )


def test_every_drawing_moves_in_a_browser(page: Page) -> None:
    show(page, reduced=False)
    for exercise_id in drawings.exercise_ids():
        moved = page.evaluate(
            """(id) => {
                const seen = () => [...document.querySelectorAll(`#${id} svg > path, #${id} svg > g > path`)]
                    .map((part) => { const b = part.getBoundingClientRect(); return `${b.x | 0},${b.y | 0}`; });
                const all = document.getElementById(id).getAnimations({subtree: true});
                const at = (share) => { for (const one of all) {
                    one.pause(); one.currentTime = share * one.effect.getTiming().duration; } return seen(); };
                const start = at(0), later = at(0.45);
                return start.filter((place, index) => place !== later[index]).length;
            }""",
            exercise_id,
        )
        assert moved >= 4, exercise_id


def test_less_motion_shows_pale_positions(page: Page) -> None:
    show(page, reduced=True)
    assert page.evaluate("document.getAnimations().length") == 0
    for exercise_id in drawings.exercise_ids():
        assert page.locator(f"#{exercise_id} .ac-ghost").first.is_visible()
