"""What happens between two steps of the flow: others write, withdraw, connect again, or the time is up.

The running log here is a dictionary in memory, because the moment between its read and our write is what these tests set.
Everything else is the real thing; tests/jobs/test_flow.py has the whole flow over real processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from adductor.athletes import connections, decisions, situations, tokens
from adductor.coaching.situation import Intensity
from adductor.jobs import deliveries, events, inbox, retention, rounds
from adductor.notes import block
from adductor.platforms.base import ErrorKind, Grant, LoggedActivity, PlatformError, Tokens, WebhookEvent
from adductor.queue import claims, worker
from adductor.store.models import Delivery, InboxEvent, Subscription
from tests.support.athletes import give_tokens
from tests.support.runners import MORNING, Place, place

RUN = 900_001


@dataclass
class Log:
    """Strava's part: activities that are read and written whole."""

    activities: dict[int, LoggedActivity] = field(default_factory=dict)
    reads: int = 0
    writes: list[str] = field(default_factory=list)
    after_read: Callable[[], None] = lambda: None
    before_write: Callable[[], None] = lambda: None  # it is on its way already
    leaves_note_out: bool = False
    refuses: bool = False
    loses_answer: bool = False
    answers: Callable[[LoggedActivity], LoggedActivity] = lambda activity: activity  # what a write is answered with
    during_refresh: Callable[[], None] = lambda: None

    def refresh(self, refresh_token: str) -> Tokens:
        self.during_refresh()
        if refresh_token == "dead":
            raise PlatformError(ErrorKind.REVOKED, "the refresh token is no longer good", status=400)
        return Tokens("renewed", "renewed too", MORNING + timedelta(days=300))

    def get_activity(self, _token: str, activity_id: int, **_: Any) -> LoggedActivity:
        self.reads += 1
        found = self.activities[activity_id]
        act, self.after_read = self.after_read, lambda: None
        act()
        return replace(found, private_note=None) if self.leaves_note_out else found

    def list_activities(self, _token: str, **_: Any) -> list[LoggedActivity]:
        return []

    def update_activity(
        self,
        _token: str,
        activity_id: int,
        *,
        private_note: str | None = None,
        description: str | None = None,
        **_: Any,
    ) -> LoggedActivity:
        before = self.activities[activity_id]
        if not self.refuses:
            act, self.before_write = self.before_write, lambda: None
            act()
            if private_note is not None:
                self.writes.append(private_note)
                self.edit(activity_id, private_note=private_note)
            if description is not None:
                self.edit(activity_id, description=description)
        if self.loses_answer:
            raise PlatformError(ErrorKind.RETRY, "Strava didn't answer in time")
        return self.answers(before if self.refuses else self.activities[activity_id])

    def edit(self, activity_id: int, **values: Any) -> None:
        self.activities[activity_id] = replace(self.activities[activity_id], **values)

    @property
    def note(self) -> str:
        return self.activities[RUN].private_note or ""


@pytest.fixture
def here(tmp_path: Path, database_url: str) -> Iterator[Place]:
    """On both databases: what waits for whom differs between them."""
    with place(tmp_path, ADDUCTOR_DATABASE_URL=database_url) as made:
        yield made


@pytest.fixture
def log(here: Place) -> Log:
    made = Log()
    here.installation.platforms["strava"] = made  # type: ignore[assignment]
    return made


def _comes_home(here: Place, log: Log, words: str = "Mine.") -> int:
    """A connected runner whose run is in the log now; their id."""
    runner = here.runner(email=None, email_confirmed_at=None)
    owner = here.owner(runner)
    with here.installation.store.write() as session:
        far = here.now + timedelta(days=300)
        give_tokens(session, here.installation, runner, Tokens("access", "refresh", far))
    log.activities[RUN] = LoggedActivity(
        id=RUN,
        athlete_id=owner,
        title="Run in the park",
        sport="run",
        sport_type="Run",
        start=here.now - timedelta(minutes=45),
        start_hidden=False,
        timezone="UTC",
        utc_offset_s=0,
        moving_s=2400,
        elapsed_s=2400,
        distance_m=8000,
        elevation_gain_m=10,
        workout=None,
        intensity=Intensity.EASY,
        manual=False,
        trainer=False,
        private=False,
        private_note=words,
        description="Sunny.",
        body_part=None,
        is_adductor_session=False,
        time_unreliable=False,
        complete=True,
    )
    return runner


