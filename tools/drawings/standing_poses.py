"""Pose data of the exercises done standing."""

from __future__ import annotations

from tools.drawings import parts
from tools.drawings.body import Along, Limb, Pose, Reach
from tools.drawings.frame import NEAR, RIGHT, UP, on_chest
from tools.drawings.geometry import Camera, Vec
from tools.drawings.scene import Drawing, Step

# --- seen from the front: the figure faces the viewer, its left is right in the picture ---------------------------


def _fists(pelvis: Vec, up: Vec, front: Vec, forward: float, high: float = 20) -> dict[str, Limb]:
    """Both hands together in front of the chest."""
    return {
        side: Reach(
            on_chest(pelvis, up, front, (sign * 3.2, high, forward)),
            (sign * 1.0, -0.9, -0.1),
            (-sign * 0.5, 0.8, 0.4),
        )
        for side, sign in (("l", 1.0), ("r", -1.0))
    }


def _resisted() -> Drawing:
    stance = Reach((-5, 8, 0), NEAR, (-0.1, 0, 1))

    def pose(swing: Vec, toes: Vec) -> Pose:
        return Pose(
            pelvis=(-3, 90.2, 0),
            up=UP,
            front=NEAR,
            legs={"r": stance, "l": Along(swing, swing, toes)},
            arms={
                "r": Reach((-58, 118, 10), (-0.2, -1, 0.2), (-0.35, 1, 0)),
                "l": Reach((13, 101, 4), (1, 0, -0.4), (-0.55, -0.5, 0.6)),
            },
        )

    return Drawing(
        exercise_id="standing_resisted_adduction",
        code="sra",
        title="Standing band adduction",
        start="Standing tall on one leg with fingertips on a wall. A band runs from a low anchor at the other side to"
        " the ankle of the free leg, which is out to the side towards the anchor.",
        movement="The straight free leg pulls the band across, in front of the standing leg and past the midline."
        " Pause, then let it go back slowly.",
        camera=Camera(10, 8, (11, 82, 0), 1.22),
        poses=(
            pose((0.45, -0.89, 0.02), (0.15, 0, 1)),
            pose((-0.27, -0.945, 0.2), (-0.05, 0, 1)),
        ),
        steps=(Step(1, 2.0, 1.0), Step(0, 2.0, 0.6)),
        order=("wall", "anchor", "leg_r", "band", "leg_l", "pelvis", "chest", "head", "arm_r", "arm_l"),
        captions=("Start", "Pull across"),
        accents={"l": "adductor"},
        props={
            "wall": parts.box("wall", (-74, 0, -26), (-66, 158, 26), 10, "wall"),
            "anchor": parts.box("anchor", (88, 0, -5), (97, 42, 5), 10),
            "band": parts.line("band", (88, 15, 0), "ankle_l", 1.5, "band"),
        },
        mat=(-76, 104, -32, 34),
        arrow=("ankle_l", (0, -9, 16)),
    )


def _lateral_lunge() -> Drawing:
    def pose(pelvis: Vec, up: Vec, front: Vec, foot: Vec, forward: float) -> Pose:
        return Pose(
            pelvis=pelvis,
            up=up,
            front=front,
            head_up=(0, 1, 0.35),
            legs={
                "r": Reach((-8.5, 8, 0), (0.06, 0, 1), (-0.15, 0, 1)),
                "l": Reach(foot, (0, 0, 1), (0.12, 0, 1)),
            },
            arms=_fists(pelvis, up, front, forward),
        )

    return Drawing(
        exercise_id="standing_lateral_slide_lunge",
        code="lsl",
        title="Side slide lunge",
        start="Standing upright, feet under the hips, one foot on a folded towel or slider, hands together in front"
        " of the chest.",
        movement="The standing knee bends and the hips sit back while the other leg, kept straight, slides out to the"
        " side. Then pull the sliding leg back in and stand up.",
        camera=Camera(16, 8, (21, 80, 0), 1.25),
        poses=(
            pose((-1, 89.6, 0), UP, NEAR, (11, 9.5, 1), 22),
            pose((-11, 57, -17), (-0.06, 0.76, 0.65), (0, -0.65, 0.76), (61.5, 9.5, 1), 30),
        ),
        steps=(Step(1, 3.0, 0.2), Step(0, 2.0, 0.6)),
        order=("towel", "leg_l", "leg_r", "pelvis", "chest", "head", "arm_l", "arm_r"),
        captions=("Start", "Slide out"),
        accents={"l": "adductor", "r": "adductor"},
        props={"towel": parts.towel("l")},
        mat=(-60, 104, -36, 34),
        arrow=("ankle_l", (0, -6, 26)),
    )


