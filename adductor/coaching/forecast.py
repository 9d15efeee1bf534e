"""Forecast: simulate the next days and report on which a session is expected, and of which kind.

It is the decision itself, asked about the moments of the week plan: the runs that are planned (or that the runner does every
week), and the evenings of the other days. Sessions it expects are taken as done, so that the next ones keep their distance.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from adductor.catalogue.models import Catalogue
from adductor.coaching import week
from adductor.coaching.decide import decide
from adductor.coaching.normalise import Facts, facts
from adductor.coaching.situation import Decision, Dose, Event, EventType, Expected, Hold, Placement, Situation, Verdict


def forecast(situation: Situation, catalogue: Catalogue, days: int) -> tuple[Expected, ...]:
    """The next ``days`` local days, today first (as far as today is still to come).

    ``placement`` None means that nothing is expected; ``reason`` says why, or what the session will follow.
    """
    seen = facts(situation)
    ahead = replace(situation, event=Event(EventType.CLOCK_TICK))
    expected = []
    for offset in range(days):
        entry, ahead = _look_at(seen, ahead, catalogue, seen.today + timedelta(days=offset))
        expected.append(entry)
    return tuple(expected)


def _look_at(seen: Facts, ahead: Situation, catalogue: Catalogue, day: date) -> tuple[Expected, Situation]:
    """Simulate one day: the expected session, and the situation after it."""
    nearest: Verdict | None = None  # the "no" that came closest to a yes says most
    found: Expected | None = None
    moments = [(week.Moment(ahead.now), ahead)] if day == seen.today else []
    for moment, situation in (*moments, *week.walk(seen, ahead, day)):
        ahead = replace(ahead, activities=situation.activities)
        if found is not None:
            continue
        verdict = decide(replace(situation, athlete=ahead.athlete), catalogue)
        if verdict.routine is None:
            if nearest is None or len(verdict.considered) > len(nearest.considered):
                nearest = verdict
            if verdict.decision is Decision.REFER:
                # Said once; from then on the runner's word is awaited.
                ahead = replace(ahead, athlete=replace(ahead.athlete, hold=Hold(moment.at, verdict.rule)))
            continue
        placement = Placement(verdict.decision)
        follows = "rest day" if placement is Placement.REST_DAY else moment.words if moment.run else "after your run"
        light = f", kept light: {verdict.light_because}" if verdict.light_because else ""
        found = Expected(day, placement, verdict.dose, f"{follows}{light}")
        kind = "strength_light" if verdict.dose is Dose.LIGHT else "strength_full"
        # Silence that has slowed the suggestions goes on, as far as is known.
        ahead = replace(ahead, athlete=replace(ahead.athlete, last_suggested_on=day))
        ahead = week.with_session(ahead, moment.at, kind)
    return found or Expected(day, None, Dose.NONE, nearest.reason if nearest else "Nothing more today."), ahead
