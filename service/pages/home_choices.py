"""What Home asks and shows of the runner's own choices: the monthly squeeze, maintenance, and what would open more."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from adductor.athletes import situations
from adductor.coaching import progression
from adductor.coaching.situation import PlannedRun
from adductor.store.models import Athlete, CheckInRecord, PlannedRunRecord
from service.context import installation
from service.pages.words import EQUIPMENT

THINGS = dict(EQUIPMENT)

SQUEEZE_EVERY = timedelta(days=28)  # once a month
# The answer to "is today a day to train?", from 0, 3 and 6 on (Thorborg 2017, five-second squeeze).
SQUEEZE_ANSWERS = (
    (6, "No: not today."),
    (3, "Yes, gently: squeezes only, until it is 2 or less."),
    (0, "Yes: today is a day to train."),
)


def shown(session: Session, athlete: Athlete, now: datetime) -> dict[str, Any]:
    """The values of the templates in templates/home."""
    catalogue, coached = installation().catalogue, situations.athlete_of(athlete)
    opening = progression.one_thing(catalogue, coached, THINGS)
    return {
        "squeeze_is_due": squeeze_is_due(session, athlete, now),
        "maintenance": maintenance(session, athlete, now),
        "opens": opening and (THINGS[opening.thing], [catalogue.exercises[id_].name for id_ in opening.exercises]),
    }


def maintenance(session: Session, athlete: Athlete, now: datetime) -> str | None:
    """Why the runner may choose once a week, or twice a week again."""
    row = PlannedRunRecord
    mine = select(row).where(row.athlete_id == athlete.id, row.kind == "race", row.start >= now)
    races = [PlannedRun(race.start, race.kind, race.priority) for race in session.scalars(mine)]
    return progression.maintenance_offer(situations.athlete_of(athlete), races, situations.local_day(athlete, now))


def squeeze_is_due(session: Session, athlete: Athlete, now: datetime) -> bool:
    """Whether the monthly squeeze may be asked for: after the first session, and not while anything is stopped."""
    if athlete.hold_since is not None or athlete.clearance_needed or athlete.last_completed_on is None:
        return False
    row = CheckInRecord
    lately = select(row.id).where(row.athlete_id == athlete.id, row.at > now - SQUEEZE_EVERY)
    return session.scalar(lately.where(row.squeeze_pain_0_10.is_not(None)).limit(1)) is None


def answer_to_squeeze(pain_0_10: int) -> str:
    """Whether today is a day to train."""
    return next(text for least, text in SQUEEZE_ANSWERS if pain_0_10 >= least)
