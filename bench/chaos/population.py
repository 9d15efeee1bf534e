"""The population: athletes of both made-up platforms, who live their plan and keep a record of each text that they saved.

Each calendar also holds entries that aren't ours. They must never change.
"""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from bench.chaos import texts
from bench.chaos.plan import KINDS, Act, Kind, Person
from bench.rows import Rows
from bench.sandbox import ConnectError, Sandbox

TEXTS = ("private_note", "description")
_THREADS = 6
_TRIES = 8
_CONNECT_WITHIN_S = 90.0
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_FOREIGN_ENTRIES = (
    {"category": "NOTE", "name": "Adductor routine · mine was the shower", "description": texts.SIGNATURE},
    {"category": "NOTE", "name": "Shoes: 312 km", "external_id": "another-tool-1"},
    {"category": "WORKOUT", "name": "Easy", "type": "Ride", "description": "- 30m Z2"},
)


@dataclass
class Activity:
    """An activity as its athlete knows it: each text as last saved, and what they did to our block."""

    id: Any  # a number at Strava, a text at intervals.icu
    saved: dict[str, str]
    touched: str | None = None
    gone: bool = False
    is_run: bool = True


@dataclass
class Athlete:
    """A person of the plan. ``calendar``: their account at intervals.icu."""

    person: Person
    chance: random.Random
    strava_id: int = 0
    activities: dict[int, Activity] = field(default_factory=dict)
    left: bool = False
    calendar: str = ""
    api_key: str = ""
    foreign: dict[int, dict[str, Any]] = field(default_factory=dict)  # entries that aren't ours
    touched: dict[int, str | None] = field(default_factory=dict)  # our entries as the athlete left them; None: deleted

    @property
    def kind(self) -> Kind:
        return KINDS[self.person.kind]

    @property
    def external_id(self) -> int:
        """The id of the first connection, as the product knows it."""
        by_calendar = self.kind.has_calendar and self.person.kind != "both"
        return int(self.calendar.removeprefix("i")) if by_calendar else self.strava_id


