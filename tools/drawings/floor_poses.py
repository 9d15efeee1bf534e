"""Pose data of the exercises done lying, in a side plank or kneeling."""

from __future__ import annotations

from tools.drawings import parts
from tools.drawings.body import Along, Pose, Reach
from tools.drawings.frame import LEFT, NEAR, RIGHT, UP, hip, on_chest, pelvis_below_shoulder
from tools.drawings.geometry import Camera, Vec, add, mul, sub, unit
from tools.drawings.scene import Drawing, Step

# --- lying on the right side, head to the left, face to the viewer --------------------------------------------------

LYING_UP: Vec = (-1, 0.1, 0)
LYING_PELVIS: Vec = (0, 19, 0)
LYING_YAW = 14.0


def _lying(top: Along | Reach, bottom: Along | Reach) -> Pose:
    return Pose(
        pelvis=LYING_PELVIS,
        up=LYING_UP,
        front=NEAR,
        chest_up=(-1, 0.12, 0),
        head_up=(-1, -0.06, 0),
        legs={"l": top, "r": bottom},
        arms={
            # The head lies on the lower arm; the other hand props the chest.
            "r": Along((-0.93, -0.16, 0.3), (-0.9, 0.0, -0.42), (-0.9, 0.0, -0.4)),
            "l": Reach((-24, 3.5, 31), (0.3, 1, 0.1), (-0.5, -0.1, 0.85)),
        },
    )


def _straight(direction: Vec, toes: Vec = (0.12, 0.0, 1)) -> Along:
    return Along(direction, direction, toes)


def _top_leg_elevated() -> Drawing:
    top = _straight((0.965, 0.262, 0), (0.25, 0.12, 1))
    back, front = parts.chair((52, 0, -30), (108, 42, 10), LYING_YAW)
    return Drawing(
        exercise_id="side_lying_adduction_top_leg_elevated",
        code="sla",
        title="Side-lying lift, top leg on a chair",
        start="Lying on one side with the head on the lower arm and the hips stacked. The straight top leg rests on"
        " a chair; the straight bottom leg lies on the floor under it.",
        movement="The bottom leg lifts off the floor, knee straight, heel first, until it is close under the seat."
        " Hold it there, then lower it.",
        camera=Camera(LYING_YAW, 15, (6, 34, 0), 1.34),
        poses=(
            _lying(top, _straight((1, -0.035, 0))),
            _lying(top, _straight((0.983, 0.155, 0))),
        ),
        steps=(Step(1, 1.6, 3.4), Step(0, 1.6, 1.4)),
        order=("bench_back", "arm_r", "leg_r", "bench", "leg_l", "pelvis", "chest", "head", "arm_l"),
        captions=("Start", "Hold"),
        accents={"r": "adductor"},
        props={"bench_back": back, "bench": front},
        mat=(-100, 114, -38, 40),
        arrow=("ankle_r", (-22, -7, 12)),
    )


def _floor() -> Drawing:
    top = Reach((38, 8, 27), (0.1, 1, 0.35), (0.85, 0.0, 0.5))
    return Drawing(
        exercise_id="side_lying_adduction_floor",
        code="slf",
        title="Side-lying lift, top foot on the floor",
        start="Lying on one side with the head on the lower arm. The top knee is bent and that foot stands flat on"
        " the floor in front of the straight bottom leg.",
        movement="The straight bottom leg lifts off the floor, heel first, pauses, and lowers slowly.",
        camera=Camera(LYING_YAW, 17, (0, 26, 0), 1.42),
        poses=(
            _lying(top, _straight((1, -0.035, 0))),
            _lying(top, _straight((0.95, 0.26, 0))),
        ),
        steps=(Step(1, 2.0, 1.0), Step(0, 2.0, 0.8)),
        order=("arm_r", "leg_r", "muscle_r", "leg_l", "pelvis", "chest", "head", "arm_l"),
        captions=("Start", "Lift"),
        accents={"r": "adductor"},
        mat=(-100, 98, -34, 44),
        arrow=("ankle_r", (14, 0, 6)),
    )


