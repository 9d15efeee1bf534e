"""Movement as CSS: each part is drawn in its first position and moved by transforms between key positions.

The way between two positions is computed with the figure's joints (planted feet stay planted, limbs keep their
length) and then written with as few keyframes as hold the parts together to within `TOLERANCE` picture units.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from tools.drawings.geometry import Disc, Point, number
from tools.drawings.parts import Part
from tools.drawings.scene import Drawing

# A picture unit is about a CSS pixel at phone width, and joints overlap by several: such a gap can't be seen.
TOLERANCE = 1.0
# A part that would look a little shorter or longer than it should, by no more than this, needs no change of size.
STIFF_TOLERANCE = 2.0
CHECKS = 16
LEVELS = ((0.0, 1.0), (0.0, 0.5, 1.0), (0.0, 0.25, 0.5, 0.75, 1.0), tuple(i / 8 for i in range(9)))
# CSS ease-in-out, cubic-bezier(.42, 0, .58, 1): the x of its two handles (their y are 0 and 1).
EASE_X = (0.42, 0.58)


@dataclass(frozen=True)
class Transform:
    """Where a part has gone since the first position: shift and turn about its anchor, and a change of size
    along and across its axis (a limb that turns towards the viewer looks shorter)."""

    dx: float
    dy: float
    turn_deg: float
    along: float = 1.0
    across: float = 1.0


@dataclass(frozen=True)
class Track:
    """The movement of one part (or of several that move as one piece) over the loop."""

    anchor: Point
    axis_deg: float  # of the part in the first position
    scaled: bool
    ways: tuple[tuple[tuple[float, Transform], ...], ...]  # for each step of the loop: (share, transform)

    @property
    def timing(self) -> str:
        """The timing function that holds where a keyframe names none."""
        return "ease-in-out" if max(len(way) for way in self.ways) < 4 else "linear"


def _axis(discs: Sequence[Disc]) -> tuple[float, float]:
    if len(discs) < 2:
        return 0.0, 0.0
    dx, dy = discs[1].x - discs[0].x, discs[1].y - discs[0].y
    return math.degrees(math.atan2(dy, dx)), math.hypot(dx, dy)


def _extent(discs: Sequence[Disc], axis_deg: float) -> tuple[float, float]:
    cos, sin = math.cos(math.radians(axis_deg)), math.sin(math.radians(axis_deg))
    along = [(d.x * cos + d.y * sin, d.r) for d in discs]
    across = [(-d.x * sin + d.y * cos, d.r) for d in discs]
    return (
        max(v + r for v, r in along) - min(v - r for v, r in along),
        max(v + r for v, r in across) - min(v - r for v, r in across),
    )


def _spread(discs: Sequence[Disc], axis_deg: float) -> tuple[float, float]:
    """The distance of the first two centres, which a scale along the axis has to reproduce, and the width."""
    return _axis(discs)[1], _extent(discs, axis_deg)[1]


def apply(transform: Transform, axis_deg: float, anchor: Point, disc: Disc) -> Point:
    """Where the transform takes the centre of a disc."""
    x, y = disc.x - anchor[0], disc.y - anchor[1]
    a = math.radians(axis_deg)
    u, v = x * math.cos(a) + y * math.sin(a), -x * math.sin(a) + y * math.cos(a)
    u, v = u * transform.along, v * transform.across
    b = math.radians(axis_deg + transform.turn_deg)
    return (
        anchor[0] + transform.dx + u * math.cos(b) - v * math.sin(b),
        anchor[1] + transform.dy + u * math.sin(b) + v * math.cos(b),
    )


def between(a: Transform, b: Transform, share: float) -> Transform:
    """The transform that a browser shows `share` of the way between two keyframes."""

    def mix(x: float, y: float) -> float:
        return x + (y - x) * share

    return Transform(
        mix(a.dx, b.dx), mix(a.dy, b.dy), mix(a.turn_deg, b.turn_deg),
        mix(a.along, b.along), mix(a.across, b.across),
    )  # fmt: skip


def _near(angle: float, reference: float) -> float:
    """The same angle, written within half a turn of the reference, so that nothing spins the long way."""
    while angle - reference > 180:
        angle -= 360
    while angle - reference < -180:
        angle += 360
    return angle


def track(drawing: Drawing, part: Part) -> Track | None:
    """The movement of a part, or None when it stays where it is."""
    base = drawing.seen(part, drawing.skeletons[0])
    axis_deg, base_length = _axis(base)
    anchor = (base[0].x, base[0].y)
    sampled: list[list[Transform]] = []
    discs: list[list[list[Disc]]] = []
    turn, position = 0.0, 0
    for step in drawing.steps:
        way, way_discs = [], []
        for check in range(CHECKS + 1):
            seen = drawing.seen(part, drawing.on_the_way(position, step.to, check / CHECKS))
            angle, size = _axis(seen)
            # An axis that points at the viewer has no angle: keep the last one.
            turn = _near(angle - axis_deg, turn) if min(size, base_length) > 2 else turn
            along = across = 1.0
            if base_length > 2 and size > 2:
                along = size / base_length
                across = _extent(seen, angle)[1] / _extent(base, axis_deg)[1]
            way.append(Transform(seen[0].x - anchor[0], seen[0].y - anchor[1], turn, along, across))
            way_discs.append(seen)
        sampled.append(way)
        discs.append(way_discs)
        position = step.to
    if all(
        math.hypot(d.x - b.x, d.y - b.y) < 0.3
        for way_discs in discs
        for seen in way_discs
        for d, b in zip(seen, base, strict=True)
    ):
        return None
    stiff = [[Transform(t.dx, t.dy, t.turn_deg) for t in way] for way in sampled]
    scaled = _misfit(stiff, discs, base, axis_deg, anchor) > STIFF_TOLERANCE
    if not scaled:
        sampled = stiff
    ways = tuple(_thin(way, base, axis_deg, anchor) for way in sampled)
    return Track(anchor, axis_deg, scaled, ways)


def _misfit(
    ways: list[list[Transform]],
    discs: list[list[list[Disc]]],
    base: Sequence[Disc],
    axis_deg: float,
    anchor: Point,
) -> float:
    """How far, at worst, the transforms miss where the camera sees the part."""
    worst = 0.0
    for way, way_discs in zip(ways, discs, strict=True):
        for transform, seen in zip(way, way_discs, strict=True):
            for start, disc in zip(base, seen, strict=True):
                x, y = apply(transform, axis_deg, anchor, start)
                worst = max(worst, math.hypot(x - disc.x, y - disc.y))
    return worst


def _thin(
    way: list[Transform], base: Sequence[Disc], axis_deg: float, anchor: Point
) -> tuple[tuple[float, Transform], ...]:
    """The fewest of the sampled transforms between which a straight mix stays within the tolerance."""
    for level in LEVELS:
        kept = [(share, way[round(share * CHECKS)]) for share in level]
        worst = 0.0
        for (a_share, a), (b_share, b) in itertools.pairwise(kept):
            for index in range(round(a_share * CHECKS), round(b_share * CHECKS) + 1):
                mixed = between(a, b, (index / CHECKS - a_share) / (b_share - a_share))
                for disc in base:
                    x, y = apply(mixed, axis_deg, anchor, disc)
                    true_x, true_y = apply(way[index], axis_deg, anchor, disc)
                    worst = max(worst, math.hypot(x - true_x, y - true_y))
        if worst <= TOLERANCE:
            return tuple(kept)
    return tuple(kept)


# --- writing ---------------------------------------------------------------------------------------------------


def _bezier(control: tuple[float, float, float, float], s: float) -> float:
    p0, p1, p2, p3 = control
    return (1 - s) ** 3 * p0 + 3 * (1 - s) ** 2 * s * p1 + 3 * (1 - s) * s**2 * p2 + s**3 * p3


def _parameter(share: float) -> float:
    """The parameter of the ease curve at which `share` of the way is done."""
    low, high = 0.0, 1.0
    for _ in range(50):
        half = (low + high) / 2
        if _bezier((0, 0, 1, 1), half) < share:
            low = half
        else:
            high = half
    return (low + high) / 2


def moment(share: float) -> float:
    """The share of the time after which `share` of the way is done under ease-in-out."""
    return _bezier((0, EASE_X[0], EASE_X[1], 1), _parameter(share))


def _blossom(control: tuple[float, float, float, float], a: float, b: float, c: float) -> float:
    def lerp(x: float, y: float, t: float) -> float:
        return x + (y - x) * t

    p0, p1, p2, p3 = control
    q0, q1, q2 = lerp(p0, p1, a), lerp(p1, p2, a), lerp(p2, p3, a)
    return lerp(lerp(q0, q1, b), lerp(q1, q2, b), c)


def ease(a: float, b: float) -> str:
    """The CSS timing function of the piece of ease-in-out between two shares of the way.

    A piece of a Bézier curve is one too, so a movement cut into pieces runs exactly like the whole.
    """
    if (a, b) == (0.0, 1.0):
        return "ease-in-out"
    # The steady middle of the movement is so nearly straight that saying so is enough (under 1 % of the way).
    if a >= 0.25 and b <= 0.75 and b - a <= 0.25:
        return "linear"
    s, e = _parameter(a), _parameter(b)
    xs, ys = (0.0, EASE_X[0], EASE_X[1], 1.0), (0.0, 0.0, 1.0, 1.0)
    values = []
    for control in (xs, ys):
        start, end = _blossom(control, s, s, s), _blossom(control, e, e, e)
        values += [(_blossom(control, s, t, e) - start) / (end - start) for t in (s, e)]
    x1, x2, y1, y2 = values
    return f"cubic-bezier({','.join(_css(v, 2) for v in (x1, y1, x2, y2))})"


def _css(value: float, digits: int = 1) -> str:
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"
    if text in ("-0", ""):
        return "0"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _written(transform: Transform, item: Track, turns: bool) -> str:
    text = f"translate({_css(transform.dx)}px,{_css(transform.dy)}px)"
    if item.scaled:
        text += (
            f"rotate({_css(item.axis_deg + transform.turn_deg)}deg)"
            f"scale({_css(transform.along, 3)},{_css(transform.across, 3)})"
            f"rotate({_css(-item.axis_deg)}deg)"
        )
    elif turns:
        text += f"rotate({_css(transform.turn_deg)}deg)"
    return text


def keyframes(drawing: Drawing, item: Track) -> str:
    """The body of the @keyframes rule of a track."""
    # Written transform and timing function -> the moments (in percent) at which they hold.
    moments: dict[tuple[str, str], list[float]] = {}
    default = item.timing
    turns = any(abs(t.turn_deg) > 0.05 for way in item.ways for _, t in way)
    now = 0.0
    for step, way in zip(drawing.steps, item.ways, strict=True):
        for index, (share, transform) in enumerate(way):
            timing = ease(share, way[index + 1][0]) if index + 1 < len(way) else ""
            if timing == default:
                timing = ""
            percent = (now + moment(share) * step.move_s) / drawing.loop_s * 100
            moments.setdefault((_written(transform, item, turns), timing), []).append(percent)
        now += step.move_s + step.hold_s
        if step.hold_s:
            last = _written(way[-1][1], item, turns)
            moments.setdefault((last, ""), []).append(now / drawing.loop_s * 100)
    text = ""
    for (written, timing), percents in moments.items():
        where = ",".join(dict.fromkeys(f"{_css(p, 2)}%" for p in percents))
        timing = f";animation-timing-function:{timing}" if timing else ""
        text += f"{where}{{transform:{written}{timing}}}"
    return text


def same_piece(a: Track, b: Track) -> bool:
    """Whether two parts move as one stiff piece, so that one rule can move both."""
    if a.scaled or b.scaled:
        return False
    disc = Disc(*b.anchor, 0)
    for way_a, way_b in zip(a.ways, b.ways, strict=True):
        if [s for s, _ in way_a] != [s for s, _ in way_b]:
            return False
        for (_, one), (_, two) in zip(way_a, way_b, strict=True):
            if abs(one.turn_deg - two.turn_deg) > 0.15:
                return False
            x, y = apply(one, a.axis_deg, a.anchor, disc)
            if math.hypot(x - b.anchor[0] - two.dx, y - b.anchor[1] - two.dy) > 0.35:
                return False
    return True


@cache
def tracks(drawing: Drawing) -> tuple[list[Track], dict[str, int]]:
    """The distinct movements of a drawing, and which part (by name) follows which."""
    found: list[Track] = []
    follows: dict[str, int] = {}
    for _, layer in drawing.layers:
        for part in layer:
            if part.bone in follows:
                follows[part.name] = follows[part.bone]
                continue
            item = track(drawing, part)
            if item is None:
                continue
            for index, known in enumerate(found):
                if same_piece(known, item):
                    follows[part.name] = index
                    break
            else:
                follows[part.name] = len(found)
                found.append(item)
    return found, follows


def rules(drawing: Drawing) -> str:
    """All CSS rules that move one drawing."""
    text = ""
    for index, item in enumerate(tracks(drawing)[0]):
        name = f"ac-{drawing.code}{index}"
        x, y = number(item.anchor[0]), number(item.anchor[1])
        text += (
            f".{name}{{transform-origin:{x}px {y}px;animation:{name} {_css(drawing.loop_s)}s infinite {item.timing}}}\n"
        )
        text += f"@keyframes {name}{{{keyframes(drawing, item)}}}\n"
    return text
