"""What is going to happen, worked out from a seed before anything starts: who runs and edits when, who is killed when,
and what the weather at Strava is. The same seed gives the same plan; how the processes meet it is up to the machine."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from bench.chaos.weather import WEATHER, Kind, Weather

# Shares of the kinds of runners. The first four deserve a routine after their (last) run; nobody else does.
KINDS = {
    "plain": 30, "history": 12, "public": 8, "twice": 12,
    "unconfirmed": 5, "capped": 8, "yesterday": 6, "paused": 4, "read only": 4, "long": 3, "short": 3, "old": 4,
    "leaver": 4,
}  # fmt: skip
DUPLICATE_SHARE = 0.25
_NOT_RUNS = ("Ride", "Walk", "Swim", "Hike")
_PARTS = {"web": 3, "worker": 4, "beat": 2, "broker": 3}
_HOW = {"whole": 6, "child": 3, "parent": 2}
# The last this much of the traffic brings no new activity, so that late ones can still be in time.
_QUIET_END = 0.9


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that a runner does. ``at_s``: real seconds after the start. ``run``: which of their activities."""

    at_s: float
    what: str
    run: int = 0
    recording: dict[str, object] = field(default_factory=dict)
    ended_min_ago: float = 0.0


@dataclass(frozen=True, slots=True)
class Person:
    number: int
    kind: str
    acts: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class Kill:
    at_s: float
    part: str
    how: str  # whole: every process of it; child: one below the first; parent: the first alone
    wipe: bool  # brokers only: their data too


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int
    seconds: float
    speed: float
    people: tuple[Person, ...]
    kills: tuple[Kill, ...]
    weather: tuple[Weather, ...]

    @property
    def events(self) -> int:
        """How many events the acts make, before any is doubled."""
        return sum(act.what in EVENTFUL for person in self.people for act in person.acts)


EVENTFUL = frozenset({"record", "title", "ride", "run again", "hide", "announce", "delete", "restore", "leave"})


def make(
    seed: int, *, events: int, seconds: float, speed: float, kill_every_s: float, spared: tuple[str, ...] = ()
) -> Plan:
    """Enough runners for about that many deliveries, doubles included, within that many real seconds.

    ``spared``: kinds of weather that don't come, because what follows them takes longer than there is time.
    """
    chance = random.Random(seed)  # noqa: S311 - a plan, no secret
    people: list[Person] = []
    made = 0
    while made * (1 + DUPLICATE_SHARE) < events * 1.03:
        kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
        acts = sorted(_acts(kind, chance, seconds), key=lambda act: act.at_s)
        people.append(Person(len(people), kind, tuple(acts)))
        made += sum(act.what in EVENTFUL for act in acts)
    return Plan(
        seed,
        seconds,
        speed,
        tuple(people),
        tuple(_kills(chance, seconds, kill_every_s)),
        tuple(_weather(chance, seconds, spared)),
    )


def _acts(kind: str, chance: random.Random, seconds: float) -> list[Act]:
    begin = chance.uniform(0, seconds * 0.75)
    acts = [Act(0.0, "appear")]
    late = seconds * _QUIET_END
    recordings: dict[str, dict[str, object]] = {
        "long": {"minutes": 110},
        "short": {"minutes": 6},
        "public": {"minutes": 45},
    }
    first: dict[str, object] = dict(recordings.get(kind, {"minutes": chance.choice((25, 40, 45, 60))}))
    if chance.random() < 0.6:
        first["private_note"] = "*"
    if chance.random() < 0.4:
        first["description"] = "*"
    # Of two runs of a day the first was uploaded a while after it, so that they are two and not one in two files.
    ago = 480.0 if kind == "old" else 100.0 if kind in ("twice", "leaver") else 0.0
    acts.append(Act(begin, "record", 0, {"sport_type": "Run", **first}, ago))
    acts += _around(chance, begin, 0, late)
    number = 1
    if kind in ("twice", "leaver"):
        again = begin + chance.uniform(0.1, 0.2) * seconds
        if kind == "leaver":
            acts.append(Act(begin + chance.uniform(0.01, 0.08) * seconds, "leave"))
            acts.append(Act(again - 0.02 * seconds, "return"))
        acts.append(Act(again, "record", 1, {"sport_type": "Run", "minutes": 40, "private_note": "*"}))
        acts += _around(chance, again, 1, late)
        number = 2
    elif kind in ("plain", "history", "public"):
        acts += _turns(chance, begin, seconds, late)
    for _ in range(chance.choice((0, 0, 1, 1, 2))):
        at = chance.uniform(0, late)
        sport = chance.choice(_NOT_RUNS)
        acts.append(Act(at, "record", number, {"sport_type": sport, "minutes": 30, "private_note": "*"}))
        acts += _around(chance, at, number, late)
        number += 1
    if chance.random() < 0.25:
        acts.append(Act(chance.uniform(0, late), "token expires"))
    return acts


