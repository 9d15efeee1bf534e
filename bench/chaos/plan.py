"""The plan: kinds of athletes of whom it is known beforehand whether a note is due, their acts, kills, and faults.

It follows from the seed alone. Times are real seconds after the start.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from bench.sandbox import SCOPES

# A Wednesday morning in Europe: no quiet hours, far from midnight and from any change of clocks.
MORNING = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
DUPLICATE_SHARE = 0.25
# Acts of which Strava sends an event.
EVENTFUL = frozenset({"record", "title", "ride", "run again", "hide", "announce", "delete", "restore", "leave"})
# Athletes of intervals.icu, as a share of Strava's.
_CALENDAR_SHARE = 0.12
_NOT_RUNS = ("Ride", "Walk", "Swim", "Hike")
# The last tenth of the traffic brings no new activity, so that late events are still in time.
_QUIET_END = 0.9
_PARTS = {"web": 3, "worker": 4, "beat": 2, "broker": 3}
_CALENDAR_TURNS = ("ride", "delete", "take away", "tamper")


@dataclass(frozen=True, slots=True)
class Act:
    """One act. ``run``: which of the athlete's activities."""

    at_s: float
    what: str
    run: int = 0
    recording: dict[str, Any] = field(default_factory=dict)
    ended_min_ago: float = 0.0


@dataclass(frozen=True, slots=True)
class Person:
    """One athlete of the plan."""

    number: int
    kind: str
    acts: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """What athletes of a kind have in common. ``due``: the run after which a note is due; None: none of them.

    ``settings``: columns of `athletes`; ``routines_days_ago``: routines done before the start.
    """

    share: int
    due: int | None = None
    minutes: int | None = None
    ended_min_ago: float = 0.0
    scopes: tuple[str, ...] = SCOPES
    settings: dict[str, Any] = field(default_factory=dict)
    routines_days_ago: tuple[int, ...] = ()
    has_calendar: bool = False


@dataclass(frozen=True, slots=True)
class Kill:
    """A SIGKILL at its time. ``wipe``: its data too."""

    at_s: float
    part: str
    wipe: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of faults.yaml, which says what the fields mean; in a plan at its time."""

    name: str
    lasts_s: float
    at_s: float = 0.0
    call: dict[str, Any] | None = None
    begin: dict[str, Any] | None = None
    end: dict[str, Any] | None = None
    then: dict[str, Any] | None = None
    log: str = "strava"
    rare: bool = False
    long: bool = False

    @property
    def hides_private_notes(self) -> bool:
        return self.begin == {"private_note": {"served": False}}


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is going to happen; the same seed gives the same plan. ``speed``: of the clocks."""

    seed: int
    seconds: float
    speed: float
    people: tuple[Person, ...]
    kills: tuple[Kill, ...]
    faults: tuple[Fault, ...]


_CALENDAR = {"channels": {"post_run": "calendar"}}
KINDS = {
    "plain": Kind(30, due=0),
    "history": Kind(12, due=0),
    "public": Kind(8, due=0, minutes=45, settings={"channels": {"post_run": "description"}}),
    # Of two runs of a day the first ended a while before its upload, so that they are no two files of one run.
    "twice": Kind(12, due=1, ended_min_ago=100.0),
    "unconfirmed": Kind(5, settings={"confirmed_at": None}),
    "capped": Kind(8, routines_days_ago=(3, 5)),
    "yesterday": Kind(6, routines_days_ago=(1,)),
    "paused": Kind(4, settings={"paused_until": (MORNING + timedelta(days=20)).date()}),
    "read only": Kind(4, scopes=SCOPES[:2]),
    "long": Kind(3, minutes=110),
    "short": Kind(3, minutes=6),
    "old": Kind(4, ended_min_ago=480.0),
    "leaver": Kind(4, due=1, ended_min_ago=100.0),
    # At intervals.icu: by OAuth, by their own key, and with Strava beside it.
    "oauth": Kind(4, settings=_CALENDAR, has_calendar=True),
    "key": Kind(3, settings=_CALENDAR, has_calendar=True),
    "both": Kind(3, settings=_CALENDAR, has_calendar=True),
}
FAULTS = [
    Fault(**entry) for entry in yaml.safe_load(Path(__file__).with_name("faults.yaml").read_text(encoding="utf-8"))
]


def make_plan(
    seed: int, *, events: int, seconds: float, speed: float, kill_every_s: float, short: bool = False
) -> Plan:
    """A plan for about ``events`` deliveries, duplicates included. ``short``: no faults with long consequences."""
    chance = random.Random(seed)  # noqa: S311 - a plan, no secret
    people = plan_people(chance, events=events, seconds=seconds)
    kills = plan_kills(chance, seconds, kill_every_s)
    return Plan(seed, seconds, speed, tuple(people), tuple(kills), tuple(plan_faults(chance, seconds, short=short)))


