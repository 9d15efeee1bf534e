"""The first page: nothing is written before it, every field is checked and named."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adductor.athletes import activities
from tests.service.pages.conftest import Visitor
from tests.support.memory_log import activity
from tests.support.runners import Place

RIGHT = {"pain": "no", "condition": "no", "target": "2", "place": "private_note"}


@pytest.fixture
def newcomer(here: Place, visitor: Visitor) -> int:
    made = here.runner(confirmed_at=None, screening_completed_at=None, email=None, email_confirmed_at=None)
    visitor.sign_in(made)
    return made


def test_right_answers_lead_home_and_are_kept(visitor: Visitor, here: Place, newcomer: int) -> None:
    page = visitor.get("/welcome").text  # with a note as the coach would write it
    assert "Adductor routine · light · " in page
    assert "— Adductor Coach" in page

    answer = visitor.post("/welcome", **RIGHT, equipment_answered="1", has_chair="1", email="me@example.org")

    athlete = here.athlete(newcomer)
    assert answer.headers["Location"] == "/home"
    assert athlete.confirmed_at is not None
    assert athlete.screening_completed_at is not None
    assert not athlete.clearance_needed
    assert athlete.equipment == ["chair"]
    assert athlete.channels["post_run"] == "private_note"
    assert (athlete.email, athlete.email_confirmed_at) == ("me@example.org", None)
    assert [letter.kind for letter in here.letters(newcomer)] == ["confirm"]


@pytest.mark.parametrize(
    ("sent", "zone"), [("Asia/Tokyo", "Asia/Tokyo"), ("America", "UTC"), ("Mars/Base", "UTC"), ("", "UTC")]
)
def test_time_zone_of_the_browser_holds_until_a_later_activity(
    visitor: Visitor, here: Place, newcomer: int, sent: str, zone: str
) -> None:
    assert "timezone.js" in visitor.get("/welcome").text

    visitor.post("/welcome", **RIGHT, timezone=sent)

    assert here.athlete(newcomer).timezone == zone
    for ago, then in ((3, zone), (-3, "Europe/Berlin")):
        here.later(hours=6)
        run = activity(
            here.owner(newcomer), f"strava:{ago}", here.now - timedelta(hours=6 + ago), timezone="Europe/Berlin"
        )
        with here.installation.store.write() as session:
            activities.keep(here.coach(session, newcomer), run, uploaded_at=here.now)
        if sent == "Asia/Tokyo":
            assert here.athlete(newcomer).timezone == then


@pytest.mark.parametrize(
    ("day", "usual"), [("6", [{"weekday": 6, "at": "09:00", "kind": "long"}]), ("", []), ("7", None)]
)
def test_day_of_the_long_run_is_kept_as_a_usual_run(
    visitor: Visitor, here: Place, newcomer: int, day: str, usual: list[object] | None
) -> None:
    answer = visitor.post("/welcome", **RIGHT, long_run_day=day)

    assert answer.status_code == (400 if usual is None else 302)
    assert here.athlete(newcomer).usual_runs == (usual or [])


@pytest.mark.parametrize("field", ["pain", "condition"])
def test_yes_to_a_health_question_waits_for_clearance(visitor: Visitor, here: Place, newcomer: int, field: str) -> None:
    visitor.post("/welcome", **{**RIGHT, field: "yes"})

    assert here.athlete(newcomer).clearance_needed
    assert "No routines for now" in visitor.get("/home").text


def test_rest_days_go_to_the_pages_without_an_address_and_by_mail_with_one(
    visitor: Visitor, here: Place, newcomer: int
) -> None:
    visitor.post("/welcome", **RIGHT)
    assert here.athlete(newcomer).channels["rest_day"] == "pages"

    for address, channel in (("me@example.org", "mail"), ("", "pages")):
        visitor.post("/settings/email", email=address)
        assert here.athlete(newcomer).channels["rest_day"] == channel


def test_permission_to_write_that_was_left_out_is_named(visitor: Visitor, here: Place, newcomer: int) -> None:
    here.change(newcomer, scopes="read,activity:read_all")

    assert "You left out Strava&#39;s permission to write" in visitor.get("/welcome").text.replace("'", "&#39;")
