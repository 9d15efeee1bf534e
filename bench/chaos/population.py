"""The population: kinds of athletes of whom it is known beforehand whether a note is due, their plan, and their life.

The plan follows from the seed alone. Each athlete keeps a record of every text that they last saved.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.chaos import calendars, texts
from bench.chaos.calendars import CalendarAthlete
from bench.chaos.plan import Act, Person
from bench.rows import Rows
from bench.sandbox import SCOPES, ConnectError, Sandbox

# Shares of the kinds. DUE says after which of their runs a note is due; of the other kinds after none.
KINDS = {
    "plain": 30, "history": 12, "public": 8, "twice": 12,
    "unconfirmed": 5, "capped": 8, "yesterday": 6, "paused": 4, "read only": 4, "long": 3, "short": 3, "old": 4,
    "leaver": 4,
}  # fmt: skip
DUE = {"plain": 0, "history": 0, "public": 0, "twice": 1, "leaver": 1}
TEXTS = ("private_note", "description")
DUPLICATE_SHARE = 0.25
# Acts of which Strava sends an event.
EVENTFUL = frozenset({"record", "title", "ride", "run again", "hide", "announce", "delete", "restore", "leave"})
_NOT_RUNS = ("Ride", "Walk", "Swim", "Hike")
# The last tenth of the traffic brings no new activity, so that late events are still in time.
_QUIET_END = 0.9
_THREADS = 6
_TRIES = 8
_CONNECT_WITHIN_S = 90.0


def plan_people(chance: random.Random, *, events: int, seconds: float) -> list[Person]:
    """Enough athletes for about that many deliveries, duplicates included, within that many real seconds."""
    people: list[Person] = []
    made = 0
    while made * (1 + DUPLICATE_SHARE) < events * 1.03:
        kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
        acts = sorted(_acts(kind, chance, seconds), key=lambda act: act.at_s)
        people.append(Person(len(people), kind, tuple(acts)))
        made += sum(act.what in EVENTFUL for act in acts)
    there = round(len(people) * calendars.SHARE)
    return people + calendars.plan_runners(chance, len(people), there, seconds)


def _acts(kind: str, chance: random.Random, seconds: float) -> list[Act]:
    begin, late = chance.uniform(0, seconds * 0.75), seconds * _QUIET_END
    minutes = {"long": 110, "short": 6, "public": 45}.get(kind) or chance.choice((25, 40, 45, 60))
    first: dict[str, Any] = {"sport_type": "Run", "minutes": minutes}
    first |= {"private_note": "*"} if chance.random() < 0.6 else {}
    first |= {"description": "*"} if chance.random() < 0.4 else {}
    # Of two runs of a day the first ended a while before its upload, so that they are no two files of one run.
    ago = 480.0 if kind == "old" else 100.0 if kind in ("twice", "leaver") else 0.0
    acts = [Act(begin, "record", 0, first, ago), *_edits(chance, begin, 0, late)]
    number = 1
    if kind in ("twice", "leaver"):
        again = begin + chance.uniform(0.1, 0.2) * seconds
        if kind == "leaver":
            acts.append(Act(begin + chance.uniform(0.01, 0.08) * seconds, "leave"))
            acts.append(Act(again - 0.02 * seconds, "return"))
        acts.append(Act(again, "record", 1, {"sport_type": "Run", "minutes": 40, "private_note": "*"}))
        acts += _edits(chance, again, 1, late)
        number = 2
    elif kind in ("plain", "history", "public"):
        acts += _turns(chance, begin, seconds, late)
    for _ in range(chance.choice((0, 0, 1, 1, 2))):
        at = chance.uniform(0, late)
        sport = {"sport_type": chance.choice(_NOT_RUNS), "minutes": 30, "private_note": "*"}
        acts += [Act(at, "record", number, sport), *_edits(chance, at, number, late)]
        number += 1
    if chance.random() < 0.25:
        acts.append(Act(chance.uniform(0, late), "token expires"))
    return acts


def _edits(chance: random.Random, begin: float, run: int, late: float) -> list[Act]:
    """Edits of a new activity, most of them in the seconds in which the product writes."""

    def soon() -> float:
        return min(begin + 0.05 + chance.expovariate(1 / 3.0), late)

    acts = [Act(soon(), "title", run) for _ in range(chance.choice((0, 1, 1, 2, 3)))]
    acts += [Act(soon(), "private_note", run) for _ in range(chance.choice((0, 0, 1, 1, 2)))]
    acts += [Act(soon(), "description", run) for _ in range(chance.choice((0, 0, 0, 1)))]
    if chance.random() < 0.35:
        acts.append(Act(soon(), "announce", run))
    if chance.random() < 0.15:
        acts += [Act(soon(), "hide", run), Act(soon() + 1, "private_note", run)]
    return acts


def _turns(chance: random.Random, begin: float, seconds: float, late: float) -> list[Act]:
    """At most one turn of a run: it becomes a ride, is deleted, or its athlete edits or removes our block."""
    turn, at = chance.random(), begin + chance.uniform(0.3, 6.0)
    back = at + chance.uniform(1.0, 6.0)
    if back > late:
        return []
    if turn < 0.20:
        there, undo = ("ride", "run again") if turn < 0.12 else ("delete", "restore")
        return [Act(at, there), *([Act(back, undo)] if chance.random() < 0.5 else [])]
    later = min(begin + chance.uniform(0.03, 0.15) * seconds + 5.0, seconds)
    return [Act(later, "take away" if turn < 0.26 else "tamper")] if turn < 0.32 else []


@dataclass
class Activity:
    """An activity as its athlete knows it: each text as last saved, and what they did to our block."""

    id: int
    saved: dict[str, str]
    touched: str | None = None
    gone: bool = False


@dataclass
class Athlete:
    """A person of the plan with an account at the sandbox."""

    person: Person
    chance: random.Random
    strava_id: int = 0
    activities: dict[int, Activity] = field(default_factory=dict)
    left: bool = False


class Population:
    """All athletes of a plan, and the threads in which they act."""

    def __init__(self, people: list[Person], seed: int, strava: Sandbox, log: Sandbox, web: str) -> None:
        self._strava, self._web = strava, web
        self.athletes: list[Athlete] = []
        self.calendars: list[CalendarAthlete] = []
        for person in people:
            chance = random.Random(f"{seed}/{person.number}")  # noqa: S311
            if person.kind in calendars.KINDS:
                self.calendars.append(CalendarAthlete(person, chance, strava, log))
            else:
                self.athletes.append(Athlete(person, chance))
        self.done: Counter[str] = Counter()
        self.problems: list[str] = []
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(_THREADS)
        self._lives: list[Any] = []

    def settle_in(self, rows: Rows) -> None:
        """Connect everybody through the OAuth pages; then give each kind its past and its settings."""
        for athlete in self.athletes:
            athlete.strava_id = self._strava.new_athlete()
        for one in self.calendars:
            one.open_account()
        list(self._pool.map(self._connect, self.everybody))
        now = datetime.fromtimestamp(self._strava.now(), UTC)
        for one in self.calendars:
            one.prepare(rows, now)
        for kind in KINDS:
            ids = [athlete.strava_id for athlete in self.athletes if athlete.person.kind == kind]
            self._prepare(kind, ids, rows, now)

    def _prepare(self, kind: str, ids: list[int], rows: Rows, now: datetime) -> None:
        settings: dict[str, Any] = {
            "unconfirmed": {"confirmed_at": None},
            "public": {"channels": {"post_run": "description"}},
            "paused": {"paused_until": now.date() + timedelta(days=20)},
        }.get(kind, {})
        if kind == "history":
            for number in ids:
                for days in (3, 6):
                    start = (now - timedelta(days=days)).isoformat()
                    self._strava.record(number, start=start, silent=True)
        else:
            settings["history_read_at"] = now
            rows.add_run(ids, now)
        rows.prepare_athletes(ids, now, **settings)
        rows.add_sessions(ids, now, {"capped": (3, 5), "yesterday": (1,)}.get(kind, ()))

    def start(self) -> None:
        """Begin to act."""
        began = time.monotonic()
        for number in range(_THREADS):
            mine = [athlete for athlete in self.everybody if athlete.person.number % _THREADS == number]
            acts = sorted(
                ((act, athlete) for athlete in mine for act in athlete.person.acts), key=lambda entry: entry[0].at_s
            )
            self._lives.append(self._pool.submit(self._live, acts, began))

    @property
    def everybody(self) -> list[Athlete | CalendarAthlete]:
        return [*self.athletes, *self.calendars]

    @property
    def busy(self) -> bool:
        return not all(life.done() for life in self._lives)

    def stop(self) -> None:
        """End all threads."""
        self._stop.set()
        self._pool.shutdown()

    def _connect(self, athlete: Athlete | CalendarAthlete) -> None:
        """Connect, again and again while parts are down. Raises ConnectError."""
        deadline = time.monotonic() + _CONNECT_WITHIN_S
        while True:
            try:
                if isinstance(athlete, CalendarAthlete):
                    athlete.connect(self._web)
                else:
                    scopes = SCOPES[:2] if athlete.person.kind == "read only" else SCOPES
                    self._strava.connect(self._web, athlete.strava_id, scopes)
            except (OSError, ConnectError):  # requests' errors are OSErrors
                if self._stop.wait(0.5) or time.monotonic() > deadline:
                    raise
            else:
                return

    def _live(self, acts: list[tuple[Act, Athlete | CalendarAthlete]], began: float) -> None:
        for act, athlete in acts:
            if self._stop.wait(max(began + act.at_s - time.monotonic(), 0)):
                return
            try:
                if isinstance(athlete, CalendarAthlete):
                    athlete.act(act)
                else:
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
            case "token expires":
                self._strava.ask("POST", f"runners/{athlete.strava_id}/expire-tokens")
            case what if activity is not None and (what == "restore" or not activity.gone):
                self._act_on(what, activity, athlete.chance)

    def _record(self, act: Act, athlete: Athlete) -> None:
        recording = dict(act.recording)
        for name in TEXTS:
            if recording.get(name) == "*":
                recording[name] = texts.words(athlete.chance)
        if act.ended_min_ago:
            minutes = act.ended_min_ago + recording["minutes"]
            start = datetime.fromtimestamp(self._strava.now(), UTC) - timedelta(minutes=minutes)
            recording["start"] = start.isoformat()
        number = self._strava.record(athlete.strava_id, **recording)
        athlete.activities[act.run] = Activity(number, {name: recording.get(name) or "" for name in TEXTS})

    def _act_on(self, what: str, activity: Activity, chance: random.Random) -> None:
        path = f"activities/{activity.id}"
        match what:
            case "title":
                title = f"{chance.choice(('Easy', 'With Kim', 'Ünterwegs', '朝ラン'))} {chance.random():.6f}"
                self._strava.ask("POST", f"{path}/edit", {"changes": {"title": title}})
            case "ride" | "run again":
                sport = "Ride" if what == "ride" else "Run"
                self._strava.ask("POST", f"{path}/edit", {"changes": {"sport_type": sport}})
            case "private_note" | "description":
                self._edit(activity, what, lambda shown: texts.edited(shown, chance))
            case "take away" | "tamper":
                self._touch(activity, what)
            case "hide":
                self._strava.ask("POST", f"{path}/private", {})
            case "announce" | "restore":
                self._strava.ask("POST", f"{path}/{what}", {})
                activity.gone = False
            case "delete":
                self._strava.ask("DELETE", path, {})
                activity.gone = True

    def _edit(self, activity: Activity, name: str, new: Callable[[str], str]) -> None:
        """Compare-and-set by the athlete's form: a text that changed since the form was opened is not overwritten."""
        for _ in range(_TRIES):
            shown = self._strava.activity(activity.id)[name]
            if self._save(activity, name, shown, new(shown or "")):
                return

    def _touch(self, activity: Activity, how: str) -> None:
        """Edit or remove our block, where one stands."""
        truth = self._strava.activity(activity.id)
        for name in TEXTS:
            shown = truth[name]
            if shown and texts.blocks(shown):
                new = texts.tampered(shown) if how == "tamper" else texts.without(shown, blank_line_is_ours=True)
                if self._save(activity, name, shown, new):
                    activity.touched = how
                    return

    def _save(self, activity: Activity, name: str, shown: str | None, new: str) -> bool:
        body = {"changes": {name: new}, "if_unchanged": {name: shown}}
        saved = self._strava.ask("POST", f"activities/{activity.id}/edit", body) is not None
        if saved and new != (shown or ""):  # an unchanged form writes nothing
            activity.saved[name] = new
        return saved
