"""The figure: a body that keeps its measures, bends where people bend, stands on the floor and does not fall over."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from tools.drawings import body, drawings
from tools.drawings.body import Joints
from tools.drawings.geometry import Vec, add, dot, length, mix, mul, square_to, sub, unit
from tools.drawings.scene import BODY_LAYERS, Drawing, floor

ALL = tuple(drawings())

# Joints that stay where they are through the whole movement: what bears the weight or is fixed to a prop.
PLANTED = {
    "side_lying_adduction_top_leg_elevated": ["ankle_l", "wrist_l"],
    "side_lying_adduction_floor": ["ankle_l", "wrist_l"],
    "side_lying_abduction_other_pan": ["ankle_r", "wrist_l"],
    "supine_adductor_squeeze": ["head", "hand_l", "hand_r"],
    "copenhagen_short_lever_hold": ["elbow_r", "knee_l", "knee_r"],
    "copenhagen_long_lever_hold": ["elbow_r", "ankle_l"],
    "copenhagen_dynamic_long_lever": ["elbow_r", "ankle_l"],
    "half_kneeling_slide_hinge": ["knee_r", "ankle_r"],
    "standing_resisted_adduction": ["ankle_r", "toe_r", "wrist_r"],
    "standing_lateral_slide_lunge": ["ankle_r", "toe_r"],
    "bowler_squat": ["ankle_r", "toe_r"],
    "cross_over_step_up": ["ankle_r", "toe_r"],
    "single_leg_deadlift": ["ankle_r", "toe_r"],
    "single_leg_deadlift_kickstand": ["ankle_r", "toe_r", "ankle_l"],
    "step_up_forward_low": ["ankle_r", "toe_r"],
    "split_squat_floor": ["ankle_r", "toe_r", "ankle_l"],
    "elevated_split_squat": ["ankle_r", "toe_r", "ankle_l"],
    "jump_lunges": [],
}
# Exercises that end on one foot with no hand on anything, and that foot.
ON_ONE_FOOT = {
    "bowler_squat": "r",
    "single_leg_deadlift": "r",
    "cross_over_step_up": "r",
    "step_up_forward_low": "r",
}
# Segment masses as shares of the body and the place of their centre (Winter, Biomechanics and Motor Control).
SEGMENTS = [
    *[("pelvis", "neck", 0.5, 0.497), ("neck", "head", 1.0, 0.081)],
    *[(f"hip_{s}", f"knee_{s}", 0.433, 0.1) for s in "lr"],
    *[(f"knee_{s}", f"ankle_{s}", 0.433, 0.0465) for s in "lr"],
    *[(f"heel_{s}", f"toe_{s}", 0.4, 0.0145) for s in "lr"],
    *[(f"shoulder_{s}", f"elbow_{s}", 0.436, 0.028) for s in "lr"],
    *[(f"elbow_{s}", f"hand_{s}", 0.5, 0.022) for s in "lr"],
]


def on_the_way(chosen: Drawing) -> Iterator[Joints]:
    position = 0
    for step in chosen.steps:
        for eighth in range(9):
            yield chosen.on_the_way(position, step.to, eighth / 8)
        position = step.to


def centre_of_mass(joints: Joints) -> Vec:
    centre: Vec = (0, 0, 0)
    for start, end, place, share in SEGMENTS:
        centre = add(centre, mul(mix(joints[start], joints[end], place), share))
    return mul(centre, 1 / sum(share for *_, share in SEGMENTS))


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


@pytest.mark.parametrize("exercise_id", ALL)
def test_what_is_planted_stays_where_it_is(exercise_id: str) -> None:
    chosen = drawings()[exercise_id]
    for joint in PLANTED[exercise_id]:
        start = chosen.skeletons[0][joint]
        for joints in on_the_way(chosen):
            # A knee or elbow on its skin may roll by the width of three fingers.
            slack = 5.0 if joint.startswith(("knee", "elbow")) else 0.6
            assert length(sub(joints[joint], start)) < slack, joint


@pytest.mark.parametrize("exercise_id", ON_ONE_FOOT)
def test_a_figure_on_one_foot_is_in_balance(exercise_id: str) -> None:
    chosen, side = drawings()[exercise_id], ON_ONE_FOOT[exercise_id]
    joints = chosen.skeletons[chosen.shown[-1]]
    centre, heel, toe = centre_of_mass(joints), joints[f"heel_{side}"], joints[f"toe_{side}"]
    floor_centre = (centre[0], heel[1], centre[2])
    foot = sub(toe, heel)
    along = dot(sub(floor_centre, heel), unit(foot))
    assert -3 <= along <= length(foot) + 2
    beside = sub(sub(floor_centre, heel), mul(unit(foot), along))
    # Half a shoe is about 5 cm wide.
    assert length((beside[0], 0, beside[2])) < 5


def test_in_the_side_lunge_the_weight_is_nearer_to_the_standing_foot() -> None:
    joints = drawings()["standing_lateral_slide_lunge"].skeletons[1]
    centre = centre_of_mass(joints)
    assert abs(centre[0] - joints["ankle_r"][0]) < 0.25 * abs(centre[0] - joints["ankle_l"][0])


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
