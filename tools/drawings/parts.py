"""Outlines of body and props: each is a string pulled round a few balls at known points.

One primitive for everything (a thigh is three balls, the face of a bench four small ones) keeps the style even and
lets each part move by one transform.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tools.drawings.body import Joints
from tools.drawings.geometry import Vec, add, cross, dot, mix, mul, square_to, sub, unit

Ball = tuple[Vec, float]
Build = Callable[[Joints], Sequence[Ball]]


@dataclass(frozen=True)
class Part:
    """One filled outline. The first two balls give the axis by which its turn is measured."""

    name: str
    tone: str
    build: Build
    halo: bool = True  # a thin rim in the colour of the ground, so that crossing limbs stay apart
    bone: str = ""  # the part whose movement this one shares, because both are on the same bone


def _left(j: Joints) -> Vec:
    return unit(sub(j["hip_l"], j["hip_r"]))


def _medial(j: Joints, side: str) -> Vec:
    """Square to the thigh, towards the other leg."""
    towards = mul(_left(j), -1.0 if side == "l" else 1.0)
    thigh = sub(j[f"knee_{side}"], j[f"hip_{side}"])
    try:
        return square_to(towards, thigh)
    except ValueError:
        return towards


def _thigh_front(j: Joints, side: str) -> Vec:
    """Square to the thigh, to the side of the knee cap."""
    return unit(cross(_left(j), unit(sub(j[f"knee_{side}"], j[f"hip_{side}"]))))


def leg(side: str, far: bool) -> list[Part]:
    """Shin, shoe, thigh and shorts."""
    s, tone = side, "-far" if far else ""

    def thigh(j: Joints) -> list[Ball]:
        hip, knee = j[f"hip_{s}"], j[f"knee_{s}"]
        # The quadriceps makes the front of a thigh fuller than its back.
        full = add(mix(hip, knee, 0.38), mul(_thigh_front(j, s), -1.0 * _front_sign(j, s)))
        return [(hip, 9.4), (knee, 5.9), (full, 8.4)]

    def shin(j: Joints) -> list[Ball]:
        return [(j[f"knee_{s}"], 5.7), (j[f"ankle_{s}"], 3.6), (j[f"calf_{s}"], 5.7)]

    def shoe(j: Joints) -> list[Ball]:
        collar = mix(j[f"ankle_{s}"], j[f"heel_{s}"], 0.35)
        return [(j[f"heel_{s}"], 3.4), (j[f"toe_{s}"], 2.4), (j[f"ball_{s}"], 3.0), (collar, 4.1)]

    def shorts(j: Joints) -> list[Ball]:
        hip, knee = j[f"hip_{s}"], j[f"knee_{s}"]
        return [(hip, 9.5), (mix(hip, knee, 0.42), 8.9)]

    return [
        Part(f"shin_{s}", f"skin{tone}", shin),
        Part(f"shoe_{s}", f"shoe{tone}", shoe),
        Part(f"thigh_{s}", f"skin{tone}", thigh),
        Part(f"shorts_{s}", f"shorts{tone}", shorts, halo=False, bone=f"thigh_{s}"),
    ]


def muscle(side: str, kind: str) -> list[Part]:
    """The working muscle in the accent colour: "adductor" (inner thigh) or "abductor" (outer hip)."""
    s = side

    def adductor(j: Joints) -> list[Ball]:
        hip, knee, medial = j[f"hip_{s}"], j[f"knee_{s}"], _medial(j, s)
        return [
            (add(mix(hip, knee, 0.1), mul(medial, 6.4)), 2.2),
            (add(mix(hip, knee, 0.86), mul(medial, 3.4)), 1.2),
            (add(mix(hip, knee, 0.4), mul(medial, 4.4)), 3.6),
        ]

    def abductor(j: Joints) -> list[Ball]:
        hip, knee, lateral = j[f"hip_{s}"], j[f"knee_{s}"], mul(_medial(j, s), -1)
        crest = add(add(hip, mul(unit(sub(j["waist"], j["pelvis"])), 8)), mul(lateral, 3))
        return [(crest, 4.6), (add(mix(hip, knee, 0.2), mul(lateral, 4.5)), 1.8)]

    if kind == "adductor":
        return [Part(f"muscle_{s}", "accent", adductor, halo=False, bone=f"thigh_{s}")]
    return [Part(f"muscle_{s}", "accent", abductor, halo=False)]


def _front_sign(j: Joints, side: str) -> float:
    """-1 or 1, so that the fuller side of the thigh is where the knee cap is."""
    belly = sub(j["belly"], j["waist"])
    toes = sub(j[f"toe_{side}"], j[f"heel_{side}"])
    front = _thigh_front(j, side)
    guide = dot(front, toes) + 0.5 * dot(front, belly)
    return -1.0 if guide > 0 else 1.0


def arm(side: str, far: bool) -> list[Part]:
    """Upper arm, forearm with hand, and sleeve."""
    s, tone = side, "-far" if far else ""

    def upper(j: Joints) -> list[Ball]:
        return [(j[f"shoulder_{s}"], 5.0), (j[f"elbow_{s}"], 3.9)]

    def fore(j: Joints) -> list[Ball]:
        elbow, wrist = j[f"elbow_{s}"], j[f"wrist_{s}"]
        return [(elbow, 3.8), (wrist, 2.7), (mix(elbow, wrist, 0.25), 3.9)]

    def hand(j: Joints) -> list[Ball]:
        wrist, tip = j[f"wrist_{s}"], j[f"hand_{s}"]
        return [(wrist, 2.6), (tip, 2.2), (mix(wrist, tip, 0.5), 3.1)]

    def sleeve(j: Joints) -> list[Ball]:
        shoulder = j[f"shoulder_{s}"]
        return [(shoulder, 5.4), (mix(shoulder, j[f"elbow_{s}"], 0.44), 5.0)]

    return [
        Part(f"fore_{s}", f"skin{tone}", fore),
        Part(f"hand_{s}", f"skin{tone}", hand),
        Part(f"upper_{s}", f"skin{tone}", upper),
        Part(f"sleeve_{s}", f"shirt{tone}", sleeve, halo=False, bone=f"upper_{s}"),
    ]


def pelvis() -> list[Part]:
    """The hips, in the colour of the shorts so that they join the legs without a seam."""

    def build(j: Joints) -> list[Ball]:
        return [(j["hip_l"], 9.9), (j["hip_r"], 9.9), (j["waist"], 9.6)]

    return [Part("pelvis", "shorts", build, halo=False)]


def chest() -> list[Part]:
    """Rib cage and shoulders."""

    def build(j: Joints) -> list[Ball]:
        low = add(j["waist"], mul(unit(sub(j["pelvis"], j["waist"])), 3))
        return [
            (low, 10.2), (j["neck"], 5.0), (j["ribs_l"], 10.6), (j["ribs_r"], 10.6),
            (mix(j["neck"], j["shoulder_l"], 0.93), 5.6), (mix(j["neck"], j["shoulder_r"], 0.93), 5.6),
        ]  # fmt: skip

    return [Part("chest", "shirt", build)]


def head() -> list[Part]:
    """Neck, face and hair. The hair lies up and back on the skull, so it shows where the face looks."""

    def neck(j: Joints) -> list[Ball]:
        return [(mix(j["neck"], j["head"], -0.1), 5.3), (mix(j["neck"], j["head"], 0.6), 4.7)]

    def face(j: Joints) -> list[Ball]:
        up, front = sub(j["crown"], j["head"]), sub(j["face"], j["head"])
        chin = add(add(j["head"], mul(up, -0.52)), mul(front, 0.3))
        nose = add(add(j["head"], mul(up, -0.16)), mul(front, 0.94))
        return [(add(j["head"], mul(front, 0.06)), 8.7), (chin, 4.6), (nose, 1.3)]

    def hair(j: Joints) -> list[Ball]:
        up, front = sub(j["crown"], j["head"]), sub(j["face"], j["head"])
        return [
            (add(add(j["head"], mul(up, 0.2)), mul(front, -0.16)), 9.3),
            (add(add(j["head"], mul(up, -0.2)), mul(front, -0.42)), 6.4),
        ]

    return [Part("neck", "skin", neck), Part("hair", "hair", hair), Part("face", "skin", face)]


# --- props -----------------------------------------------------------------------------------------------------


def fixed(*balls: Ball) -> Build:
    """A prop that stays where it is."""
    return lambda _joints: balls


def _quad(a: Vec, b: Vec, c: Vec, d: Vec, r: float) -> Build:
    return fixed((a, r), (b, r), (c, r), (d, r))


def box(name: str, low: Vec, high: Vec, yaw_deg: float, tone: str = "wood", r: float = 0.9) -> list[Part]:
    """A box between two corners: the faces that a camera at `yaw_deg` from above can see."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    x0, y0, z0, x1, y1, z1 = x0 + r, y0 + r, z0 + r, x1 - r, y1 - r, z1 - r
    x = x1 if yaw_deg >= 0 else x0
    found = []
    if abs(yaw_deg) > 3:
        side = _quad((x, y0, z0), (x, y0, z1), (x, y1, z1), (x, y1, z0), r)
        found.append(Part(f"{name}_side", f"{tone}-side", side, halo=False))
    front = _quad((x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1), r)
    top = _quad((x0, y1, z0), (x1, y1, z0), (x1, y1, z1), (x0, y1, z1), r)
    found.append(Part(f"{name}_front", tone, front, halo=False))
    found.append(Part(f"{name}_top", f"{tone}-top", top, halo=False))
    return found


