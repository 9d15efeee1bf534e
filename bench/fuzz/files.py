"""Spoilt scenario files and catalogues: each is read, or refused with problems that say where; nothing else, and soon."""

from __future__ import annotations

import copy
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files
from random import Random
from typing import Any

import psutil
import yaml

from adductor import catalogue
from adductor.catalogue import parse as parse_catalogue
from adductor.catalogue.models import Catalogue
from adductor.coaching import decide
from adductor.documents import DocumentError, documents
from adductor.scenario import parse
from bench.fuzz.mutations import TEXTS, smallest, spoil, spoil_text
from bench.fuzz.run import FoundError

# One scenario takes less than a millisecond, the catalogue a tenth of a second.
MOST_SECONDS = 5.0
LONGEST_PROBLEM = 4_000
_STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**400, 0.5, -0.0, 1e308, float("inf"), float("nan"),
    "", " ", [], {}, [[]], {"a": 1},
    "2026-11-17T07:55:00+00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30",
    "24:00", "25:61", "UTC",
    "Europe/../UTC", "../../etc/passwd", "\0", "\ud800", "x" * 3_000, "1_000", "0x10", "١٢",
    "2026-W47-2T07:55Z", "true", "null",
    [None] * 300, "none", "run", "easy", "post_run", "*a", "&a b", "!!python/object:os.system", "<<",
)  # fmt: skip
_LINES = (
    "---", "...", "%YAML 1.2", "%TAG ! tag:x,2000:", "&a [*a]", "<<: *a", "? [a]", "!!binary ====", "{",
    "}", "[", "]", "- - - -", "\t\tx",
    "x: |", "x: >2-", "'", '"', "# \ud800", "x: &a [x, x, x, x, x]", "y: [*a, *a, *a]", "\ufeff",
    "\x85", "[" * 30, "{a: " * 30,
)  # fmt: skip


@dataclass
class Report:
    """The figures of a run."""

    seed: int
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    slowest_s: dict[str, float] = field(default_factory=dict)
    rss_mb: tuple[float, float] = (0.0, 0.0)
    seconds: float = 0.0

    def lines(self) -> list[str]:
        lines = []
        for kind in self.slowest_s:
            own = ", ".join(
                f"{what}: {count:,}" for (name, what), count in sorted(self.outcomes.items()) if name == kind
            )
            lines.append(f"  {kind}: {own}; the slowest took {self.slowest_s[kind]:.2f} s")
        lines.append(
            f"  memory (RSS): {self.rss_mb[0]:.1f} MB after a tenth, {self.rss_mb[1]:.1f} MB at the end; "
            f"{self.seconds:,.0f} s"
        )
        return lines


def run(*, seed: int, scenarios: int, catalogues: int) -> Report:
    """Read so many of each. Raises FoundError with the smallest text that shows what is wrong."""
    report = Report(seed)
    began = time.monotonic()
    process = psutil.Process(os.getpid())
    after_a_tenth = 0.0
    for kind, count, make, read in (
        ("scenario files", scenarios, _scenario, _read_scenarios),
        ("catalogues", catalogues, _catalogue, _read_catalogue),
    ):
        report.slowest_s[kind] = 0.0
        for number in range(count):
            given = make(Random(f"{seed}/{kind}/{number}"))  # noqa: S311 - to be repeated, not to be secret
            outcome, took_s = _judged(read, given)
            if outcome not in ("read", "refused"):
                raise FoundError(_told(kind, seed, number, read, given, outcome))
            report.outcomes[kind, outcome] += 1
            report.slowest_s[kind] = max(report.slowest_s[kind], took_s)
            if number == count // 10:
                after_a_tenth = max(after_a_tenth, process.memory_info().rss / 2**20)
    report.rss_mb = (after_a_tenth, process.memory_info().rss / 2**20)
    report.seconds = time.monotonic() - began
    return report


def _judged(read: Callable[[Any], None], given: Any) -> tuple[str, float]:
    began = time.monotonic()
    outcome = "read"
    try:
        read(given)
    except DocumentError as error:
        wrong = [problem for problem in error.problems if not _says_where(problem)]
        outcome = f"a problem that does not say where, on one line: {wrong[0]!r}" if wrong else "refused"
    except Exception as error:
        outcome = f"{type(error).__name__}: {error}"[:500]
    took_s = time.monotonic() - began
    return (f"took {took_s:.1f} s" if took_s > MOST_SECONDS else outcome), took_s


def _says_where(problem: str) -> bool:
    where, colon, what = problem.partition(": ")
    return bool(colon and where and what) and problem.isprintable() and len(problem) <= LONGEST_PROBLEM


def _told(kind: str, seed: int, number: int, read: Callable[[Any], None], given: Any, outcome: str) -> str:
    if isinstance(given, str):
        raw = given.encode("utf-8", "surrogatepass")
        small = smallest(raw, lambda part: _judged(read, part.decode("utf-8", "surrogatepass"))[0][:12] == outcome[:12])
        given = small.decode("utf-8", "surrogatepass")
    return f"{kind}, number {number} of seed {seed}: {outcome}\n{given!r}"[:2_000]


# -- scenario files ---------------------------------------------------------------------------------------------------


