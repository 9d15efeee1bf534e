"""Vectors, two-bone reach, the camera and outlines: the little geometry that the drawings stand on.

Lengths are centimetres of a person of 172 cm. World axes: x to the right of the picture, y up from the floor
(y = 0), z towards the viewer. Picture coordinates have y downwards, as in SVG.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

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

    def _axes(self) -> tuple[Vec, Vec, Vec]:
        yaw, pitch = math.radians(self.yaw_deg), math.radians(self.pitch_deg)
        right = (math.cos(yaw), 0.0, -math.sin(yaw))
        towards = (math.sin(yaw) * math.cos(pitch), math.sin(pitch), math.cos(yaw) * math.cos(pitch))
        up = (-math.sin(yaw) * math.sin(pitch), math.cos(pitch), -math.cos(yaw) * math.sin(pitch))
        return right, up, towards

    def project(self, point: Vec) -> Point:
        """The picture coordinates of a world point."""
        right, up, _ = self._axes()
        offset = sub(point, self.centre)
        return (
            self.width / 2 + dot(offset, right) * self.scale,
            self.height / 2 - dot(offset, up) * self.scale,
        )

    def depth(self, point: Vec) -> float:
        """How near a point is to the viewer, in centimetres: the greater, the nearer."""
        return dot(point, self._axes()[2])


@dataclass(frozen=True)
class Disc:
    """A ball seen by the camera: picture centre and radius."""

    x: float
    y: float
    r: float


def _cross2(o: Point, a: Point, b: Point) -> float:
    return (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])


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


Tagged = tuple[float, float, int]


def _hull(discs: Sequence[Disc], steps: int) -> list[Tagged]:
    """Points on the discs' rims in the order of a string pulled tight round them, with their disc's index."""
    tagged: list[Tagged] = []
    for index, disc in enumerate(discs):
        for step in range(steps):
            angle = 2 * math.pi * step / steps
            tagged.append((disc.x + disc.r * math.cos(angle), disc.y + disc.r * math.sin(angle), index))
    tagged.sort()
    hull: list[Tagged] = []
    for points in (tagged, tagged[::-1]):
        chain: list[Tagged] = []
        for point in points:
            while len(chain) >= 2 and _cross2(chain[-2][:2], chain[-1][:2], point[:2]) <= 0:
                chain.pop()
            chain.append(point)
        hull += chain[:-1]
    return hull


def outline(discs: Sequence[Disc], digits: int = 1, steps: int = 120) -> str:
    """The path data round all discs as if a string were pulled tight round them: straight lines and arcs."""
    hull = _hull(discs, steps)
    first = next((i for i in range(len(hull)) if hull[i][2] != hull[i - 1][2]), None)
    if first is None:
        disc = discs[hull[0][2]]
        r, across = number(disc.r, digits), number(2 * disc.r, digits)
        start = _joined([number(disc.x - disc.r, digits), number(disc.y, digits)])
        return f"M{start}a{r} {r} 0 1 1 {across} 0a{r} {r} 0 1 1-{across} 0z"
    hull = hull[first:] + hull[:first]
    runs: list[list[Tagged]] = []
    for point in hull:
        if runs and runs[-1][-1][2] == point[2]:
            runs[-1].append(point)
        else:
            runs.append([point])
    # Relative steps are shorter to write; each starts from the rounded end of the last, so errors don't add up.
    x, y = round(runs[0][0][0], digits), round(runs[0][0][1], digits)
    data = "M" + _joined([number(x, digits), number(y, digits)])
    for run in runs:
        for end, curved in ((run[0], False), (run[-1], True)):
            dx, dy = round(end[0] - x, digits), round(end[1] - y, digits)
            if dx == 0 and dy == 0:
                continue
            step = _joined([number(dx, digits), number(dy, digits)])
            if curved:
                r = number(discs[run[0][2]].r, digits)
                # More than half a turn needs SVG's large-arc flag.
                large = 1 if len(run) - 1 > steps / 2 else 0
                data += f"a{r} {r} 0 {large} 1{step if step.startswith('-') else ' ' + step}"
            else:
                data += f"l{step}"
            x, y = x + dx, y + dy
    return data + "z"
