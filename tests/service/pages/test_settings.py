"""Settings: every wrong value is named by its field, a preview changes nothing, a saved one counts at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from adductor.athletes import activities
from adductor.store.models import PlannedRunRecord
from tests.service.pages.conftest import Visitor
from tests.support.memory_log import activity
from tests.support.runners import Place

DOSE = {"target": "2", "placement_post_run": "1", "channel_post_run": "private_note"}
TIMES = {"prompt": "17:30", "quiet_from": "22:30", "quiet_until": "05:00"}
YOU = {"units": "metric", "timezone": "Europe/Berlin"}
RACE = {"day": "2026-12-06", "at": "10:00", "kind": "race", "priority": "A", "distance": "21.1", "name": "City run"}


def test_private_note_refused_says_why_and_where_routines_stand_now(visitor: Visitor, here: Place, runner: int) -> None:
    assert "show it in your private note" not in visitor.get("/settings").text
    here.change(runner, private_note_refused_at=here.now)

    page = visitor.get("/settings").text

    assert "show it in your private note, several times. Your routines come by e-mail meanwhile" in page


def test_mail_needs_an_address_first(visitor: Visitor, here: Place, runner: int) -> None:
    here.change(runner, email=None)

    answer = visitor.post("/settings/dose", **{**DOSE, "channel_post_run": "mail"})

    assert "first give your address" in answer.text


@pytest.mark.parametrize(
    ("section", "fields", "said"),
    [
        ("dose", {**DOSE, "target": "1"}, "At most one session in any seven days"),
        ("times", {**TIMES, "prompt": "06:00"}, "A rest-day prompt comes at 06:00"),
        ("equipment", {}, "After a run: "),
        ("runs", {"run_3": "18:00", "kind_3": "intervals"}, "(before: "),  # a hard run tomorrow
        ("email", {"email": "other@example.org"}, "We send one mail to other@example.org"),
        ("you", {**YOU, "condition": "1"}, "Routines wait"),
        ("races/add", {**RACE, "day": "2026-11-21"}, "(before: "),
        ("races/add", {**RACE, "day": "2027-06-06"}, "more than two weeks away"),
    ],
)
def test_preview_says_what_it_means_and_changes_nothing(
    visitor: Visitor, runner: int, section: str, fields: dict[str, str], said: str
) -> None:
    before = visitor.export()

    page = visitor.post(f"/settings/{section}", do="preview", **fields)
    fragment = visitor.post(f"/settings/{section}", headers={"X-Fragment": "1"}, do="preview", **fields)

    for answer in (page, fragment):
        assert "Saved." not in answer.text
        assert answer.status_code == 200
        assert "What this means" in answer.text
        assert said in answer.text
    assert "<html" not in fragment.text
    assert visitor.export() == before


def test_script_gets_the_meaning_of_what_is_saved_or_the_problem(visitor: Visitor, here: Place, runner: int) -> None:
    by_script = {"headers": {"X-Fragment": "1"}, "do": "save"}

    good = visitor.post("/settings/dose", **by_script, **{**DOSE, "target": "1"}).text
    bad = visitor.post("/settings/dose", **by_script, **{**DOSE, "target": "9"}).text

    assert "Saved." in good
    assert "At most one session in any seven days" in good
    assert "Not saved:" in bad
    assert "Saved." not in bad
    assert here.athlete(runner).target_sessions_per_week == 1


def test_saved_choices_are_kept(visitor: Visitor, here: Place, runner: int) -> None:
    after_runs = {"placement_post_run": "1", "channel_post_run": "private_note+mail"}
    on_rest_days = {"placement_rest_day": "1", "channel_rest_day": "pages"}
    visitor.post("/settings/dose", target="1", **after_runs, **on_rest_days)
    visitor.post("/settings/times", prompt="06:15", quiet_from="21:00", quiet_until="06:00")
    visitor.post("/settings/equipment", has_chair="1", has_ball="1")
    visitor.post("/settings/runs", run_1="18:30", kind_1="tempo", run_6="09:00", kind_6="long")
    visitor.post("/settings/you", units="imperial", timezone="America/New_York", age="41", jumping="1")

    athlete = here.athlete(runner)
    assert athlete.target_sessions_per_week == 1
    assert athlete.placements == ["post_run", "rest_day"]
    assert athlete.channels == {"post_run": ["private_note", "mail"], "rest_day": "pages"}
    assert '<option value="private_note+mail" selected>' in visitor.get("/settings").text
    assert (athlete.rest_day_prompt_local, athlete.quiet_from_local) == ("06:15", "21:00")
    assert athlete.equipment == ["chair", "ball"]
    assert [(run["weekday"], run["at"], run["kind"]) for run in athlete.usual_runs] == [
        (1, "18:30", "tempo"),
        (6, "09:00", "long"),
    ]
    assert (athlete.units, athlete.timezone, athlete.age_years) == ("imperial", "America/New_York", 41)
    assert athlete.plyometrics_cleared


def test_time_zone_that_was_given_outlasts_earlier_activities(visitor: Visitor, here: Place, runner: int) -> None:
    visitor.post("/settings/you", **{**YOU, "timezone": "Asia/Tokyo"})

    earlier = activity(here.owner(runner), "strava:1", here.now - timedelta(hours=1), timezone="Europe/Berlin")
    with here.installation.store.write() as session:
        activities.keep(here.coach(session, runner), earlier, uploaded_at=here.now)

    assert here.athlete(runner).timezone == "Asia/Tokyo"


def test_change_takes_back_what_no_longer_holds_today(visitor: Visitor, here: Place, runner: int) -> None:
    visitor.suggested(runner)

    visitor.post("/settings/you", **YOU, condition="1")

    assert here.suggestion(runner).status == "withdrawn"


@pytest.mark.parametrize(("address", "mails"), [("other@example.org", 1), ("runner@example.org", 0)])
def test_address_ends_an_unsubscription_and_a_new_one_must_be_confirmed(
    visitor: Visitor, here: Place, runner: int, address: str, mails: int
) -> None:
    here.change(runner, unsubscribed_at=here.now)

    visitor.post("/settings/email", email=address)

    athlete = here.athlete(runner)
    assert (athlete.email, athlete.unsubscribed_at) == (address, None)
    assert (athlete.email_confirmed_at is None) is bool(mails)
    assert len(here.letters(runner)) == mails


def _races(here: Place) -> list[PlannedRunRecord]:
    with here.installation.store.read() as session:
        return list(session.scalars(select(PlannedRunRecord)))


@pytest.mark.parametrize(
    ("row", "day", "start", "km"),
    [
        ({"units": "imperial", "timezone": "America/New_York"}, "2026-12-06", "2026-12-06T15:00:00+00:00", 33.96),
        # Its hour stays when the clocks change.
        ({"timezone": "Europe/Berlin"}, "2027-04-04", "2027-04-04T08:00:00+00:00", 21.1),
    ],
)
def test_race_is_kept_once_in_the_runners_own_units_and_time_until_it_is_removed(
    visitor: Visitor, here: Place, runner: int, row: dict[str, str], day: str, start: str, km: float
) -> None:
    here.change(runner, **row)

    for _ in range(2):
        visitor.post("/settings/races/add", **{**RACE, "day": day})

    (race,) = _races(here)
    assert race.start.isoformat() == start
    assert race.distance_km == pytest.approx(km, abs=0.01)
    assert ("21.1 mi" if "units" in row else "21.1 km") in visitor.get("/settings").text

    visitor.post(f"/settings/races/{race.id}/remove")
    assert _races(here) == []
