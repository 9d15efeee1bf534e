"""Leaving, in each way: writing stops at once, the tokens are revoked, and coming back touches no old run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from adductor.athletes import connections, personal_data, revocation
from adductor.jobs import leaving
from adductor.platforms.base import ErrorKind, PlatformError
from adductor.store.models import Athlete, Connection, Revocation
from tests.support.memory_log import AWAY, EACH_LOG, Log
from tests.support.runners import Place

NO_REVOCATION = {"revoke": PlatformError(ErrorKind.RETRY, "Strava does not answer")}


@EACH_LOG
@pytest.mark.parametrize("away", [False, True])
def test_disconnect_keeps_no_token_and_revokes_it_now_or_later(here: Place, log: Log, *, away: bool) -> None:
    athlete_id = log.comes_home()
    log.fails = NO_REVOCATION if away else {}

    assert personal_data.disconnect(here.installation, athlete_id) is not away

    assert [row.access_encrypted for row in here.all(Connection)] == [None]
    assert len(here.all(Revocation)) == int(away)
    assert here.athlete(athlete_id).connection.state == "revoked"
    log.fails = {}
    assert revocation.revoke_due(here.installation) == 0
    here.later(hours=1)
    assert revocation.revoke_due(here.installation) == int(away)
    assert (log.revoked, here.all(Revocation)) == ([log.given_back], [])


@pytest.mark.parametrize(
    ("error", "after", "queued"),
    [
        (PlatformError(ErrorKind.RETRY, "no answer"), timedelta(days=6), 1),
        (PlatformError(ErrorKind.RETRY, "no answer"), timedelta(days=8), 0),
        (PlatformError(ErrorKind.UNEXPECTED, "409", status=409), timedelta(hours=1), 1),
        (PlatformError(ErrorKind.UNAUTHORIZED, "unknown token", status=401), timedelta(0), 0),
    ],
    ids=["for days", "for a week", "odd refusal", "unknown token"],
)
def test_revocation_ends_after_a_week_or_when_the_token_is_unknown(
    here: Place, log: Log, error: PlatformError, after: timedelta, queued: int
) -> None:
    athlete_id = log.comes_home()
    log.fails = {"revoke": error}
    leaving.forget(here.installation, athlete_id)
    assert all(b"refresh" not in row.token_encrypted for row in here.all(Revocation))
    assert not {column.key for column in Revocation.__table__.columns} & {"athlete_id", "external_id"}
    assert here.all(Athlete) == []
    until = here.now + after
    while here.now < until:
        here.later(hours=6)
        revocation.revoke_due(here.installation)

    assert len(here.all(Revocation)) == queued


_WAYS: dict[str, Callable[[Place, int], object]] = {
    "event": lambda here, athlete_id: connections.disconnect_now(
        here.installation, here.athlete(athlete_id).connection
    ),
    "button": lambda here, athlete_id: personal_data.disconnect(here.installation, athlete_id),
    "erasure": lambda here, athlete_id: leaving.forget(here.installation, athlete_id),
}


@EACH_LOG
@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.parametrize("when", ["while the event is read", "while the note waits"])
def test_athlete_who_leaves_is_not_written_to(here: Place, log: Log, way: str, when: str) -> None:
    athlete_id = log.comes_home()
    here.delay_notes()
    if when == "while the event is read":
        log.after_read = lambda: _WAYS[way](here, athlete_id) and None
    here.take(log.event(athlete_id))
    if when == "while the note waits":
        _WAYS[way](here, athlete_id)
    here.sweep_after(minutes=2)

    assert (log.writes, log.with_note()) == ([], [])
    outcomes = [row.outcome for row in here.deliveries(athlete_id)]
    assert outcomes == (["disconnected"] if when == "while the note waits" and way != "erasure" else [])


@pytest.mark.parametrize("way", ["button", "erasure"])
def test_athlete_who_leaves_during_a_refresh_has_the_new_token_revoked_too(here: Place, log: Log, way: str) -> None:
    athlete_id = log.comes_home()
    log.expire_token(athlete_id, "good")
    log.during_refresh = lambda: _WAYS[way](here, athlete_id) and None

    here.take(log.event(athlete_id))
    here.later(hours=1)
    revocation.revoke_due(here.installation)

    assert log.revoked == ["good", "renewed too"]  # the first was dead already: Strava answers alike
    assert not any(row.refresh_encrypted for row in here.all(Connection))
    assert (log.writes, here.all(Revocation)) == ([], [])


@EACH_LOG
@pytest.mark.parametrize("reached", [True, False])
def test_erasure_removes_also_a_note_whose_answer_was_lost_and_counts_those_left(
    here: Place, log: Log, *, reached: bool
) -> None:
    athlete_id = log.comes_home()
    log.loses_answer = True
    here.take(log.event(athlete_id))
    log.loses_answer = False
    assert len(log.with_note()) == 1
    log.fails = {} if reached else AWAY

    done = leaving.forget(here.installation, athlete_id, remove_notes=True)

    assert done == leaving.Forgotten(notes_removed=int(reached), notes_left=int(not reached), revoked=True)
    assert len(log.with_note()) == done.notes_left
    assert here.all(Athlete) == []


@EACH_LOG
def test_erasure_that_was_cut_off_is_finished(here: Place, log: Log) -> None:
    athlete_id = log.comes_home()
    here.change(athlete_id, leaving_at=here.now)

    assert leaving.finish(here.installation) == 0  # it may be at work still
    here.later(minutes=11)
    assert leaving.finish(here.installation) == 1

    assert (here.all(Athlete), log.revoked) == ([], [log.given_back])


@EACH_LOG
def test_coming_back_continues_the_record_and_writes_to_no_old_run(here: Place, log: Log) -> None:
    athlete_id = log.comes_home(email="runner@example.org")
    before = here.athlete(athlete_id)
    personal_data.disconnect(here.installation, athlete_id)
    here.later(days=2)
    log.connect_again(athlete_id)

    here.take(log.event(athlete_id, "update", title="Along the river"))

    after = here.athlete(athlete_id)
    kept = ("id", "programme_stage", "sessions_completed_total", "email")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
    assert log.writes == []


def test_edit_of_an_old_run_on_a_rest_day_leaves_that_run_alone(here: Place, log: Log) -> None:
    """Five in the afternoon is past the prompt of this athlete, who wants notes: today's routine, not that run's."""
    athlete_id = log.comes_home(channels={"rest_day": "private_note"}, rest_day_prompt_local="11:00")
    here.later(days=4, hours=8)

    here.take(log.event(athlete_id, "update", title="Along the river"))

    assert log.writes == []
    assert [row.activity_id for row in here.suggestions(athlete_id)] in ([], [None])
