"""Runners of intervals.icu, by OAuth, by their own key, or with Strava beside it: their acts, and the accounting of them.

Each calendar also holds entries that aren't ours. They must never change.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from bench.chaos import texts
from bench.chaos.plan import Act, Person
from bench.rows import Rows
from bench.sandbox import ConnectError, Sandbox

KINDS = {"oauth": 4, "key": 3, "both": 3}
SHARE = 0.12  # of all athletes
_HERE = "athlete"  # the author of what a runner does at intervals.icu
_TURNS = ("ride", "delete", "take away", "tamper")
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def plan_runners(chance: random.Random, first: int, count: int, seconds: float) -> list[Person]:
    """That many athletes with a run each, some with a second one, most edit or take away something."""
    kinds = [*KINDS, *chance.choices(list(KINDS), list(KINDS.values()), k=max(count - len(KINDS), 0))]
    return [Person(first + index, kind, tuple(_acts(chance, kind, seconds))) for index, kind in enumerate(kinds)]


def _acts(chance: random.Random, kind: str, seconds: float) -> list[Act]:
    begin = chance.uniform(0, seconds * 0.6)
    twice = chance.random() < 0.3
    acts = [Act(begin, "record", 0, {"minutes": 40}, 100.0 if twice else 0.0)]
    acts += [Act(begin + chance.expovariate(1 / 3.0), "title") for _ in range(chance.choice((0, 1, 2)))]
    if twice:
        acts.append(Act(begin + chance.uniform(0.1, 0.2) * seconds, "record", 1, {"minutes": 40}))
    elif kind != "both" and chance.random() < 0.6:
        # Polls find a deletion an hour later, after the end of this run: tests/jobs/test_reconcile.py has it.
        turns = _TURNS if kind == "oauth" else tuple(turn for turn in _TURNS if turn != "delete")
        acts.append(Act(begin + chance.uniform(0.5, 0.2 * seconds), chance.choice(turns)))
    return sorted(acts, key=lambda act: act.at_s)


@dataclass
class CalendarAthlete:
    """A person of the plan with an account at intervals.icu, and at Strava for the kind "both"."""

    person: Person
    chance: random.Random
    strava: Sandbox
    log: Sandbox
    strava_id: int = 0
    account: str = ""
    api_key: str = ""
    runs: dict[int, str] = field(default_factory=dict)
    foreign: dict[int, dict[str, Any]] = field(default_factory=dict)
    gone: bool = False  # the run is no run any more
    touched: dict[int, str | None] = field(default_factory=dict)  # our entries as the runner left them; None: deleted

    @property
    def external_id(self) -> int:
        """The id of the first connection, as the product knows it."""
        return self.strava_id if self.person.kind == "both" else int(self.account.removeprefix("i"))

    def open_account(self) -> None:
        """Open the accounts, and enter something that isn't ours into the calendar."""
        self.strava_id = self.strava.new_athlete()
        made = self.log.ask("POST", "athletes", {"runner_id": self.strava_id})
        self.account, self.api_key = made["id"], made["api_key"]
        today = datetime.fromtimestamp(self.strava.now(), UTC).date()
        for entry in (
            {"category": "NOTE", "name": "Adductor routine · mine was the shower", "description": texts.SIGNATURE},
            {"category": "NOTE", "name": "Shoes: 312 km", "external_id": "another-tool-1"},
            {"category": "WORKOUT", "name": "Easy", "type": "Ride", "description": "- 30m Z2"},
        ):
            entry["start_date_local"] = f"{today}T00:00:00"
            found = self.log.ask("POST", f"athletes/{self.account}/events", entry)
            self.foreign[found["id"]] = found["fields"]

    def connect(self, web: str) -> None:
        """Connect through the product's pages. Raises ConnectError and OSError."""
        if self.person.kind == "key":
            browser = requests.Session()
            browser.trust_env = False
            token = _TOKEN.search(browser.get(f"{web}/", timeout=30).text)
            form = {"api_key": self.api_key, "csrf_token": token[1] if token else ""}
            answer = browser.post(f"{web}/connect/intervals/key", data=form, allow_redirects=False, timeout=30)
            if answer.status_code != 302:
                raise ConnectError(f"the key's page answered {answer.status_code}")
        elif self.person.kind == "both":
            self.log.connect(web, self.strava_id, browser=self.strava.connect(web, self.strava_id))
        else:
            self.log.connect(web, self.strava_id)

    def prepare(self, rows: Rows, now: datetime) -> None:
        """Give the athlete the past and the settings of one who is due for a routine."""
        place = "private_note" if self.person.kind == "both" and self.person.number % 2 else "calendar"
        rows.prepare_athletes([self.external_id], now, history_read_at=now, channels={"post_run": place})
        rows.add_run([self.external_id], now)

    def act(self, act: Act) -> None:
        """Do one act of the plan."""
        if act.what == "record":
            start = datetime.fromtimestamp(self.strava.now(), UTC) - timedelta(minutes=act.ended_min_ago + 40)
            recording = {**act.recording, "start": start.isoformat(), "also_on_strava": self.person.kind == "both"}
            found = self.log.ask("POST", f"athletes/{self.account}/activities", recording)
            self.runs[act.run] = found["id"]
        elif act.run not in self.runs or self.gone:
            return
        elif act.what in ("title", "ride"):
            changes = {"name": f"Run {self.chance.random():.6f}"} if act.what == "title" else {"type": "Ride"}
            self.log.ask("POST", f"activities/{self.runs[act.run]}/edit", {"changes": changes})
            self.gone = act.what == "ride"
        elif act.what == "delete":
            self.log.ask("DELETE", f"activities/{self.runs[act.run]}", {})
            self.gone = True
        else:
            self._touch(act.what)

    def _touch(self, how: str) -> None:
        for entry in self._entries():
            if _is_ours(entry):
                text = None if how == "take away" else f"{entry['fields']['description']}\nDid half of it."
                if text is None:
                    self.log.ask("DELETE", f"entries/{entry['id']}", {})
                else:
                    self.log.ask("POST", f"entries/{entry['id']}/edit", {"changes": {"description": text}})
                self.touched[entry["id"]] = text

    def _entries(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.log.ask("GET", f"athletes/{self.account}/events")
        return found

    def audit(self, strava_notes: int, *, untold: bool, counts: Counter[str], broken: list[str]) -> None:
        """Check the calendar against what the runner knows. ``strava_notes``: our notes in their activities at Strava."""
        entries = {entry["id"]: entry for entry in self._entries()}
        ours = {number: entry for number, entry in entries.items() if _is_ours(entry)}
        where = f"{self.person.kind} athlete {self.account} of intervals.icu"
        for number, fields in self.foreign.items():
            if number not in entries or entries[number]["fields"] != fields:
                broken.append(f"{where}: entry {number} isn't ours and was changed")
        for number, text in self.touched.items():
            stands = ours[number]["fields"]["description"] if number in ours else None
            if stands != text:
                broken.append(f"{where}: entry {number} was the runner's, and was changed")
        stand = len(ours) + strava_notes
        due = int(None not in self.touched.values() and (bool(self.touched) or not self.gone))
        counts["athletes of intervals.icu"] += 1
        counts["their entries that aren't ours"] += len(self.foreign)
        if stand == due:
            counts["their routine is due and there" if due else "not due and not there"] += 1
        elif untold and stand < due:
            counts["excused: an event was given up"] += 1
        else:
            broken.append(f"{where}: {len(ours)} entries and {strava_notes} notes instead of {due}; runs {self.runs}")


def _is_ours(entry: dict[str, Any]) -> bool:
    return str(entry["history"][0]["author"]) != _HERE
