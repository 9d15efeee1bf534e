"""Generator of the exercise drawings: pose data in, the files of adductor/drawings/ out (`make drawings`)."""

from __future__ import annotations

from functools import cache

from tools.drawings import floor_poses, standing_poses
from tools.drawings.scene import Drawing


@cache
def drawings() -> dict[str, Drawing]:
    """Build the pose data of every exercise, by exercise id."""
    return {d.exercise_id: d for d in (*floor_poses.drawings(), *standing_poses.drawings())}