def _abduction() -> Drawing:
    bottom = _straight((1, -0.035, 0.02))
    return Drawing(
        exercise_id="side_lying_abduction_other_pan",
        code="abd",
        title="Side-lying leg raise",
        start="Lying on one side with the head on the lower arm, hips stacked, both legs straight, the top leg resting"
        " slightly behind the bottom one.",
        movement="The straight top leg lifts towards the ceiling, heel leading and toes forward, pauses, and lowers"
        " slowly. The outer hip works.",
        camera=Camera(LYING_YAW, 15, (1, 36, 0), 1.42),
        poses=(
            _lying(_straight((1, -0.1, -0.1)), bottom),
            _lying(_straight((0.8, 0.55, -0.16), (0.12, -0.1, 1)), bottom),
        ),
        steps=(Step(1, 2.0, 1.0), Step(0, 2.0, 0.8)),
        order=("arm_r", "leg_l", "leg_r", "pelvis", "muscle_l", "chest", "head", "arm_l"),
        captions=("Start", "Lift"),
        accents={"l": "abductor"},
        mat=(-100, 98, -34, 40),
        arrow=("ankle_l", (14, 0, 0)),
    )


# --- lying on the back ---------------------------------------------------------------------------------------------


def _supine(legs: dict[str, Along | Reach]) -> Pose:
    return Pose(
        pelvis=(0, 10.2, 0),
        up=LEFT,
        front=UP,
        head_up=(-1, 0.08, 0),
        legs=legs,
        arms={
            "r": Along((0.86, -0.14, 0.5), (0.97, -0.05, 0.1), (1, -0.05, 0.05)),
            "l": Along((0.86, -0.14, -0.5), (0.97, -0.05, -0.1), (1, -0.05, -0.05)),
        },
    )


def _squeeze() -> Drawing:
    apart = 14.5  # half the distance of the knees: the ball and half a knee
    ext = apart - 8.5

    def straight(sign: float) -> Reach:
        return Reach((82, 7.6, sign * apart), (0.1, 1, 0), (0.25, 1, sign * 0.25))

    def flat(sign: float) -> Reach:
        return Reach((55, 8, sign * apart), (0, 1, sign * 0.16), RIGHT)

    def ninety(sign: float) -> Along:
        return Along((5, 41, sign * ext), (1, -0.03, 0), (0.3, 1, 0))

    return Drawing(
        exercise_id="supine_adductor_squeeze",
        code="sq",
        title="Squeeze, three positions",
        start="Lying on the back with a ball between the knees and the legs straight: squeeze and hold.",
        movement="Then the same squeeze with the feet flat and the knees bent, and again with hips and knees at 90"
        " degrees, shins level with the floor.",
        camera=Camera(26, 18, (2, 26, 0), 1.42),
        poses=(
            _supine({"l": straight(-1), "r": straight(1)}),
            _supine({"l": flat(-1), "r": flat(1)}),
            _supine({"l": ninety(-1), "r": ninety(1)}),
        ),
        steps=(Step(1, 1.4, 2.6), Step(2, 1.4, 2.6), Step(0, 1.8, 2.6)),
        order=(
            *("arm_l", "leg_l", "chest", "pelvis", "muscle_l", "head"),
            *("ball", "leg_r", "muscle_r", "arm_r"),
        ),
        captions=("Legs straight", "Feet flat", "Hips and knees at 90°"),
        far=frozenset({"arm_l", "leg_l"}),
        accents={"l": "adductor", "r": "adductor"},
        props={"ball": parts.ball(10.5, ("knee_l", "knee_r"), (0, 3, 0))},
        mat=(-96, 100, -36, 36),
        shown=(0, 1, 2),
    )


# --- side plank with the top leg on a bench ------------------------------------------------------------------------

PLANK_SHOULDER: Vec = (-48, 32.8, 0)
PLANK_ELBOW: Vec = (-48, 3.8, 0)
PLANK_YAW = 12.0


def _plank(up: Vec, top: Along | Reach, bottom: Along | Reach, shoulder: Vec = PLANK_SHOULDER) -> Pose:
    pelvis = pelvis_below_shoulder(shoulder, up, NEAR, "r")
    return Pose(
        pelvis=pelvis,
        up=up,
        front=NEAR,
        anchor="elbow_r",
        legs={"l": top, "r": bottom},
        arms={
            "r": Along(sub(PLANK_ELBOW, shoulder), (-0.62, 0.0, 0.8), (-0.62, 0.0, 0.8)),
            "l": Reach(on_chest(pelvis, up, NEAR, (11, -9, 4)), (-0.35, 1, 0.25), (0.7, -0.5, 0.5)),
        },
    )


