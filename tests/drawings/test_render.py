"""The written files (stylesheet, PNG) belong to the pose data of today, and a real browser shows what they promise."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Iterator
from importlib import resources

import pytest
from playwright.sync_api import Page, sync_playwright

from adductor import drawings
from adductor.drawings import render
from tests.support.people import LAUNCHED_WITHIN_MS

ALL = drawings.exercise_ids()
TO_REFRESH = "run `python -m adductor.drawings.render` and commit what it writes"


def test_the_stylesheet_is_current() -> None:
    assert drawings.stylesheet() == render.written_stylesheet(), TO_REFRESH


def test_every_png_was_made_from_the_pose_data_of_today() -> None:
    text = resources.files("adductor.drawings").joinpath("png/manifest.json").read_text(encoding="utf-8")
    assert json.loads(text) == {exercise_id: render.source_hash(exercise_id) for exercise_id in ALL}, TO_REFRESH


@pytest.mark.parametrize("exercise_id", ALL)
def test_a_png_is_sharp_and_small_enough_for_a_mail(exercise_id: str) -> None:
    data = drawings.png(exercise_id)
    assert data.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", data[16:24])
    assert (width, height) == (600 * drawings.positions(exercise_id), 450)
    assert len(data) < 25_000


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), timeout=LAUNCHED_WITHIN_MS)
        yield browser.new_page()
        browser.close()


def show(page: Page, *, reduced: bool) -> None:
    page.emulate_media(reduced_motion="reduce" if reduced else "no-preference")
    page.set_content(
        f"<style>{drawings.stylesheet()}</style>"
        + "".join(f'<div id="{exercise_id}">{drawings.svg(exercise_id)}</div>' for exercise_id in ALL)
    )


def test_every_drawing_moves_in_a_browser(page: Page) -> None:
    show(page, reduced=False)
    for exercise_id in ALL:
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


def test_nothing_moves_and_the_other_position_shows_when_less_motion_is_asked_for(page: Page) -> None:
    show(page, reduced=True)
    assert page.evaluate("document.getAnimations().length") == 0
    for exercise_id in ALL:
        assert page.locator(f"#{exercise_id} .ac-ghost").first.is_visible()


def test_the_pale_second_position_is_hidden_while_the_drawing_moves(page: Page) -> None:
    show(page, reduced=False)
    assert page.locator(".ac-ghost:visible").count() == 0


def test_a_page_can_pause_the_movement(page: Page) -> None:
    show(page, reduced=False)
    page.evaluate("document.body.classList.add('ac-paused')")
    states = page.evaluate("[...new Set(document.getAnimations().map((one) => one.playState))]")
    assert states == ["paused"]
