"""When runners are looked at without an activity: their prompt time, in their zone, once; and warm-ups before usual runs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adductor.athletes import activities, answers, channels, connections, schedule, situations
from adductor.coaching import forecast
from adductor.coaching.situation import Event, EventType, Placement
from adductor.jobs import prompts
from adductor.notes import block
from adductor.platforms.base import Grant, Tokens
from adductor.queue import timers
from adductor.store.models import Athlete, DecisionRecord
from tests.support.athletes import new_athlete
from tests.support.memory_log import SCOPES, Log, activity
from tests.support.runners import MORNING, Place, place

EVENING = datetime(2026, 11, 18, 17, 30, tzinfo=UTC)
ZONES = ["UTC", "Europe/Berlin", "America/Los_Angeles", "Pacific/Auckland", "Asia/Kathmandu", "Pacific/Apia"]


def _looked(here: Place, runner: int) -> list[DecisionRecord]:
    return [row for row in here.decisions(runner) if row.trigger in ("clock_tick", "run_starting_soon")]


def _run_clock(here: Place, *, until: datetime) -> None:
    """As the clock would: look whenever a runner's time has come."""
    while due := [athlete for athlete in here.all(Athlete) if athlete.next_due_at and athlete.next_due_at <= until]:
        here.clock.at = max(here.now, min(athlete.next_due_at for athlete in due))
        for athlete in due:
            here.change(athlete.id, history_read_at=here.now)
        timers.tick(here.installation, prompts.TIMER)
    here.clock.at = until


@pytest.mark.parametrize("zone", ZONES)
def test_rest_day_routine_comes_at_the_prompt_time_of_the_runners_zone(here: Place, zone: str) -> None:
    runner = here.runner(timezone=zone)

    _run_clock(here, until=MORNING + timedelta(hours=24))

    (look,) = _looked(here, runner)
    local = look.at.astimezone(ZoneInfo(zone))
    assert (local.hour, local.minute) == (17, 30)
    assert (look.decision, here.suggestion(runner).local_date) == ("rest_day", local.date())
    assert [row.channel for row in here.deliveries(runner)] == ["mail"]


