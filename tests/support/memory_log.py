"""A running log in memory, and the steps of an event around it; no processes, no network.

Tests set what happens between a read and a write, and which call fails. Everything but the platform is the real thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from adductor.athletes import activities, connections
from adductor.coaching.situation import Intensity
from adductor.notes import block
from adductor.platforms.base import (
    CalendarEntry,
    Caller,
    ErrorKind,
    Grant,
    LoggedActivity,
    PlatformError,
    Tokens,
    Told,
    WebhookEvent,
    carry,
)
from adductor.store.models import Suggestion
from tests.support.athletes import give_tokens
from tests.support.runners import MORNING, Place, place


def nth(number: int, platform: str = "strava") -> str:
    """The id of an activity; its number is the same in every run of the tests."""
    return f"{platform}:{900_001 + number}"


RUN = nth(0)
SCOPES = "read,activity:read_all,activity:write"
NOT_THERE = PlatformError(ErrorKind.NOT_FOUND, "not there", status=404)
REFUSED_REFRESH = PlatformError(ErrorKind.REVOKED, "the refresh token is no longer good", status=400)
# The platform's server fails: no call works.
AWAY = dict.fromkeys(("read", "list", "write", "calendar"), PlatformError(ErrorKind.RETRY, "503", status=503))
# The table of platforms: a test with this mark runs once for each log.
EACH_LOG = pytest.mark.parametrize("log", ["strava", "intervals"], indirect=True)


def _nothing() -> None:
    return None


@dataclass
class Log:
    """Strava's part: activities that are read, listed and written whole, and tokens that are refreshed and revoked."""

    name: ClassVar[str] = "strava"
    scopes: ClassVar[str] = SCOPES
    bare: ClassVar[str] = "Mine."  # what stands where our note stands, without our note
    given_back: ClassVar[str] = "refresh"  # the token that ends the access
    unreadable: ClassVar[str] = "activity:read_permission"
    unwritable: ClassVar[str] = "activity:write_permission"

    here: Place
    activities: dict[str, LoggedActivity] = field(default_factory=dict)
    calls: list[tuple[str, str | None]] = field(default_factory=list)  # read, list or write, and for which athlete
    writes: list[str] = field(default_factory=list)
    refreshes: int = 0
    revoked: list[str] = field(default_factory=list)
    before_call: Callable[[Caller], None] = lambda caller: None
    after_read: Callable[[], None] = _nothing
    before_write: Callable[[], None] = _nothing  # it is on its way already
    during_refresh: Callable[[], None] = _nothing
    carries: bool = True  # an event brings its activity along, where the platform does so
    leaves_note_out: bool = False
    refuses: bool = False  # a write is answered 200 and changes nothing
    loses_answer: bool = False  # a write works, and its answer doesn't come
    answers: Callable[[LoggedActivity], LoggedActivity] = lambda activity: activity  # what a write is answered with
    fails: Mapping[str, PlatformError] = field(default_factory=dict)  # read, list, write, refresh or revoke -> error

    @property
    def reads(self) -> int:
        return self._count("read")

    @property
    def lists(self) -> int:
        return self._count("list")

    @property
    def run(self) -> str:
        return nth(0, self.name)

    def nth(self, number: int) -> str:
        return nth(number, self.name)

    @property
    def note(self) -> str:
        return self.note_of(self.run)

    def tokens(self, now: datetime) -> Tokens:
        return Tokens("access", "refresh", now + timedelta(days=300))

    def note_of(self, activity_id: str) -> str:
        return self.activities[activity_id].private_note or ""

    def with_note(self) -> list[str]:
        """Where a note of ours stands."""
        return [number for number in self.activities if block.SIGNATURE in self.note_of(number)]

    def edit(self, activity_id: str, **values: Any) -> None:
        self.activities[activity_id] = replace(self.activities[activity_id], **values)

    # -- the runner's side --------------------------------------------------------------------------------------------

    def with_tokens(self, **values: Any) -> int:
        """A connected athlete with tokens, without mail unless ``values`` say otherwise; their id."""
        row = {"platform": self.name, "scopes": self.scopes, "email": None, "email_confirmed_at": None}
        athlete_id = self.here.runner(**{**row, **values})
        self._give(athlete_id, self.tokens(self.here.now))
        return athlete_id

    def comes_home(self, words: str = "Mine.", *, number: str | None = None, **values: Any) -> int:
        """A connected athlete whose run of 40 minutes, ended five minutes ago, is in the log now; their id."""
        athlete_id = self.with_tokens(**values)
        self.runs(athlete_id, number or self.run, private_note=words)
        return athlete_id

    def noted(self, words: str = "Mine.", **values: Any) -> int:
        """An athlete whose run was recorded and announced: our note stands, unless the test forbids it. Their id."""
        athlete_id = self.comes_home(words, **values)
        self.here.take(self.event(athlete_id))
        return athlete_id

    def runs(self, athlete_id: int, number: str, *, ago: timedelta = timedelta(minutes=45), **values: Any) -> str:
        """One more activity of this athlete, begun so long ago; its id."""
        self.activities[number] = activity(self.here.owner(athlete_id), number, self.here.now - ago, **values)
        return number

    def retype(self, athlete_id: int, sport: str, *, about: str | None = None, after_s: float = 0) -> None:
        """The athlete changes the type of an activity, and its event is handled."""
        self.here.later(seconds=after_s)
        self.edit(about or self.run, sport=sport)
        updates = {"type": sport.capitalize()} if self.name == "strava" else {}
        self.here.take(self.event(athlete_id, "update", about=about, **updates))

    def event(
        self, athlete_id: int, aspect: str = "create", *, about: str | None = None, **updates: Any
    ) -> WebhookEvent:
        about, owner = about or self.run, self.here.owner(athlete_id)
        return WebhookEvent(self.name, 1, "activity", about, aspect, self.here.now, owner, updates)

    def departure(self, athlete_id: int) -> WebhookEvent:
        """The platform's word that the athlete has disconnected the application."""
        owner, left = self.here.owner(athlete_id), {"authorized": "false"}
        return WebhookEvent(self.name, 1, "athlete", f"{self.name}:{owner}", "update", self.here.now, owner, left)

    def expire_token(self, athlete_id: int, refresh_token: str = "refresh") -> None:
        """The next call needs a refresh; with "dead" it is refused."""
        self._give(athlete_id, Tokens("old", refresh_token, self.here.now))

    def _give(self, athlete_id: int, tokens: Tokens) -> None:
        with self.here.installation.store.write() as session:
            give_tokens(session, self.here.installation, athlete_id, tokens)

    def connect_again(self, athlete_id: int) -> None:
        tokens = replace(self.tokens(self.here.now), access_token="new")
        grant = Grant(tokens, self.here.owner(athlete_id), "Robin", None, "metric")
        with self.here.installation.store.write() as session:
            connections.connect(session, self.here.installation, self.name, grant, self.scopes)

    # -- what the product calls ---------------------------------------------------------------------------------------

    def refresh(self, refresh_token: str) -> Tokens:
        self.refreshes += 1
        self.during_refresh()
        self._fail("refresh")
        if refresh_token == "dead":
            raise REFUSED_REFRESH
        return Tokens("renewed", "renewed too", MORNING + timedelta(days=300))

    def revoke(self, token: str) -> None:
        self._fail("revoke")
        self.revoked.append(token)

    def get_activity(self, caller: Caller, activity_id: str) -> LoggedActivity:
        self._call("read", caller)
        if activity_id not in self.activities:
            raise NOT_THERE
        found = self.activities[activity_id]
        self._meanwhile("after_read")
        return replace(found, private_note=None) if self.leaves_note_out else found

    def list_activities(self, caller: Caller, *, after: datetime) -> list[LoggedActivity]:
        """As Strava lists them: without the texts, the oldest first and no more than it lists at once."""
        self._call("list", caller)
        listed = [entry for entry in self.activities.values() if entry.start >= after]
        oldest = sorted(listed, key=lambda entry: entry.start)[: activities.MOST_LISTED]
        return [replace(entry, private_note=None, description=None) for entry in oldest]

    def update_activity(self, caller: Caller, activity_id: str, field: str, text: str) -> LoggedActivity:
        self._call("write", caller)
        if self.refuses:
            return self.answers(self.activities[activity_id])
        self._meanwhile("before_write")
        if field == "private_note":
            self.writes.append(text)
        self.edit(activity_id, **{field: text})
        self._lose_answer()
        return self.answers(self.activities[activity_id])

    def _call(self, kind: str, caller: Caller) -> None:
        self.before_call(caller)
        self.calls.append((kind, caller.athlete))
        self._fail(kind)

    def _fail(self, kind: str) -> None:
        if kind in self.fails:
            raise self.fails[kind]

    def _lose_answer(self) -> None:
        if self.loses_answer:
            raise PlatformError(ErrorKind.RETRY, "no answer in time")

    def _meanwhile(self, when: str) -> None:
        """Do once what the test wants done at this moment."""
        act = getattr(self, when)
        setattr(self, when, _nothing)
        act()

    def _count(self, kind: str) -> int:
        return sum(1 for call, _ in self.calls if call == kind)


