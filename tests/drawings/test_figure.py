"""The figure: a body that keeps its measures, bends where people bend, stands on the floor and stays in its frame.

The poses themselves are pinned by the committed files (test_drawings.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from tools.drawings import body, drawings
from tools.drawings.body import Joints
from tools.drawings.geometry import add, dot, length, mul, square_to, sub, unit
from tools.drawings.scene import BODY_LAYERS, Drawing, floor

ALL = tuple(drawings())


def on_the_way(chosen: Drawing) -> Iterator[Joints]:
    position = 0
    for step in chosen.steps:
        for eighth in range(9):
            yield chosen.on_the_way(position, step.to, eighth / 8)
        position = step.to


@pytest.mark.parametrize("exercise_id", ALL)
def test_no_bone_changes_its_length_on_the_way(exercise_id: str) -> None:
    bones = {
        ("hip", "knee"): body.THIGH_CM,
        ("knee", "ankle"): body.SHIN_CM,
        ("shoulder", "elbow"): body.UPPER_ARM_CM,
        ("elbow", "wrist"): body.FOREARM_CM,
    }
    for joints in on_the_way(drawings()[exercise_id]):
        for (a, b), wanted in bones.items():
            for side in "lr":
                found = length(sub(joints[f"{a}_{side}"], joints[f"{b}_{side}"]))
                assert found == pytest.approx(wanted, abs=0.1), (a, b, side)


def lowest_cm(chosen: Drawing, joints: Joints) -> float:
    """The height of the lowest part of the body above the floor."""
    parts = [part for name, layer in chosen.layers if name in BODY_LAYERS for part in layer]
    return min(point[1] - radius for part in parts for point, radius in part.build(joints))


@pytest.mark.parametrize("exercise_id", ALL)
def test_the_body_stands_on_the_floor_and_never_sinks_into_it(exercise_id: str) -> None:
    chosen = drawings()[exercise_id]
    assert min(lowest_cm(chosen, joints) for joints in on_the_way(chosen)) > -1.6
    for position in chosen.shown:
        lowest = lowest_cm(chosen, chosen.skeletons[position])
        if chosen.captions[position] == "Jump and switch":
            assert lowest > 5
        elif exercise_id in ("cross_over_step_up", "step_up_forward_low"):
            assert lowest < 23  # on the step
        else:
            assert lowest < 2  # a towel may lie between


@pytest.mark.parametrize("exercise_id", ALL)
def test_knees_bend_to_the_front(exercise_id: str) -> None:
    for joints in on_the_way(drawings()[exercise_id]):
        for side in "lr":
            hip, knee, ankle = joints[f"hip_{side}"], joints[f"knee_{side}"], joints[f"ankle_{side}"]
            axis = unit(sub(ankle, hip))
            aside = sub(sub(knee, hip), mul(axis, dot(sub(knee, hip), axis)))
            if length(aside) < 3:
                continue  # as good as straight
            toes = square_to(sub(joints[f"toe_{side}"], joints[f"heel_{side}"]), sub(ankle, knee))
            assert dot(unit(aside), toes) > -0.1, f"the {side} knee bends backwards"


def test_the_squeeze_shows_the_three_hip_angles_of_the_catalogue() -> None:
    flexion_deg = []
    for joints in drawings()["supine_adductor_squeeze"].skeletons:
        thigh = unit(sub(joints["knee_r"], joints["hip_r"]))
        trunk = unit(sub(joints["hip_r"], add(joints["hip_r"], sub(joints["waist"], joints["pelvis"]))))
        # Spread of the knees is not flexion: look at it from the side.
        flat = unit((thigh[0], thigh[1], 0))
        flexion_deg.append(math.degrees(math.acos(max(-1.0, min(1.0, dot(flat, trunk))))))
    assert flexion_deg == pytest.approx([0, 45, 90], abs=8)


def test_a_foot_out_of_reach_is_refused_instead_of_stretching_the_leg() -> None:
    start = drawings()["split_squat_floor"].poses[0]
    too_far = body.Reach((90, 8, 8), (1, 0, 0), (1, 0, 0))
    with pytest.raises(ValueError, match="out of reach"):
        body.joints(body.Pose((0, 80, 0), (0, 1, 0), (1, 0, 0), {**start.legs, "r": too_far}, start.arms))


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
