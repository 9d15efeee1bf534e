"""Live every year; print the table and the broken promises: `python -m bench.months [--write]`.

``--write`` puts table and programmes into docs/coaching.md. The exit code is 1 when a promise was broken.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path
from statistics import mean, median
from typing import NamedTuple

from adductor.catalogue import catalogue
from adductor.coaching.replies import REPLIES
from adductor.notes.wording import dose_of, short_name
from bench.months.population import DAYS, FIRST_DAY, PATTERNS, Traits, population
from bench.months.promises import ENOUGH_SESSIONS, HALF_A_YEAR, PROMISES, done, shown, work
from bench.months.year import Suggestion, Year

PAGE = Path(__file__).parents[2] / "docs" / "coaching.md"
STEADY_A_WEEK = (1.5, 2.0)
STEP, LOAD = "from now on", "a little more load"
ARTICLE = {exercise.id for exercise in catalogue().exercise_list if exercise.in_article}
HEAD = "| | runners | sessions a week | light | level, weeks 8 / 26 / 52 | exercises (article's) | minutes | pauses |"
PROGRAMMES = (
    ("A parkrun runner with what a home has", Traits("parkrun", "both", "home")),
    ("A marathoner with everything, on rest days", Traits("marathon", "rest days", "full", known="plan")),
    ("One run a week, no equipment, pain now and then", Traits("1 run", "both", "none", "pain now and then")),
)


class Outcome(NamedTuple):
    """A year in numbers."""

    traits: Traits
    broken: list[tuple[str, date]]
    sessions: tuple[int, int]  # of each half
    weeks_running: float
    light: float
    stages: list[int]  # after 8, 26 and 52 weeks
    shown: set[str]
    minutes: list[int]
    pauses: int
    work: int  # reps and seconds a side in the full sessions of half a year
    steps: int  # up, as announced in the year: sets, reps, seconds or load


def look_at(traits: Traits) -> Outcome:
    """One runner's year."""
    year = Year(traits).live()
    sessions = done(year)
    early = sum(s.day < HALF_A_YEAR for s in sessions)
    return Outcome(
        traits,
        [(promise.__name__, day) for promise in PROMISES for day in promise(year)],
        (early, len(sessions) - early),
        (DAYS - len(year.off)) / 7,
        mean(s.routine.dose == "light" for s in sessions) if sessions else 0,
        [year.stages[week] for week in (8, 26, 52)],
        {id_ for s in shown(year, None) for id_ in s.exercises},
        [s.routine.minutes for s in sessions],
        len(year.holds_lifted),
        sum(work(item) for s in shown(year) if s.day < HALF_A_YEAR for item in s.routine.items),
        sum(STEP in change or LOAD in change for s in year.suggestions for change in s.changes),
    )


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """A line for every value of the traits that a runner knows of, then one for all."""
    yield from (HEAD, "|---" + "|--:" * 7 + "|")
    for trait, label in (("pattern", "{}"), ("placement", "{}"), ("kit", "equipment: {}"), ("answers", "says: {}")):
        for value in dict.fromkeys(getattr(o.traits, trait) for o in outcomes):
            yield _row(label.format(value), [o for o in outcomes if getattr(o.traits, trait) == value])
    for minutes in (5, 10, 15, 20):
        yield _row(f"at most {minutes} min", [o for o in outcomes if o.traits.minutes == minutes])
    yield _row("all", outcomes)


def _row(name: str, outcomes: Sequence[Outcome]) -> str:
    weekly = " / ".join(f"{mean(o.sessions[half] for o in outcomes) / 26:.2f}" for half in (0, 1))
    stages = " / ".join(f"{mean(o.stages[at] for o in outcomes):.1f}" for at in range(3))
    exercises = f"{mean(len(o.shown) for o in outcomes):.0f} ({mean(len(o.shown & ARTICLE) for o in outcomes):.0f})"
    light, pauses = mean(o.light for o in outcomes), sum(o.pauses for o in outcomes)
    minutes = median([minutes for o in outcomes for minutes in o.minutes] or [0])
    return f"| {name} | {len(outcomes)} | {weekly} | {light:.0%} | {stages} | {exercises} | {minutes:.0f} | {pauses} |"