def _read_scenarios(text: str) -> None:
    for document in documents(text):
        decide(parse(document), catalogue.catalogue())


def _scenario(rng: Random) -> str:
    made = [_situation(rng) for _ in range(rng.choice((1, 1, 1, 2, 5)))]
    if rng.random() < 0.6:
        for _ in range(rng.choice((0, 1, 1, 2))):
            _spoil_tree(made, rng)
    if rng.random() < 0.5:
        text = rng.choice(("\n", " ", "")).join(json.dumps(one, ensure_ascii=rng.random() < 0.5) for one in made)
    else:
        text = "---\n".join(
            yaml.dump(_plain(one), default_flow_style=rng.choice((None, True, False)), allow_unicode=True)
            for one in made
        )
    draw = rng.random()
    if draw < 0.3:
        text = spoil(text.encode("utf-8", "surrogatepass"), rng).decode("utf-8", "replace")
    elif draw < 0.4:
        text = spoil_text(text, rng)
    elif draw < 0.5:
        text = _spoil_lines(text, rng)
    return text


def _plain(value: Any) -> Any:
    """Without what PyYAML can't write."""
    return json.loads(json.dumps(value).replace("\\ud800", "?"), parse_constant=str)


def _situation(rng: Random) -> dict[str, Any]:
    def at(day: int) -> str:
        offset = rng.choice(("+00:00", "Z", "+05:45", "-08:00"))
        return f"2026-11-{day:02}T{rng.randrange(24):02}:{rng.randrange(60):02}:00{offset}"

    return {
        "athlete": {
            "timezone": rng.choice(("Europe/London", "America/Los_Angeles", "Asia/Kathmandu", "UTC")),
            "screening_completed": True,
            "programme_stage": rng.randint(1, 4),
            "sessions_completed_total": rng.randint(0, 30),
            "rest_day_prompt_local": "17:30",
            "quiet_hours_local": ["22:30", "05:00"],
            "equipment": ["chair", "long_band"],
            "paused_until": rng.choice((None, "2026-11-20")),
            "progress": [{"exercise": "standing_resisted_adduction", "sets": 2, "reps_or_holds": 12}],
        },
        "check_ins": [{"at": at(12), "hip_groin_pain_0_10": rng.randint(0, 10), "red_flags": []}],
        "plan": [{"start": at(20), "kind": rng.choice(("race", "easy", "rest")), "priority": "A"}],
        "activities": [
            {"id": number, "sport": "run", "start": at(number), "moving_min": rng.randint(1, 200), "intensity": "easy"}
            for number in range(10, 18)
        ],
        "sessions": [{"completed_at": at(13), "kind": "strength_full", "completed_pct": 100, "rpe": 7}],
        "event": {
            "type": rng.choice(("activity_uploaded", "clock_tick", "run_starting_soon", "check_in")),
            "activity_id": 17,
        },
        "now": at(18),
    }


# -- the catalogue ------------------------------------------------------------------------------------------------------

_TEXT = files(catalogue).joinpath("catalogue.yaml").read_text(encoding="utf-8")
_TREE = yaml.load(_TEXT, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are the safe ones


def _read_catalogue(given: Any) -> None:
    made: Catalogue = catalogue.load(given) if isinstance(given, str) else parse_catalogue(given)
    assert made.exercises  # noqa: S101 - what is taken has something in it


def _catalogue(rng: Random) -> Any:
    draw = rng.random()
    if draw < 0.7:
        tree = copy.deepcopy(_TREE)
        for _ in range(rng.choice((1, 1, 2, 5))):
            _spoil_tree(tree, rng)
        return tree
    if draw < 0.85:
        return _spoil_lines(_TEXT, rng)
    return spoil(_TEXT.encode(), rng).decode("utf-8", "replace")


# -- both ------------------------------------------------------------------------------------------------------------------


def _spoil_tree(tree: Any, rng: Random) -> None:
    """Change one value somewhere: put something strange there, leave it out, double it, or rename its key."""
    at = tree
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            return
        key = rng.choice(keys)
        if isinstance(at[key], dict | list) and at[key] and rng.random() < 0.85:
            at = at[key]
            continue
        break
    way = rng.randrange(6)
    if way <= 2:
        at[key] = copy.deepcopy(rng.choice(_STRANGE))
    elif way == 3:
        del at[key]
    elif isinstance(at, list):
        at.insert(rng.randint(0, len(at)), copy.deepcopy(at[key]))
    elif way == 4:
        at[rng.choice((*TEXTS, 7, None, True))] = at[key]
    else:
        at[key] = spoil_text(at[key], rng) if isinstance(at[key], str) else [at[key]]


def _spoil_lines(text: str, rng: Random) -> str:
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    way = rng.randrange(5)
    if way == 0:
        lines.insert(at, rng.choice(_LINES))
    elif way == 1:
        lines[at] = " " * rng.randrange(8) + lines[at].lstrip()
    elif way == 2:
        del lines[at : at + rng.randint(1, 9)]
    elif way == 3:
        lines[at:at] = lines[at : at + rng.randint(1, 400)]
    else:
        name, colon, _ = lines[at].partition(":")
        lines[at] = f"{name}{colon} {rng.choice(_STRANGE)}"
    return "\n".join(lines)
