"""The figure: a body that keeps its measures, bends where people bend, stands on the floor and stays in its frame.

The poses themselves are pinned by the committed files (test_drawings.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from adductor.catalogue import catalogue
from tools.drawings import body, drawings, motion
from tools.drawings.body import Joints
from tools.drawings.geometry import dot, length, mul, square_to, sub, unit
from tools.drawings.scene import BODY_LAYERS, Drawing, floor

ALL = tuple(drawings())
BONES = {
    ("hip", "knee"): body.THIGH_CM,
    ("knee", "ankle"): body.SHIN_CM,
    ("shoulder", "elbow"): body.UPPER_ARM_CM,
    ("elbow", "wrist"): body.FOREARM_CM,
}


def on_the_way(chosen: Drawing) -> Iterator[Joints]:
    position = 0
    for step in chosen.steps:
        for eighth in range(9):
            yield chosen.on_the_way(position, step.to, eighth / 8)
        position = step.to


def lowest_cm(chosen: Drawing, joints: Joints) -> float:
    """The height of the lowest part of the body above the floor."""
    parts = [part for name, layer in chosen.layers if name in BODY_LAYERS for part in layer]
    return min(point[1] - radius for part in parts for point, radius in part.build(joints))


@pytest.mark.parametrize("exercise_id", ALL)
def test_body_keeps_its_measures_bends_its_knees_forward_and_stays_above_the_floor(exercise_id: str) -> None:
    chosen = drawings()[exercise_id]
    for joints in on_the_way(chosen):
        assert lowest_cm(chosen, joints) > -1.6
        for side in "lr":
            for (start, end), wanted_cm in BONES.items():
                found_cm = length(sub(joints[f"{start}_{side}"], joints[f"{end}_{side}"]))
                assert found_cm == pytest.approx(wanted_cm, abs=0.1), (start, end, side)
            hip, knee, ankle = joints[f"hip_{side}"], joints[f"knee_{side}"], joints[f"ankle_{side}"]
            axis = unit(sub(ankle, hip))
            aside = sub(sub(knee, hip), mul(axis, dot(sub(knee, hip), axis)))
            toes = square_to(sub(joints[f"toe_{side}"], joints[f"heel_{side}"]), sub(ankle, knee))
            is_straight = length(aside) < 3
            assert is_straight or dot(unit(aside), toes) > -0.1, f"the {side} knee bends backwards"
    for position in chosen.shown:
        lowest = lowest_cm(chosen, chosen.skeletons[position])
        if chosen.captions[position] == "Jump and switch":
            assert lowest > 5
        else:
            stands_on_step = exercise_id in ("cross_over_step_up", "step_up_forward_low")
            assert lowest < (23 if stands_on_step else 2)  # a towel may lie between


@pytest.mark.parametrize("exercise_id", ALL)
def test_the_drawing_stays_inside_its_frame_in_every_position(exercise_id: str) -> None:
    chosen = drawings()[exercise_id]
    width, height = chosen.camera.width, chosen.camera.height
    for corner in floor(chosen):
        assert corner.x - corner.r >= 0
        assert corner.x + corner.r <= width
        assert corner.y + corner.r <= height
    layers = [part for _, layer in chosen.layers for part in layer]
    for joints in chosen.skeletons:
        for part in layers:
            for disc in chosen.seen(part, joints):
                assert -1 <= disc.x - disc.r <= disc.x + disc.r <= width + 1, part.name
                assert 3 <= disc.y - disc.r <= disc.y + disc.r <= height - 2, part.name


@pytest.mark.parametrize("exercise_id", ALL)
def test_joints_hold_together_between_keyframes(exercise_id: str) -> None:
    """What the CSS does to the ends of each bone, at moments that are no keyframes, against the true figure."""
    chosen = drawings()[exercise_id]
    found, follows = motion.tracks(chosen)
    for track in found:  # the loop ends where it began
        last = track.ways[-1][-1][1]
        assert (last.dx, last.dy, math.remainder(last.turn_deg, 360)) == pytest.approx((0, 0, 0), abs=0.05)
    assert chosen.steps[-1].to == 0
    for part in (part for _, layer in chosen.layers for part in layer if part.name in follows):
        if part.name.split("_")[0] not in ("thigh", "shin", "shoe", "upper", "fore", "pelvis", "chest"):
            continue
        item, position = found[follows[part.name]], 0
        base = chosen.seen(part, chosen.skeletons[0])
        for step, way in zip(chosen.steps, item.ways, strict=True):
            for share in (0.11, 0.31, 0.5, 0.69, 0.93, 1.0):
                index = next(i for i in range(1, len(way)) if way[i][0] >= share)
                (a_share, a), (b_share, b) = way[index - 1], way[index]
                mixed = motion.between(a, b, (share - a_share) / (b_share - a_share))
                seen = chosen.seen(part, chosen.on_the_way(position, step.to, share))
                for start, end in list(zip(base, seen, strict=True))[:2]:
                    x, y = motion.apply(mixed, item.axis_deg, item.anchor, start)
                    # Limbs are 10 units and more wide: a joint stays closed with a third of that.
                    assert math.hypot(x - end.x, y - end.y) < 3.5, f"{part.name} is off at {share}"
            position = step.to


def test_the_drawing_keeps_the_tempo_of_the_catalogue() -> None:
    # A jump takes as long as it takes; its seconds in the catalogue count dip and landing.
    timed = {id_: e.tempo for id_, e in catalogue().exercises.items() if e.tempo is not None and id_ != "jump_lunges"}
    assert len(timed) >= 10
    for exercise_id, tempo in timed.items():
        seconds = [step.move_s for step in drawings()[exercise_id].steps]
        assert sorted(seconds) == sorted((tempo.eccentric, tempo.concentric)), exercise_id
