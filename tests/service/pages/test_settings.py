"""Settings: every wrong value is named by its field, a preview changes nothing, a saved one counts at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from adductor.store.models import PlannedRunRecord
from tests.service.pages.conftest import Visitor
from tests.support.runners import Place

DOSE = {"target": "2", "placement_post_run": "1", "channel_post_run": "private_note"}
TIMES = {"prompt": "17:30", "quiet_from": "22:30", "quiet_until": "05:00"}
YOU = {"units": "metric", "timezone": "Europe/Berlin"}
RACE = {"day": "2026-12-06", "at": "10:00", "kind": "race", "priority": "A", "distance": "21.1", "name": "City run"}


def test_settings_private_note_refused_says_why_and_where_routines_stand_now(
    visitor: Visitor, here: Place, runner: int
) -> None:
    assert "show it in your private note" not in visitor.get("/settings").text
    here.change(runner, private_note_refused_at=here.now)

    page = visitor.get("/settings").text

    assert "show it in your private note, several times. Your routines come by e-mail meanwhile" in page


def test_mail_needs_an_address_first(visitor: Visitor, here: Place, runner: int) -> None:
    here.change(runner, email=None)

    answer = visitor.post("/settings/dose", **{**DOSE, "channel_post_run": "mail"})

    assert "first give your address" in answer.text


@pytest.mark.parametrize(
    ("section", "fields"),
    [
        ("dose", {**DOSE, "target": "1", "minutes": "5"}),
        ("times", {**TIMES, "prompt": "06:00"}),
        ("equipment", {}),
        ("runs", {"run_3": "18:00", "kind_3": "intervals"}),
        ("email", {"email": "other@example.org"}),
        ("you", {**YOU, "condition": "1"}),
    ],
)
def test_a_preview_says_what_it_means_and_changes_nothing(
    visitor: Visitor, runner: int, section: str, fields: dict[str, str]
) -> None:
    before = visitor.get("/privacy/export").text

    page = visitor.post(f"/settings/{section}", do="preview", **fields)
    token = visitor.token()
    fragment = visitor.http.post(
        f"/settings/{section}", data={"csrf_token": token, "do": "preview", **fields}, headers={"X-Fragment": "1"}
    )

    assert page.status_code == fragment.status_code == 200
    assert "What this means" in page.text
    assert "What this means" in fragment.text
    assert "<html" not in fragment.text
    assert visitor.get("/privacy/export").text == before


def test_a_hard_run_tomorrow_is_seen_in_the_preview(visitor: Visitor, here: Place, runner: int) -> None:
    tomorrow = (here.now.weekday() + 1) % 7

    fields = {f"run_{tomorrow}": "18:00", f"kind_{tomorrow}": "intervals"}
    page = visitor.post("/settings/runs", do="preview", **fields).text

    assert "(before: " in page


def test_saved_choices_are_kept(visitor: Visitor, here: Place, runner: int) -> None:
    visitor.post("/settings/dose", target="1", placement_rest_day="1", channel_rest_day="pages", minutes="8")
    visitor.post("/settings/times", prompt="06:15", quiet_from="21:00", quiet_until="06:00")
    visitor.post("/settings/equipment", has_chair="1", has_ball="1")
    visitor.post("/settings/runs", run_1="18:30", kind_1="tempo", run_6="09:00", kind_6="long")
    visitor.post("/settings/you", units="imperial", timezone="America/New_York", age="41", jumping="1")

    athlete = here.athlete(runner)
    assert (athlete.target_sessions_per_week, athlete.placements, athlete.minutes_available) == (1, ["rest_day"], 8)
    assert athlete.channels["rest_day"] == "pages"
    assert (athlete.rest_day_prompt_local, athlete.quiet_from_local) == ("06:15", "21:00")
    assert athlete.equipment == ["chair", "ball"]
    assert [(run["weekday"], run["at"], run["kind"]) for run in athlete.usual_runs] == [
        (1, "18:30", "tempo"),
        (6, "09:00", "long"),
    ]
    assert (athlete.units, athlete.timezone, athlete.age_years) == ("imperial", "America/New_York", 41)
    assert athlete.plyometrics_cleared


def test_a_pair_of_channels_is_kept_as_both(visitor: Visitor, here: Place, runner: int) -> None:
    visitor.post("/settings/dose", **{**DOSE, "channel_post_run": "private_note+mail"})

    assert here.athlete(runner).channels["post_run"] == ["private_note", "mail"]
    assert '<option value="private_note+mail" selected>' in visitor.get("/settings").text


def test_a_change_takes_back_what_no_longer_holds_today(visitor: Visitor, here: Place, runner: int) -> None:
    visitor.suggested(runner)

    visitor.post("/settings/you", **YOU, condition="1")

    assert here.suggestion(runner).status == "withdrawn"


def test_another_address_must_be_confirmed_anew(visitor: Visitor, here: Place, runner: int) -> None:
    visitor.post("/settings/email", email="other@example.org")

    athlete = here.athlete(runner)
    assert (athlete.email, athlete.email_confirmed_at) == ("other@example.org", None)
    assert len(here.letters(runner)) == 1


def test_the_same_confirmed_address_again_ends_an_unsubscription_without_a_mail(
    visitor: Visitor, here: Place, runner: int
) -> None:
    here.change(runner, unsubscribed_at=here.now)

    visitor.post("/settings/email", email="runner@example.org")

    athlete = here.athlete(runner)
    assert athlete.unsubscribed_at is None
    assert athlete.email_confirmed_at is not None
    assert here.letters(runner) == []


def _races(here: Place) -> list[PlannedRunRecord]:
    with here.installation.store.read() as session:
        return list(session.scalars(select(PlannedRunRecord)))


def test_a_race_is_kept_once_in_the_runners_own_units(visitor: Visitor, here: Place, runner: int) -> None:
    here.change(runner, units="imperial", timezone="America/New_York")

    for _ in range(2):
        visitor.post("/settings/races/add", **{**RACE, "distance": "13.1"})

    (race,) = _races(here)
    assert race.distance_km == pytest.approx(21.08, abs=0.01)
    assert race.start.isoformat() == "2026-12-06T15:00:00+00:00"
    assert "13.1 mi" in visitor.get("/settings").text


def test_a_race_keeps_its_hour_when_the_clocks_change(visitor: Visitor, here: Place, runner: int) -> None:
    here.change(runner, timezone="Europe/Berlin")

    visitor.post("/settings/races/add", **{**RACE, "day": "2027-04-04"})

    assert _races(here)[0].start.isoformat() == "2027-04-04T08:00:00+00:00"


def test_a_race_soon_is_seen_in_the_preview_and_one_far_away_says_so(
    visitor: Visitor, here: Place, runner: int
) -> None:
    soon = (here.now + timedelta(days=3)).date().isoformat()

    near = visitor.post("/settings/races/add", **{**RACE, "day": soon, "do": "preview"}).text
    far = visitor.post("/settings/races/add", **{**RACE, "day": "2027-06-06", "do": "preview"}).text

    assert "(before: " in near
    assert "more than two weeks away" in far
    assert _races(here) == []


def test_a_removed_race_is_gone(visitor: Visitor, here: Place, runner: int) -> None:
    visitor.post("/settings/races/add", **RACE)

    visitor.post(f"/settings/races/{_races(here)[0].id}/remove")

    assert _races(here) == []


def test_what_is_typed_is_shown_as_text(visitor: Visitor, here: Place, runner: int) -> None:
    visitor.post("/settings/races/add", **{**RACE, "name": "<script>alert(1)</script>"})

    page = visitor.get("/settings").text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
