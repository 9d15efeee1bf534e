"""Privacy: what is handed over, what goes, and what must be typed before everything goes."""

from __future__ import annotations

from unittest import mock

import pytest
from sqlalchemy import select

from adductor.platforms.base import ErrorKind, PlatformError, Tokens
from adductor.store.models import Athlete, Base, InboxEvent
from tests.service.pages.conftest import Visitor
from tests.support.athletes import give_tokens

ACCESS, REFRESH = "access-secret-4711", "refresh-secret-4711"


@pytest.fixture
def revoked(me: Visitor, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens that were given back to Strava, in place of calls to it."""
    here, given = me.here, []
    monkeypatch.setattr(type(here.installation.platform("strava")), "revoke", lambda _, token: given.append(token))
    with here.installation.store.write() as session:
        give_tokens(session, here.installation, me.runner, Tokens(ACCESS, REFRESH, here.now))
        for owner in (here.owner(me.runner), "1"):
            times = {"event_time": here.now, "received_at": here.now, "due_at": here.now}
            ids = {"subscription_id": 1, "object_id": f"strava:{owner}0", "owner_id": owner, "trace_id": "t"}
            session.add(InboxEvent(platform="strava", object_type="activity", aspect_type="create", **ids, **times))
    return given


def test_export_has_everything_of_the_runner_alone_and_no_secret(me: Visitor, revoked: list[str]) -> None:
    other = me.here.runner(email="other@example.org", name="Another Runner")
    me.here.run_done(other)
    me.suggested()
    me.post("/settings/calendar")
    me.post("/check-in", pain="2")

    answer = me.get("/privacy/export")

    held = answer.get_json()
    counts = {"suggestions": 1, "deliveries": 1, "check_ins": 1, "activities": 2}
    assert "attachment" in answer.headers["Content-Disposition"]
    assert {name: len(held[name]) for name in counts} == counts
    assert held["athlete"]["email"] == "runner@example.org"
    mine = {table.name for table in Base.metadata.tables.values() if "athlete_id" in table.columns}
    assert mine - {"tokens"} <= set(held)
    not_in_it = (ACCESS, REFRESH, str(me.row.calendar_key), "sealed")
    for text in (*not_in_it, "Another", me.here.suggestion(other).public_id):
        assert text not in answer.text


def test_disconnecting_gives_the_access_back_and_keeps_the_record(me: Visitor, revoked: list[str]) -> None:
    suggestion = me.suggested()

    page = me.post("/privacy/disconnect")

    assert "Disconnected" in page.text
    assert revoked == [REFRESH]
    assert me.row.connection.state == "revoked"
    assert me.suggestion.public_id == suggestion.public_id
    assert me.get("/home").headers["Location"] == "/"


@pytest.mark.parametrize("away", [False, True], ids=["told", "Strava is away"])
def test_deleting_needs_the_word_and_leaves_all_of_others(
    me: Visitor, revoked: list[str], monkeypatch: pytest.MonkeyPatch, away: bool
) -> None:
    other = me.here.runner()
    me.here.run_done(other)
    me.suggested()
    me.post("/check-in", pain="1")
    me.post("/settings/email", email="new@example.org")
    for typed in ("", "yes", "DELETE me"):
        refused = me.post("/privacy/delete", confirm=typed)
        assert (refused.status_code, "Nothing was deleted" in refused.text) == (400, True)
    assert (me.row.connection.state, revoked) == ("connected", [])

    if away:
        unreachable = mock.Mock(side_effect=PlatformError(ErrorKind.RETRY, "Strava doesn't answer"))
        monkeypatch.setattr(type(me.here.installation.platform("strava")), "revoke", unreachable)

    page = me.post("/privacy/delete", confirm="Delete", notes="remove").text

    assert "Everything is deleted" in page
    assert "We hold nothing about you any more. Notes removed from your activities: 0." in page
    assert ("Strava could not be told" in page, revoked) == ((True, []) if away else (False, [REFRESH]))
    with me.here.installation.store.read() as session:
        for table in Base.metadata.tables.values():
            if "athlete_id" in table.columns:
                assert me.runner not in set(session.scalars(select(table.c.athlete_id))), table.name
        assert list(session.scalars(select(Athlete.id))) == [other]
        assert set(session.scalars(select(InboxEvent.owner_id))) == {"1"}
    assert len(me.here.suggestions(other)) == 1