def plan_people(chance: random.Random, *, events: int, seconds: float) -> list[Person]:
    """Enough athletes for about that many deliveries, duplicates included, within that many real seconds."""
    ours = [name for name, kind in KINDS.items() if not kind.has_calendar]
    people: list[Person] = []
    made = 0
    while made * (1 + DUPLICATE_SHARE) < events * 1.03:
        kind = _choose(chance, ours)[0]
        people.append(_person(len(people), kind, _strava_acts(kind, chance, seconds)))
        made += sum(act.what in EVENTFUL for act in people[-1].acts)
    theirs = [name for name, kind in KINDS.items() if kind.has_calendar]
    more = round(len(people) * _CALENDAR_SHARE) - len(theirs)
    for kind in [*theirs, *_choose(chance, theirs, max(more, 0))]:
        people.append(_person(len(people), kind, _calendar_acts(kind, chance, seconds)))
    return people


def _choose(chance: random.Random, names: list[str], count: int = 1) -> list[str]:
    return chance.choices(names, [KINDS[name].share for name in names], k=count)


def _person(number: int, kind: str, acts: Iterable[Act]) -> Person:
    return Person(number, kind, tuple(sorted(acts, key=lambda act: act.at_s)))


def _strava_acts(name: str, chance: random.Random, seconds: float) -> list[Act]:
    kind = KINDS[name]
    begin, late = chance.uniform(0, seconds * 0.75), seconds * _QUIET_END
    first: dict[str, Any] = {"sport_type": "Run", "minutes": kind.minutes or chance.choice((25, 40, 45, 60))}
    first |= {"private_note": "*"} if chance.random() < 0.6 else {}
    first |= {"description": "*"} if chance.random() < 0.4 else {}
    acts = [Act(begin, "record", 0, first, kind.ended_min_ago), *_edits(chance, begin, 0, late)]
    number = 1
    if kind.due == 1:
        again = begin + chance.uniform(0.1, 0.2) * seconds
        if name == "leaver":
            acts.append(Act(begin + chance.uniform(0.01, 0.08) * seconds, "leave"))
            acts.append(Act(again - 0.02 * seconds, "return"))
        acts.append(Act(again, "record", 1, {"sport_type": "Run", "minutes": 40, "private_note": "*"}))
        acts += _edits(chance, again, 1, late)
        number = 2
    elif kind.due == 0:
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


def _calendar_acts(kind: str, chance: random.Random, seconds: float) -> list[Act]:
    """A run, for some a second one; most others edit or take away something."""
    begin = chance.uniform(0, seconds * 0.6)
    twice = chance.random() < 0.3
    acts = [Act(begin, "record", 0, {"minutes": 40}, 100.0 if twice else 0.0)]
    acts += [Act(begin + chance.expovariate(1 / 3.0), "title") for _ in range(chance.choice((0, 1, 2)))]
    if twice:
        acts.append(Act(begin + chance.uniform(0.1, 0.2) * seconds, "record", 1, {"minutes": 40}))
    elif kind != "both" and chance.random() < 0.6:
        # Polls find a deletion an hour later, after the end of this run: tests/jobs/test_reconcile.py has it.
        turns = [turn for turn in _CALENDAR_TURNS if kind == "oauth" or turn != "delete"]
        acts.append(Act(begin + chance.uniform(0.5, 0.2 * seconds), chance.choice(turns)))
    return acts


def plan_kills(chance: random.Random, seconds: float, every_s: float) -> list[Kill]:
    """Kills in random order; a short run, too, meets the end of every part."""
    kills, at = [], every_s / 2
    first = chance.sample(list(_PARTS), len(_PARTS))
    while at < seconds:
        part = first.pop() if first else chance.choices(list(_PARTS), list(_PARTS.values()))[0]
        kills.append(Kill(at, part, wipe=part == "broker" and chance.random() < 0.7))
        at += chance.uniform(0.5, 1.5) * every_s
    return kills


def plan_faults(chance: random.Random, seconds: float, *, short: bool) -> list[Fault]:
    """Every kind at least once where the time is enough; two or three at a time."""
    found: list[Fault] = []
    kinds = [fault for fault in FAULTS if not (short and fault.long)]
    at, left = 0.3, list[Fault]()
    while at < seconds - 1:
        left = left or chance.sample(kinds, len(kinds))
        fault = left.pop()
        if fault.rare and any(entry.name == fault.name for entry in found) and chance.random() < 0.7:
            continue
        lasts_s = min(fault.lasts_s * chance.uniform(0.6, 1.4), seconds - at)
        found.append(replace(fault, at_s=at, lasts_s=lasts_s))
        at += max(min(2.5, seconds / len(FAULTS) * 0.9), 0.5) * chance.uniform(0.6, 1.4)
    return found
