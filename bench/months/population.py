"""The runners: traits, and the runs, races and turns of a year that follow from them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import combinations, product
from typing import NamedTuple
from zoneinfo import ZoneInfo

from adductor.coaching.situation import Intensity, Placement, RoutineMinutes

DAYS = 364
FIRST_DAY = date(2026, 1, 5)  # a Monday
HOME, AWAY = ZoneInfo("Europe/London"), ZoneInfo("Asia/Tokyo")
# A letter a day, from Monday: easy, key, long, parkrun, two easy ones.
PATTERNS = {
    "1 run": "------e",
    "2 runs": "-e---e-",
    "3 runs": "-e-e--l",
    "4 runs": "-e-k-el",
    "5 runs": "ee-k-el",
    "6 runs": "eeek-el",
    "7 runs": "eeekeel",
    "doubles": "e2-2e-l",
    "shift work": "-e-e-ee",
    "weekends": "-----el",
    "races monthly": "-e-k-el",
    "parkrun": "-e-e-p-",
    "marathon": "ek-ee-l",
}
KINDS = {"e": "easy", "k": "key", "l": "long", "p": "race", "2": "easy"}
PLACEMENTS = {
    "after runs": frozenset({Placement.POST_RUN}),
    "rest days": frozenset({Placement.REST_DAY}),
    "both": frozenset({Placement.POST_RUN, Placement.REST_DAY}),
    "with warm-up": frozenset(Placement),
}
_HOME = frozenset({"chair", "ball", "hard_floor", "step"})  # of what the settings offer
KITS = {"none": frozenset[str](), "home": _HOME, "full": _HOME | {"long_band", "slider", "dumbbell"}}
ANSWERS = ("always", "too easy", "half", "never", "too hard", "pain now and then")
# Minutes of both placements (None: the defaults), target, turns of life, what is known ahead, reach, the jump tick.
_OTHERS = (
    (None, 5, 10, 15, 20),
    (2, 2, 1),
    ("steady", "maintains", "three weeks off", "five weeks off", "ill and away"),
    ("nothing", "usual runs", "plan"),
    ("note and mail", "note", "mail", "pages"),
    (True, False),
)
_OFF = {"three weeks off": (75, 24), "five weeks off": (110, 35), "ill and away": (60, 6)}  # first day, days
_RACES = ((10.0, "B"), (21.1, "A"), (10.0, "C"), (21.1, "B"), (5.0, "C"), (42.2, "A"))


class Run(NamedTuple):
    """A run of a day."""

    hour: int
    minutes: float
    kind: str = "easy"
    intensity: Intensity = Intensity.EASY
    kilometres: float | None = None
    priority: str | None = None

    @property
    def is_dated_race(self) -> bool:
        """Whether it stands in the calendar: not the parkrun of every week."""
        return self.kind == "race" and self.hour == 10


class Traits(NamedTuple):
    """What tells one runner from another."""

    pattern: str
    placement: str
    kit: str
    answers: str = "always"
    minutes: RoutineMinutes | None = None
    target: int = 2
    turns: str = "steady"
    known: str = "usual runs"
    reach: str = "note and mail"
    may_jump: bool = True

    def __str__(self) -> str:
        return ", ".join(map(str, self))

    @property
    def is_steady(self) -> bool:
        """Whether nothing stands between this runner and two sessions a week."""
        both = self.placement in ("both", "with warm-up")
        return both and self.target == 2 and self.answers == "always" and self.turns != "maintains"

    def usual_runs(self, weekday: int) -> list[tuple[int, str]]:
        """Hour and kind of each usual run of a weekday; shifts have none."""
        letter = PATTERNS[self.pattern][weekday]
        hours = (7, 18) if letter == "2" else (9,) if weekday >= 5 else (18,)
        return [] if letter == "-" or self.pattern == "shift work" else [(hour, KINDS[letter]) for hour in hours]


def population() -> list[Traits]:
    """All runners. Those that differ in their answers alone are alike in all else, so that their years can be compared."""
    seen: Counter[tuple[object, ...]] = Counter()
    others = list(product(*_OTHERS))
    random.Random("population").shuffle(others)  # noqa: S311 - made-up people, no secret
    runners = []
    for number, base in enumerate(product(PATTERNS, PLACEMENTS, KITS)):
        more = min(others[:720], key=lambda values: sum(seen[pair] for pair in pairs((*base, *values))))
        others.remove(more)
        seen.update(pairs((*base, *more)))
        two = ANSWERS[2:][number % 2 :: 2]
        runners += [Traits(*base, answers, *more) for answers in (*ANSWERS[:2], *two)]  # type: ignore[arg-type]
    return runners


def pairs(values: Iterable[object]) -> list[tuple[object, ...]]:
    return list(combinations(enumerate(values), 2))


def make_runs(traits: Traits) -> tuple[dict[date, list[Run]], set[date]]:
    """Every day's runs, and those of some days after the year, for the plan; the days off. Answers change none of them."""
    chance = random.Random(str(traits._replace(answers="")))  # noqa: S311
    first, days = _OFF.get(traits.turns, (0, 0))
    off = {FIRST_DAY + timedelta(days=first + number) for number in range(days)}
    runs = ((day, _runs_on(traits, day, chance)) for day in (FIRST_DAY + timedelta(days=n) for n in range(DAYS + 20)))
    return {day: [] if day in off else of_day for day, of_day in runs}, off


def zone_on(traits: Traits, day: date) -> ZoneInfo:
    return AWAY if traits.turns == "ill and away" and 150 <= (day - FIRST_DAY).days < 159 else HOME


def _race_on(traits: Traits, day: date) -> tuple[float, str] | None:
    week, weekday = divmod((day - FIRST_DAY).days, 7)
    if weekday == 6 and traits.pattern == "marathon":
        return {19: (42.2, "A"), 15: (21.1, "B")}.get(week % 26)
    return _RACES[week // 4 % 6] if (weekday, traits.pattern, week % 4) == (6, "races monthly", 3) else None


def _runs_on(traits: Traits, day: date, chance: random.Random) -> list[Run]:
    race, letter = _race_on(traits, day), PATTERNS[traits.pattern][day.weekday()]
    skipped, shift, minutes = chance.random() < 0.08, chance.choice((3, 11, 22)), chance.choice((30, 40, 45, 55))
    long = chance.choice((75, 90, 105, 120))
    if race is not None:
        return [Run(10, 5.2 * race[0], "race", Intensity.RACE, *race)]
    if skipped or letter == "-":
        return []
    hour = shift if traits.pattern == "shift work" else 9 if day.weekday() >= 5 else 18
    runs = {
        "p": [Run(9, 27, "race", Intensity.RACE, 5.0, "C")],
        "k": [Run(hour, 55, "key", Intensity.HARD)],
        "l": [Run(hour, long, "long" if long >= 90 else "easy")],
        "2": [Run(7, minutes), Run(hour, minutes)],
    }
    return runs.get(letter, [Run(hour, minutes)])
