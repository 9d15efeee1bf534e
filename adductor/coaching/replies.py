"""The tables of answers: to a suggestion, with the effort that each stands for, and to whether routines are still useful."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from adductor.coaching.situation import Placement


class Said(StrEnum):
    """The answers that a suggestion can get."""

    DONE = "done"
    TOO_EASY = "too_easy"
    TOO_HARD = "too_hard"
    NOT_TODAY = "not_today"
    PAIN = "pain"


@dataclass(frozen=True, slots=True)
class Reply:
    """``label`` stands on buttons and links; ``rpe_1_10`` is the effort where the runner gave no number.

    "Too easy" leaves four reps in reserve, "done" three, "too hard" none. Judgement; the guided routine asks for the number.
    """

    label: str
    thanks: str
    rpe_1_10: int | None = None
    to_warm_ups: bool = True


REPLIES = {
    Said.DONE: Reply("Done", "Done.", rpe_1_10=7),
    Said.TOO_EASY: Reply("Too easy", "Done. It was too easy.", rpe_1_10=5, to_warm_ups=False),
    Said.TOO_HARD: Reply("Too hard", "Done. It was too hard.", rpe_1_10=10, to_warm_ups=False),
    Said.NOT_TODAY: Reply("Not today", "Not today: that is fine."),
    Said.PAIN: Reply("It hurt", "Thank you for telling us."),
}


class StillUseful(StrEnum):
    """The replies to the one question after a row of suggestions that nothing was heard of."""

    YES = "yes"
    LESS = "less"
    PAUSE = "pause"


STILL_USEFUL = {StillUseful.YES: "Yes", StillUseful.LESS: "Less often", StillUseful.PAUSE: "Pause"}


def replies_to(placement: Placement) -> list[Said]:
    """The answers that a mail offers. A warm-up is not a session: it gets fewer."""
    return [said for said, reply in REPLIES.items() if reply.to_warm_ups or placement is not Placement.WARM_UP]