def broken_by_all(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The promises about the runners together."""
    missing = set(catalogue().exercises) - {id_ for o in outcomes for id_ in o.shown}
    if missing:
        yield f"in nobody's programme: {', '.join(sorted(missing))}"
    by_traits = {o.traits: o for o in outcomes}
    years = [(o, by_traits[o.traits._replace(answers="always")]) for o in outcomes if o.traits.answers == "too easy"]
    years = [(easy, right) for easy, right in years if sum(right.sessions) >= ENOUGH_SESSIONS]
    for easy in (easy for easy, right in years if (easy.work, easy.steps) == (right.work, right.steps)):
        yield f"'too easy' and 'about right' give the same year: {easy.traits}"
    easy_steps, right_steps = (sum(outcome.steps for outcome in each) for each in zip(*years, strict=True))
    if easy_steps <= right_steps:
        yield f"'too easy' brings {easy_steps} steps in all, 'about right' {right_steps}"
    for pattern, days in PATTERNS.items():
        steady = [o for o in outcomes if o.traits[0] == pattern and o.traits.is_steady]
        a_week = mean(sum(o.sessions) / o.weeks_running for o in steady)
        if len(days.replace("-", "")) >= 3 and not STEADY_A_WEEK[0] <= a_week <= STEADY_A_WEEK[1]:
            yield f"{a_week:.2f} sessions a week on target 2 with both placements, not 1.5-2.0: {pattern}"


def programme(traits: Traits) -> Iterator[str]:
    """Half a year as the runner sees it, one line a session."""
    yield from (_line(s) for s in shown(Year(traits).live(), None) if s.day < HALF_A_YEAR)


def _line(s: Suggestion) -> str:
    exercises = "; ".join(f"{short_name(item.exercise)} {dose_of(item)}" for item in s.routine.items)
    where = "after run" if s.placement == "post_run" else "rest day"
    level = "light" if s.routine.dose == "light" else f"level {s.routine.stage}"
    pain = "" if s.session is None or s.session.pain_during_0_10 is None else f" {s.session.pain_during_0_10}/10"
    answer = "no answer" if s.said is None else f"{REPLIES[s.said].label.lower()}{pain}"
    _, _, why_less = s.verdict.reason.partition("; ")
    told = [text.rstrip(".") for text in (why_less, answer, *s.changes) if text]
    week = (s.day - FIRST_DAY).days // 7 + 1
    return f"{week:2} {s.day:%a} {where}, {level}, {s.routine.minutes} min: {exercises} | {' | '.join(told)}"


def write(outcomes: Sequence[Outcome]) -> None:
    """Replace the generated blocks of the page."""
    page, blocks = PAGE.read_text(encoding="utf-8"), {"table": list(table(outcomes))}
    for number, (title, traits) in enumerate(PROGRAMMES, start=1):
        blocks[f"programme {number}"] = [f"### {title}", "", "```text", *programme(traits), "```"]
    for name, lines in blocks.items():
        body = "\n".join((f"<!-- {name} -->", *lines, f"<!-- end of {name} -->"))
        pattern = f"<!-- {name} -->.*?<!-- end of {name} -->"
        page = re.sub(pattern, body.replace("\\", r"\\"), page, flags=re.DOTALL)
    PAGE.write_text(page, encoding="utf-8")


def main(argv: Sequence[str]) -> int:
    """Live, check, print."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        outcomes = list(pool.map(look_at, population(), chunksize=4))
    print("\n".join(table(outcomes)), end="\n\n")
    broken = list(broken_by_all(outcomes))
    for promise in PROMISES:
        found = [(o, [day for name, day in o.broken if name == promise.__name__]) for o in outcomes]
        years = [f"{days[0]} and {len(days) - 1} more: {o.traits}" for o, days in found if days]
        broken += [f"{promise.__name__} in {len(years)} years: {promise.__doc__}", *years[:3]] if years else []
    print("\n".join(f"broken: {entry}" for entry in broken) or "Every promise was kept.")
    if "--write" in argv:
        write(outcomes)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
