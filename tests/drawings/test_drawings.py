"""The drawings as pages, mails and screen readers get them; the committed files are those that the generator makes."""

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
    assert drawings.moments_s("supine_adductor_squeeze") == (0.0, 1.4, 5.4)


@pytest.mark.parametrize("variant", INLINE)
@pytest.mark.parametrize("exercise_id", ALL)
def test_inline_svg_is_strict_small_and_described(exercise_id: str, variant: Any) -> None:
    text = drawings.svg(exercise_id, variant)
    assert len(text.encode()) < 8000
    root = ElementTree.fromstring(text)
    for element in root.iter():
        assert element.tag in {"svg", "title", "desc", "g", "path", "circle"}
        for name, value in element.attrib.items():  # a strict Content-Security-Policy allows none of these
            assert name != "style"
            assert not name.startswith("on")
            assert "href" not in name
            assert not re.search(r"url\(|//", value)
    css = drawings.stylesheet(exercise_id)
    for name in " ".join(re.findall(r'class="([^"]+)"', text)).split():
        assert f".{name}{{" in css or f".{name}," in css, name
    by_id = {element.get("id"): element.text for element in root.iter() if element.get("id")}
    title, description = (by_id[name] for name in root.attrib["aria-labelledby"].split())
    assert root.get("role") == "img"
    assert title == catalogue().exercises[exercise_id].name
    assert description is not None
    assert len(description) > 100


def test_ids_are_unique_over_all_drawings_of_a_page() -> None:
    page = "".join(drawings.svg(exercise_id) + drawings.svg(exercise_id, "mirrored") for exercise_id in ALL)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids)) == 4 * len(ALL)


@pytest.mark.parametrize("exercise_id", ALL)
def test_at_rest_the_other_positions_stand_there_pale_on_either_ground(exercise_id: str) -> None:
    light, dark = (drawings.at_rest(exercise_id, dark=dark) for dark in (False, True))

    for text in (light, dark):
        assert "class=" not in text
        assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
        pale = [group for group in ElementTree.fromstring(text).iter() if group.get("fill-opacity")]
        assert [len(group) for group in pale] == [drawings.positions(exercise_id) - 1]
    assert light != dark


@pytest.mark.parametrize("exercise_id", ALL)
def test_png_is_sharp_and_small_enough_for_a_mail(exercise_id: str) -> None:
    data = drawings.png(exercise_id)
    assert data.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", data[16:24])
    assert (width, height) == (600 * drawings.positions(exercise_id), 450)
    assert len(data) < 25_000


@pytest.mark.parametrize("exercise_id", ALL)
def test_words_name_each_position_its_moment_and_the_movement(exercise_id: str) -> None:
    moments = drawings.moments_s(exercise_id)
    assert len(drawings.captions(exercise_id)) == len(moments) == len(set(moments)) == drawings.positions(exercise_id)
    text = drawings.describe(exercise_id)
    assert text.startswith(f"{catalogue().exercises[exercise_id].name}. Start: ")
    assert "Movement: " in text
    assert 150 < len(text) < 480
    assert not re.search(r"\b(prevent|treat|rehab|cure)", text, re.IGNORECASE)


def test_stylesheet_holds_only_the_rules_of_the_chosen_exercises() -> None:
    one = drawings.stylesheet("bowler_squat")
    assert ".ac-bow0{" in one
    assert "prefers-reduced-motion" in one
    assert ".ac-jump0{" not in one
    assert len(one) < len(drawings.stylesheet()) / 4
    assert drawings.stylesheet(*ALL) == drawings.stylesheet()


@pytest.mark.parametrize("ask", [drawings.svg, drawings.at_rest, drawings.png, drawings.stylesheet, drawings.describe])
def test_unknown_exercise_is_named_with_the_known_ones(ask: Any) -> None:
    with pytest.raises(KeyError, match=r"no drawing for 'plank'.*bowler_squat"):
        ask("plank")