@dataclass
class CalendarLog(Log):
    """The part of intervals.icu: our texts are entries of a calendar, and tokens never expire."""

    name: ClassVar[str] = "intervals"
    scopes: ClassVar[str] = "ACTIVITY:READ,ACTIVITY:WRITE,CALENDAR:READ,CALENDAR:WRITE,WELLNESS:READ"
    bare: ClassVar[str] = ""
    given_back: ClassVar[str] = "access"
    unreadable: ClassVar[str] = "activity"
    unwritable: ClassVar[str] = "write calendar"

    entries: dict[str, CalendarEntry] = field(default_factory=dict)

    def tokens(self, now: datetime) -> Tokens:
        return Tokens("access")

    def note_of(self, activity_id: str) -> str:
        made = self.here.all(Suggestion, activity_id=activity_id)
        wanted = {f"adductor-{suggestion.public_id}" for suggestion in made}
        return "\n".join(entry.whole for entry in self.entries.values() if entry.key in wanted)

    def with_note(self) -> list[str]:
        return [entry.id for entry in self.entries.values() if block.SIGNATURE in entry.whole]

    def event(
        self, athlete_id: int, aspect: str = "create", *, about: str | None = None, **updates: Any
    ) -> WebhookEvent:
        """An event brings its activity along."""
        if self.carries and aspect != "delete":
            updates |= carry(self.activities[about or self.run])
        return super().event(athlete_id, aspect, about=about, **updates)

    def read_calendar(self, caller: Caller, first: date, last: date) -> tuple[Told, list[CalendarEntry]]:
        self._call("calendar", caller)
        self._meanwhile("after_read")
        return Told(plan=[], pauses=[]), [entry for entry in self.entries.values() if first <= entry.day <= last]

    def put_entry(self, caller: Caller, entry: CalendarEntry) -> CalendarEntry:
        self._write(caller, entry.whole)
        if entry.id and entry.id not in self.entries:
            raise NOT_THERE
        same_key = next((each.id for each in self.entries.values() if each.key == entry.key), "")
        made = replace(entry, id=entry.id or same_key or nth(100 + len(self.entries), self.name))
        self.entries[made.id] = made
        self._lose_answer()
        return made

    def delete_entry(self, caller: Caller, entry_id: str) -> None:
        self._write(caller, "")
        if self.entries.pop(entry_id, None) is None:
            raise NOT_THERE

    def read_wellness(self, caller: Caller, first: date, last: date) -> Told:
        return Told(wellness={})

    def _write(self, caller: Caller, text: str) -> None:
        self._call("write", caller)
        self._meanwhile("before_write")
        self.writes.append(text)


