"""Leaving, in each way: writing stops at once, the access goes back, and coming back continues without touching old runs."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from adductor.athletes import connections, personal_data, revocation
from adductor.jobs import rounds
from adductor.notes import block
from adductor.platforms.base import ErrorKind, Grant, PlatformError, Tokens
from adductor.store.models import Athlete, InboxEvent, Revocation, Token
from tests.jobs.test_interleavings import RUN, Log, _comes_home, _delay_notes, _event, _put, _take
from tests.jobs.test_interleavings import here as here
from tests.jobs.test_interleavings import log as log
from tests.support.live import Live, Runner
from tests.support.runners import Place


class _Gates:
    """Strava takes accesses back, or can't be reached."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.away = False

    def revoke(self, token: str) -> None:
        if self.away:
            raise PlatformError(ErrorKind.RETRY, "Strava does not answer")
        self.taken.append(token)


@pytest.fixture
def gates(log: Log) -> _Gates:
    made = _Gates()
    log.revoke = made.revoke  # type: ignore[attr-defined]
    return made


def _tokens(here: Place) -> int:
    with here.installation.store.read() as session:
        return len(session.scalars(select(Token)).all())


def _kept_accesses(here: Place) -> int:
    return revocation.still_to_give_back(here.installation)


def test_by_the_button_the_access_goes_back_and_nothing_is_kept_of_it(here: Place, log: Log, gates: _Gates) -> None:
    runner = _comes_home(here, log)

    assert personal_data.disconnect(here.installation, runner)

    assert gates.taken == ["refresh"]
    assert (_tokens(here), _kept_accesses(here)) == (0, 0)


def test_an_access_that_strava_could_not_take_back_is_tried_again(here: Place, log: Log, gates: _Gates) -> None:
    runner = _comes_home(here, log)
    gates.away = True

    assert not personal_data.disconnect(here.installation, runner)
    assert (_tokens(here), _kept_accesses(here)) == (0, 1)
    assert here.athlete(runner).connection.state == "revoked"
    here.later(minutes=3)
    assert revocation.give_back(here.installation) == 0
    gates.away = False
    assert revocation.give_back(here.installation) == 0  # it waits longer after each failure
    here.later(hours=1)

    assert revocation.give_back(here.installation) == 1
    assert gates.taken == ["refresh"]
    assert _kept_accesses(here) == 0


def test_an_access_that_strava_never_takes_back_is_let_go_after_a_week(here: Place, log: Log, gates: _Gates) -> None:
    runner = _comes_home(here, log)
    gates.away = True
    personal_data.forget(here.installation, runner)
    for _ in range(8 * 4):
        here.later(hours=6)
        revocation.give_back(here.installation)

    assert _kept_accesses(here) == 0
    assert gates.taken == []


def test_what_is_kept_for_giving_back_is_sealed_and_says_nobodys_name(here: Place, log: Log, gates: _Gates) -> None:
    runner = _comes_home(here, log)
    gates.away = True
    personal_data.forget(here.installation, runner)

    with here.installation.store.read() as session:
        (row,) = session.scalars(select(Revocation))
        assert session.scalars(select(Athlete)).all() == []
    assert b"refresh" not in row.token_sealed
    assert not {column.key for column in Revocation.__table__.columns} & {"athlete_id", "platform_athlete_id"}


def test_a_note_that_waits_is_called_off(here: Place, log: Log, gates: _Gates) -> None:
    runner = _comes_home(here, log)
    here.installation.settings = here.installation.settings.model_copy(update={"note_delay_s": 600})
    _take(here, _event(here, runner))
    assert [row.state for row in here.deliveries(runner)] == ["waiting"]

    personal_data.disconnect(here.installation, runner)
    here.later(hours=1)
    rounds.sweep(here.installation)

    assert log.writes == []
    assert [(row.state, row.outcome) for row in here.deliveries(runner)] == [("done", "disconnected")]


@pytest.mark.parametrize("way", ["event", "button", "forget"])
def test_whoever_leaves_between_our_read_and_our_write_is_not_written_to(
    here: Place, log: Log, gates: _Gates, way: str
) -> None:
    runner = _comes_home(here, log)
    leave = {
        "event": lambda: connections.disconnect_now(here.installation, runner, because="revoked"),
        "button": lambda: personal_data.disconnect(here.installation, runner),
        "forget": lambda: personal_data.forget(here.installation, runner),
    }[way]
    _delay_notes(here)
    _take(here, _event(here, runner))
    log.after_read = leave  # type: ignore[assignment]
    here.later(minutes=2)
    rounds.sweep(here.installation)

    assert log.writes == []
    assert log.note == "Mine."