def _side_lunge() -> Drawing:
    def pose(pelvis: Vec, up: Vec, front: Vec, forward: float) -> Pose:
        return Pose(
            pelvis=pelvis,
            up=up,
            front=front,
            head_up=(0, 1, 0.35),
            legs={
                "r": Reach((-34, 8, 0), (-0.1, 0, 1), (-0.2, 0, 1)),
                "l": Reach((38, 8, 0), (0.1, 0, 1), (0.2, 0, 1)),
            },
            arms=_fists(pelvis, up, front, forward),
        )

    return Drawing(
        exercise_id="side_lunge",
        code="sdl",
        title="Side lunge",
        start="Standing with the feet wide apart and flat on the floor, hands together in front of the chest.",
        movement="One knee bends and the hips sit back over that foot while the other leg stays straight and both feet"
        " stay flat. Then push back to the middle.",
        camera=Camera(16, 8, (8, 80, 0), 1.25),
        poses=(
            pose((2, 80, 0), UP, NEAR, 22),
            pose((-27, 58, -17), (-0.02, 0.76, 0.65), (0, -0.65, 0.76), 30),
        ),
        steps=(Step(1, 3.0, 0.2), Step(0, 2.0, 0.6)),
        order=("leg_l", "leg_r", "pelvis", "chest", "head", "arm_l", "arm_r"),
        captions=("Start", "Sit over one foot"),
        accents={"l": "adductor", "r": "adductor"},
        mat=(-76, 88, -36, 34),
        arrow=("pelvis", (-66, -8, 10)),
    )


def _bowler() -> Drawing:
    stance = Reach((-5, 8, 0), (-0.1, 0, 1), (-0.05, 0, 1))
    return Drawing(
        exercise_id="bowler_squat",
        code="bow",
        title="Bowler squat",
        start="Standing tall on one leg, the other foot just off the floor, arms relaxed.",
        movement="The hips sit back and the trunk tips forward; the free leg sweeps behind and across, and the arm of"
        " that side reaches across in front of the standing foot, like releasing a bowling ball. Then stand up.",
        camera=Camera(8, 16, (-8, 80, -4), 1.22),
        poses=(
            Pose(
                pelvis=(-3, 90, 0),
                up=UP,
                front=NEAR,
                legs={"r": stance, "l": Reach((7, 14, -8), NEAR, (0, -0.25, 1))},
                arms={
                    "l": Along((0.2, -1, 0.05), (0.05, -1, 0.2), (0, -1, 0.2)),
                    "r": Along((-0.2, -1, 0.05), (-0.05, -1, 0.2), (0, -1, 0.2)),
                },
            ),
            Pose(
                pelvis=(-1, 71, -20),
                up=(0, 0.66, 0.75),
                front=(0, -0.75, 0.66),
                chest_up=(-0.04, 0.6, 0.8),
                chest_front=(-0.25, -0.75, 0.6),
                head_up=(-0.05, 0.8, 0.6),
                legs={"r": stance, "l": Reach((-50, 24, -46), (0.3, -0.2, 1), (-0.3, -0.9, 0.1))},
                arms={
                    "l": Along((-0.36, -0.9, 0.2), (-0.6, -0.78, 0.16), (-0.6, -0.78, 0.1)),
                    "r": Along((-0.55, -0.75, -0.3), (-0.3, -0.9, -0.2), (-0.3, -0.9, -0.2)),
                },
            ),
        ),
        steps=(Step(1, 3.0, 0.4), Step(0, 2.0, 0.6)),
        order=("leg_l", "arm_r", "pelvis", "leg_r", "chest", "head", "arm_l"),
        captions=("Start", "Reach across"),
        accents={"r": "adductor"},
        mat=(-46, 40, -60, 44),
        arrow=("ankle_l", (0, -8, 0)),
    )


