"""Who sees what: pages of a runner are theirs alone, and nothing changes without a form of ours."""

from __future__ import annotations

import pytest

from tests.service.pages.conftest import Visitor
from tests.support.runners import Place

OWN_PAGES = ("/home", "/suggestions", "/settings", "/check-in", "/privacy/export", "/welcome")
CHANGES = (
    "/welcome",
    "/pause",
    "/hold/clear",
    "/check-in",
    "/settings/dose",
    "/settings/calendar",
    "/settings/races/add",
    "/privacy/disconnect",
    "/privacy/delete",
    "/sign-out",
)


@pytest.mark.parametrize("path", OWN_PAGES)
def test_a_stranger_is_sent_to_the_start(visitor: Visitor, path: str) -> None:
    answer = visitor.get(path)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


@pytest.mark.parametrize("path", CHANGES)
def test_nothing_changes_without_the_token_of_a_page(visitor: Visitor, runner: int, path: str) -> None:
    before = visitor.get("/privacy/export").text

    answer = visitor.http.post(path, data={"end": "1", "confirm": "delete", "sorted": "yes", "target": "1"})

    assert answer.status_code == 400
    assert "out of date" in answer.text
    assert visitor.get("/privacy/export").text == before


def test_another_runners_suggestion_is_not_there(visitor: Visitor, here: Place, runner: int) -> None:
    theirs = visitor.suggested(here.runner())

    page = visitor.get(f"/suggestions/{theirs.public_id}")
    answer = visitor.post(f"/suggestions/{theirs.public_id}/answer", said="done")

    assert (page.status_code, answer.status_code) == (404, 404)
    assert here.suggestion(theirs.athlete_id).status == "open"


def test_another_runners_routine_shows_the_steps_and_cannot_be_finished(
    visitor: Visitor, here: Place, runner: int
) -> None:
    theirs = visitor.suggested(here.runner())

    page = visitor.get(f"/routine/{theirs.public_id}")
    answer = visitor.post(f"/routine/{theirs.public_id}", rpe="7", pain="0")

    assert page.status_code == 200
    assert theirs.reason not in page.text
    assert answer.status_code == 403
    assert here.suggestion(theirs.athlete_id).status == "open"


def test_another_runners_race_cannot_be_removed(visitor: Visitor, here: Place, runner: int) -> None:
    assert visitor.post("/settings/races/4711/remove").status_code == 404


def test_whoever_has_not_answered_the_first_page_is_sent_to_it(visitor: Visitor, here: Place) -> None:
    visitor.sign_in(here.runner(confirmed_at=None))

    assert visitor.get("/home").headers["Location"] == "/welcome"


@pytest.mark.parametrize("status", ["revoked", "leaving"])
def test_whoever_has_left_is_nobody(visitor: Visitor, here: Place, status: str) -> None:
    visitor.sign_in(here.runner(state=status))

    assert visitor.get("/home").headers["Location"] == "/"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("scope_missing", "Strava says that a permission is missing."),
        ("resting", "Strava has refused our calls for a while.</strong> Nothing is lost: your place is kept."),
    ],
)
def test_pages_of_a_connection_that_fails_say_so_and_offer_to_connect(
    visitor: Visitor, here: Place, state: str, said: str
) -> None:
    runner = here.runner()
    visitor.sign_in(runner)
    pages = ("/home", "/settings")
    assert not any('href="/connect/strava' in visitor.get(path).text for path in pages)

    here.change(runner, state=state)

    for path in pages:
        page = visitor.get(path).text
        assert said in page, path
        assert '<a class="connect" href="/connect/strava' in page, path


def test_calendar_of_a_resting_connection_goes_on(visitor: Visitor, here: Place, runner: int) -> None:
    visitor.post("/settings/calendar")
    here.change(runner, state="resting")

    assert visitor.get(f"/calendar/{here.athlete(runner).calendar_key}.ics").status_code == 200


def test_a_forged_session_is_nobody(visitor: Visitor) -> None:
    visitor.http.set_cookie("adductor", "eyJhdGhsZXRlIjoxfQ.forged.forged")

    assert visitor.get("/home").headers["Location"] == "/"


def test_every_page_carries_the_strict_policy_and_no_inline_style_or_script(
    visitor: Visitor, here: Place, runner: int
) -> None:
    suggestion = visitor.suggested(runner)
    pages = ("/home", "/suggestions", f"/suggestions/{suggestion.public_id}", f"/routine/{suggestion.public_id}")
    for path in (*pages, "/settings", "/check-in", "/privacy", "/exercises", "/nothing"):
        answer = visitor.get(path)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"], path
        assert "unsafe" not in answer.headers["Content-Security-Policy"], path
        text = answer.text
        assert " style=" not in text, path
        assert "<style" not in text, path
        assert "onclick" not in text, path
        assert "<script>" not in text, path
        assert "//fonts." not in text, path