def test_forgetting_waits_for_a_write_under_way_and_takes_the_note_out(
    here: Place, log: Log, gates: _Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = _comes_home(here, log)
    writing, go_on = threading.Event(), threading.Event()
    real_write = log.update_activity

    def slowly(*arguments: Any, **words: Any) -> Any:
        writing.set()
        assert go_on.wait(10)
        return real_write(*arguments, **words)

    _put(here, _event(here, runner))
    log.update_activity = slowly  # type: ignore[method-assign]
    worker = threading.Thread(target=rounds.work, args=(here.installation,))
    worker.start()
    assert writing.wait(10)
    log.update_activity = real_write  # type: ignore[method-assign]
    forgotten: list[personal_data.Forgotten] = []
    leaver = threading.Thread(
        target=lambda: forgotten.append(personal_data.forget(here.installation, runner, remove_notes=True))
    )
    leaver.start()
    go_on.set()
    worker.join(10)
    leaver.join(30)

    assert forgotten == [personal_data.Forgotten(notes_removed=1, notes_left=0, revoked=True)]
    assert log.note == "Mine."


def test_a_write_whose_answer_was_lost_is_taken_out_too(here: Place, log: Log, gates: _Gates) -> None:
    runner = _comes_home(here, log)
    real_write = log.update_activity

    def lost(*arguments: Any, **words: Any) -> Any:
        real_write(*arguments, **words)
        raise PlatformError(ErrorKind.RETRY, "the connection was cut")

    log.update_activity = lost  # type: ignore[method-assign]
    _take(here, _event(here, runner))
    log.update_activity = real_write  # type: ignore[method-assign]
    assert block.SIGNATURE in log.note

    done = personal_data.forget(here.installation, runner, remove_notes=True)

    assert done.notes_removed == 1
    assert log.note == "Mine."


def test_a_deleting_that_was_cut_off_is_finished(here: Place, log: Log, gates: _Gates) -> None:
    runner = _comes_home(here, log)
    here.change(runner, status="leaving", disconnected_at=here.now)

    assert personal_data.finish_leaving(here.installation) == 0  # it may be at work still
    here.later(minutes=11)
    assert personal_data.finish_leaving(here.installation) == 1

    with here.installation.store.read() as session:
        assert session.scalars(select(Athlete)).all() == []
    assert gates.taken == ["refresh"]


def test_coming_back_continues_the_record_and_writes_to_no_old_run(here: Place, log: Log, gates: _Gates) -> None:
    runner = _comes_home(here, log)
    before = here.athlete(runner)
    personal_data.disconnect(here.installation, runner)
    here.later(days=2)
    grant = Grant(Tokens("new", "new too", here.now + timedelta(days=300)), before.platform_athlete_id, "R", "UTC", "m")
    with here.installation.store.write() as session:
        connections.connect(session, here.installation, "strava", grant, before.scopes)

    _take(here, _event(here, runner, "update", title="Along the river"))

    after = here.athlete(runner)
    assert after.id == before.id
    assert (after.programme_stage, after.sessions_completed_total, after.email) == (
        before.programme_stage,
        before.sessions_completed_total,
        before.email,
    )
    assert log.writes == []
    assert RUN in log.activities


def test_an_edit_of_an_old_run_on_a_rest_day_leaves_that_run_alone(here: Place, log: Log) -> None:
    """Five in the afternoon is past the prompt of this runner, who wants notes: today's routine, not that run's."""
    runner = _comes_home(here, log)
    here.change(runner, channels={"rest_day": "private_note"}, rest_day_prompt_local="11:00")
    here.later(days=4, hours=8)

    _take(here, _event(here, runner, "update", title="Along the river"))

    assert log.writes == []
    assert [row.activity_id for row in here.suggestions(runner)] in ([], [None])


# -- with the real thing ------------------------------------------------------------------------------------------------


def _revoked(live: Live, runner: Runner) -> Any:
    return live.until(lambda: live.athlete(runner).status == "revoked")


@pytest.mark.processes
def test_our_button_ends_the_connection_at_strava_too(live: Live) -> None:
    runner = live.runner()
    live.note_comes(live.record(runner))

    assert personal_data.disconnect(live.here.installation, runner.id)

    _revoked(live, runner)
    assert live.admin("GET", f"runners/{runner.strava_id}")["connected"] is False


@pytest.mark.processes
def test_with_strava_away_the_button_works_and_the_access_goes_back_later(live: Live) -> None:
    runner = live.runner()
    number = live.fault(endpoint="oauth.revoke", status=503, html="<h1>Maintenance</h1>")
    try:
        assert not personal_data.disconnect(live.here.installation, runner.id)
        _revoked(live, runner)
        assert live.admin("GET", f"runners/{runner.strava_id}")["connected"] is True
    finally:
        live.admin("DELETE", f"faults/{number}")

    live.until(lambda: live.admin("GET", f"runners/{runner.strava_id}")["connected"] is False, within_s=60)
    live.until(lambda: revocation.still_to_give_back(live.here.installation) == 0)


@pytest.mark.processes
def test_whoever_took_the_permission_to_read_back_is_told_and_asked_no_more(live: Live) -> None:
    runner = live.runner(scopes="read,activity:write")
    first, second = (live.record(runner, silent=True) for _ in range(2))
    live.event(object_id=first, owner_id=runner.strava_id)
    (event,) = live.settles(first)
    live.event(object_id=second, owner_id=runner.strava_id)
    live.settles(second)

    assert event.outcome == "scope_missing"
    assert live.athlete(runner).status == "scope_missing"  # what their page goes by
    assert [row.outcome for row in live.events(second)] == ["not_connected"]
    assert live.calls(activity=second) == []


@pytest.mark.processes
def test_everything_of_a_runner_goes_notes_included(live: Live) -> None:
    runner = live.runner()
    run = live.record(runner, private_note="Mine.")
    live.note_comes(run)

    done = personal_data.forget(live.here.installation, runner.id, remove_notes=True)

    assert done == personal_data.Forgotten(notes_removed=1, notes_left=0, revoked=True)
    assert live.truth(run)["private_note"] == "Mine."
    with live.store.read() as session:
        assert session.get(Athlete, runner.id) is None
        # Strava's word that they have left may come after; it holds nothing but their number, for a week.
        left = session.scalars(select(InboxEvent).where(InboxEvent.owner_id == runner.strava_id)).all()
        assert [event.object_type for event in left] in ([], ["athlete"])