def _cross_over() -> Drawing:
    stance = Reach((30, 30, 9), (0.15, 0.1, 1), (0.1, 0, 1))

    def arms(pelvis: Vec) -> dict[str, Limb]:
        return {
            "l": Reach(on_chest(pelvis, UP, NEAR, (15, -4, 3)), (1, 0, -0.4), (-0.55, -0.5, 0.6)),
            "r": Reach(on_chest(pelvis, UP, NEAR, (-15, -4, 3)), (-1, 0, -0.4), (0.55, -0.5, 0.6)),
        }

    low: Vec = (-1, 86.5, -2)
    high: Vec = (28, 110, 6)
    return Drawing(
        exercise_id="cross_over_step_up",
        code="cos",
        title="Cross-over step-up",
        start="Standing side-on and close to a step. The foot that is further from the step crosses over in front of"
        " the other leg and stands flat on the step.",
        movement="Press through the crossed foot and stand up on the step; the other foot leaves the floor. Lower for"
        " 3 seconds to the start.",
        camera=Camera(14, 9, (14, 90, 0), 1.12),
        poses=(
            Pose(
                pelvis=low, up=(0.06, 1, 0.08), front=NEAR,
                legs={"r": stance, "l": Reach((1, 8, -9), (0.1, 0, 1), (0.1, 0, 1))}, arms=arms(low),
            ),
            Pose(
                pelvis=high, up=(0.02, 1, 0), front=NEAR,
                legs={"r": stance, "l": Reach((41, 46, -20), (0.05, 0.2, 1), (0.05, -0.5, 1))}, arms=arms(high),
            ),
        ),
        steps=(Step(1, 1.0, 1.0), Step(0, 3.0, 0.6)),
        order=("step", "leg_l", "leg_r", "pelvis", "chest", "head", "arm_l", "arm_r"),
        captions=("Start", "Step up"),
        accents={"r": "adductor"},
        props={"step": parts.box("step", (14, 0, -16), (52, 22, 26), 14)},
        mat=(-50, 80, -32, 36),
        arrow=("pelvis", (-34, -10, 0)),
    )  # fmt: skip


# --- seen from the side: the figure faces right, its right is the nearer side --------------------------------------

FAR = frozenset({"leg_l", "arm_l"})
SIDE_ORDER = ("arm_l", "leg_l", "pelvis", "leg_r", "chest", "head", "arm_r")
SIDE_YAW = 14.0


def _hanging(forward: float = 0.1) -> dict[str, Limb]:
    way: Vec = (forward, -1, 0)
    low: Vec = (forward + 0.14, -1, 0)
    return {"l": Along(way, low, low), "r": Along(way, low, low)}


def _hips(pelvis: Vec, up: Vec) -> dict[str, Limb]:
    """Hands on the hips."""
    return {
        "l": Reach(on_chest(pelvis, up, RIGHT, (13, -4, 0)), (-1, 0, -0.7), (0.8, -0.5, 0.3)),
        "r": Reach(on_chest(pelvis, up, RIGHT, (-13, -4, 0)), (-1, 0, 0.7), (0.8, -0.5, -0.3)),
    }


def _deadlift() -> Drawing:
    stance = Reach((0, 8, 4), RIGHT, RIGHT)
    return Drawing(
        exercise_id="single_leg_deadlift",
        code="sld",
        title="Single-leg deadlift",
        start="Standing on one leg with a soft knee, the other foot just off the floor, arms hanging.",
        movement="Tip forward from the hip as one piece: the free leg goes straight back while the trunk comes down"
        " until both are near level, hips square to the floor, back flat. Then return.",
        camera=Camera(SIDE_YAW, 7, (-6, 84, 0), 1.24),
        poses=(
            Pose(
                pelvis=(0, 90, 0), up=UP, front=RIGHT,
                legs={"r": stance, "l": Reach((-8, 13, -7), RIGHT, (1, -0.3, 0))}, arms=_hanging(),
            ),
            Pose(
                pelvis=(-9, 87.6, 0), up=(0.95, 0.33, 0), front=(0.33, -0.95, 0), head_up=(0.93, 0.5, 0),
                legs={"r": stance, "l": Along((-0.99, 0.08, 0), (-1, 0.03, 0), (-0.3, -1, 0))},
                arms=_hanging(0.02),
            ),
        ),
        steps=(Step(1, 3.0, 0.3), Step(0, 2.0, 0.6)),
        order=SIDE_ORDER,
        captions=("Start", "Tip forward"),
        far=FAR,
        accents={"r": "adductor"},
        mat=(-100, 86, -26, 26),
        arrow=("ankle_l", (-4, 12, 0)),
    )  # fmt: skip


