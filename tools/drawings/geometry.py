"""Vectors, two-bone reach, the camera and outlines: the little geometry that the drawings stand on.

Lengths are centimetres of a person of 172 cm. World axes: x to the right of the picture, y up from the floor
(y = 0), z towards the viewer. Picture coordinates have y downwards, as in SVG.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

Vec = tuple[float, float, float]
Point = tuple[float, float]


def add(a: Vec, b: Vec) -> Vec:
    """The sum of two vectors."""
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


def sub(a: Vec, b: Vec) -> Vec:
    """The vector from b to a."""
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


def mul(a: Vec, factor: float) -> Vec:
    """The vector times a number."""
    return (a[0] * factor, a[1] * factor, a[2] * factor)


def dot(a: Vec, b: Vec) -> float:
    """The scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def cross(a: Vec, b: Vec) -> Vec:
    """The vector product (right-handed)."""
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def length(a: Vec) -> float:
    """Euclidean length in centimetres."""
    return math.sqrt(dot(a, a))


def unit(a: Vec) -> Vec:
    """The direction of a vector. Raises ValueError for a vector without one."""
    size = length(a)
    if size < 1e-9:
        raise ValueError("a vector of length zero has no direction")
    return mul(a, 1 / size)


def mix(a: Vec, b: Vec, share: float) -> Vec:
    """The point `share` (0..1) of the way from a to b."""
    return add(mul(a, 1 - share), mul(b, share))


def turn(a: Vec, b: Vec, share: float) -> Vec:
    """The direction `share` of the way from direction a to b, along the arc between them."""
    a, b = unit(a), unit(b)
    angle = math.acos(max(-1.0, min(1.0, dot(a, b))))
    if angle < 1e-4:
        return b
    if math.pi - angle < 1e-2:
        raise ValueError("two opposite directions have no arc between them: add a position in the middle")
    return unit(
        add(mul(a, math.sin((1 - share) * angle)), mul(b, math.sin(share * angle))),
    )


def square_to(a: Vec, axis: Vec) -> Vec:
    """The direction nearest to a that stands square to `axis`."""
    axis = unit(axis)
    return unit(sub(a, mul(axis, dot(a, axis))))


def middle_joint(root: Vec, end: Vec, upper: float, lower: float, bend: Vec) -> Vec:
    """Where the knee (or elbow) is when the ankle (or wrist) is at `end`.

    `bend` is the direction to which the joint points. Raises ValueError when `end` is further than the limb is
    long, because a drawing must never stretch a leg.
    """
    reach = sub(end, root)
    distance = length(reach)
    if distance > upper + lower + 0.05:
        raise ValueError(f"out of reach: {distance:.1f} cm with a limb of {upper + lower:.1f} cm")
    distance = min(distance, upper + lower - 1e-6)
    along = (upper**2 - lower**2 + distance**2) / (2 * distance)
    aside = math.sqrt(max(0.0, upper**2 - along**2))
    axis = unit(reach)
    return add(add(root, mul(axis, along)), mul(square_to(bend, axis), aside))


@dataclass(frozen=True)
class Camera:
    """A parallel camera: `yaw_deg` round the figure to the right, `pitch_deg` above the floor.

    `centre` is the world point in the middle of the picture, `scale` picture units a centimetre.
    """

    yaw_deg: float
    pitch_deg: float
    centre: Vec
    scale: float
    width: float = 320.0
    height: float = 240.0

    @cached_property
    def _axes(self) -> tuple[Vec, Vec, Vec]:
        yaw, pitch = math.radians(self.yaw_deg), math.radians(self.pitch_deg)
        right = (math.cos(yaw), 0.0, -math.sin(yaw))
        towards = (math.sin(yaw) * math.cos(pitch), math.sin(pitch), math.cos(yaw) * math.cos(pitch))
        up = (-math.sin(yaw) * math.sin(pitch), math.cos(pitch), -math.cos(yaw) * math.sin(pitch))
        return right, up, towards

    def project(self, point: Vec) -> Point:
        """The picture coordinates of a world point."""
        right, up, _ = self._axes
        offset = sub(point, self.centre)
        return (
            self.width / 2 + dot(offset, right) * self.scale,
            self.height / 2 - dot(offset, up) * self.scale,
        )

    def depth(self, point: Vec) -> float:
        """How near a point is to the viewer, in centimetres: the greater, the nearer."""
        return dot(point, self._axes[2])