def _around(chance: random.Random, begin: float, run: int, late: float) -> list[Act]:
    """What runners do to an activity that is there: most of it in the seconds in which we are at it too."""

    def soon() -> float:
        return min(begin + 0.05 + chance.expovariate(1 / 3.0), late)

    acts = [Act(soon(), "title", run) for _ in range(chance.choice((0, 1, 1, 2, 3)))]
    acts += [Act(soon(), "note", run) for _ in range(chance.choice((0, 0, 1, 1, 2)))]
    acts += [Act(soon(), "description", run) for _ in range(chance.choice((0, 0, 0, 1)))]
    if chance.random() < 0.35:
        acts.append(Act(soon(), "announce", run))
    if chance.random() < 0.15:
        acts += [Act(soon(), "hide", run), Act(soon() + 1, "note", run)]
    return acts


def _turns(chance: random.Random, begin: float, seconds: float, late: float) -> list[Act]:
    """At most one turn for a run: it becomes a ride, goes, or its runner changes our block or takes it away."""
    turn, at = chance.random(), begin + chance.uniform(0.3, 6.0)
    back = at + chance.uniform(1.0, 6.0)
    if back > late:
        return []
    if turn < 0.12:
        return [Act(at, "ride"), *([Act(back, "run again")] if chance.random() < 0.5 else [])]
    if turn < 0.20:
        return [Act(at, "delete"), *([Act(back, "restore")] if chance.random() < 0.5 else [])]
    later = min(begin + chance.uniform(0.03, 0.15) * seconds + 5.0, seconds)
    if turn < 0.26:
        return [Act(later, "take away")]
    if turn < 0.32:
        return [Act(later, "tamper")]
    return []


def _kills(chance: random.Random, seconds: float, every_s: float) -> list[Kill]:
    kills = []
    first = chance.sample(list(_PARTS), len(_PARTS))  # a short run, too, meets the end of every part
    at = every_s / 2
    while at < seconds:
        part = first.pop() if first else chance.choices(list(_PARTS), list(_PARTS.values()))[0]
        how = "whole" if part in ("broker", "beat") else chance.choices(list(_HOW), list(_HOW.values()))[0]
        kills.append(Kill(at, part, how, part == "broker" and chance.random() < 0.7))
        at += chance.uniform(0.5, 1.5) * every_s
    return kills


def _weather(chance: random.Random, seconds: float, spared: tuple[str, ...]) -> list[Weather]:
    """Every kind at least once where the time is enough; two or three at a time."""
    found = []
    kinds = [kind for kind in WEATHER if kind.name not in spared]
    at, left = 0.3, list[Kind]()
    while at < seconds - 1:
        left = left or chance.sample(kinds, len(kinds))
        kind = left.pop()
        if kind.rarely and any(entry.kind == kind for entry in found) and chance.random() < 0.7:
            continue
        lasts = min(kind.lasts_s * chance.uniform(0.6, 1.4), seconds - at)
        found.append(Weather(at, lasts, kind))
        at += max(min(2.5, seconds / len(WEATHER) * 0.9), 0.5) * chance.uniform(0.6, 1.4)
    return found