def _kickstand() -> Drawing:
    stance = Reach((4, 8, 6), RIGHT, RIGHT)
    rear = Reach((-28, 17.4, -7), RIGHT, (0.8, -0.6, 0))
    return Drawing(
        exercise_id="single_leg_deadlift_kickstand",
        code="kick",
        title="Kickstand deadlift",
        start="Standing on one leg with a soft knee; the toes of the other foot rest lightly on the floor a foot's"
        " length behind. Arms hang.",
        movement="The hips move back and the flat trunk tips forward, weight on the front heel, rear toes only for"
        " balance. Then return.",
        camera=Camera(SIDE_YAW, 7, (6, 82, 0), 1.24),
        poses=(
            Pose(
                pelvis=(-2, 89.4, 0), up=(0.04, 1, 0), front=RIGHT,
                legs={"r": stance, "l": rear}, arms=_hanging(),
            ),
            Pose(
                pelvis=(-14, 82.5, 0), up=(0.86, 0.5, 0), front=(0.5, -0.86, 0), head_up=(0.85, 0.62, 0),
                legs={"r": stance, "l": rear}, arms=_hanging(-0.05),
            ),
        ),
        steps=(Step(1, 3.0, 0.3), Step(0, 2.0, 0.6)),
        order=SIDE_ORDER,
        captions=("Start", "Hips back"),
        far=FAR,
        accents={"r": "adductor"},
        mat=(-70, 80, -26, 26),
        arrow=("pelvis", (-22, 4, 0)),
    )  # fmt: skip


def _step_up() -> Drawing:
    stance = Reach((27, 26, 7), RIGHT, RIGHT)
    low: Vec = (6, 86, 0)
    high: Vec = (25, 107.3, 5)
    lean: Vec = (0.2, 1, 0)
    return Drawing(
        exercise_id="step_up_forward_low",
        code="step",
        title="Low step-up",
        start="Facing a low step, the whole foot of one leg on it, the other foot on the floor.",
        movement="Press through the whole foot and stand up on the step until the leg is straight, the other foot"
        " hovering. Lower slowly to the start.",
        camera=Camera(SIDE_YAW, 8, (16, 90, 0), 1.13),
        poses=(
            Pose(
                pelvis=low, up=lean, front=RIGHT,
                legs={"r": stance, "l": Reach((-15, 8, -8), RIGHT, RIGHT)}, arms=_hips(low, lean),
            ),
            Pose(
                pelvis=high, up=UP, front=RIGHT,
                legs={"r": stance, "l": Reach((18, 36, -9), RIGHT, (1, -0.3, 0))}, arms=_hips(high, UP),
            ),
        ),
        steps=(Step(1, 1.0, 1.0), Step(0, 3.0, 0.6)),
        order=("step", *SIDE_ORDER),
        captions=("Start", "Step up"),
        far=FAR,
        accents={"r": "adductor"},
        props={"step": parts.box("step", (8, 0, -26), (56, 18, 22), SIDE_YAW)},
        mat=(-60, 84, -32, 30),
        arrow=("pelvis", (-16, 4, 0)),
    )  # fmt: skip


def _split(pelvis: Vec, front: Reach, rear: Reach, up: Vec = (0.06, 1, 0)) -> Pose:
    return Pose(pelvis=pelvis, up=up, front=RIGHT, legs={"r": front, "l": rear}, arms=_hips(pelvis, up))


def _split_floor() -> Drawing:
    front = Reach((34, 8, 8.5), RIGHT, RIGHT)
    rear = Reach((-40, 18.4, -8.5), (1, -0.8, 0), (0.74, -0.67, 0))
    return Drawing(
        exercise_id="split_squat_floor",
        code="spl",
        title="Split squat",
        start="Long split stance: front foot flat, rear foot a long stride behind on its toes, trunk upright, hands on"
        " the hips.",
        movement="Lower straight down until the rear knee is just above the floor, front knee over the toes. Push up"
        " through the front heel.",
        camera=Camera(SIDE_YAW, 7, (0, 78, 0), 1.3),
        poses=(_split((0, 80, 0), front, rear), _split((-2, 52, 0), front, rear)),
        steps=(Step(1, 3.0, 0.3), Step(0, 2.0, 0.6)),
        order=SIDE_ORDER,
        captions=("Start", "Lower"),
        far=FAR,
        accents={"r": "adductor"},
        mat=(-80, 80, -28, 28),
        arrow=("pelvis", (-34, 4, 0)),
    )


