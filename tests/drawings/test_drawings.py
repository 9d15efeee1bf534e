"""The drawings as pages, mails, browsers and screen readers get them; the generator makes the committed files."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

import pytest

from adductor import drawings
from adductor.catalogue import catalogue
from tests.support import people
from tools.drawings import render

ALL = drawings.exercise_ids()
PACKAGE = Path(drawings.__file__).parent
INLINE: tuple[Literal["inline", "mirrored", "moving"], ...] = ("inline", "mirrored", "moving")
TO_REFRESH = "run `make drawings` and commit the files"


def test_committed_files_are_what_the_generator_makes() -> None:
    committed = {
        str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("*")
        if path.suffix in (".svg", ".css", ".json")
    }
    assert committed == render.text_files(), TO_REFRESH
    assert json.loads(render.PNG_SOURCES.read_text(encoding="utf-8")) == render.png_sources(), TO_REFRESH
    assert {path.stem for path in (PACKAGE / "png").iterdir()} == set(ALL) == set(catalogue().exercises), TO_REFRESH
    assert drawings.words("supine_adductor_squeeze").moments_s == (0.0, 1.4, 5.4)


@pytest.mark.parametrize("variant", INLINE)
@pytest.mark.parametrize("exercise_id", ALL)
def test_inline_svg_is_strict_small_and_described(exercise_id: str, variant: Any) -> None:
    text = drawings.svg(exercise_id, variant)
    assert len(text.encode()) < 8000
    root = ElementTree.fromstring(text)
    for element in root.iter():
        assert element.tag in {"svg", "title", "desc", "g", "path", "circle"}
        for name, value in element.attrib.items():  # a strict Content-Security-Policy allows none of these
            assert not re.search(r"^style$|^on|href", name)
            assert not re.search(r"url\(|//", value)
    css = drawings.stylesheet(exercise_id)
    for name in " ".join(re.findall(r'class="([^"]+)"', text)).split():
        assert f".{name}{{" in css or f".{name}," in css, name
    by_id = {element.get("id"): element.text for element in root.iter() if element.get("id")}
    title, description = (by_id[name] for name in root.attrib["aria-labelledby"].split())
    assert root.get("role") == "img"
    assert title == catalogue().exercises[exercise_id].name
    assert len(description or "") > 100


def test_ids_are_unique_over_all_drawings_of_a_page() -> None:
    page = "".join(drawings.svg(exercise_id) + drawings.svg(exercise_id, "mirrored") for exercise_id in ALL)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids)) == 4 * len(ALL)


@pytest.mark.parametrize("exercise_id", ALL)
def test_files_of_an_exercise_agree_with_its_words(exercise_id: str) -> None:
    description, captions, moments_s = drawings.words(exercise_id)

    for ground in (drawings.svg(exercise_id, "light"), drawings.svg(exercise_id, "dark")):
        assert "class=" not in ground
        pale = [group for group in ElementTree.fromstring(ground).iter() if group.get("fill-opacity")]
        assert [len(group) for group in pale] == [len(captions) - 1]
    image = drawings.png(exercise_id)
    assert image.startswith(b"\x89PNG")
    size = (600 * len(captions), 450) if len(captions) < 3 else (600, 450 * len(captions))
    assert struct.unpack(">II", image[16:24]) == size
    assert len(image) < 30_000  # a mail carries up to six
    assert len(captions) == len(moments_s) == len(set(moments_s))
    assert description.startswith(f"{catalogue().exercises[exercise_id].name}. Start: ")
    assert "Movement: " in description
    assert 150 < len(description) < 480
    assert not re.search(r"\b(prevent|treat|rehab|cure)", description, re.IGNORECASE)


def test_stylesheet_holds_only_the_rules_of_the_chosen_exercises() -> None:
    one = drawings.stylesheet("bowler_squat")
    assert ".ac-bow0{" in one
    assert "prefers-reduced-motion" in one
    assert ".ac-jump0{" not in one
    assert len(one) < len(drawings.stylesheet()) / 4
    assert drawings.stylesheet(*ALL) == drawings.stylesheet()


@pytest.mark.parametrize("ask", [drawings.svg, drawings.png, drawings.stylesheet, drawings.words])
def test_unknown_exercise_is_a_key_error(ask: Any) -> None:
    with pytest.raises(KeyError, match="plank"):
        ask("plank")


# Counts the parts of a drawing that stand elsewhere after 45 % of its loop.
MOVED = """(id) => {
    const seen = () => [...document.querySelectorAll(`#${id} svg > path, #${id} svg > g > path`)]
        .map((part) => { const b = part.getBoundingClientRect(); return `${b.x | 0},${b.y | 0}`; });
    const all = document.getElementById(id).getAnimations({subtree: true});
    const at = (share) => { for (const one of all) {
        one.pause(); one.currentTime = share * one.effect.getTiming().duration; } return seen(); };
    const start = at(0), later = at(0.45);
    return start.filter((place, index) => place !== later[index]).length;
}"""


def test_every_drawing_moves_in_a_browser_and_less_motion_shows_pale_positions() -> None:
    shown = "".join(f'<div id="{exercise_id}">{drawings.svg(exercise_id)}</div>' for exercise_id in ALL)
    with people.chromium() as browser:
        page = browser.new_page()
        page.set_content(f"<style>{drawings.stylesheet()}</style>{shown}")
        assert {exercise_id for exercise_id in ALL if page.evaluate(MOVED, exercise_id) < 4} == set()
        page.emulate_media(reduced_motion="reduce")
        assert page.evaluate("document.getAnimations().length") == 0
        for exercise_id in ALL:
            assert page.locator(f"#{exercise_id} .ac-ghost").first.is_visible()