@pytest.mark.parametrize(
    ("zone", "around"),
    [
        ("Europe/Berlin", datetime(2026, 3, 27, 12, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 10, 23, 12, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 3, 6, 12, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 3, 12, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("prompt", ["17:30", "02:15"])
def test_every_day_is_looked_at_once_across_a_change_of_the_clocks(
    here: Place, zone: str, around: datetime, prompt: str
) -> None:
    here.clock.at = around
    quiet = {"quiet_from_local": "03:30", "quiet_until_local": "05:00"}
    runner = here.runner(timezone=zone, rest_day_prompt_local=prompt, **quiet)

    _run_clock(here, until=around + timedelta(days=5))

    days = [row.at.astimezone(ZoneInfo(zone)).date() for row in _looked(here, runner)]
    assert days == [days[0] + timedelta(days=ahead) for ahead in range(5)]


@pytest.mark.parametrize(("target", "lists", "decision"), [(2, 1, "rest_day"), (0, 0, "none")])
def test_look_reads_the_history_once_and_only_where_a_routine_could_be_due(
    here: Place, log: Log, target: int, lists: int, decision: str
) -> None:
    hold = {} if target else {"hold_since": MORNING, "hold_reason": "high_pain"}
    runner = log.with_tokens(email="runner@example.org", email_confirmed_at=MORNING, history_read_at=None, **hold)
    log.runs(runner, "strava:77", ago=timedelta(days=2))
    here.clock.at = EVENING

    timers.tick(here.installation, prompts.TIMER)

    (look,) = _looked(here, runner)
    assert (log.lists, look.decision, look.asked_platform) == (lists, decision, bool(lists))


def test_journey_west_repeats_the_day_but_not_the_prompt(here: Place) -> None:
    here.clock.at = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)
    runner = here.runner(timezone="Asia/Tokyo")
    _run_clock(here, until=datetime(2026, 11, 18, 9, 0, tzinfo=UTC))  # 18:00 in Tokyo
    assert len(_looked(here, runner)) == 1

    # A run is recorded where it is still the 18th, at one in the morning.
    abroad = activity("1", "strava:1", here.now - timedelta(hours=1), timezone="America/Los_Angeles")
    with here.asked(runner) as coach:
        activities.keep(coach, abroad, uploaded_at=here.now)
    _run_clock(here, until=datetime(2026, 11, 19, 7, 59, tzinfo=UTC))
    assert len(_looked(here, runner)) == 1

    _run_clock(here, until=datetime(2026, 11, 20, 7, 59, tzinfo=UTC))
    assert len(_looked(here, runner)) == 2


def test_eight_clocks_at_once_look_once(tmp_path: Path, unused_url: str) -> None:
    """Also a look that is repeated after a crash."""
    with place(tmp_path, ADDUCTOR_DATABASE_URL=unused_url) as here:
        runners = [here.runner() for _ in range(5)]
        here.clock.at = EVENING

        with ThreadPoolExecutor(8) as pool:
            taken = list(pool.map(lambda _: timers.tick(here.installation, prompts.TIMER), range(8)))
        prompts.look(here.installation, runners[0])

        assert sum(taken) == 5
        assert [len(_looked(here, runner)) for runner in runners] == [1] * 5
        assert len(here.mails()) == 5


def test_prompt_that_could_not_be_given_for_hours_is_left_out(here: Place) -> None:
    runner = here.runner()
    here.clock.at = EVENING + schedule.LATE + timedelta(minutes=1)

    timers.tick(here.installation, prompts.TIMER)

    assert _looked(here, runner) == []
    assert here.athlete(runner).next_due_at == EVENING + timedelta(days=1)


@pytest.mark.parametrize(
    ("values", "due_at"),
    [
        ({"paused_until": date(2026, 11, 25)}, datetime(2026, 11, 25, 17, 30, tzinfo=UTC)),
        ({"state": "revoked"}, None),
        ({"confirmed_at": None}, None),
        ({"placements": ["post_run"]}, None),
        ({"email": None}, None),
        ({"email_confirmed_at": None}, None),
        ({"email_bounced_at": MORNING}, None),
        ({"unsubscribed_at": MORNING}, None),
        ({"email": None, "channels": {"rest_day": "private_note"}, "scopes": "read,activity:read_all"}, None),
    ],
)
def test_next_look_waits_for_the_end_of_a_pause_and_is_none_where_nothing_can_be_told(
    here: Place, values: dict[str, object], due_at: datetime | None
) -> None:
    assert here.athlete(here.runner(**values)).next_due_at == due_at


def test_rest_day_note_takes_the_place_of_the_block_that_stood_there(here: Place, log: Log) -> None:
    runner = log.noted(channels={"post_run": "private_note", "rest_day": "private_note"})
    here.answer(runner, answers.Said.NOT_TODAY)
    here.clock.at = EVENING + timedelta(days=1)
    here.change(runner, history_read_at=here.now)

    timers.tick(here.installation, prompts.TIMER)

    assert log.note.startswith("Mine.\n\n")
    assert log.note.count(block.SIGNATURE) == 1
    assert "no run today" in log.note
    assert here.suggestion(runner).activity_id is None


@pytest.mark.parametrize("refused_at", [None, MORNING])
def test_rest_day_routine_that_no_note_and_no_mail_can_carry_stands_on_the_pages(
    here: Place, refused_at: datetime | None
) -> None:
    runner = here.runner(channels={"rest_day": "private_note"}, email=None, private_note_refused_at=refused_at)
    here.clock.at = EVENING

    timers.tick(here.installation, prompts.TIMER)

    (delivery,) = here.deliveries(runner)
    assert (delivery.channel, delivery.outcome) == ("pages", "on_the_pages")


def test_forecast_counts_the_open_routine_of_today_as_tomorrow_will(here: Place) -> None:
    runner = here.runner()
    here.clock.at = EVENING
    timers.tick(here.installation, prompts.TIMER)

    event = Event(EventType.CLOCK_TICK)
    with here.asked(runner) as coach:
        now = situations.of(coach.session, coach.athlete, event, here.now)
        ahead = situations.of(coach.session, coach.athlete, event, here.now, ahead=True)

    today, tomorrow, *_ = forecast(ahead, here.installation.catalogue, 3)
    assert (len(now.sessions), len(ahead.sessions), ahead.athlete.unanswered_in_a_row) == (0, 1, 1)
    assert (today.placement, today.reason) == (None, "Today's routine is waiting for you.")
    assert tomorrow.placement is None


def test_warm_ups_come_before_usual_runs_once_a_day_and_never_in_quiet_hours(here: Place) -> None:
    runner = here.runner(
        placements=["warm_up"],
        usual_runs=[
            {"weekday": 2, "at": "12:00", "kind": "easy"},
            {"weekday": 2, "at": "18:00", "kind": "easy"},
            {"weekday": 3, "at": "05:15", "kind": "easy"},
        ],
    )

    _run_clock(here, until=MORNING + timedelta(days=6))

    looks = [(row.at.strftime("%a %H:%M"), row.decision, row.rule) for row in _looked(here, runner)]
    assert looks == [("Wed 11:30", "warm_up", "warm_up"), ("Thu 04:45", "none", "warm_up")]
    assert [row.placement for row in here.suggestions(runner)] == ["warm_up"]


def test_at_most_three_mails_a_week_and_the_no_has_a_reason(here: Place) -> None:
    daily = [{"weekday": day, "at": "12:00", "kind": "easy"} for day in range(7)]
    runner = here.runner(placements=["warm_up", "rest_day"], usual_runs=daily)

    for _ in range(21):
        _run_clock(here, until=here.now + timedelta(days=1))
        for number, suggestion in enumerate(here.suggestions(runner)):
            if suggestion.status == "open":
                here.answer(runner, answers.Said.DONE, number)

    sent = [row.written_at for row in here.deliveries(runner) if row.channel == "mail" and row.written_at]
    assert len(sent) >= 5
    for moment in sent:
        week = [other for other in sent if timedelta(0) <= other - moment < channels.WEEK]
        assert len(week) <= channels.MOST_MESSAGES_A_WEEK
    assert any(row.rule == "enough_messages" for row in _looked(here, runner))
    warm_ups = [row for row in here.suggestions(runner) if row.placement == "warm_up"]
    assert len(warm_ups) <= 3  # of three weeks: two messages a week are left to the sessions


@settings(max_examples=300, deadline=None)
@given(
    zone=st.sampled_from([*ZONES, "America/St_Johns", "Africa/Casablanca", "Australia/Lord_Howe"]),
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    prompt=st.times().map(lambda at: f"{at:%H:%M}"),
    run_at=st.times().map(lambda at: f"{at:%H:%M}"),
    weekday=st.integers(0, 6),
    prompted=st.one_of(st.none(), st.integers(-3, 3)),
)
def test_the_next_look_is_never_in_the_past_and_never_further_than_a_day_and_a_bit(
    zone: str, now: datetime, prompt: str, run_at: str, weekday: int, prompted: int | None
) -> None:
    today = now.astimezone(ZoneInfo(zone)).date()
    values = {
        "state": "connected",
        "confirmed_at": now,
        "timezone": zone,
        "scopes": "",
        "channels": {},
        "email": "a@example.org",
        "email_confirmed_at": now,
        "rest_day_prompt_local": prompt,
        "placements": ["rest_day", "warm_up"],
        "usual_runs": [{"weekday": weekday, "at": run_at, "kind": "easy"}],
        "last_prompted_on": None if prompted is None else today + timedelta(days=prompted),
    }
    athlete = new_athlete(external_id=1, **values)

    schedule.reschedule(athlete, now)

    assert athlete.next_due_at is not None
    ahead = max(prompted + 1 if prompted is not None else 0, 0) + 1
    assert now <= athlete.next_due_at <= now + timedelta(days=ahead, hours=3)
    assert channels.reaches(athlete, Placement.REST_DAY)


def test_default_prompts_are_spread_over_an_hour_and_a_choice_outlasts_connecting_again(here: Place) -> None:
    def connect(number: int) -> Athlete:
        grant = Grant(Tokens("access", "refresh", here.now), str(number), "Robin", None, "metric")
        with here.installation.store.write() as session:
            return connections.connect(session, here.installation, "strava", grant, SCOPES)

    prompts_of = [connect(number).rest_day_prompt_local for number in range(7_000, 7_030)]
    here.change(connect(7_000).id, rest_day_prompt_local="06:15")

    assert all("17:00" <= prompt < "18:00" for prompt in prompts_of)
    assert len(set(prompts_of)) > 15
    assert connect(7_000).rest_day_prompt_local == "06:15"
    assert connect(7_001).rest_day_prompt_local == prompts_of[1]
