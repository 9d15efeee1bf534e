"""Privacy: what is handed over, what goes, and what must be typed before everything goes."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from adductor.platforms.base import ErrorKind, PlatformError, Tokens
from adductor.store.models import Athlete, Base, InboxEvent
from tests.service.pages.conftest import Visitor
from tests.support.athletes import give_tokens
from tests.support.runners import Place

ACCESS, REFRESH = "access-secret-4711", "refresh-secret-4711"


@pytest.fixture
def revoked(here: Place, runner: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens that were given back to Strava, in place of calls to it."""
    given: list[str] = []
    monkeypatch.setattr(type(here.installation.platform("strava")), "revoke", lambda _, token: given.append(token))
    with here.installation.store.write() as session:
        pair = Tokens(ACCESS, REFRESH, here.now)
        give_tokens(session, here.installation, runner, pair)
        session.add(_event(here, here.owner(runner)))
        session.add(_event(here, 1))
    return given


def _event(here: Place, owner: int) -> InboxEvent:
    return InboxEvent(
        platform="strava",
        subscription_id=1,
        object_type="activity",
        object_id=owner * 10,
        aspect_type="create",
        event_time=here.now,
        owner_id=owner,
        received_at=here.now,
        trace_id="t",
        due_at=here.now,
    )


def _owners(here: Place) -> set[int]:
    with here.installation.store.read() as session:
        return set(session.scalars(select(InboxEvent.owner_id)))


def test_the_export_has_everything_and_no_secret(
    visitor: Visitor, here: Place, runner: int, revoked: list[str]
) -> None:
    visitor.suggested(runner)
    visitor.post("/settings/calendar")
    visitor.post("/check-in", pain="2")

    answer = visitor.get("/privacy/export")

    whole = answer.get_json()
    assert "attachment" in answer.headers["Content-Disposition"]
    assert {name: len(whole[name]) for name in ("suggestions", "deliveries", "check_ins", "activities")} == {
        "suggestions": 1,
        "deliveries": 1,
        "check_ins": 1,
        "activities": 2,
    }
    assert whole["athlete"]["email"] == "runner@example.org"
    for secret in (ACCESS, REFRESH, str(here.athlete(runner).calendar_key), "sealed"):
        assert secret not in answer.text


def test_every_table_of_an_athlete_is_in_the_export(visitor: Visitor, runner: int) -> None:
    whole = visitor.get("/privacy/export").get_json()

    mine = {table.name for table in Base.metadata.tables.values() if "athlete_id" in table.columns}
    assert mine - {"tokens"} <= set(whole)


def test_the_export_is_only_about_oneself(visitor: Visitor, here: Place, runner: int) -> None:
    other = here.runner(email="somebody.else@example.org", name="Somebody Else")
    visitor.suggested(other)

    text = visitor.get("/privacy/export").text

    assert "Else" not in text
    assert here.suggestion(other).public_id not in text


def test_disconnecting_gives_the_access_back_and_keeps_the_record(
    visitor: Visitor, here: Place, runner: int, revoked: list[str]
) -> None:
    suggestion = visitor.suggested(runner)

    page = visitor.post("/privacy/disconnect")

    assert "Disconnected" in page.text
    assert revoked == [REFRESH]
    assert here.athlete(runner).connection.state == "revoked"
    assert here.suggestion(runner).public_id == suggestion.public_id
    assert visitor.get("/home").headers["Location"] == "/"


@pytest.mark.parametrize("typed", ["", "yes", "DELETE me"])
def test_without_the_word_nothing_is_deleted(
    visitor: Visitor, here: Place, runner: int, revoked: list[str], typed: str
) -> None:
    answer = visitor.post("/privacy/delete", confirm=typed)

    assert answer.status_code == 400
    assert "Nothing was deleted" in answer.text
    assert here.athlete(runner).connection.state == "connected"
    assert revoked == []


def test_deleting_leaves_nothing_of_this_runner_and_everything_of_others(
    visitor: Visitor, here: Place, runner: int, revoked: list[str]
) -> None:
    other = here.runner()
    visitor.suggested(other)
    visitor.suggested(runner)
    visitor.post("/check-in", pain="1")
    visitor.post("/settings/email", email="new@example.org")

    page = visitor.post("/privacy/delete", confirm="Delete")

    assert "We hold nothing about you any more." in page.text
    assert revoked == [REFRESH]
    with here.installation.store.read() as session:
        for table in Base.metadata.tables.values():
            if "athlete_id" in table.columns:
                assert runner not in set(session.scalars(select(table.c.athlete_id))), table.name
        assert list(session.scalars(select(Athlete.id))) == [other]
    assert _owners(here) == {1}
    assert len(here.suggestions(other)) == 1


def test_a_strava_out_of_reach_keeps_nobody_here(
    visitor: Visitor, here: Place, runner: int, revoked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> None:
        raise PlatformError(ErrorKind.RETRY, "Strava doesn't answer")

    monkeypatch.setattr(type(here.installation.platform("strava")), "revoke", unreachable)

    page = visitor.post("/privacy/delete", confirm="delete")

    assert "Everything is deleted" in page.text
    assert "Strava could not be told" in page.text