def _knee_on_bench(up: Vec, shoulder: Vec, bottom_knee: Vec = (30, 6, 0)) -> Pose:
    top_knee: Vec = (40.4, 39.6, 0)
    shin: Vec = (0.74, -0.02, -0.67)
    pelvis = pelvis_below_shoulder(shoulder, up, NEAR, "r")
    top = Along(sub(top_knee, hip(pelvis, up, NEAR, "l")), shin, (0.85, 0.06, -0.5))
    bottom = Along(sub(bottom_knee, hip(pelvis, up, NEAR, "r")), shin, (0.85, 0.0, -0.5))
    return _plank(up, top, bottom, shoulder)


# Low, the shoulder is behind the elbow: the body turns about elbow and knees, which stay where they are.
_PLANK_LOW: tuple[Vec, Vec] = ((-0.82, 0.57, 0), (-53.6, 32.3, 0))
_PLANK_HIGH: tuple[Vec, Vec] = ((-0.99, 0.13, 0), PLANK_SHOULDER)


def _short_lever() -> Drawing:
    back, front = parts.bench((26, 0, -46), (84, 34, 12), PLANK_YAW)
    return Drawing(
        exercise_id="copenhagen_short_lever_hold",
        code="csl",
        title="Copenhagen hold, knee on a bench",
        start="Side plank on one forearm with the hips low. The inside of the top knee lies on the bench; the lower"
        " knee rests on the floor under it.",
        movement="Push the top knee down into the bench and lift the hips until shoulder, hip and top knee are in one"
        " line. Hold and breathe.",
        camera=Camera(PLANK_YAW, 16, (1, 32, -4), 1.45),
        poses=(_knee_on_bench(*_PLANK_LOW), _knee_on_bench(*_PLANK_HIGH)),
        steps=(Step(1, 1.6, 3.4), Step(0, 1.6, 1.4)),
        order=("bench_back", "leg_r", "bench", "leg_l", "pelvis", "chest", "head", "arm_r", "arm_l"),
        captions=("Start", "Hold"),
        accents={"l": "adductor", "r": "adductor"},
        props={"bench_back": back, "bench": front},
        mat=(-98, 92, -48, 40),
        arrow=("pelvis", (-4, -26, 12)),
    )


def _knees_together() -> Drawing:
    back, front = parts.bench((26, 0, -46), (84, 34, 12), PLANK_YAW)
    return Drawing(
        exercise_id="copenhagen_knees_together_hold",
        code="ckt",
        title="Copenhagen hold, knees together",
        start="Side plank on one forearm with the hips low. The inside of the top knee lies on the bench; the lower"
        " knee rests on the floor under it.",
        movement="Push the top knee down into the bench, lift the hips, then lift the lower knee off the floor until it"
        " is close under the top one. Hold and breathe.",
        camera=Camera(PLANK_YAW, 16, (1, 32, -4), 1.45),
        poses=(_knee_on_bench(*_PLANK_LOW), _knee_on_bench(*_PLANK_HIGH, bottom_knee=(38, 24, 0))),
        steps=(Step(1, 2.0, 3.4), Step(0, 1.8, 1.4)),
        order=("bench_back", "leg_r", "bench", "leg_l", "pelvis", "chest", "head", "arm_r", "arm_l"),
        captions=("Start", "Hold, knees together"),
        accents={"l": "adductor", "r": "adductor"},
        props={"bench_back": back, "bench": front},
        mat=(-98, 92, -48, 40),
        arrow=("pelvis", (-4, -26, 12)),
    )


def _long_lever_poses() -> tuple[Pose, Pose, Pose]:
    top = Reach((82, 38.6, 0), (0, 0.3, 1), (0.2, 0.1, 1))
    low = _plank((-0.8, 0.6, 0), top, _straight((1, -0.07, 0)))
    high = _plank((-0.99, 0.13, 0), top, _straight((0.985, -0.17, 0)))
    half = _plank((-0.92, 0.4, 0), top, _straight((1, -0.17, 0)))
    return low, high, half


def _long_lever() -> Drawing:
    low, high, _ = _long_lever_poses()
    back, front = parts.bench((70, 0, -24), (104, 34, 22), PLANK_YAW)
    return Drawing(
        exercise_id="copenhagen_long_lever_hold",
        code="cll",
        title="Copenhagen hold, foot on a bench",
        start="Side plank on one forearm with the hips low. The top leg is straight with the inside of the foot on the"
        " bench; the lower leg lies on the floor.",
        movement="Push the top foot down into the bench, lift the hips and bring the lower leg up under the bench,"
        " until the body is in one line. Hold.",
        camera=Camera(PLANK_YAW, 16, (4, 30, 0), 1.36),
        poses=(low, high),
        steps=(Step(1, 1.8, 4.0), Step(0, 1.8, 1.4)),
        order=("bench_back", "leg_r", "bench", "leg_l", "pelvis", "chest", "head", "arm_r", "arm_l"),
        captions=("Start", "Hold"),
        accents={"l": "adductor", "r": "adductor"},
        props={"bench_back": back, "bench": front},
        mat=(-98, 112, -36, 40),
        arrow=("pelvis", (-4, -26, 12)),
    )


