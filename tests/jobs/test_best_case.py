"""A "no" without a look at the platform is never one that the truth would turn into a yes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adductor.athletes import activities, situations
from adductor.catalogue import catalogue
from adductor.coaching import decide
from adductor.coaching import situation as words
from adductor.coaching.replies import Said
from adductor.coaching.situation import Decision, Event, EventType, Placement, Situation
from adductor.platforms.base import Priority
from tests.coaching.lives import ZONES, sessions
from tests.coaching.lives import activities as some_activity
from tests.coaching.lives import situations as some_situation
from tests.support.memory_log import RUN, Log
from tests.support.runners import Place, place

SUGGESTS = (Decision.POST_RUN, Decision.REST_DAY)


def _told(data: st.DataObject, known: Situation) -> Situation:
    """What the platform may tell: other activities, one that just ended as a rule, and another time zone."""
    drawn = data.draw(st.lists(some_activity(known.now), max_size=3))
    told = [replace(one, id=f"told{index}") for index, one in enumerate(drawn)]
    if data.draw(st.booleans()):
        start = known.now - timedelta(minutes=data.draw(st.integers(0, 200)))
        told.append(words.Activity("just", "run", start, data.draw(st.integers(10, 89))))
    kept = data.draw(st.lists(st.sampled_from(known.activities), unique=True)) if known.activities else []
    zone = data.draw(st.sampled_from([known.athlete.timezone, *ZONES]))
    return replace(known, activities=(*kept, *told), athlete=replace(known.athlete, timezone=zone))


@settings(max_examples=200)
@given(
    known=some_situation(cleared=True),
    few=st.booleans(),
    kind=st.sampled_from([EventType.ACTIVITY_UPLOADED, EventType.ACTIVITY_UPDATED, EventType.CLOCK_TICK]),
    data=st.data(),
)
def test_no_without_a_look_stays_a_no_whatever_the_platform_tells(
    known: Situation, few: bool, kind: EventType, data: st.DataObject
) -> None:
    if few:  # else the cap says most of the noes
        known = replace(known, sessions=tuple(data.draw(st.lists(sessions(known.now), max_size=1))), check_ins=())
    placements = frozenset({Placement.REST_DAY}) if data.draw(st.booleans()) else frozenset(Placement)
    known = replace(known, athlete=replace(known.athlete, placements_enabled=placements), event=Event(kind, "just"))
    told = decide(_told(data, known), catalogue())

    if told.decision is Decision.REST_DAY or (told.decision in SUGGESTS and kind is not EventType.CLOCK_TICK):
        assert any(decide(one, catalogue()).routine is not None for one in situations.best_cases(known))


def test_second_recording_is_read_and_carries_the_note(here: Place, log: Log) -> None:
    """An imagined run of 45 minutes, joined to the first recording, would be a long run."""
    athlete_id, times = log.with_tokens(), {"moving_s": 3000, "elapsed_s": 3000}
    ago = timedelta(minutes=75)
    with here.asked(athlete_id) as coach:
        here.add_run(coach.session, coach.athlete, here.now - ago, **times)

    here.take(log.event(athlete_id, about=log.runs(athlete_id, RUN, ago=ago, **times)))

    assert log.with_note() == [RUN]


def test_run_abroad_in_the_quiet_hours_of_home_is_read(here: Place, log: Log) -> None:
    here.later(hours=14, minutes=40)
    athlete_id = log.with_tokens()

    here.take(log.event(athlete_id, about=log.runs(athlete_id, RUN, timezone="Asia/Tokyo")))

    assert log.with_note() == [RUN]


LIVES = st.fixed_dictionaries(
    {
        "hour": st.integers(0, 23),
        "zone": st.sampled_from(["UTC", "Asia/Tokyo", "America/Los_Angeles"]),
        "placements": st.sampled_from([["post_run"], ["rest_day"], ["post_run", "rest_day"]]),
        "done_days_ago": st.lists(st.integers(1, 8), max_size=2, unique=True),
        "before": st.lists(st.tuples(st.sampled_from(["run", "walk", "strength"]), st.integers(20, 600)), max_size=2),
        "sport": st.sampled_from(["run", "run", "run", "walk", "strength", "virtual_run"]),
        "minutes": st.integers(5, 100),
        "ended_min_ago": st.integers(-5, 240),
        "not_today": st.booleans(),
        "busy": st.booleans(),
    }
)


def test_pipeline_and_decide_agree(tmp_path: Path) -> None:
    """Also where the activity was not read."""
    with place(tmp_path) as here:
        log = Log(here)
        here.installation.platforms["strava"] = log  # type: ignore[assignment]

        @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
        @given(LIVES)
        def agree(life: dict[str, Any]) -> None:
            here.later(days=20)
            here.clock.at = here.now.replace(hour=life["hour"])
            athlete_id = log.with_tokens(placements=life["placements"])
            for days in life["done_days_ago"]:
                here.clock.at -= timedelta(days=days)
                here.run_done(athlete_id)
                if here.suggestions(athlete_id) and here.suggestion(athlete_id).status == "open":
                    here.answer(athlete_id, Said.DONE)
                here.clock.at += timedelta(days=days)
            for index, (sport, ago_min) in enumerate(life["before"]):
                entry = f"strava:{int(here.now.timestamp()) + 1 + index}"
                log.runs(athlete_id, entry, ago=timedelta(minutes=ago_min), sport=sport)
                here.take(log.event(athlete_id, about=entry))
            if life["not_today"] and here.suggestions(athlete_id):
                here.answer(athlete_id, Said.NOT_TODAY)
            number, lasted = f"strava:{int(here.now.timestamp())}", timedelta(minutes=life["minutes"])
            times = {"moving_s": lasted.seconds, "elapsed_s": lasted.seconds, "sport": life["sport"]}
            ago = lasted + timedelta(minutes=life["ended_min_ago"])
            log.runs(athlete_id, number, ago=ago, timezone=life["zone"], **times)

            for _ in range(12 if life["busy"] else 0):  # so that no run is read for the overview alone
                here.installation.budget("strava").take(Priority.FRESH)
            here.take(log.event(athlete_id, about=number))

            (on_record,) = [row for row in here.decisions(athlete_id) if row.activity_id == number][-1:]
            with here.asked(athlete_id) as coach:
                activities.keep(coach, log.activities[number], uploaded_at=here.now)
                coach.session.flush()
                verdict = coach.decide(Event(EventType.ACTIVITY_UPLOADED, number))
                coach.session.rollback()
            if on_record.rule != "another_run_has_it":
                assert on_record.decision == verdict.decision, (on_record.rule, verdict.rule)

        agree()
