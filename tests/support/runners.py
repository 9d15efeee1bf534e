"""A store of its own with runners in it and a clock that the test sets; no processes, no network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import event, inspect, select
from sqlalchemy.orm import Session

from adductor.athletes import answers, decisions, schedule
from adductor.athletes.answers import Answer, Taken
from adductor.clock import Clock
from adductor.coaching import situation as words
from adductor.coaching.replies import Said
from adductor.installation import Installation
from adductor.jobs import inbox, rounds
from adductor.platforms.base import WebhookEvent
from adductor.settings import load
from adductor.store.models import Athlete, CheckInRecord, DecisionRecord, Delivery, InboxEvent, Letter, Suggestion
from tests.support import databases
from tests.support.athletes import change, new_athlete, run_of

# A Wednesday morning, far from any change of clocks.
MORNING = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
T = TypeVar("T")


class SetClock(Clock):
    """Time stands where the test puts it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def real_now(self) -> datetime:
        return self.at


@dataclass
class Place:
    """An installation in a folder, and what tests do in it."""

    installation: Installation
    clock: SetClock
    _ids: Iterator[int] = field(default_factory=lambda: iter(range(500, 10_000)))

    @property
    def now(self) -> datetime:
        return self.clock.at

    def later(self, **delta: float) -> datetime:
        """Let time pass; the new now."""
        self.clock.at += timedelta(**delta)
        return self.clock.at

    def runner(self, **values: Any) -> int:
        """A connected runner at stage 2 with a confirmed address who ran three days ago; their id."""
        row = {
            "external_id": next(self._ids),
            "timezone": "UTC",
            "scopes": "read,activity:read_all,activity:write",
            "connected_at": self.now - timedelta(days=60),
            "confirmed_at": self.now - timedelta(days=60),
            "screening_completed_at": self.now - timedelta(days=60),
            "programme_stage": 2,
            "sessions_completed_total": 9,
            "last_completed_on": self.now.date() - timedelta(days=5),
            "history_read_at": self.now,
            "email": "runner@example.org",
            "email_confirmed_at": self.now - timedelta(days=50),
            **values,
        }
        with self.installation.store.write() as session:
            athlete = new_athlete(**row)
            session.add(athlete)
            session.flush()
            self.add_run(session, athlete, self.now - timedelta(days=3))
            schedule.reschedule(athlete, self.now)
            return athlete.id

    def add_run(self, session: Session, athlete: Athlete, start: datetime, **values: Any) -> str:
        """A run in the log; its id."""
        number = f"{athlete.connection.platform}:{next(self._ids) * 1000}"
        session.add(run_of(athlete.id, number, start, **values))
        session.flush()
        return number

    def run_done(self, runner: int, **values: Any) -> str:
        """The runner comes home from an easy run, and the coach is asked; the id of the run."""
        with self.asked(runner) as coach:
            run = self.add_run(coach.session, coach.athlete, self.now - timedelta(minutes=41), **values)
            event = words.Event(words.EventType.ACTIVITY_UPLOADED, run)
            verdict = coach.decide(event)
            decision = coach.record(event, verdict, asked_platform=True)
            if verdict.routine is not None:
                coach.suggest(verdict, decision, run)
            return run

    def coach(self, session: Session, runner: int) -> decisions.Consultation:
        """The coach asked about this runner, who is locked in the transaction."""
        return decisions.Consultation(session, self.installation, self.locked(session, runner), self.now)

    @contextmanager
    def asked(self, runner: int) -> Iterator[decisions.Consultation]:
        """The coach, in a transaction of its own."""
        with self.installation.store.write() as session:
            yield self.coach(session, runner)

    def answer(self, runner: int, said: Said, number: int = -1, **given: Any) -> Taken:
        """The runner answers a suggestion, the latest unless ``number`` says otherwise."""
        with self.asked(runner) as coach:
            suggestion = coach.session.merge(self.suggestions(runner)[number])
            return answers.answer(coach, suggestion, Answer(said, **given), source="mail")

    def check_in(self, runner: int, **values: Any) -> None:
        with self.asked(runner) as coach:
            answers.check_in(coach, CheckInRecord(**{"red_flags": [], **values}))

    def pause(self, runner: int, *, days: int = 7) -> None:
        with self.asked(runner) as coach:
            answers.pause(coach, self.now.date() + timedelta(days=days))

    def locked(self, session: Session, runner: int) -> Athlete:
        athlete = decisions.lock(session, runner)
        assert athlete is not None
        return athlete

    def athlete(self, runner: int) -> Athlete:
        with self.installation.store.read() as session:
            return session.get_one(Athlete, runner)

    def owner(self, runner: int) -> str:
        """The platform's id of the runner."""
        return self.athlete(runner).connection.external_id

    def change(self, runner: int, **values: Any) -> None:
        with self.asked(runner) as coach:
            change(coach.athlete, **values)

    def all(self, table: type[T], **values: Any) -> list[T]:
        """The rows of a table that hold these values, oldest first."""
        with self.installation.store.read() as session:
            return list(session.scalars(select(table).filter_by(**values).order_by(*inspect(table).primary_key)))

    def suggestions(self, runner: int) -> list[Suggestion]:
        return self.all(Suggestion, athlete_id=runner)

    def suggestion(self, runner: int) -> Suggestion:
        """The latest one."""
        return self.suggestions(runner)[-1]

    def deliveries(self, runner: int) -> list[Delivery]:
        given = {suggestion.id for suggestion in self.suggestions(runner)}
        return [row for row in self.all(Delivery) if row.suggestion_id in given]

    def decisions(self, runner: int) -> list[DecisionRecord]:
        return self.all(DecisionRecord, athlete_id=runner)

    def letters(self, runner: int) -> list[Letter]:
        return self.all(Letter, athlete_id=runner)

    # -- events and what comes of them -------------------------------------------------------------------------------

    def rows(self) -> list[InboxEvent]:
        return self.all(InboxEvent)

    def put(self, *received: WebhookEvent) -> None:
        """Store events as the web does."""
        with self.installation.store.write() as session:
            inbox.put(session.connection(), list(received), self.now)

    def take(self, *received: WebhookEvent) -> None:
        """Store events and handle what is due."""
        self.put(*received)
        rounds.sweep(self.installation)

    def sweep_after(self, **delta: float) -> None:
        """Let time pass, then one round."""
        self.later(**delta)
        rounds.sweep(self.installation)

    def sweep_for(self, time: timedelta, *, every: timedelta) -> None:
        """Let time pass with a round at each step."""
        until = self.now + time
        while self.now < until:
            self.clock.at += every
            rounds.sweep(self.installation)

    def delay_notes(self) -> None:
        """A note then waits a minute and is read for by itself, not written on what its event's job has read."""
        self.installation.settings = self.installation.settings.model_copy(update={"note_delay_s": 60})

    def withdraw(self, runner: int) -> None:
        with self.asked(runner) as coach:
            coach.withdraw_open("You asked for a break.")

    def mails(self) -> list[bytes]:
        """The mails kept in the folder, oldest first."""
        files = self.installation.settings.mail_dir.glob("*.eml")
        return [file.read_bytes() for file in sorted(files, key=lambda file: file.stat().st_mtime_ns)]


@contextmanager
def place(folder: Path, at: datetime = MORNING, **settings: str) -> Iterator[Place]:
    """An installation in ``folder`` with an empty database."""
    values = {
        "ADDUCTOR_DATA_DIR": str(folder),
        "ADDUCTOR_PUBLIC_URL": "https://coach.example.org",
        "ADDUCTOR_MAIL_FROM": "Adductor Coach <coach@example.org>",
        "ADDUCTOR_SECRET_KEY": "0123456789abcdef0123456789abcdef",
        **settings,
    }
    installation = Installation(load(_env_file=None, **values))
    clock = SetClock(at)
    installation.clock = clock
    databases.bring_up(installation.store)
    if installation.store.is_sqlite:  # no test here cuts the power, and a synced commit costs milliseconds
        event.listen(installation.store.engine, "connect", lambda made, _: made.execute("PRAGMA synchronous=OFF"))
    try:
        yield Place(installation, clock)
    finally:
        installation.close()
