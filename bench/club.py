"""A made-up club over the real pipeline: runners like those of `bench.simulate`, a running log that counts its calls.

Database, inbox, decisions, deliveries, the clock's prompts and the look for missed events are the product's own, in this
process and at a set time. Only the running log is a dictionary here. Nothing depends on the day or the machine.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adductor.athletes import answers, connection, decisions, schedule
from adductor.athletes.answers import Answer, Said
from adductor.clock import Clock
from adductor.coaching.situation import Intensity
from adductor.installation import Installation
from adductor.jobs import inbox, prompts, reconcile
from adductor.notes import block
from adductor.platforms.base import ErrorKind, Grant, LoggedActivity, PlatformError, Tokens, WebhookEvent
from adductor.queue import sweep
from adductor.settings import load
from adductor.store import migrate
from adductor.store.models import Athlete, CheckInRecord, Delivery, InboxEvent, Letter, Suggestion
from bench.simulate import FIRST_DAY, WEEKDAYS, Life, a_life, runs_of

SECRET_KEY = "of the bench, and of nothing else"  # noqa: S105
SCOPES = "read,activity:read_all,activity:write"
TOKEN_LASTS = timedelta(hours=6)  # Strava's own
EXPIRE_EVERY = timedelta(hours=3)
_EVER = datetime.max.replace(tzinfo=UTC)

# The runners' habits that `bench.simulate` has no need of. Chances; judgement.
OTHER_SPORT_A_DAY = 0.25
STRENGTH_A_DAY = 0.07
TITLE_EDIT = 0.30
TYPE_EDIT = 0.015
PRIVACY_EDIT = 0.02
DELETED = 0.02
LOST_EVENT = 0.005  # webhooks that never come
ANSWERS_BY_TITLE = 0.10
HAS_MAIL = 0.5
NOTE_ON_REST_DAYS = 0.2  # who has no mail, or prefers the note of the latest run
WRITES_IN_DESCRIPTION = 0.15
OWN_WORDS = 0.3


class SetClock(Clock):
    """Time stands where the club puts it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def real_now(self) -> datetime:
        return self.at


@dataclass
class Tally:
    """What was counted, for some stretch of time. Kinds of calls: get, put, list; refresh is OAuth and apart."""

    events: Counter[str] = field(default_factory=Counter)  # by aspect; stored, each once
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)  # (cause, kind)
    note_costs: Counter[tuple[str, int]] = field(default_factory=Counter)  # (woken by, GET + PUT) -> notes
    refreshes: int = 0
    failed: int = 0
    quarters: Counter[int] = field(default_factory=Counter)  # calls in each quarter-hour, by its number

    def add(self, other: Tally) -> None:
        """Take in what was counted elsewhere."""
        self.events.update(other.events)
        self.calls.update(other.calls)
        self.note_costs.update(other.note_costs)
        self.quarters.update(other.quarters)
        self.refreshes += other.refreshes
        self.failed += other.failed

    def in_all(self, kind: str | None = None) -> int:
        """Calls of one kind, or of all that count against Strava's limits."""
        return sum(count for (_, of), count in self.calls.items() if kind in (None, of))


