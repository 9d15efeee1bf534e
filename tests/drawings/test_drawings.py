"""The drawings as pages, mails and screen readers get them."""

from __future__ import annotations

import re
from importlib import resources
from xml.etree import ElementTree

import pytest
import yaml

from adductor import drawings
from adductor.drawings.scene import floor

CATALOGUE_IDS = {
    "side_lying_adduction_top_leg_elevated",
    "supine_adductor_squeeze",
    "standing_resisted_adduction",
    "half_kneeling_slide_hinge",
    "standing_lateral_slide_lunge",
    "single_leg_deadlift",
    "bowler_squat",
    "cross_over_step_up",
    "elevated_split_squat",
    "jump_lunges",
    "side_lying_adduction_floor",
    "copenhagen_short_lever_hold",
    "copenhagen_long_lever_hold",
    "copenhagen_dynamic_long_lever",
    "single_leg_deadlift_kickstand",
    "step_up_forward_low",
    "split_squat_floor",
    "side_lying_abduction_other_pan",
}
ALL = drawings.exercise_ids()
KINDS = [{"animated": True}, {"animated": False}, {"animated": True, "mirrored": True, "size": 320}]


def catalogue() -> list[dict[str, object]]:
    text = resources.files("adductor.catalogue").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    found: list[dict[str, object]] = yaml.safe_load(text)["exercises"]
    return found


def test_every_exercise_has_a_drawing() -> None:
    assert set(ALL) == CATALOGUE_IDS


def test_the_drawings_are_those_of_the_catalogue_and_carry_its_names() -> None:
    names = {str(exercise["id"]): exercise["name"] for exercise in catalogue()}
    assert set(ALL) == set(names)
    for exercise_id in ALL:
        assert drawings.drawing(exercise_id).title == names[exercise_id]


@pytest.mark.parametrize("exercise_id", ALL)
@pytest.mark.parametrize("kind", KINDS, ids=["moving", "side by side", "mirrored"])
def test_inline_drawings_keep_to_a_strict_content_security_policy(
    exercise_id: str, kind: dict[str, bool | int]
) -> None:
    text = drawings.svg(exercise_id, **kind)  # type: ignore[arg-type]
    root = ElementTree.fromstring(text)
    for element in root.iter():
        assert element.tag in {"svg", "title", "desc", "g", "path", "circle"}
        for name, value in element.attrib.items():
            assert name != "style"
            assert not name.startswith("on")
            assert "href" not in name
            assert "url(" not in value
            assert "//" not in value


@pytest.mark.parametrize("exercise_id", ALL)
def test_a_screen_reader_hears_title_and_description(exercise_id: str) -> None:
    root = ElementTree.fromstring(drawings.svg(exercise_id, suffix="-2"))
    by_id = {element.get("id"): element.text for element in root.iter() if element.get("id")}
    title, description = (by_id[name] for name in root.attrib["aria-labelledby"].split())
    assert root.get("role") == "img"
    assert title == drawings.drawing(exercise_id).title
    assert description is not None
    assert len(description) > 100


def test_ids_are_unique_over_all_drawings_of_a_page() -> None:
    page = "".join(drawings.svg(exercise_id) for exercise_id in ALL)
    page += "".join(drawings.svg(exercise_id, suffix="-again") for exercise_id in ALL)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids)) == 4 * len(ALL)


@pytest.mark.parametrize("exercise_id", ALL)
def test_a_moving_drawing_stays_under_8_kb(exercise_id: str) -> None:
    assert len(drawings.svg(exercise_id).encode()) < 8000


@pytest.mark.parametrize("exercise_id", ALL)
def test_every_class_that_moves_or_colours_is_in_the_stylesheet(exercise_id: str) -> None:
    css = drawings.stylesheet()
    for kind in (True, False):
        for names in re.findall(r'class="([^"]+)"', drawings.svg(exercise_id, animated=kind)):
            for name in names.split():
                assert f".{name}{{" in css or f".{name}," in css, name


@pytest.mark.parametrize("exercise_id", ALL)
def test_the_drawing_stays_inside_its_frame_in_every_position(exercise_id: str) -> None:
    chosen = drawings.drawing(exercise_id)
    for corner in floor(chosen):
        assert corner.x - corner.r >= 0
        assert corner.x + corner.r <= chosen.camera.width
        assert corner.y + corner.r <= chosen.camera.height
    for joints in chosen.skeletons:
        for _, layer in chosen.layers:
            for part in layer:
                for disc in chosen.seen(part, joints):
                    assert disc.x - disc.r >= -1, part.name
                    assert disc.x + disc.r <= chosen.camera.width + 1, part.name
                    assert disc.y - disc.r >= 3, part.name
                    assert disc.y + disc.r <= chosen.camera.height - 2, part.name


@pytest.mark.parametrize("exercise_id", ALL)
def test_at_rest_the_other_positions_stand_there_pale_on_either_ground(exercise_id: str) -> None:
    light, dark = (drawings.at_rest(exercise_id, dark=dark) for dark in (False, True))

    for text in (light, dark):
        assert "class=" not in text
        assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
        pale = [group for group in ElementTree.fromstring(text).iter() if group.get("fill-opacity")]
        assert [len(group) for group in pale] == [drawings.positions(exercise_id) - 1]
    assert light != dark


def test_every_position_has_its_words() -> None:
    for exercise_id in ALL:
        assert len(drawings.captions(exercise_id)) == drawings.positions(exercise_id)


@pytest.mark.parametrize("exercise_id", ALL)
def test_every_position_has_its_moment_in_the_loop(exercise_id: str) -> None:
    moments = drawings.moments_s(exercise_id)
    assert len(moments) == drawings.positions(exercise_id)
    assert len(set(moments)) == len(moments)
    assert all(0 <= moment < drawings.drawing(exercise_id).loop_s for moment in moments)


def test_the_moments_of_the_squeeze_are_those_of_its_loop() -> None:
    assert drawings.moments_s("supine_adductor_squeeze") == (0.0, 1.4, 5.4)


@pytest.mark.parametrize("exercise_id", ALL)
def test_the_alternative_text_can_be_followed_alone(exercise_id: str) -> None:
    text = drawings.describe(exercise_id)
    assert text.startswith(drawings.drawing(exercise_id).title)
    assert "Start: " in text
    assert "Movement: " in text
    assert 150 < len(text) < 480
    assert not re.search(r"\b(prevent|treat|rehab|cure)", text, re.IGNORECASE)


def test_a_page_can_take_only_the_rules_that_it_needs() -> None:
    one = drawings.stylesheet("bowler_squat")
    assert ".ac-bow0{" in one
    assert "prefers-reduced-motion" in one
    assert ".ac-jump0{" not in one
    assert len(one) < len(drawings.stylesheet()) / 4
    assert drawings.stylesheet(*ALL) == drawings.stylesheet()
    with pytest.raises(KeyError, match="no drawing for"):
        drawings.stylesheet("plank")


def test_the_numbers_of_mirrored_positions_stay_readable() -> None:
    root = ElementTree.fromstring(drawings.svg("bowler_squat", animated=False, mirrored=True))
    mirrored = [group for group in root.iter("g") if group.get("transform", "").startswith("matrix(-1")]
    assert len(mirrored) == 2
    assert not [circle for group in mirrored for circle in group.iter("circle")]


def test_an_unknown_exercise_is_named_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"no drawing for 'plank'.*bowler_squat"):
        drawings.svg("plank")