class Population:
    """All athletes of a plan. The acts of one athlete come one after another, in a thread of a few athletes."""

    def __init__(self, people: tuple[Person, ...], seed: int, strava: Sandbox, icu: Sandbox, web: str) -> None:
        self._strava, self._icu, self._web = strava, icu, web
        self.athletes = [Athlete(each, random.Random(f"{seed}/{each.number}")) for each in people]  # noqa: S311
        self.done: Counter[str] = Counter()
        self.problems: list[str] = []
        self._threads = [ThreadPoolExecutor(1) for _ in range(_THREADS)]

    def settle_in(self, rows: Rows) -> None:
        """Connect all athletes through the product's pages; then give each kind its past and its settings."""
        for athlete in self.athletes:
            athlete.strava_id = self._strava.new_athlete()
            if athlete.kind.has_calendar:
                self._open_calendar(athlete)
        for connected in [self._in_thread(athlete, self._connect, athlete) for athlete in self.athletes]:
            connected.result()
        for name, kind in KINDS.items():
            self._prepare(name, kind, rows)

    def _open_calendar(self, athlete: Athlete) -> None:
        made = self._icu.ask("POST", "athletes", {"runner_id": athlete.strava_id})
        athlete.calendar, athlete.api_key = made["id"], made["api_key"]
        for entry in _FOREIGN_ENTRIES:
            today = {"start_date_local": f"{self._now():%Y-%m-%d}T00:00:00"}
            found = self._icu.ask("POST", f"athletes/{athlete.calendar}/events", entry | today)
            athlete.foreign[found["id"]] = found["fields"]

    def _prepare(self, name: str, kind: Kind, rows: Rows) -> None:
        """Give athletes of one kind a run in their history, and routines done. "history" reads its runs from Strava."""
        now, alike = self._now(), [athlete for athlete in self.athletes if athlete.person.kind == name]
        ids, settings = [athlete.external_id for athlete in alike], dict(kind.settings)
        if name == "history":
            for number in ids:
                for days in (3, 6):
                    self._strava.record(number, start=(now - timedelta(days=days)).isoformat(), silent=True)
        else:
            settings["history_read_at"] = now
            rows.add_run(ids, now)
        rows.add_sessions(ids, now, kind.routines_days_ago)
        rows.prepare_athletes(ids, now, **settings)
        if name == "both":  # half of them choose the note
            noted = [athlete.external_id for athlete in alike if athlete.person.number % 2]
            rows.prepare_athletes(noted, now, **settings | {"channels": {"post_run": "private_note"}})

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._strava.now(), UTC)

    def act(self, act: Act, athlete: Athlete) -> None:
        """Begin an act in the athlete's thread."""
        self._in_thread(athlete, self._try_to_act, act, athlete)

    def _in_thread(self, athlete: Athlete, do: Callable[..., None], *given: Any) -> Future[None]:
        return self._threads[athlete.person.number % _THREADS].submit(do, *given)

    def finish(self, *, cancel: bool = False) -> None:
        """Wait until all acts are done; with ``cancel`` only until those that have begun are."""
        for thread in self._threads:
            thread.shutdown(cancel_futures=cancel)

    def _connect(self, athlete: Athlete) -> None:
        """Connect, again and again while parts are down. Raises ConnectError."""
        deadline = time.monotonic() + _CONNECT_WITHIN_S
        while True:
            try:
                return self._try_to_connect(athlete)
            except (OSError, ConnectError):  # requests' errors are OSErrors
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)  # a part that was killed: there is nothing to wait on

    def _try_to_connect(self, athlete: Athlete) -> None:
        match athlete.person.kind:
            case "key":
                self._connect_by_key(athlete)
            case "oauth":
                self._icu.connect(self._web, athlete.strava_id)
            case kind:
                browser = self._strava.connect(self._web, athlete.strava_id, athlete.kind.scopes)
                if kind == "both":
                    self._icu.connect(self._web, athlete.strava_id, browser=browser)

    def _connect_by_key(self, athlete: Athlete) -> None:
        browser = requests.Session()
        browser.trust_env = False
        token = _TOKEN.search(browser.get(f"{self._web}/", timeout=30).text)
        form = {"api_key": athlete.api_key, "csrf_token": token[1] if token else ""}
        page = f"{self._web}/connect/intervals/key"
        answer = browser.post(page, data=form, allow_redirects=False, timeout=30)
        if answer.status_code != 302:
            raise ConnectError(f"the key's page answered {answer.status_code}")

    def _try_to_act(self, act: Act, athlete: Athlete) -> None:
        try:
            self._act(act, athlete)
            self.done[act.what] += 1
        except Exception as error:  # a fault of this program: it is reported and breaks the run
            self.problems.append(f"{act.what} of athlete {athlete.person.number}: {type(error).__name__}: {error}")

    def _act(self, act: Act, athlete: Athlete) -> None:
        activity = athlete.activities.get(act.run)
        match act.what:
            case "record":
                self._record(act, athlete)
            case "leave":
                self._strava.ask("POST", f"runners/{athlete.strava_id}/disconnect", {})
                athlete.left = True
            case "return":
                self._connect(athlete)
                athlete.left = False
            case "token expires":
                self._strava.ask("POST", f"runners/{athlete.strava_id}/expire-tokens")
            case what if activity is not None and (what == "restore" or not activity.gone):
                self._act_on(activity, what, athlete)

    def _record(self, act: Act, athlete: Athlete) -> None:
        start = self._now() - timedelta(minutes=act.ended_min_ago + act.recording["minutes"])
        recording = {**act.recording, "start": start.isoformat()}
        for name in TEXTS:
            if recording.get(name) == "*":
                recording[name] = texts.words(athlete.chance)
        log, path = self._strava, f"runners/{athlete.strava_id}/activities"
        if athlete.kind.has_calendar:
            log, path = self._icu, f"athletes/{athlete.calendar}/activities"
            recording["also_on_strava"] = athlete.person.kind == "both"
        number = log.ask("POST", path, recording)["id"]
        athlete.activities[act.run] = Activity(number, {name: recording.get(name) or "" for name in TEXTS})

    def _act_on(self, activity: Activity, what: str, athlete: Athlete) -> None:
        path, chance = f"activities/{activity.id}", athlete.chance
        log, title, sport = self._strava, "title", "sport_type"
        if athlete.kind.has_calendar:
            log, title, sport = self._icu, "name", "type"
        match what:
            case "title":
                words = f"{chance.choice(('Easy', 'With Kim', 'Ünterwegs', '朝ラン'))} {chance.random():.6f}"
                log.ask("POST", f"{path}/edit", {"changes": {title: words}})
            case "ride" | "run again":
                activity.is_run = what == "run again"
                log.ask("POST", f"{path}/edit", {"changes": {sport: "Run" if activity.is_run else "Ride"}})
            case "private_note" | "description":
                self._edit(activity, what, lambda shown: texts.edited(shown, chance))
            case "take away" | "tamper" if athlete.kind.has_calendar:
                self._touch_entries(athlete, what)
            case "take away" | "tamper":
                change = texts.tampered if what == "tamper" else texts.taken_away
                if any(self._edit(activity, name, change) for name in TEXTS):
                    activity.touched = what
            case "hide":
                log.ask("POST", f"{path}/private", {})
            case "announce" | "restore":
                log.ask("POST", f"{path}/{what}", {})
                activity.gone = False
            case "delete":
                log.ask("DELETE", path, {})
                activity.gone = True

    def _edit(self, activity: Activity, name: str, new: Callable[[str], str]) -> bool:
        """Compare-and-set by the athlete's form: a text that changed since the form was opened is not overwritten.

        Returns whether the text is another one now.
        """
        path = f"activities/{activity.id}"
        for _ in range(_TRIES):
            shown = self._strava.ask("GET", path)[name]
            text = new(shown or "")
            body = {"changes": {name: text}, "if_unchanged": {name: shown}}
            if self._strava.ask("POST", f"{path}/edit", body) is not None:
                if text != (shown or ""):  # an unchanged form writes nothing
                    activity.saved[name] = text
                return text != (shown or "")
        return False

    def _touch_entries(self, athlete: Athlete, how: str) -> None:
        """Edit or delete our entries of the calendar."""
        for entry in filter(is_ours, self._icu.ask("GET", f"athletes/{athlete.calendar}/events")):
            number, text = entry["id"], None
            if how == "tamper":
                text = f"{entry['fields']['description']}\nDid half of it."
                self._icu.ask("POST", f"entries/{number}/edit", {"changes": {"description": text}})
            else:
                self._icu.ask("DELETE", f"entries/{number}", {})
            athlete.touched[number] = text


def is_ours(entry: dict[str, Any]) -> bool:
    """Whether the product entered it: what athletes do at intervals.icu has the author "athlete"."""
    return str(entry["history"][0]["author"]) != "athlete"
