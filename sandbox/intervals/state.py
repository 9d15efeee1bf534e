"""The made-up intervals.icu itself, in memory, written through to a journal of its own."""

from __future__ import annotations

import secrets
from collections import defaultdict
from typing import Any, ClassVar, TypeVar

from sandbox.base import BaseWorld, UnknownError
from sandbox.intervals.models import (
    Application,
    Athlete,
    CalendarEntry,
    Grant,
    GrantCode,
    IntervalsSwitches,
    LogActivity,
    Thing,
    WellnessDay,
)
from sandbox.limits import DAY_S, QUARTER_S, Window
from sandbox.models import Runner
from sandbox.state import World

T = TypeVar("T", bound=Thing)
Savable = Athlete | Grant | GrantCode | LogActivity | CalendarEntry | WellnessDay | Application | IntervalsSwitches


def same_athlete(one: str, other: str) -> bool:
    """Ids compare without a leading i."""
    return one.removeprefix("i") == other.removeprefix("i")


class IntervalsWorld(BaseWorld):
    """Accounts, grants, activities, calendars and wellness. It shares the lock, the clock and the people with the Strava."""

    first_ids: ClassVar[dict[str, int]] = {"athlete": 2_049_000, "activity": 145_000_001, "entry": 105_000_001}

    def __init__(self, people: World) -> None:
        self.people = people
        self.config = people.config
        super().__init__(self.config.state_dir / "intervals.sqlite3", people.clock, people.lock)
        people.resets_too.append(self)

    def load(self) -> None:
        self.athletes = {athlete.id: athlete for athlete in self.stored(Athlete)}
        self.of_runner = {athlete.runner_id: athlete for athlete in self.athletes.values()}
        self.of_key = {athlete.api_key: athlete for athlete in self.athletes.values()}
        self.grants = {grant.athlete_id: grant for grant in self.stored(Grant)}
        self.of_token = {token: grant.athlete_id for grant in self.grants.values() for token in grant.tokens}
        self.codes = {code.code: code for code in self.stored(GrantCode)}
        self.activities = {activity.id: activity for activity in self.stored(LogActivity)}
        self.entries = {entry.id: entry for entry in self.stored(CalendarEntry)}
        self.wellness = {day.key: day for day in self.stored(WellnessDay)}
        self.application = next(iter(self.stored(Application)), None) or Application(
            webhook_url=self.config.intervals_webhook_url, secret=self.config.intervals_webhook_secret
        )
        self.switches: IntervalsSwitches = next(iter(self.stored(IntervalsSwitches)), None) or IntervalsSwitches()
        self._of: defaultdict[tuple[type, str], dict[Any, Any]] = defaultdict(dict)
        for thing in (*self.activities.values(), *self.entries.values()):
            self._of[type(thing), thing.athlete_id][thing.id] = thing
        # Calls in the present windows by caller: (15 minutes, day). Only in memory.
        self.windows: defaultdict[str, tuple[Window, Window]] = defaultdict(lambda: (Window(QUARTER_S), Window(DAY_S)))
        self.this_second = Window(1)
        self.over_limit = 0
        self.held_back: list[dict[str, Any]] = []
        for runner_id in sorted(self.people.runners):
            self.athlete_of(runner_id)

    @property
    def callback_url(self) -> str | None:
        return self.application.webhook_url

    @property
    def delivery_headers(self) -> dict[str, str]:
        authorization = self.application.authorization
        return {"User-Agent": "Java-http-client/21.0.2"} | ({"Authorization": authorization} if authorization else {})

    def save(self, entity: Savable) -> None:
        """Save a new or changed entity, in memory and on disk."""
        with self.lock:
            match entity:
                case Athlete():
                    self.athletes[entity.id] = self.of_runner[entity.runner_id] = self.of_key[entity.api_key] = entity
                case Grant():
                    self.grants[entity.athlete_id] = entity
                    self.of_token |= dict.fromkeys(entity.tokens, entity.athlete_id)
                case GrantCode():
                    self.codes[entity.code] = entity
                case LogActivity():
                    self.activities[entity.id] = self._of[LogActivity, entity.athlete_id][entity.id] = entity
                case CalendarEntry():
                    self.entries[entity.id] = self._of[CalendarEntry, entity.athlete_id][entity.id] = entity
                case WellnessDay():
                    self.wellness[entity.key] = entity
                case Application():
                    self.application = entity
                case IntervalsSwitches():
                    self.switches = entity
            self.journal.put(type(entity).__name__, entity.key, entity.model_dump_json())
            self.notify()

    def drop_code(self, code: GrantCode) -> None:
        with self.lock:
            self.codes.pop(code.code, None)
            self.journal.drop("GrantCode", code.code)

    def athlete_of(self, runner_id: int) -> Athlete:
        """The account of that person, opened when there is none. Every third is an old one, whose id has no i."""
        with self.lock:
            return self.of_runner.get(runner_id) or self.open_account(runner_id)

    def open_account(self, runner_id: int, athlete_id: str | None = None) -> Athlete:
        """A new account for that person. `athlete_id`: else the next number."""
        number = self.next_id("athlete")
        made = athlete_id or (str(number) if number % 3 == 1 else f"i{number}")
        athlete = Athlete(id=made, runner_id=runner_id, api_key=secrets.token_hex(12))
        self.save(athlete)
        return athlete

    def athlete(self, athlete_id: str) -> Athlete:
        """With or without a leading i. Raises `UnknownError`."""
        bare = athlete_id.removeprefix("i")
        found = self.athletes.get(f"i{bare}") or self.athletes.get(bare)
        if found is None:
            raise UnknownError(f"there is no athlete {athlete_id}")
        return found

    def person(self, athlete: Athlete) -> Runner:
        return self.people.runner(athlete.runner_id)

    def grant(self, athlete_id: str) -> Grant | None:
        """The live grant, or None."""
        grant = self.grants.get(athlete_id)
        return grant if grant is not None and grant.live else None

    def things(self, kind: type[T], athlete_id: str) -> list[T]:
        """That athlete's activities or calendar entries, without deleted ones, by start."""
        with self.lock:
            found = [thing for thing in self._of[kind, athlete_id].values() if not thing.deleted]
        return sorted(found, key=lambda thing: (str(thing.fields["start_date_local"]), str(thing.id)))

    def author(self, client_id: int | None) -> str:
        """The author of a write through the API: the application, or the key of the athlete."""
        return "api key" if client_id is None else f"app {client_id}"
