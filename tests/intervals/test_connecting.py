"""Connecting: consent with boxes to untick, keys that don't work, and one runner with two logs."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from adductor.athletes import connections, personal_data
from adductor.jobs import leaving, rounds
from adductor.platforms.base import Grant, Tokens, WebhookEvent
from tests.intervals.conftest import Icu
from tests.support.commands import run as command
from tests.support.memory_log import Log, activity

RUN = "strava:900001"


def test_unticked_boxes_are_named_with_what_stops_working(icu: Icu) -> None:
    account = icu.account()

    assert icu.consent(account, ("CALENDAR:WRITE",)).headers["Location"] == "/welcome"

    page = icu.web.get("/welcome").text
    assert 'name="place" value="description"' in page
    assert 'name="place" value="calendar"' not in page
    assert "routines can&#39;t stand in your calendar" in page
    assert "we don&#39;t see your races" in page
    assert "soreness" not in page


def test_consent_that_is_not_enough_connects_no_runner(icu: Icu) -> None:
    unticked = icu.consent(icu.account(), ("ACTIVITY:WRITE",))
    icu.web.get("/connect/intervals")
    with icu.web.session_transaction() as session:
        state = session["oauth_state"]
    unknown_code = icu.web.get(f"/connect/intervals/callback?code={'0' * 32}&state={state}")

    for answer, heading in ((unticked, "One more tick is needed"), (unknown_code, "That took too long")):
        assert (answer.status_code, heading in answer.text, "What next?" in answer.text) == (400, True, True)


@pytest.mark.parametrize(("key", "wrong_key_status"), [("", 401), ("no key", 401), ("a" * 24, 401), ("a" * 24, 403)])
def test_key_that_does_not_work_is_said_at_once(icu: Icu, key: str, wrong_key_status: int) -> None:
    icu.switch(wrong_key_status=wrong_key_status)

    answer = icu.send_key(key)

    assert (answer.status_code, "This key doesn&#39;t work" in answer.text) == (400, True)


def test_calendar_is_the_default_place_of_a_newcomer(icu: Icu) -> None:
    runner = icu.by_key(icu.account(), confirmed_at=None)
    icu.admin(f"/athletes/{icu.athletes[runner]}", {"status": "DORMANT"})
    key = icu.look(f"/athletes/{icu.athletes[runner]}")["api_key"]
    assert "asleep" in icu.send_key(key).text
    icu.admin(f"/athletes/{icu.athletes[runner]}", {"status": "ACTIVE"})
    icu.send_key(key)
    first = icu.web.get("/welcome").text
    assert re.findall(r'name="place" value="(\w+)"[^>]*checked', first) == ["calendar"]

    answers = {"pain": "no", "condition": "no", "target": "2", "place": "calendar"}
    assert icu.web.post("/welcome", data=answers).headers["Location"] == "/home"

    athlete = icu.here.athlete(runner)
    assert athlete.channels == {"rest_day": "calendar", "post_run": "calendar"}
    assert "Calendar (your coach sees it)" in icu.web.get("/settings").text


def test_new_key_replaces_the_old_one_and_is_nowhere_in_clear(icu: Icu) -> None:
    account = icu.account()
    runner = icu.by_key(account)
    icu.admin(f"/athletes/{account['id']}", {"api_key": "another-key-of-24-letters"})
    icu.polls(minutes=6)
    assert icu.here.athlete(runner).connection.refused_since is not None

    assert icu.send_key("another-key-of-24-letters").status_code == 302

    icu.polls(hours=1)
    connection = icu.here.athlete(runner).connection
    assert (connection.refused_since, connection.by_key) == (None, True)
    assert b"another-key" not in (connection.access_encrypted or b"")
    with icu.here.installation.store.read() as session:
        assert "another-key" not in str(personal_data.export(session, icu.here.athlete(runner)))


def test_keys_alone_make_an_installation(icu: Icu) -> None:
    here = icu.here.installation
    here.settings = here.settings.model_copy(update={"intervals_client_id": None, "intervals_client_secret": None})
    here.platforms.clear()

    page = icu.web.get("/").text
    assert "API key of intervals.icu" in page
    assert "it appears in your calendar at intervals.icu" in page
    assert not [word for word in ("private note", "strava", "Strava") if word in page]
    assert icu.web.get("/connect/intervals").headers["Location"] == "/"
    runner = icu.runner("key")
    icu.record(runner, silent=True)
    icu.polls(minutes=6)

    assert len(icu.notes(runner)) == 1


# -- one runner, two logs ----------------------------------------------------------------------------------------------


@pytest.fixture
def strava(icu: Icu) -> Log:
    icu.here.installation.platforms["strava"] = made = Log(icu.here)  # type: ignore[assignment]
    return made


def both(icu: Icu, **row: object) -> int:
    """A runner of intervals.icu who is at Strava too."""
    runner = icu.by_oauth(icu.account(), **row)
    grant = Grant(Tokens("access", "refresh", icu.here.now + timedelta(days=300)), "4711", "Robin", None, "metric")
    with icu.here.installation.store.write() as session:
        scopes = "read,activity:read_all,activity:write"
        connections.connect(session, icu.here.installation, "strava", grant, scopes, to_athlete=runner)
    icu.polls(hours=1)
    return runner


def at_strava(icu: Icu, strava: Log, *, handled: bool = True) -> None:
    """The runner comes home at Strava, and its event is handled."""
    strava.activities[RUN] = activity("4711", RUN, icu.here.now - timedelta(minutes=45), moving_s=2700)
    if handled:
        told_by_strava(icu)
        rounds.sweep(icu.here.installation)


def told_by_strava(icu: Icu, aspect: str = "create") -> None:
    icu.here.put(WebhookEvent("strava", 1, "activity", RUN, aspect, icu.here.now, "4711", {}))


@pytest.mark.parametrize("first", ["strava", "intervals", "its edit", "intervals alone for long"])
@pytest.mark.parametrize(("chosen", "note", "entries"), [("private_note", 1, 0), ("calendar", 0, 1)])
def test_run_in_both_logs_gets_one_routine_where_the_runner_chose(
    icu: Icu, strava: Log, first: str, chosen: str, note: int, entries: int
) -> None:
    runner = both(icu, channels={"post_run": chosen})
    at_strava(icu, strava, handled=False)
    run = icu.record(runner, silent=first in ("strava", "its edit"))
    if first == "strava":
        told_by_strava(icu)
        rounds.sweep(icu.here.installation)
        icu.polls(hours=1)
    else:
        if first == "its edit":
            icu.admin(f"/activities/{run['id']}/edit", {"changes": {"name": "Along the river"}})
        icu.hears()
        if first == "intervals alone for long":
            icu.polls(minutes=6)
        told_by_strava(icu)
        icu.polls(minutes=1)
    for _ in range(3):
        icu.polls(minutes=5)

    assert (len(strava.with_note()), len(icu.notes(runner))) == (note, entries)
    (suggestion,) = icu.here.suggestions(runner)
    assert [each.outcome for each in icu.here.deliveries(runner) if each.channel != "pages"] == ["written"]
    assert suggestion.status == "open"


def test_run_deleted_in_one_log_keeps_its_routine_by_the_other(icu: Icu, strava: Log) -> None:
    runner = both(icu, channels={"post_run": "calendar"})
    at_strava(icu, strava)
    icu.record(runner)
    icu.hears()

    del strava.activities[RUN]
    icu.later(minutes=5)
    told_by_strava(icu, "delete")
    icu.polls(minutes=1)
    icu.polls(minutes=1)

    (note,) = icu.notes(runner)
    gone, kept = icu.here.suggestions(runner)
    assert (gone.status, kept.status, kept.activity_id.partition(":")[0]) == ("withdrawn", "open", "intervals")
    assert note["external_id"] == f"adductor-{kept.public_id}"


def test_leaving_one_log_keeps_the_other(icu: Icu, strava: Log) -> None:
    runner = both(icu)
    at_strava(icu, strava)
    assert strava.with_note() == [RUN]

    personal_data.disconnect(icu.here.installation, runner, "strava")

    athlete = icu.here.athlete(runner)
    states = {each.platform: each.state for each in athlete.connections}
    assert states == {"intervals": "connected", "strava": "revoked"}
    assert strava.revoked == ["refresh"]
    icu.later(days=3)
    icu.polls(hours=1)
    icu.record(runner)
    icu.hears()
    assert len(icu.notes(runner)) == 1


def test_everything_is_deleted_in_both_logs(icu: Icu, strava: Log) -> None:
    runner = both(icu, channels={"post_run": ["private_note", "calendar"]})
    at_strava(icu, strava)
    assert (len(strava.with_note()), len(icu.notes(runner))) == (1, 1)

    done = leaving.forget(icu.here.installation, runner, remove_notes=True)

    assert (done.notes_removed, done.notes_left) == (2, 0)
    assert (strava.with_note(), icu.notes(runner)) == ([], [])
    assert icu.look(f"/athletes/{icu.athletes[runner]}")["connected"] is False


def test_status_names_each_runner_and_no_secret(icu: Icu) -> None:
    account = icu.account()
    icu.by_key(account)

    settings = icu.here.installation.settings
    here = {"ADDUCTOR_DATA_DIR": str(settings.data_dir), "ADDUCTOR_DATABASE_URL": settings.database}
    said = command("intervals", "status", **here, ADDUCTOR_SECRET_KEY="0123456789abcdef" * 2)

    assert said.returncode == 0, said.stderr
    assert f"intervals:{account['id'].removeprefix('i')}, key, connected" in said.stdout
    assert account["api_key"] not in said.stdout


def test_late_event_of_an_earlier_run_in_both_logs_leaves_the_note_where_it_stands(icu: Icu, strava: Log) -> None:
    runner = both(icu, channels={"post_run": "private_note"})
    at_strava(icu, strava, handled=False)
    icu.record(runner)
    icu.hears()
    icu.polls(minutes=6)
    told_by_strava(icu)
    icu.polls(minutes=1)
    assert len(strava.with_note()) == 1

    icu.record(runner, minutes=40, start=(icu.here.now - timedelta(hours=3)).isoformat())
    icu.hears()
    for _ in range(3):
        icu.polls(hours=1)

    assert len(strava.with_note()) == 1
    (suggestion,) = icu.here.suggestions(runner)
    assert suggestion.status == "open"
