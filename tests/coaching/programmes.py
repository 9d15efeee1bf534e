"""Programmes: a runner who does every routine, session after session."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from adductor.catalogue import catalogue
from adductor.coaching import after_session
from adductor.coaching.progression import SPLIT_SQUATS, is_back_for_days, is_deload_week, is_open
from adductor.coaching.routine import Composer
from adductor.coaching.situation import Athlete, Dose, Placement, Routine, Session

HOME = ZoneInfo("UTC")
TODAY = date(2026, 11, 20)
HOUSEHOLD = ("chair", "ball", "long_band", "hard_floor", "step", "slider", "dumbbell")  # what the settings ask about
DAY_ONE = datetime(2026, 1, 5, 18, tzinfo=UTC)


class Programme:
    """Two sessions a week from the first day on, with what was eligible for each."""

    def __init__(self, equipment: frozenset[str], placements: tuple[Placement, ...], rpe: float = 7) -> None:
        self.athlete = Athlete(
            HOME, equipment=equipment, placements_enabled=frozenset(placements), plyometrics_cleared=True
        )
        self.placements = placements
        self.rpe = rpe
        self.done: list[Routine] = []
        self.eligible: list[set[str]] = []
        self.said: list[tuple[str, ...]] = []

    def run(self, weeks: int) -> Programme:
        """Do every session of so many weeks."""
        for number in range(2 * weeks):
            self._session(number, DAY_ONE + timedelta(days=7 * (number // 2) + 3 * (number % 2)))
        return self

    def _session(self, number: int, at: datetime) -> None:
        athlete, today = self.athlete, at.date()
        placement = self.placements[number % len(self.placements)]
        squats = [p for p in athlete.progress if p.exercise in SPLIT_SQUATS]
        waited = athlete.stage_since is not None and (today - athlete.stage_since).days >= 28
        earned = athlete.programme_stage == 4 and waited and any(p.target_doses_done >= 2 for p in squats)
        made = Composer(
            catalogue(),
            athlete,
            placement,
            Dose.LIGHT if number < 2 else Dose.FULL,
            today=today,
            half_the_sets=is_deload_week(athlete, today),
            compounds=not is_back_for_days(athlete, today, 14),
            jump_lunges=earned and placement is Placement.REST_DAY,
        ).routine()
        self.done.append(made)
        self.eligible.append(self._eligible(placement))
        kind = "strength_light" if number < 2 else "strength_full"
        session = Session(at, kind, rpe_1_10=self.rpe, pain_during_0_10=0)
        step = after_session(athlete, catalogue(), session, made)
        self.athlete = replace(step.athlete)
        self.said.append(step.changes)

    def _eligible(self, placement: Placement) -> set[str]:
        """The exercises of the pool that can be done, without the rungs that a harder one has replaced."""
        progress = {p.exercise: p for p in self.athlete.progress}
        pool = [catalogue().exercises[i] for i in catalogue().pool(self.athlete.programme_stage, placement).exercises]
        can = [e for e in pool if e.can_be_done_with(self.athlete.equipment) and is_open(e, progress)]
        return {e.id for e in can} - {e.after.exercise for e in can if e.after is not None} - {*SPLIT_SQUATS}
