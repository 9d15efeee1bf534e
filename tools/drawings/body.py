"""The figure: measures of the body, a pose, and the joints that follow from it.

Every limb length is one constant, so no pose can stretch the figure: a pose says where the pelvis is and where
hands and feet go, and the joints are computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tools.drawings.geometry import Vec, add, cross, middle_joint, mix, mul, square_to, sub, turn, unit

# Measures of an adult of 172 cm, rounded from the usual body-segment shares of standing height
# (thigh .245, shank .246, upper arm .186, forearm .146; Drillis & Contini 1966 as reprinted in textbooks).
THIGH_CM = 42.0
SHIN_CM = 41.0
ANKLE_HEIGHT_CM = 8.0
HIP_HALF_WIDTH_CM = 8.5
PELVIS_TO_WAIST_CM = 14.0
WAIST_TO_NECK_CM = 37.0
SHOULDER_HALF_WIDTH_CM = 16.5
SHOULDER_BELOW_NECK_CM = 4.5
NECK_TO_HEAD_CM = 15.0
UPPER_ARM_CM = 29.0
FOREARM_CM = 25.0
HAND_CM = 8.0

Joints = dict[str, Vec]


@dataclass(frozen=True)
class Reach:
    """A limb whose ankle or wrist is at `to`; the knee or elbow points to `bend`; toes or fingers to `end`.

    A foot whose toes point level stands flat, however the shin above it leans.
    """

    to: Vec
    bend: Vec
    end: Vec


@dataclass(frozen=True)
class Along:
    """A limb by the directions of its two bones and of its foot or hand."""

    upper: Vec
    lower: Vec
    end: Vec


Limb = Reach | Along


@dataclass(frozen=True)
class Pose:
    """One position of the whole figure. `up` is the direction of the spine, `front` that of the belly."""

    pelvis: Vec
    up: Vec
    front: Vec
    legs: Mapping[str, Limb]  # "l" and "r": the figure's own left and right
    arms: Mapping[str, Limb]
    chest_up: Vec | None = None
    chest_front: Vec | None = None
    head_up: Vec | None = None
    head_front: Vec | None = None
    extra: Mapping[str, Vec] = field(default_factory=dict)  # points of props that move by themselves
    anchor: str | None = None  # the joint about which the body turns on the way to the next position


def _limb_joints(root: Vec, limb: Limb, upper: float, lower: float) -> tuple[Vec, Vec]:
    if isinstance(limb, Along):
        middle = add(root, mul(unit(limb.upper), upper))
        return middle, add(middle, mul(unit(limb.lower), lower))
    return middle_joint(root, limb.to, upper, lower, limb.bend), limb.to


def joints(pose: Pose) -> Joints:
    """All joints of a pose in world coordinates. Raises ValueError when a hand or foot is out of reach."""
    up = unit(pose.up)
    front = square_to(pose.front, up)
    left = cross(up, front)
    chest_up = unit(pose.chest_up or up)
    chest_front = square_to(pose.chest_front or front, chest_up)
    chest_left = cross(chest_up, chest_front)
    head_up = unit(pose.head_up or chest_up)
    head_front = square_to(pose.head_front or chest_front, head_up)

    found: Joints = dict(pose.extra)
    found["pelvis"] = pose.pelvis
    found["waist"] = add(pose.pelvis, mul(up, PELVIS_TO_WAIST_CM))
    found["neck"] = add(found["waist"], mul(chest_up, WAIST_TO_NECK_CM))
    found["head"] = add(found["neck"], mul(head_up, NECK_TO_HEAD_CM))
    found["crown"] = add(found["head"], mul(head_up, 10))
    found["face"] = add(found["head"], mul(head_front, 10))
    found["belly"] = add(found["waist"], mul(chest_front, 10))
    for side, sign in (("l", 1.0), ("r", -1.0)):
        hip = add(pose.pelvis, mul(left, sign * HIP_HALF_WIDTH_CM))
        knee, ankle = _limb_joints(hip, pose.legs[side], THIGH_CM, SHIN_CM)
        found[f"hip_{side}"], found[f"knee_{side}"], found[f"ankle_{side}"] = hip, knee, ankle
        found[f"ribs_{side}"] = add(
            add(found["waist"], mul(chest_up, 21)), add(mul(chest_left, sign * 4.6), mul(chest_front, 0.6))
        )
        toes = unit(pose.legs[side].end)
        flat = isinstance(pose.legs[side], Reach) and abs(toes[1]) < 1e-6
        down = (0.0, -1.0, 0.0) if flat else square_to(sub(ankle, knee), toes)
        found[f"heel_{side}"] = add(add(ankle, mul(down, ANKLE_HEIGHT_CM - 3.4)), mul(toes, -3.2))
        found[f"ball_{side}"] = add(add(ankle, mul(down, ANKLE_HEIGHT_CM - 3.0)), mul(toes, 10.0))
        found[f"toe_{side}"] = add(add(ankle, mul(down, ANKLE_HEIGHT_CM - 2.4)), mul(toes, 16.0))
        shin = unit(sub(ankle, knee))
        # The calf belly lies on the side to which the knee folds; with a straight knee, opposite the toes.
        back = mul(square_to(toes, shin), -1) if abs(sum(a * b for a, b in zip(toes, shin, strict=True))) < 0.95 else up
        found[f"calf_{side}"] = add(add(knee, mul(shin, 12.0)), mul(back, 1.4))
        shoulder = add(
            add(found["neck"], mul(chest_up, -SHOULDER_BELOW_NECK_CM)),
            mul(chest_left, sign * SHOULDER_HALF_WIDTH_CM),
        )
        elbow, wrist = _limb_joints(shoulder, pose.arms[side], UPPER_ARM_CM, FOREARM_CM)
        found[f"shoulder_{side}"], found[f"elbow_{side}"], found[f"wrist_{side}"] = shoulder, elbow, wrist
        found[f"hand_{side}"] = add(wrist, mul(unit(pose.arms[side].end), HAND_CM))
    return found


def _directions(root: Vec, limb: Limb, upper: float, lower: float) -> Along:
    middle, end = _limb_joints(root, limb, upper, lower)
    return Along(sub(middle, root), sub(end, middle), limb.end)


def _limb_between(a: Limb, b: Limb, share: float, roots: tuple[Vec, Vec], bones: tuple[float, float]) -> Limb:
    if isinstance(a, Reach) and isinstance(b, Reach):
        return Reach(mix(a.to, b.to, share), turn(a.bend, b.bend, share), turn(a.end, b.end, share))
    one, two = _directions(roots[0], a, *bones), _directions(roots[1], b, *bones)
    return Along(turn(one.upper, two.upper, share), turn(one.lower, two.lower, share), turn(one.end, two.end, share))


def between(a: Pose, b: Pose, share: float) -> Pose:
    """The pose `share` (0..1) of the way from a to b; planted hands and feet stay where they are."""
    first, second = joints(a), joints(b)
    a_up, b_up = unit(a.up), unit(b.up)
    way = Pose(
        pelvis=mix(a.pelvis, b.pelvis, share),
        up=turn(a_up, b_up, share),
        front=turn(square_to(a.front, a_up), square_to(b.front, b_up), share),
        chest_up=turn(a.chest_up or a_up, b.chest_up or b_up, share),
        chest_front=turn(a.chest_front or a.front, b.chest_front or b.front, share),
        head_up=turn(a.head_up or a.chest_up or a_up, b.head_up or b.chest_up or b_up, share),
        head_front=turn(
            a.head_front or a.chest_front or a.front, b.head_front or b.chest_front or b.front, share
        ),
        legs={
            side: _limb_between(
                a.legs[side], b.legs[side], share,
                (first[f"hip_{side}"], second[f"hip_{side}"]), (THIGH_CM, SHIN_CM),
            )
            for side in "lr"
        },
        arms={
            side: _limb_between(
                a.arms[side], b.arms[side], share,
                (first[f"shoulder_{side}"], second[f"shoulder_{side}"]), (UPPER_ARM_CM, FOREARM_CM),
            )
            for side in "lr"
        },
        extra={name: mix(point, b.extra[name], share) for name, point in a.extra.items()},
    )  # fmt: skip
    if a.anchor is None:
        return way
    # The pelvis moves on a straight line; the planted limb gives the arc on which it really goes.
    off = sub(mix(first[a.anchor], second[a.anchor], share), joints(way)[a.anchor])
    return replace(way, pelvis=add(way.pelvis, off))