def _dynamic() -> Drawing:
    _, high, half = _long_lever_poses()
    back, front = parts.bench((70, 0, -24), (104, 34, 22), PLANK_YAW)
    return Drawing(
        exercise_id="copenhagen_dynamic_long_lever",
        code="cdy",
        title="Copenhagen lift",
        start="Side plank on one forearm, the inside of the straight top leg's foot on the bench, hips high, the free"
        " lower leg lifted close under the bench.",
        movement="Lower the hips and the free leg towards the floor for 3 seconds without resting, then lift for 3"
        " seconds until the feet meet at the bench again.",
        camera=Camera(PLANK_YAW, 16, (4, 30, 0), 1.36),
        poses=(high, half),
        steps=(Step(1, 3.0, 0.3), Step(0, 3.0, 0.5)),
        order=("bench_back", "leg_r", "bench", "leg_l", "pelvis", "chest", "head", "arm_r", "arm_l"),
        captions=("Top", "Lowered"),
        accents={"l": "adductor", "r": "adductor"},
        props={"bench_back": back, "bench": front},
        mat=(-98, 112, -36, 40),
        arrow=("pelvis", (-6, -31, 16)),
    )


# --- kneeling --------------------------------------------------------------------------------------------------------


KNEE_ON_CUSHION: Vec = (-8.5, 12, 0)


def _half_kneeling(pelvis: Vec, up: Vec, front: Vec, foot: Vec) -> Pose:
    def hand(sign: float) -> Reach:
        # The elbows stay along the ribs, so that the arms don't hide the hinge at the hips.
        return Reach(on_chest(pelvis, up, front, (sign * 5, 25, 14)), add(mul(up, -1), (sign * 0.6, 0, 0)), up)

    return Pose(
        pelvis=pelvis,
        up=up,
        front=front,
        head_up=unit(add(up, (0, 0.35, 0))),
        legs={
            "r": Along(sub(KNEE_ON_CUSHION, hip(pelvis, up, front, "r")), (0, -0.085, -1), (0, -0.25, -1)),
            "l": Reach(foot, (0.2, 1, 0.6), (0.3, 0, 1)),
        },
        arms={"l": hand(1), "r": hand(-1)},
        extra={"weight": on_chest(pelvis, up, front, (0, 29, 19))},
        anchor="knee_r",
    )


def _hinge() -> Drawing:
    return Drawing(
        exercise_id="half_kneeling_slide_hinge",
        code="hks",
        title="Half-kneeling slide hinge",
        start="Kneeling upright on one knee on a cushion. The other leg is out to the side, its foot on a folded towel"
        " or slider. A dumbbell is held at the chest with both hands.",
        movement="The hips move back and the long spine tips forward while the foot slides further out to the side."
        " Then the inner thigh pulls the foot in and the hips come forward again.",
        camera=Camera(-24, 22, (20, 54, -4), 1.42),
        poses=(
            _half_kneeling((0, 54, 0), UP, NEAR, (71, 9.5, 2)),
            _half_kneeling((-2, 36.6, -34), (0, 0.62, 0.78), (0, -0.78, 0.62), (81, 9.5, -16)),
        ),
        steps=(Step(1, 3.0, 0.2), Step(0, 2.0, 0.6)),
        order=("cushion", "towel", "leg_l", "arm_l", "pelvis", "leg_r", "chest", "head", "weight", "arm_r"),
        captions=("Start", "Slide out"),
        far=frozenset(),
        accents={"l": "adductor"},
        props={
            "cushion": parts.box("cushion", (-24, 0, -13), (7, 5, 15), -24, "cloth", 2.2),
            "towel": parts.towel("l"),
            "weight": parts.dumbbell("weight", RIGHT, 12),
        },
        mat=(-50, 104, -48, 34),
        arrow=("ankle_l", (-4, -6, 26)),
    )


def drawings() -> list[Drawing]:
    """The drawings of this file."""
    return [
        _top_leg_elevated(), _floor(), _abduction(), _squeeze(),
        _short_lever(), _knees_together(), _long_lever(), _dynamic(), _hinge(),
    ]  # fmt: skip
