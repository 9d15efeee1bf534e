"""From poses to a picture: parts in painting order, seen by the camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from tools.drawings import parts
from tools.drawings.body import Joints, Pose, between, joints
from tools.drawings.geometry import Camera, Disc, Vec
from tools.drawings.parts import Part

BODY_LAYERS = ("leg_l", "leg_r", "pelvis", "chest", "head", "arm_l", "arm_r")


@dataclass(frozen=True)
class Step:
    """One movement of the loop: go to position `to` in `move_s` seconds, then stay there `hold_s` seconds."""

    to: int
    move_s: float
    hold_s: float


@dataclass(frozen=True, eq=False)
class Drawing:
    """The drawing of one exercise; `order` lists the layers from back to front.

    There is one object for each exercise, compared by identity, so that what is computed from it can be kept.
    """

    exercise_id: str
    code: str  # short name in the stylesheet
    title: str
    start: str
    movement: str
    camera: Camera
    poses: tuple[Pose, ...]
    steps: tuple[Step, ...]  # the loop; the last one leads back to position 0
    order: tuple[str, ...]
    captions: tuple[str, ...]
    far: frozenset[str] = frozenset()
    accents: dict[str, str] = field(default_factory=dict)
    props: dict[str, list[Part]] = field(default_factory=dict)
    mat: tuple[float, float, float, float] = (-100, 100, -34, 34)  # x0, x1, z0, z1 of the floor shown
    shown: tuple[int, ...] = (0, 1)  # the positions that a still shows
    insets: tuple[tuple[float, float], ...] = ((0, 0), (160, 0))  # where small pictures of further positions go
    arrow: tuple[str, Vec] | None = None  # the joint whose way is shown, and how far beside it
    arrow_way: tuple[int, int] = (0, 1)  # from which position to which; drawn in the picture of the second

    @cached_property
    def layers(self) -> list[tuple[str, list[Part]]]:
        """The parts by layer, from back to front."""
        made: dict[str, list[Part]] = dict(self.props)
        for side in "lr":
            made[f"leg_{side}"] = parts.leg(side, f"leg_{side}" in self.far)
            made[f"muscle_{side}"] = parts.muscle(side, self.accents[side]) if side in self.accents else []
            made[f"arm_{side}"] = parts.arm(side, f"arm_{side}" in self.far)
        made["pelvis"], made["chest"], made["head"] = parts.pelvis(), parts.chest(), parts.head()
        order = list(self.order)
        for side in self.accents:
            # The muscle goes over both the thigh and the hips from which it starts, unless placed explicitly.
            if f"muscle_{side}" not in order:
                over = max(order.index(f"leg_{side}"), order.index("pelvis"))
                order.insert(over + 1, f"muscle_{side}")
        return [(name, made[name]) for name in order]

    @cached_property
    def skeletons(self) -> tuple[Joints, ...]:
        """The joints of each position."""
        return tuple(joints(pose) for pose in self.poses)

    @lru_cache(maxsize=2048)  # noqa: B019 - the drawings live as long as the process
    def on_the_way(self, a: int, b: int, share: float) -> Joints:
        """The joints `share` of the way from position a to b."""
        return joints(between(self.poses[a], self.poses[b], share))

    def seen(self, part: Part, skeleton: Joints) -> list[Disc]:
        """The part's discs in picture coordinates."""
        found = []
        for point, radius in part.build(skeleton):
            x, y = self.camera.project(point)
            found.append(Disc(x, y, radius * self.camera.scale))
        return found

    @property
    def description(self) -> str:
        """An alternative text that works without the drawing."""
        return f"{self.title}. Start: {self.start} Movement: {self.movement}"

    @property
    def moments_s(self) -> tuple[float, ...]:
        """The seconds from the start of the loop at which each shown position is reached."""
        reached = {0: 0.0}
        now = 0.0
        for step in self.steps:
            now += step.move_s
            reached.setdefault(step.to, now)
            now += step.hold_s
        return tuple(round(reached[position], 3) for position in self.shown)

    @cached_property
    def loop_s(self) -> float:
        """The length of one loop in seconds."""
        return sum(step.move_s + step.hold_s for step in self.steps)


def floor(drawing: Drawing) -> Sequence[Disc]:
    """The piece of floor under the figure."""
    x0, x1, z0, z1 = drawing.mat
    corners: list[Vec] = [(x0, 0, z0), (x1, 0, z0), (x1, 0, z1), (x0, 0, z1)]
    radius = 5.0
    return [Disc(*drawing.camera.project(corner), radius) for corner in corners]