@dataclass(frozen=True)
class Disc:
    """A ball seen by the camera: picture centre and radius."""

    x: float
    y: float
    r: float


def number(value: float, digits: int = 1) -> str:
    """A picture coordinate as short as SVG allows."""
    text = f"{value:.{digits}f}"
    if digits:
        text = text.rstrip("0").rstrip(".")
    if text in ("-0", ""):
        return "0"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _joined(numbers: Sequence[str]) -> str:
    """Numbers with a space only where the next has no sign to part them."""
    return numbers[0] + "".join(n if n.startswith("-") else f" {n}" for n in numbers[1:])


def _tangent(a: Disc, b: Disc, near: float) -> float:
    """The direction, close to the angle `near`, in which both discs reach equally far: there the string leaves a."""
    dx, dy = b.x - a.x, b.y - a.y
    distance = math.hypot(dx, dy) or 1e-9
    towards = math.atan2(dy, dx)
    aside = math.acos(max(-1.0, min(1.0, (a.r - b.r) / distance)))
    return min(
        (near + math.remainder(towards + sign * aside - near, math.tau) for sign in (1, -1)),
        key=lambda angle: abs(angle - near),
    )


FLAT_ARC = 0.15  # picture units


def outline(discs: Sequence[Disc], digits: int = 1, steps: int = 72) -> str:
    """The path data round all discs as if a string were pulled tight round them: straight lines and arcs.

    Looks into `steps` directions for the disc that reaches furthest; where that changes, the string runs straight
    from one to the next.
    """
    turn = math.tau / steps
    furthest: list[int] = []
    for step in range(steps):
        cos, sin = math.cos(step * turn), math.sin(step * turn)
        reach = [disc.x * cos + disc.y * sin + disc.r for disc in discs]
        furthest.append(reach.index(max(reach)))
    # (disc before, disc after, angle of the straight piece between them), in the order of the angles
    changes = [
        (
            furthest[step - 1],
            furthest[step],
            _tangent(discs[furthest[step - 1]], discs[furthest[step]], (step - 0.5) * turn),
        )
        for step in range(steps)
        if furthest[step - 1] != furthest[step]
    ]
    if not changes:
        disc = discs[furthest[0]]
        r, across = number(disc.r, digits), number(2 * disc.r, digits)
        start = _joined([number(disc.x - disc.r, digits), number(disc.y, digits)])
        return f"M{start}a{r} {r} 0 1 1 {across} 0a{r} {r} 0 1 1-{across} 0z"

    def rim(index: int, angle: float) -> Point:
        disc = discs[index]
        return disc.x + disc.r * math.cos(angle), disc.y + disc.r * math.sin(angle)

    # Relative steps are shorter to write; each starts from the rounded end of the last, so errors don't add up.
    x, y = (round(value, digits) for value in rim(changes[0][0], changes[0][2]))
    data = "M" + _joined([number(x, digits), number(y, digits)])
    for index, (_, disc_index, angle) in enumerate(changes):
        last = index + 1 == len(changes)
        until = changes[0][2] + math.tau if last else changes[index + 1][2]
        for end, curved in ((rim(disc_index, angle), False), (rim(disc_index, until), True)):
            dx, dy = round(end[0] - x, digits), round(end[1] - y, digits)
            if dx == 0 and dy == 0:
                continue
            step_data = _joined([number(dx, digits), number(dy, digits)])
            # An arc that bulges by less than this looks like its chord, which is shorter to write.
            bulge = discs[disc_index].r * (1 - math.cos((until - angle) / 2))
            if curved and bulge > FLAT_ARC:
                r = number(discs[disc_index].r, digits)
                # More than half a turn needs SVG's large-arc flag.
                large = 1 if until - angle > math.pi else 0
                data += f"a{r} {r} 0 {large} 1{step_data if step_data.startswith('-') else ' ' + step_data}"
            else:
                data += f"l{step_data}"
            x, y = x + dx, y + dy
    return data + "z"
