"""Movement as CSS: the keyframes put every part where the computed figure has it."""

from __future__ import annotations

import math

import pytest

from adductor.catalogue import catalogue
from tools.drawings import drawings, motion


@pytest.mark.parametrize("exercise_id", drawings())
def test_joints_hold_together_between_keyframes(exercise_id: str) -> None:
    """What the CSS does to the ends of each bone, at moments that are no keyframes, against the true figure."""
    chosen = drawings()[exercise_id]
    found, follows = motion.tracks(chosen)
    lead = {"thigh", "shin", "shoe", "upper", "fore", "pelvis", "chest"}
    for _, layer in chosen.layers:
        for part in layer:
            if part.name.split("_")[0] not in lead or part.name not in follows:
                continue
            item = found[follows[part.name]]
            base = chosen.seen(part, chosen.skeletons[0])
            position = 0
            for step, way in zip(chosen.steps, item.ways, strict=True):
                for share in (0.11, 0.31, 0.5, 0.69, 0.93, 1.0):
                    index = next(i for i in range(1, len(way)) if way[i][0] >= share)
                    (a_share, a), (b_share, b) = way[index - 1], way[index]
                    mixed = motion.between(a, b, (share - a_share) / (b_share - a_share))
                    seen = chosen.seen(part, chosen.on_the_way(position, step.to, share))
                    for start, end in list(zip(base, seen, strict=True))[:2]:
                        x, y = motion.apply(mixed, item.axis_deg, item.anchor, start)
                        off = math.hypot(x - end.x, y - end.y)
                        # Limbs are 10 units and more wide: a joint stays closed with a third of that.
                        assert off < 3.5, f"{part.name} is {off:.1f} units off at {share}"
                position = step.to


@pytest.mark.parametrize("exercise_id", drawings())
def test_the_loop_ends_where_it_began(exercise_id: str) -> None:
    chosen = drawings()[exercise_id]
    assert chosen.steps[-1].to == 0
    for item in motion.tracks(chosen)[0]:
        last = item.ways[-1][-1][1]
        assert (last.dx, last.dy) == pytest.approx((0, 0), abs=0.05)
        assert math.remainder(last.turn_deg, 360) == pytest.approx(0, abs=0.05)


def test_the_drawing_keeps_the_tempo_of_the_catalogue() -> None:
    # A jump takes as long as it takes; its seconds in the catalogue count dip and landing.
    timed = {id_: e.tempo for id_, e in catalogue().exercises.items() if e.tempo is not None and id_ != "jump_lunges"}
    assert len(timed) >= 10
    for exercise_id, tempo in timed.items():
        seconds = [step.move_s for step in drawings()[exercise_id].steps]
        assert sorted(seconds) == sorted((tempo.eccentric, tempo.concentric)), exercise_id