def _event(here: Place, runner: int, aspect: str = "create", **updates: str) -> WebhookEvent:
    owner = here.owner(runner)
    return WebhookEvent("strava", 1, "activity", RUN, aspect, here.now, owner, updates)


def _put(here: Place, *received: WebhookEvent) -> None:
    with here.installation.store.write() as session:
        connection = session.connection()
        inbox.put(connection, list(received), here.now)


def _take(here: Place, *received: WebhookEvent) -> None:
    _put(here, *received)
    rounds.sweep(here.installation)


def _rows(here: Place) -> list[InboxEvent]:
    with here.installation.store.read() as session:
        return list(session.scalars(select(InboxEvent).order_by(InboxEvent.id)))


def _withdraw(here: Place, runner: int) -> None:
    with here.installation.store.write() as session:
        decisions.withdraw_open(session, here.locked(session, runner), "You asked for a break.", now=here.now)


def _delay_notes(here: Place) -> None:
    """So that a note is read for by itself, and not written on what its event's job has read."""
    here.installation.settings = here.installation.settings.model_copy(update={"note_delay_s": 60})


# -- whose run it is ---------------------------------------------------------------------------------------------------


def _also_in_the_log(log: Log, number: int, sport: str, start: datetime) -> None:
    log.activities[number] = replace(log.activities[RUN], id=number, sport=sport, start=start, private_note="")


def _of(event: WebhookEvent, number: int) -> WebhookEvent:
    return replace(event, object_id=number)


