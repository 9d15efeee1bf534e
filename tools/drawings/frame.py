"""Small helpers for writing poses: the usual directions, and points given on the body instead of in the room."""

from __future__ import annotations

from tools.drawings.body import (
    HIP_HALF_WIDTH_CM,
    PELVIS_TO_WAIST_CM,
    SHOULDER_BELOW_NECK_CM,
    SHOULDER_HALF_WIDTH_CM,
    WAIST_TO_NECK_CM,
)
from tools.drawings.geometry import Vec, add, cross, mul, square_to, unit

UP: Vec = (0, 1, 0)
DOWN: Vec = (0, -1, 0)
RIGHT: Vec = (1, 0, 0)  # of the picture
LEFT: Vec = (-1, 0, 0)
NEAR: Vec = (0, 0, 1)
AWAY: Vec = (0, 0, -1)


def on_chest(pelvis: Vec, up: Vec, front: Vec, offset: Vec, chest_up: Vec | None = None) -> Vec:
    """A point given from the waist as (to the figure's left, up the spine, to the front), in centimetres."""
    spine = unit(chest_up or up)
    forward = square_to(front, spine)
    left = cross(spine, forward)
    waist = add(pelvis, mul(unit(up), PELVIS_TO_WAIST_CM))
    return add(waist, add(mul(left, offset[0]), add(mul(spine, offset[1]), mul(forward, offset[2]))))


def pelvis_below_shoulder(shoulder: Vec, up: Vec, front: Vec, side: str) -> Vec:
    """Where the pelvis is when one shoulder is fixed (a side plank) and the straight trunk points to `up`."""
    spine = unit(up)
    left = cross(spine, square_to(front, spine))
    trunk = PELVIS_TO_WAIST_CM + WAIST_TO_NECK_CM - SHOULDER_BELOW_NECK_CM
    sideways = SHOULDER_HALF_WIDTH_CM * (1 if side == "l" else -1)
    return add(shoulder, add(mul(spine, -trunk), mul(left, -sideways)))


def hip(pelvis: Vec, up: Vec, front: Vec, side: str) -> Vec:
    """The hip joint of a side ("l" or "r")."""
    spine = unit(up)
    left = cross(spine, square_to(front, spine))
    return add(pelvis, mul(left, HIP_HALF_WIDTH_CM * (1 if side == "l" else -1)))