def bench(low: Vec, high: Vec, yaw_deg: float, thick: float = 5.0) -> tuple[list[Part], list[Part]]:
    """A bench whose top ends at `high`: first the parts behind a leg under it, then seat and nearer legs."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    under = y1 - thick

    def post(name: str, x: float, z: float) -> Part:
        return Part(name, "wood-side", fixed(((x, y0 + 1.6, z), 1.6), ((x, under, z), 1.6)), halo=False)

    back = [post("post_bl", x0 + 3, z0 + 3), post("post_br", x1 - 3, z0 + 3)]
    near = [post("post_fl", x0 + 3, z1 - 3), post("post_fr", x1 - 3, z1 - 3)]
    return back, near + box("seat", (x0, under, z0), high, yaw_deg, r=1.4)


def chair(low: Vec, high: Vec, yaw_deg: float, rise: float = 38.0) -> tuple[list[Part], list[Part]]:
    """A bench with a backrest along its far side."""
    back, near = bench(low, high, yaw_deg)
    x0, x1, z, top = low[0] + 3, high[0] - 3, low[2] + 2, high[1] + rise
    rest = [
        Part(name, "wood-side", fixed(((x, high[1], z), 1.6), ((x, top, z), 1.6)), halo=False)
        for name, x in (("rest_l", x0), ("rest_r", x1))
    ]
    slat = _quad((x0, top - 12, z), (x1, top - 12, z), (x1, top, z), (x0, top, z), 1.6)
    return [*back, *rest, Part("slat", "wood", slat, halo=False)], near


def line(name: str, a: Build | Vec, b: str | Vec, r: float, tone: str) -> list[Part]:
    """A straight band or rod from a point to a joint (by name) or another point."""

    def build(j: Joints) -> list[Ball]:
        start = a if isinstance(a, tuple) else a(j)[0][0]
        return [(start, r), (j[b] if isinstance(b, str) else b, r)]

    return [Part(name, tone, build)]


def ball(radius_cm: float, between: tuple[str, str], lift: Vec = (0, 0, 0)) -> list[Part]:
    """A ball held between two joints."""

    def centre(j: Joints) -> Vec:
        return add(mix(j[between[0]], j[between[1]], 0.5), lift)

    def build(j: Joints) -> list[Ball]:
        return [(centre(j), radius_cm)]

    def shine(j: Joints) -> list[Ball]:
        return [(add(centre(j), (-radius_cm * 0.32, radius_cm * 0.42, radius_cm * 0.3)), radius_cm * 0.24)]

    return [Part("ball", "ball", build), Part("ball_shine", "ball-shine", shine, halo=False)]


def towel(side: str, half_x: float = 15, half_z: float = 9) -> list[Part]:
    """A folded towel or slider under a foot; it goes where the foot goes."""

    def build(j: Joints) -> list[Ball]:
        foot = mix(j[f"heel_{side}"], j[f"toe_{side}"], 0.5)
        x, z, r = foot[0], foot[2], 0.9
        return [
            ((x - half_x, r, z - half_z), r), ((x + half_x, r, z - half_z), r),
            ((x + half_x, r, z + half_z), r), ((x - half_x, r, z + half_z), r),
        ]  # fmt: skip

    return [Part("towel", "cloth", build)]


def dumbbell(at: str, along: Vec, half_cm: float = 9.0) -> list[Part]:
    """A dumbbell whose handle is at a joint."""
    axis = unit(along)

    def bar(j: Joints) -> list[Ball]:
        return [(add(j[at], mul(axis, -half_cm)), 1.3), (add(j[at], mul(axis, half_cm)), 1.3)]

    def weight(sign: float) -> Build:
        return lambda j: [
            (add(j[at], mul(axis, sign * (half_cm - 2.5))), 4.6),
            (add(j[at], mul(axis, sign * (half_cm + 1.5))), 4.6),
        ]

    return [
        Part("bar", "metal", bar, halo=False),
        Part("weight_a", "metal", weight(-1.0), halo=False),
        Part("weight_b", "metal", weight(1.0), halo=False),
    ]