def test_a_ride_after_a_run_does_not_take_the_note_from_it(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    _take(here, _event(here, runner))
    here.later(minutes=50)
    _also_in_the_log(log, ride := RUN + 1, "ride", here.now - timedelta(minutes=45))

    _take(here, _of(_event(here, runner), ride))

    assert block.SIGNATURE in log.note
    assert log.activities[ride].private_note == ""
    assert [decision.decision for decision in here.decisions(runner)] == ["post_run", "none"]


def test_an_earlier_run_that_is_heard_of_later_does_not_take_the_note(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    _also_in_the_log(log, earlier := RUN + 1, "run", here.now - timedelta(minutes=170))
    _take(here, _event(here, runner))

    _take(here, _of(_event(here, runner), earlier))

    assert block.SIGNATURE in log.note
    assert log.activities[earlier].private_note == ""


def test_a_deletion_that_comes_after_its_own_undoing_takes_nothing_away(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    _take(here, _event(here, runner))
    here.later(minutes=1)
    deleted = _event(here, runner, "delete")
    here.later(minutes=1)

    _take(here, _event(here, runner))
    _take(here, deleted)

    assert here.suggestion(runner).status == "open"
    assert [row.outcome for row in _rows(here)] == ["post_run", "already_decided", "restored"]


def test_a_title_within_the_second_of_a_change_of_type_does_not_hide_it(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    _take(here, _event(here, runner))
    here.later(minutes=1)
    log.edit(RUN, sport="walk")
    typed, titled = _event(here, runner, "update", type="Walk"), _event(here, runner, "update", title="To the shops")
    _put(here, typed)

    _take(here, titled)

    assert log.note == "Mine."


# -- edits ------------------------------------------------------------------------------------------------------------


def test_two_changes_of_type_within_one_second_are_both_decided(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    log.edit(RUN, sport="walk")
    _take(here, _event(here, runner, "update", type="Walk"))

    log.edit(RUN, sport="run")
    _take(here, _event(here, runner, "update", type="Run"))

    (row,) = _rows(here)
    assert (row.state, row.outcome, row.problem) == ("done", "post_run", None)
    assert block.SIGNATURE in log.note
    assert len(here.decisions(runner)) == 2


def test_an_event_can_be_replayed(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    log.edit(RUN, sport="walk")
    _take(here, _event(here, runner))
    with here.installation.store.write() as session:
        session.scalars(select(InboxEvent)).one().state = "waiting"

    rounds.sweep(here.installation)

    (row,) = _rows(here)
    assert (row.state, row.problem) == ("done", None)


def test_a_run_that_was_a_walk_for_a_while_gets_its_note_back(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    _take(here, _event(here, runner))
    here.later(minutes=1)
    log.edit(RUN, sport="walk")
    _take(here, _event(here, runner, "update", type="Walk"))
    assert log.note == "Mine."

    here.later(minutes=1)
    log.edit(RUN, sport="run")
    _take(here, _event(here, runner, "update", type="Run"))

    assert log.note.startswith("Mine.\n\n")
    assert log.note.count(block.SIGNATURE) == 1


def test_a_note_that_is_taken_back_while_another_is_to_take_its_place_goes(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    _take(here, _event(here, runner))
    with here.installation.store.write() as session:
        suggestion = here.suggestion(runner)
        suggestion = session.merge(suggestion)
        athlete = here.locked(session, runner)
        decisions.deliver(session, here.installation, athlete, suggestion, "test", here.now)

    _withdraw(here, runner)
    rounds.sweep(here.installation)

    assert log.note == "Mine."


def test_what_was_read_too_long_before_the_write_is_read_again(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)

    def edited_while_the_database_is_busy() -> None:
        here.later(seconds=deliveries.FRESH_FOR.total_seconds() + 1)
        log.edit(RUN, private_note="Mine, and more.")

    real_decide = events._decide

    def slowly(*arguments: Any) -> events.Handled:
        edited_while_the_database_is_busy()
        return real_decide(*arguments)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(events, "_decide", slowly)
        _take(here, _event(here, runner))

    assert log.note.startswith("Mine, and more.\n\n")


# -- two at one delivery ------------------------------------------------------------------------------------------------


def test_a_note_taken_back_between_its_read_and_its_write_is_not_written(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    _delay_notes(here)
    _take(here, _event(here, runner))
    log.after_read = lambda: _withdraw(here, runner)

    here.later(minutes=2)
    rounds.work(here.installation)
    rounds.sweep(here.installation)

    assert log.writes == []
    assert [row.state for row in here.deliveries(runner)] == ["done"]


def test_a_note_taken_back_while_its_write_is_on_its_way_does_not_stay(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    _put(here, _event(here, runner))

    def taken_back_and_looked_at() -> None:
        _withdraw(here, runner)
        before = log.note
        rounds.work(here.installation)  # another worker: nothing stands there yet
        assert log.note == before

    log.before_write = taken_back_and_looked_at
    rounds.work(here.installation)

    assert block.SIGNATURE in log.writes[0]  # written over the change of mind
    assert log.note == "Mine."


def test_a_mail_that_is_being_sent_is_not_given_to_a_second_worker(here: Place) -> None:
    runner = here.runner(channels={"post_run": "mail"})
    here.run_done(runner)
    claimed = claims.claim(here.installation, Delivery)
    assert claimed is not None

    with here.installation.store.write() as session:
        suggestion = session.merge(here.suggestion(runner))
        decisions.deliver(session, here.installation, here.locked(session, runner), suggestion, "test", here.now)

    assert claims.claim(here.installation, Delivery) is None
    worker.run(here.installation, deliveries.JOB, claimed)
    assert [row.outcome for row in here.deliveries(runner)] == ["sent"]


# -- leaving and coming back --------------------------------------------------------------------------------------------


def test_word_of_leaving_that_comes_after_the_return_ends_nothing(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    owner = here.owner(runner)
    left = WebhookEvent("strava", 1, "athlete", owner, "update", here.now, owner, {"authorized": "false"})
    here.later(minutes=1)
    _connects_again(here, runner)

    _take(here, left)

    assert here.athlete(runner).connection.state == "connected"
    assert tokens.access(here.installation, _connection(here, runner)).token == "new"


def _connection(here: Place, runner: int) -> int:
    return here.athlete(runner).connection.id


def _expired(here: Place, runner: int, refresh_token: str) -> None:
    with here.installation.store.write() as session:
        give_tokens(session, here.installation, runner, Tokens("old", refresh_token, here.now))


def _connects_again(here: Place, runner: int) -> None:
    owner = here.owner(runner)
    grant = Grant(Tokens("new", "newer", here.now + timedelta(hours=6)), owner, "Robin", None, "metric")
    with here.installation.store.write() as session:
        connections.connect(session, here.installation, "strava", grant, "read,activity:read_all,activity:write")


@pytest.mark.parametrize("refresh_token", ["dead", "good"])
def test_whoever_connects_again_during_a_refresh_keeps_the_new_tokens(
    here: Place, log: Log, refresh_token: str
) -> None:
    runner = _comes_home(here, log)
    _expired(here, runner, refresh_token)
    log.during_refresh = lambda: _connects_again(here, runner)

    _take(here, _event(here, runner))
    here.later(minutes=1)
    rounds.sweep(here.installation)

    assert here.athlete(runner).connection.state == "connected"
    assert tokens.access(here.installation, _connection(here, runner)).token == "new"
    assert block.SIGNATURE in log.note


def test_whoever_leaves_during_a_refresh_leaves_no_token_behind(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    _expired(here, runner, "good")
    log.during_refresh = lambda: connections.disconnect_now(
        here.installation, _connection(here, runner), because="revoked"
    )

    _take(here, _event(here, runner))

    with pytest.raises(tokens.NotConnectedError):
        tokens.access(here.installation, _connection(here, runner))
    assert [row.outcome for row in _rows(here)] == ["not_connected"]


def test_a_time_zone_that_is_the_name_of_a_folder_counts_as_unknown() -> None:
    assert situations.zone_of("America").key == "UTC"


def test_an_event_that_waited_while_the_subscription_was_made_anew_is_handled(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    _put(here, _event(here, runner))
    here.later(minutes=1)
    _subscribed_as(here, 99)

    rounds.work(here.installation)

    assert log.note.count(block.SIGNATURE) == 1


def test_an_event_under_a_foreign_subscription_is_not(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    _subscribed_as(here, 99)
    here.later(minutes=1)
    _put(here, _event(here, runner))

    rounds.work(here.installation)

    assert log.note == "Mine."


def _subscribed_as(here: Place, number: int) -> None:
    with here.installation.store.write() as session:
        session.add(
            Subscription(platform="strava", subscription_id=number, callback_url="http://here", created_at=here.now)
        )


def test_events_of_strangers_end_together_and_those_of_runners_are_handled(here: Place, log: Log) -> None:
    runner = _comes_home(here, log)
    theirs = _event(here, runner)
    _put(here, *(replace(theirs, owner_id=owner, object_id=owner) for owner in (70_001, 70_002)), theirs)

    rounds.work(here.installation)

    assert [row.outcome for row in _rows(here)] == ["unknown_athlete", "unknown_athlete", "post_run"]
    assert all(row.handled_at is not None and row.lease_owner is None for row in _rows(here))
    assert log.note.count(block.SIGNATURE) == 1


def test_after_a_quiet_week_the_next_run_is_decided_at_the_first_try(here: Place, log: Log) -> None:
    """All events have gone by then, and SQLite counts new ones from 1 again; the decisions that stay know the old ones."""
    runner = _comes_home(here, log)
    _take(here, _event(here, runner))
    here.later(days=8)
    retention.expire(here.installation)
    assert _rows(here) == []

    log.activities[RUN + 1] = replace(log.activities[RUN], id=RUN + 1, start=here.now - timedelta(minutes=45))
    _take(here, replace(_event(here, runner), object_id=RUN + 1))

    (event,) = _rows(here)
    assert (event.state, event.attempts) == ("done", 1)