class Log:
    """Strava's part, in memory. Each call is counted under the trace of the event (or prompt) that it is made for."""

    def __init__(self, clock: SetClock, *, leaves_empty_note_out: bool) -> None:
        self.clock = clock
        self.leaves_empty_note_out = leaves_empty_note_out
        self.activities: dict[int, LoggedActivity] = {}
        self.by_owner: dict[int, list[int]] = defaultdict(list)
        self.tally = Tally()
        self.doing = "clock"
        self.of_events: set[str] = set()  # traces of events; others are the clock's own
        self._pending: dict[str, Counter[str]] = defaultdict(Counter)  # trace -> calls that led to no note yet

    # -- what the pipeline calls ------------------------------------------------------------------------------------

    def refresh(self, refresh_token: str) -> Tokens:
        self.tally.refreshes += 1
        return Tokens(refresh_token, refresh_token, self.clock.at + TOKEN_LASTS)

    def get_activity(self, _token: str, activity_id: int, **_: Any) -> LoggedActivity:
        self._count("get")
        found = self.activities.get(activity_id)
        if found is None:
            raise PlatformError(ErrorKind.NOT_FOUND, "Record Not Found", status=404)
        if self.leaves_empty_note_out and found.private_note == "":
            return replace(found, private_note=None)
        return found

    def list_activities(self, token: str, *, after: datetime, **_: Any) -> list[LoggedActivity]:
        self._count("list")
        listed = [self.activities[number] for number in self.by_owner[int(token)] if number in self.activities]
        return [replace(entry, private_note=None, description=None) for entry in listed if entry.start > after]

    def update_activity(self, _token: str, activity_id: int, **fields: Any) -> LoggedActivity:
        texts = {name: fields[name] for name in ("private_note", "description") if name in fields}
        before = self.activities.get(activity_id)
        ours = any(block.SIGNATURE in text for text in texts.values())
        self._count("put", places_note=ours, takes_away=not ours)
        if before is None:
            raise PlatformError(ErrorKind.NOT_FOUND, "Record Not Found", status=404)
        self.activities[activity_id] = replace(before, **texts)
        return self.activities[activity_id]

    # -- the books -------------------------------------------------------------------------------------------------

    def _count(self, kind: str, *, places_note: bool = False, takes_away: bool = False) -> None:
        trace = str(structlog.contextvars.get_contextvars().get("trace", ""))
        self.tally.quarters[int(self.clock.at.timestamp()) // 900] += 1
        pending = self._pending[trace]
        pending[kind] += 1
        if places_note or takes_away or not trace:
            woken_by = "an event" if trace in self.of_events else "the clock"
            cause = f"notes after {woken_by}" if places_note else "notes taken back" if takes_away else self.doing
            if places_note:
                self.tally.note_costs[woken_by, pending["get"] + pending["put"]] += 1
            self._book(trace, cause)

    def _book(self, trace: str, cause: str) -> None:
        for kind, count in self._pending.pop(trace, Counter()).items():
            self.tally.calls[cause, kind] += count

    def nothing_follows(self) -> None:
        """Nothing is under way: what led to no note so far is booked as such."""
        for trace in list(self._pending):
            self._book(trace, "events without a note" if trace in self.of_events else "the clock, without a note")

    # -- what runners do -------------------------------------------------------------------------------------------

    def record(self, activity: LoggedActivity) -> None:
        self.activities[activity.id] = activity
        self.by_owner[activity.athlete_id].append(activity.id)

    def forget_before(self, limit: datetime) -> None:
        """What no call can ask for any more."""
        for owner, numbers in self.by_owner.items():
            kept = [number for number in numbers if number in self.activities]
            old = [number for number in kept if self.activities[number].start < limit]
            for number in old:
                del self.activities[number]
            self.by_owner[owner] = [number for number in kept if number in self.activities]


class Club:
    """Runners over one database, moment after moment."""

    def __init__(
        self,
        folder: Path,
        numbers: list[int],
        *,
        later_by: timedelta = timedelta(0),
        leaves_empty_note_out: bool = False,
    ) -> None:
        """``later_by``: whole weeks by which the calendar of `bench.simulate` is moved."""
        self.later_by = later_by
        self.first = datetime.combine(FIRST_DAY, datetime.min.time(), UTC) + later_by - timedelta(hours=14)
        self.clock = SetClock(self.first)
        self.installation = Installation(
            load(
                _env_file=None,
                ADDUCTOR_DATA_DIR=str(folder),
                ADDUCTOR_PUBLIC_URL="https://coach.example.org",
                ADDUCTOR_SECRET_KEY=SECRET_KEY,
            )
        )
        self.installation.clock = self.clock
        self.log = Log(self.clock, leaves_empty_note_out=leaves_empty_note_out)
        self.installation.strava = self.log  # type: ignore[assignment]
        migrate.upgrade(self.installation.store)
        self._moments: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = 0
        self._expired = self.first
        self._next = select(
            select(func.min(Athlete.next_due_at)).scalar_subquery(),
            select(func.min(Athlete.reconcile_at)).scalar_subquery(),
            *(
                select(func.min(table.due_at)).where(table.state == "waiting").scalar_subquery()
                for table in (InboxEvent, Delivery, Letter)
            ),
        )
        # What is due changes only with a commit; asking after each moment would be a third of the work.
        self._changed = True
        committed = self.installation.store.after_commit

        def changed(session: Session) -> None:
            self._changed = True
            if committed is not None:
                committed(session)

        self.installation.store.after_commit = changed
        self.members = [Member(self, number) for number in numbers]

    def at(self, moment: datetime, do: Callable[[], None]) -> None:
        """Something that happens then."""
        self._order += 1
        heapq.heappush(self._moments, (moment, self._order, do))

    def week(self, number: int) -> None:
        """Live the week with this number (0: the first)."""
        for day in range(7 * number, 7 * number + 7):
            for member in self.members:
                member.plan(FIRST_DAY + timedelta(days=day))
            # The easternmost day begins first; everything before it has happened.
            self._live_until(self.first + timedelta(days=day + 1))
        self.log.forget_before(self.clock.at - timedelta(days=22))
        self.log.nothing_follows()

    def _live_until(self, end: datetime) -> None:
        asked: Any = ()
        self._changed = True
        while True:
            coming = self._moments[0][0] if self._moments else _EVER
            if self._changed:
                self._changed = False
                with self.installation.store.read() as session:
                    asked = session.execute(self._next).one()
            times = [moment for moment in asked if moment is not None]
            clocks = min(times, default=_EVER)
            if min(coming, clocks) >= end:
                self.clock.at = end
                return
            self.clock.at = max(self.clock.at, min(coming, clocks))
            if clocks <= coming:
                self._beat(asked)
                if not self._changed:
                    raise RuntimeError(f"what was due at {clocks} was taken up by nobody")
            else:
                heapq.heappop(self._moments)[2]()

    def _beat(self, asked: Any) -> None:
        """What the clock's tasks do, when their time has come."""
        here, now = self.installation, self.clock.at
        if now - self._expired >= EXPIRE_EVERY:
            self._expired = now
            sweep.expire(here)
        prompt, look, event, delivery, letter = (moment is not None and moment <= now for moment in asked)
        if prompt:
            self.log.doing = "history for a rest day"
            prompts.tick(here)
        if look:
            self.log.doing = "looking for missed events"
            reconcile.tick(here)
            self._know_the_traces()
        if event:
            self.log.doing = "events"
            sweep.handle_events(here)
        if delivery:
            sweep.handle_deliveries(here)
        if letter:
            sweep.handle_letters(here)

    def send(self, event: WebhookEvent) -> None:
        """A webhook event comes, and is handled."""
        with self.installation.store.write() as session:
            connection = session.connection()
            stored = inbox.put(connection, [event], self.clock.at)
        self._changed = True
        if not stored:
            return
        self.log.of_events.update(stored.values())
        self.log.tally.events[event.aspect_type] += 1
        sweep.handle_events(self.installation, list(stored))

    def _know_the_traces(self) -> None:
        with self.installation.store.read() as session:
            made = session.scalars(
                select(InboxEvent.trace_id).where(InboxEvent.origin == "reconcile", InboxEvent.state == "waiting")
            ).all()
        new = set(made) - self.log.of_events
        self.log.of_events.update(new)
        if new:
            self.log.tally.events["made up for a lost one"] += len(new)

    def failed_rows(self) -> int:
        """Rows that the pipeline gave up: none may be."""
        with self.installation.store.read() as session:
            return sum(
                session.scalar(select(func.count()).where(table.state == "failed")) or 0
                for table in (InboxEvent, Delivery)
            )

    def take_tally(self) -> Tally:
        """What was counted since the last time."""
        taken, self.log.tally = self.log.tally, Tally()
        taken.failed = self.failed_rows()
        return taken

    def close(self) -> None:
        self.installation.close()


class Member:
    """One runner: a life of `bench.simulate`, with other sports, edits, deletions and answers."""

    def __init__(self, club: Club, number: int) -> None:
        self.club = club
        self.life: Life = a_life(number)
        self.chance = random.Random(f"member {number}")  # noqa: S311 - made-up people, not secrets
        self.owner = 1000 + number
        self._ids = iter(range(self.owner * 1_000_000, (self.owner + 1) * 1_000_000))
        self.ill = False
        here, now = club.installation, club.clock.at
        own = str(self.owner)
        mail = self.chance.random() < HAS_MAIL
        place = "description" if self.chance.random() < WRITES_IN_DESCRIPTION else "private_note"
        channels: dict[str, str] = {"post_run": place}
        if self.chance.random() < NOTE_ON_REST_DAYS:
            channels["rest_day"] = "private_note"
        elif not mail:
            channels["rest_day"] = "pages"
        grant = Grant(Tokens(own, own, now + TOKEN_LASTS), self.owner, "A Runner", self.life.home.key, "metric")
        with here.store.write() as session:
            athlete = connection.connect(session, here, "strava", grant, SCOPES)
            athlete.confirmed_at = athlete.screening_completed_at = now
            athlete.target_sessions_per_week = self.life.target
            athlete.channels = channels
            athlete.programme_started_on = now.date()
            if mail:
                athlete.email, athlete.email_confirmed_at = f"runner{number}@example.org", now
            if self.life.shifts:
                athlete.quiet_from_local, athlete.quiet_until_local = "08:30", "15:00"
                athlete.rest_day_prompt_local = "16:30"
            if self.life.plans:
                days = WEEKDAYS[self.life.runs_a_week]
                athlete.usual_runs = [{"weekday": day, "at": "07:00", "kind": "easy"} for day in days]
            schedule.reschedule(athlete, now)
            session.flush()
            self.id = athlete.id

    def plan(self, day: date) -> None:
        """Put everything of a day before the club."""
        life, chance = self.life, self.chance
        zone = life.away.get(day, life.home)

        def moment(hour: float) -> datetime:
            whole = datetime.combine(day, datetime.min.time(), zone) + timedelta(hours=hour)
            return whole.astimezone(UTC) + self.club.later_by

        for hour, minutes, intensity, kind, kilometres in runs_of(life, day):
            self._activity(
                moment(hour), zone, "run", minutes, kilometres, intensity, "race" if kind == "race" else None
            )
        away = day in life.off or day in life.ill
        if not away and chance.random() < OTHER_SPORT_A_DAY:
            sport = chance.choice(("ride", "ride", "walk", "hike", "other"))
            self._activity(moment(chance.choice((8, 13, 17))), zone, sport, chance.choice((25, 60, 90)), 15.0)
        if not away and chance.random() < STRENGTH_A_DAY:
            self._activity(moment(19), zone, "strength", 40, 0.0)
        if (day in life.ill) != self.ill:
            self.ill = day in life.ill
            self.club.at(moment(6), self._health)
        self.club.at(moment(21.5), self._evening)

    def _activity(
        self,
        start: datetime,
        zone: ZoneInfo,
        sport: str,
        minutes: float,
        kilometres: float,
        intensity: Intensity = Intensity.EASY,
        workout: str | None = None,
    ) -> None:
        chance, club = self.chance, self.club
        recorded = LoggedActivity(
            id=next(self._ids),
            athlete_id=self.owner,
            title=f"Morning {sport}",
            sport=sport,
            sport_type="",
            start=start,
            start_hidden=False,
            timezone=zone.key,
            utc_offset_s=0,
            moving_s=int(minutes * 60),
            elapsed_s=int(minutes * 60),
            distance_m=kilometres * 1000,
            elevation_gain_m=20,
            workout=workout,
            intensity=intensity,
            manual=False,
            trainer=False,
            private=False,
            private_note="Mine." if chance.random() < OWN_WORDS else "",
            description="",
            body_part=None,
            is_adductor_session=False,
            time_unreliable=False,
            complete=True,
        )
        home = start + timedelta(minutes=minutes + 6)
        club.at(home, lambda: self._comes_home(recorded))
        if chance.random() < TITLE_EDIT:
            edited = home + timedelta(minutes=chance.choice((2, 10, 45, 300)))
            club.at(edited, lambda: self._edit(recorded.id, {"title": "With the others"}, title="With the others"))
        if chance.random() < PRIVACY_EDIT:
            club.at(home + timedelta(minutes=30), lambda: self._edit(recorded.id, {"private": "true"}, private=True))
        if chance.random() < TYPE_EDIT:
            other = "walk" if sport == "run" else "run"
            club.at(home + timedelta(minutes=8), lambda: self._edit(recorded.id, {"type": other.title()}, sport=other))
        if chance.random() < DELETED:
            club.at(home + timedelta(hours=chance.choice((1, 5, 24))), lambda: self._delete(recorded.id))
        club.at(home + timedelta(minutes=75), lambda: self._looks(recorded.id))

    def _send(self, activity_id: int, aspect: str, updates: dict[str, str]) -> None:
        if self.chance.random() >= LOST_EVENT:
            now = self.club.clock.at.replace(microsecond=0)
            self.club.send(WebhookEvent("strava", 1, "activity", activity_id, aspect, now, self.owner, updates))

    def _comes_home(self, recorded: LoggedActivity) -> None:
        self.club.log.record(recorded)
        self._send(recorded.id, "create", {})

    def _edit(self, activity_id: int, updates: dict[str, str], **values: Any) -> None:
        held = self.club.log.activities
        if activity_id in held:
            held[activity_id] = replace(held[activity_id], **values)
            self._send(activity_id, "update", updates)

    def _delete(self, activity_id: int) -> None:
        if self.club.log.activities.pop(activity_id, None) is not None:
            self._send(activity_id, "delete", {})

    def _looks(self, activity_id: int) -> None:
        """After the shower: what does the note say?"""
        self._answer(activity_id)

    def _evening(self) -> None:
        """The evening's mail; now and then a word on how it feels."""
        self._answer(None)
        if self.life.answers == "never":
            return
        if self.chance.random() < 0.06:
            self._check_in(CheckInRecord(adductor_soreness_0_10=self.chance.choice((0, 1, 2, 3, 4, 5)), red_flags=[]))
        if self.chance.random() < 0.004:
            self._check_in(CheckInRecord(hip_groin_pain_0_10=self.chance.choice((3, 3, 4, 5, 6)), red_flags=[]))
        self._sorted_by_now()

    def _answer(self, activity_id: int | None) -> None:
        here, now = self.club.installation, self.club.clock.at
        with here.store.read() as session:
            suggestion = session.scalar(
                select(Suggestion)
                .where(Suggestion.athlete_id == self.id, Suggestion.status == "open")
                .order_by(Suggestion.created_at.desc())
                .limit(1)
            )
        if suggestion is None or now - suggestion.created_at > timedelta(hours=8):
            return
        life, chance = self.life, self.chance
        if life.answers == "never" or (life.answers == "mostly" and chance.random() < 0.3):
            return
        declines = chance.random() < 0.08
        if not declines and activity_id is not None and chance.random() < ANSWERS_BY_TITLE:
            title = "With the others #adductor-done"
            self._edit(activity_id, {"title": title}, title=title)
            return
        given = Answer(
            Said.NOT_TODAY if declines else Said.DONE,
            pain_0_10=None if declines else chance.choice((0, 0, 0, 0, 1, 1, 2, 3)),
            rpe_1_10=None if declines else chance.choice((6, 7, 7, 8, 8, 9)),
        )
        with here.store.write() as session:
            athlete = decisions.lock(session, self.id)
            row = session.get(Suggestion, suggestion.id)
            if athlete is not None and row is not None:
                answers.answer(session, here, athlete, row, given, source="page", now=now)

    def _check_in(self, record: CheckInRecord) -> None:
        here = self.club.installation
        with here.store.write() as session:
            athlete = decisions.lock(session, self.id)
            if athlete is not None:
                answers.check_in(session, here, athlete, record, now=self.club.clock.at)

    def _sorted_by_now(self) -> None:
        """Ten days after a referral: seen by somebody, better, and says so."""
        here, now = self.club.installation, self.club.clock.at
        with here.store.read() as session:
            since = session.scalar(select(Athlete.hold_since).where(Athlete.id == self.id))
        if since is None or now - since < timedelta(days=10):
            return
        with here.store.write() as session:
            athlete = decisions.lock(session, self.id)
            if athlete is not None:
                answers.clear_hold(athlete, now=now)
                schedule.reschedule(athlete, now)

    def _health(self) -> None:
        here = self.club.installation
        with here.store.write() as session:
            athlete = decisions.lock(session, self.id)
            if athlete is not None:
                athlete.illness = self.ill
                prompts.reconsider(session, here, athlete, now=self.club.clock.at)