@pytest.fixture
def here(tmp_path: Path, unused_url: str) -> Iterator[Place]:
    """On both databases, for what locks and races decide. `tests/jobs/conftest.py` has the one on SQLite alone."""
    with place(tmp_path, ADDUCTOR_DATABASE_URL=unused_url) as made:
        yield made


@pytest.fixture
def log(here: Place, request: pytest.FixtureRequest) -> Log:
    """Strava's, unless `EACH_LOG` brings another."""
    made = (CalendarLog if getattr(request, "param", "strava") == "intervals" else Log)(here)
    here.installation.platforms[made.name] = made  # type: ignore[assignment]
    return made


def activity(owner: str, number: str, start: datetime, **values: Any) -> LoggedActivity:
    """An easy run of 40 minutes."""
    run = {"id": number, "athlete_id": owner, "title": "Run in the park", "sport": "run", "complete": True}
    run |= {"start": start, "timezone": "UTC", "moving_s": 2400, "elapsed_s": 2400, "intensity": Intensity.EASY}
    run |= {"distance_m": 8000, "elevation_gain_m": 10, "private_note": "Mine.", "description": "Sunny."}
    run |= {"workout": None, "body_part": None, "manual": False, "is_adductor_session": False, "time_unreliable": False}
    return LoggedActivity(**{**run, **values})
