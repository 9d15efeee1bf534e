"""What ends a connection, what lets it rest, and the ways back; on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from adductor.athletes import connections, decisions, personal_data, tokens
from adductor.installation import Installation
from adductor.jobs import rounds
from adductor.notes import block
from adductor.platforms.base import ErrorKind, PlatformError
from adductor.queue import claims
from adductor.store.models import Athlete, Connection, Delivery, InboxEvent, LoggedActivity
from tests.support.memory_log import AWAY, EACH_LOG, REFUSED_REFRESH, Log
from tests.support.memory_log import here as here
from tests.support.runners import Place

REFUSED = dict.fromkeys(("read", "list", "write", "calendar"), PlatformError(ErrorKind.UNAUTHORIZED, "401", status=401))


def _home(here: Place, log: Log) -> int:
    """An athlete with mail, who chose the note."""
    return log.comes_home(
        email="runner@example.org",
        email_confirmed_at=here.now - timedelta(days=50),
        quiet_from_local="04:58",  # so that late events are read too
        quiet_until_local="05:00",
    )


def _connection(here: Place, athlete_id: int) -> Connection:
    return here.athlete(athlete_id).connection


def _reconnect_mails(here: Place, athlete_id: int) -> list[str | None]:
    return [letter.outcome for letter in here.letters(athlete_id) if letter.kind == "reconnect"]


def _assert_rests(here: Place, athlete_id: int) -> None:
    connection = _connection(here, athlete_id)
    assert connection.state == "resting"
    assert connection.disconnected_at is None
    assert connection.access_encrypted is not None
    assert here.all(LoggedActivity)
    assert _reconnect_mails(here, athlete_id) == ["sent"]
    (mail,) = here.mails()
    assert f"/connect/{connection.platform}".encode() in mail


# -- calls are refused although the refresh works -----------------------------------------------------------------------


@EACH_LOG
@pytest.mark.parametrize("hours", [0, 10])
def test_calls_refused_end_nothing_and_after_hours_the_connection_rests_until_one_works(
    here: Place, log: Log, hours: int
) -> None:
    athlete_id, log.carries = _home(here, log), False
    log.fails = REFUSED
    here.take(log.event(athlete_id))
    tried_again = len(log.calls) == 1 + (log.name == "strava")  # with a new token, where there are some
    assert (_connection(here, athlete_id).state, tried_again) == ("connected", True)
    assert _connection(here, athlete_id).refused_since == here.now
    if hours:
        here.sweep_for(timedelta(hours=hours / 2), every=timedelta(minutes=20))
        assert _connection(here, athlete_id).state == "connected"
        here.sweep_for(timedelta(hours=hours / 2), every=timedelta(minutes=20))
        _assert_rests(here, athlete_id)
        assert here.athlete(athlete_id).reconcile_at is None
    assert [row.state for row in here.rows()] == ["waiting"]

    log.fails = {}
    here.sweep_for(timedelta(hours=2), every=timedelta(minutes=1 if not hours else 20))

    connection = _connection(here, athlete_id)
    assert (connection.state, connection.refused_since) == ("connected", None)
    assert [row.state for row in here.rows()] == ["done"]
    assert hours or (len(log.with_note()), _reconnect_mails(here, athlete_id)) == (1, [])
    assert not hours or here.athlete(athlete_id).reconcile_at is not None


# -- a refresh whose answer was lost ------------------------------------------------------------------------------------


class _Killed(BaseException):
    """The end of the worker process: nothing after it runs."""


@pytest.mark.parametrize("lost", [PlatformError(ErrorKind.RETRY, "no answer"), _Killed()], ids=["answer", "worker"])
def test_refresh_refused_after_a_lost_one_lets_the_connection_rest(here: Place, log: Log, lost: BaseException) -> None:
    athlete_id = _home(here, log)
    log.expire_token(athlete_id)

    def lose() -> None:
        raise lost

    log.during_refresh = lose
    here.put(log.event(athlete_id))
    try:
        rounds.work(here.installation)
    except _Killed:
        here.later(seconds=31)  # the dead worker's leases
    log.during_refresh = lambda: None
    log.fails = {"refresh": REFUSED_REFRESH}  # the first one had used the token up

    here.sweep_for(timedelta(hours=1), every=timedelta(minutes=5))

    _assert_rests(here, athlete_id)
    assert [row.state for row in here.rows()] == ["waiting"]


def test_refresh_refused_after_a_later_one_worked_ends_the_connection(here: Place, log: Log) -> None:
    athlete_id = _home(here, log)
    log.expire_token(athlete_id)
    log.fails = {"refresh": PlatformError(ErrorKind.RETRY, "no answer")}
    here.take(log.event(athlete_id))
    log.fails = {}
    here.sweep_for(timedelta(minutes=5), every=timedelta(minutes=1))
    assert len(log.with_note()) == 1

    log.expire_token(athlete_id, "dead")
    here.take(log.event(athlete_id, about=log.runs(athlete_id, 902_000)))

    assert _connection(here, athlete_id).state == "revoked"


# -- what ends a connection ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("log", "outcome"),
    [("strava", "revoked"), ("strava", "disconnected"), ("intervals", "disconnected")],
    indirect=["log"],
)
def test_refused_refresh_or_deauthorisation_ends_the_connection(here: Place, log: Log, outcome: str) -> None:
    athlete_id = _home(here, log)
    if outcome == "revoked":
        log.expire_token(athlete_id, "dead")
    here.take(log.event(athlete_id) if outcome == "revoked" else log.departure(athlete_id))

    connection = _connection(here, athlete_id)
    assert (connection.state, connection.disconnected_at) == ("revoked", here.now)
    assert (connection.access_encrypted, connection.refresh_encrypted, connection.expires_at) == (None, None, None)
    assert here.all(LoggedActivity) == []
    assert [row.outcome for row in here.rows()] == [outcome]
    calls = len(log.calls)
    here.later(minutes=1)
    here.take(log.event(athlete_id))
    assert (here.rows()[-1].outcome, len(log.calls)) == ("not_connected", calls)


@EACH_LOG
@pytest.mark.parametrize("waits", [False, True], ids=["handled later", "waiting for the lock meanwhile"])
def test_deauthorisation_sent_before_the_athlete_connected_again_ends_nothing(
    here: Place, log: Log, monkeypatch: pytest.MonkeyPatch, *, waits: bool
) -> None:
    if waits and here.installation.store.is_sqlite:
        pytest.skip("SQLite has one writer: no transaction waits after its first reading")
    athlete_id = _home(here, log)
    left = log.departure(athlete_id)
    here.later(minutes=1)
    lock, others = decisions.lock, [lambda: log.connect_again(athlete_id)]

    def lock_after_another(session: Session, number: int) -> Athlete | None:
        if others:
            others.pop()()
        return lock(session, number)

    if waits:
        monkeypatch.setattr(decisions, "lock", lock_after_another)
    else:
        log.connect_again(athlete_id)
    here.take(left)

    connection = _connection(here, athlete_id)
    assert (connection.state, len(others)) == ("connected", int(not waits))
    assert tokens.access(here.installation, connection.id).token == "new"


@EACH_LOG
@pytest.mark.parametrize(
    "end",
    [
        connections.disconnect_now,
        connections.note_refusal,
        connections.stop_reading,
        lambda installation, seen: connections.rest(installation, seen, because="a test"),
    ],
    ids=["refresh refused", "call refused", "permission missing", "unconfirmed refresh"],
)
def test_refusal_of_an_earlier_grant_says_nothing_of_the_new_one(
    here: Place, log: Log, end: Callable[[Installation, Connection], object]
) -> None:
    athlete_id = _home(here, log)
    seen = _connection(here, athlete_id)
    here.later(minutes=1)
    log.connect_again(athlete_id)

    end(here.installation, seen)

    connection = _connection(here, athlete_id)
    assert (connection.state, connection.refused_since) == ("connected", None)
    assert tokens.access(here.installation, connection.id).token == "new"


@EACH_LOG
def test_withdrawn_permission_to_read_stops_calls_and_keeps_the_tokens(here: Place, log: Log) -> None:
    athlete_id, log.carries = _home(here, log), False
    log.fails = {"read": PlatformError(ErrorKind.SCOPE_MISSING, "no", status=403, details=(log.unreadable,))}
    here.take(log.event(athlete_id), log.event(athlete_id, about=log.nth(1)))

    assert [row.outcome for row in here.rows()] == ["scope_missing", "not_connected"]
    assert (log.reads, _connection(here, athlete_id).state) == (1, "scope_missing")
    assert _connection(here, athlete_id).access_encrypted is not None


@EACH_LOG
def test_withdrawn_permission_to_write_turns_the_note_into_a_mail(here: Place, log: Log) -> None:
    athlete_id = _home(here, log)
    log.fails = {"write": PlatformError(ErrorKind.SCOPE_MISSING, "no", status=401, details=(log.unwritable,))}
    here.take(log.event(athlete_id))
    rounds.sweep(here.installation)

    assert [row.outcome for row in here.deliveries(athlete_id)] == ["scope_missing", "sent"]
    assert len(here.mails()) == 1
    connection = _connection(here, athlete_id)
    lost = {"strava": "activity:write", "intervals": "CALENDAR:WRITE"}[log.name]
    assert (set(connection.scopes.split(",")), connection.state) == (set(log.scopes.split(",")) - {lost}, "connected")


# -- the ways back ------------------------------------------------------------------------------------------------------


@EACH_LOG
@pytest.mark.parametrize("state", ["resting", "revoked", "scope_missing"])
def test_connecting_again_brings_notes_back(here: Place, log: Log, state: str) -> None:
    athlete_id = _home(here, log)
    connection = _connection(here, athlete_id)
    if state == "resting":
        connections.rest(here.installation, connection, because="a test")
    elif state == "scope_missing":
        connections.stop_reading(here.installation, connection)
    else:
        personal_data.disconnect(here.installation, athlete_id)
    assert _connection(here, athlete_id).state == state
    before = here.athlete(athlete_id)
    here.later(minutes=5)

    log.connect_again(athlete_id)
    here.take(log.event(athlete_id, about=log.runs(athlete_id, log.nth(3000))))

    after = here.athlete(athlete_id)
    assert (after.connection.id, after.connection.state) == (connection.id, "connected")
    assert after.connection.disconnected_at is None
    for name in ("programme_stage", "sessions_completed_total"):
        assert getattr(after, name) == getattr(before, name)
    assert block.SIGNATURE in log.note_of(log.nth(3000))
    assert len(log.with_note()) == 1


@pytest.mark.parametrize("refresh_token", ["dead", "good"])
def test_connecting_again_during_a_refresh_keeps_the_new_tokens(here: Place, log: Log, refresh_token: str) -> None:
    athlete_id = _home(here, log)
    log.expire_token(athlete_id, refresh_token)
    log.during_refresh = lambda: log.connect_again(athlete_id)

    here.take(log.event(athlete_id))
    here.sweep_for(timedelta(minutes=1), every=timedelta(seconds=20))

    assert _connection(here, athlete_id).state == "connected"
    assert tokens.access(here.installation, _connection(here, athlete_id).id).token == "new"
    assert len(log.with_note()) == 1


@EACH_LOG
@pytest.mark.parametrize("call", ["read", "write"])
def test_odd_refusal_is_retried_then_dead_lettered_and_found(here: Place, log: Log, call: str) -> None:
    """Which statuses are odd: tests/platforms."""
    athlete_id, log.carries = _home(here, log), False
    log.fails = {call: PlatformError(ErrorKind.UNEXPECTED, "Strava answered 409", status=409)}
    here.take(log.event(athlete_id))
    table = InboxEvent if call == "read" else Delivery

    def row() -> Any:
        return here.rows()[0] if call == "read" else here.deliveries(athlete_id)[0]

    assert (row().state, "Strava answered 409" in row().problem) == ("waiting", True)
    here.sweep_for(timedelta(hours=28), every=timedelta(hours=1))
    assert row().state == "failed"
    assert _connection(here, athlete_id).state == "connected"
    log.fails = {}
    with here.installation.store.write() as session:
        assert claims.retry_rows(session, here.installation, table, claims.is_failed(table)) == 1
    rounds.sweep(here.installation)
    assert row().state == "done"


@EACH_LOG
def test_platform_gone_for_most_of_a_day_loses_nothing_and_is_caught_up_with(here: Place, log: Log) -> None:
    """Its calls fail for 23 hours. A run that is too late for a note by then is decided and kept."""
    athlete_id = log.comes_home(quiet_from_local="04:58", quiet_until_local="05:00")
    log.fails = AWAY
    for number in map(log.nth, range(5)):
        log.runs(athlete_id, number)
        here.take(log.event(athlete_id, about=number))
        here.later(minutes=7)
    here.sweep_for(timedelta(hours=23), every=timedelta(minutes=15))
    attempts = [row.attempts for row in here.rows()]
    log.fails = {}

    here.sweep_for(timedelta(minutes=80), every=timedelta(minutes=10))

    assert {row.state for row in here.rows()} == {"done"}
    assert max(attempts) < 40  # growing waits: an hour apart in the end
    # Nothing is written into runs of yesterday, unless they were decided in time by what their events brought along.
    assert len(log.with_note()) == (log.name == "intervals")
    assert {decision.activity_id for decision in here.decisions(athlete_id)} == set(map(log.nth, range(5)))


WORKERS = 8


def test_many_workers_refresh_one_token_with_one_call(here: Place, log: Log) -> None:
    """Each has an installation of its own, as a process has: connections and leases are not shared."""
    athlete_id = log.with_tokens()
    log.expire_token(athlete_id)
    connection_id = here.athlete(athlete_id).connection.id
    workers = [Installation(here.installation.settings) for _ in range(WORKERS)]
    together, others_ask = threading.Barrier(WORKERS), threading.Event()
    log.during_refresh = lambda: others_ask.wait(1) and None  # the others ask and wait meanwhile

    def ask(worker: Installation) -> str:
        worker.clock = here.clock
        worker.platforms["strava"] = log  # type: ignore[assignment]
        assert worker.store.problem() is None
        together.wait(60)
        while True:
            try:
                return tokens.access(worker, connection_id).token
            except PlatformError as error:
                # On a busy machine a refresh may take longer than the others wait for it: a row is retried then.
                if error.kind is not ErrorKind.RETRY:
                    raise

    with ThreadPoolExecutor(WORKERS) as pool:
        answers = set(pool.map(ask, workers))
    for worker in workers:
        worker.close()

    assert (answers, log.refreshes) == ({"renewed"}, 1)