def _split_elevated() -> Drawing:
    front = Reach((23, 8, 8.5), RIGHT, RIGHT)
    rear = Reach((-60, 48.6, -8), (0.6, -1, 0), (-0.9, -0.38, 0))
    back, near = parts.bench((-88, 0, -26), (-54, 43, 20), SIDE_YAW)
    return Drawing(
        exercise_id="elevated_split_squat",
        code="ess",
        title="Elevated split squat",
        start="The rear foot lies with its laces on a bench behind; the front foot stands a stride ahead, hands on the"
        " hips.",
        movement="Lower straight down until the front thigh is nearly level, front knee over the toes. Drive up"
        " through the front heel.",
        camera=Camera(SIDE_YAW, 8, (-14, 80, 0), 1.28),
        poses=(
            _split((0, 82, 0), front, rear, (0.08, 1, 0)),
            _split((-3, 54, 0), front, rear, (0.24, 1, 0)),
        ),
        steps=(Step(1, 3.0, 0.3), Step(0, 2.0, 0.6)),
        order=("bench_back", "bench", *SIDE_ORDER),
        captions=("Start", "Lower"),
        far=FAR,
        accents={"r": "adductor"},
        props={"bench_back": back, "bench": near},
        mat=(-96, 74, -32, 28),
        arrow=("pelvis", (-34, 22, 0)),
    )


def _swing(ahead: str) -> dict[str, Limb]:
    """Arms as in running: the arm of the rear leg is ahead."""
    forward = Along((0.45, -0.9, 0), (0.8, 0.6, 0), (0.75, 0.65, 0))
    backward = Along((-0.75, -0.65, 0), (0.75, -0.65, 0), (0.8, -0.6, 0))
    return {"l": forward if ahead == "l" else backward, "r": forward if ahead == "r" else backward}


def _jump() -> Drawing:
    def dip(front_side: str) -> Pose:
        rear_side = "l" if front_side == "r" else "r"
        z = {"r": 8.5, "l": -8.5}
        return Pose(
            pelvis=(0, 62, 0),
            up=(0.12, 1, 0),
            front=RIGHT,
            legs={
                front_side: Reach((30, 8, z[front_side]), RIGHT, RIGHT),
                rear_side: Reach((-36, 18.4, z[rear_side]), (1, -0.7, 0), (0.74, -0.67, 0)),
            },
            arms=_swing(rear_side),
        )

    flight = Pose(
        pelvis=(0, 112, 0),
        up=(0.04, 1, 0),
        front=RIGHT,
        legs={
            "r": Along((0.12, -1, 0), (-0.14, -1, 0), (0.75, -0.66, 0)),
            "l": Along((0.12, -1, 0), (-0.14, -1, 0), (0.75, -0.66, 0)),
        },
        arms={
            "l": Along((-0.15, -1, -0.15), (0.9, -0.35, 0), (0.9, -0.2, 0)),
            "r": Along((-0.15, -1, 0.15), (0.9, -0.35, 0), (0.9, -0.2, 0)),
        },
    )
    return Drawing(
        exercise_id="jump_lunges",
        code="jump",
        title="Jump lunges",
        start="Split stance with both knees bent, one foot in front, the rear heel up, arms as in running.",
        movement="Jump straight up, switch the legs in the air, and land softly in the split stance with the other"
        " foot in front, front knee over the toes.",
        camera=Camera(SIDE_YAW, 6, (0, 92, 0), 1.1),
        poses=(dip("r"), flight, dip("l")),
        steps=(Step(1, 0.5, 0), Step(2, 0.5, 0.9), Step(1, 0.5, 0), Step(0, 0.5, 0.9)),
        order=SIDE_ORDER,
        captions=("Start", "Jump and switch", "Land"),
        far=FAR,
        accents={"l": "adductor", "r": "adductor"},
        mat=(-80, 80, -28, 28),
        shown=(0, 1, 2),
        insets=((-10, 70), (172, 70)),
        arrow=("pelvis", (-28, -6, 0)),
    )


def drawings() -> list[Drawing]:
    """The drawings of this file."""
    return [
        _resisted(), _lateral_lunge(), _side_lunge(), _bowler(), _cross_over(), _deadlift(),
        _kickstand(), _step_up(), _split_floor(), _split_elevated(), _jump(),
    ]  # fmt: skip
