"""The runners: each does what the plan says at its time, and keeps a record of every text that they last saved."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from adductor.athletes import connection
from adductor.installation import Installation
from adductor.platforms.base import Grant, Tokens
from adductor.store.models import Athlete, LoggedActivity, SessionRecord
from bench.chaos import texts
from bench.chaos.plan import Act, Person, Plan
from bench.chaos.strava import Strava

SCOPES = ("read", "activity:read_all", "activity:write")
_THREADS = 6
_TRIES = 8
TEXTS = ("private_note", "description")


@dataclass
class Activity:
    """What its runner knows of it. ``saved`` holds each text as they last saved it; ``touched`` what they did to our
    block, if anything."""

    id: int
    saved: dict[str, str]
    touched: str | None = None
    gone: bool = False


@dataclass
class Runner:
    person: Person
    chance: random.Random
    strava_id: int = 0
    ours: int = 0
    activities: dict[int, Activity] = field(default_factory=dict)
    left_at: list[float] = field(default_factory=list)


class Town:
    """All runners of a plan, and the threads in which they live."""

    def __init__(self, plan: Plan, strava: Strava, installation: Installation) -> None:
        self.plan = plan
        self._strava = strava
        self._installation = installation
        self.runners = [
            Runner(person, random.Random(f"{plan.seed}/{person.number}"))  # noqa: S311 - made-up words, no secret
            for person in plan.people
        ]
        self.done: Counter[str] = Counter()
        self.problems: list[str] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def settle_in(self) -> None:
        """Everybody has connected and answered the first questions before the trouble starts."""
        for start in range(0, len(self.runners), 100):
            batch = self.runners[start : start + 100]
            grants = [self._connect_at_strava(runner) for runner in batch]
            with self._installation.store.write() as session:
                for runner, grant in zip(batch, grants, strict=True):
                    row = connection.connect(session, self._installation, "strava", grant, self._scopes(runner))
                    runner.ours = row.id
                    for thing in self._past(runner, row):
                        session.add(thing)

    def start(self) -> None:
        began = time.monotonic()
        for number in range(_THREADS):
            mine = [runner for runner in self.runners if runner.person.number % _THREADS == number]
            acts = sorted(
                ((act, runner) for runner in mine for act in runner.person.acts if act.what != "appear"),
                key=lambda entry: entry[0].at_s,
            )
            thread = threading.Thread(target=self._live, args=(acts, began), name=f"runners-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    @property
    def busy(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    # -- connecting ------------------------------------------------------------------------------------------------------

    def _scopes(self, runner: Runner) -> str:
        return ",".join(SCOPES[:2] if runner.person.kind == "read only" else SCOPES)

    def _connect_at_strava(self, runner: Runner) -> Grant:
        scopes = self._scopes(runner).split(",")
        if runner.strava_id:
            minted = self._strava.ask("POST", f"runners/{runner.strava_id}/connect", {"scopes": scopes})
        else:
            minted = self._strava.ask("POST", "connected-athletes", {"scopes": scopes, "runner": {"timezone": "UTC"}})
        runner.strava_id = minted["runner_id"]
        tokens = Tokens(
            minted["access_token"], minted["refresh_token"], datetime.fromtimestamp(minted["expires_at"], UTC)
        )
        return Grant(tokens, athlete_id=runner.strava_id, name="A Runner", timezone="UTC", units="metric")

    def _past(self, runner: Runner, row: Athlete) -> list[Any]:
        """Sets what this kind of runner is like; the rows of their past."""
        now = self._installation.clock.now()
        kind = runner.person.kind
        row.screening_completed_at = now
        row.confirmed_at = None if kind == "unconfirmed" else now
        row.programme_stage, row.sessions_completed_total = 2, 9
        row.last_completed_on = now.date() - timedelta(days=5)
        row.placements = ["post_run"]
        row.quiet_from_local = row.quiet_until_local = "04:00"
        if kind == "public":
            row.channels = {"post_run": "description"}
        if kind == "paused":
            row.paused_until = now.date() + timedelta(days=20)
        if kind == "history":
            for days in (3, 6):
                start = (now - timedelta(days=days)).isoformat()
                self._strava.ask("POST", f"runners/{runner.strava_id}/activities", {"start": start, "silent": True})
            return []
        row.history_read_at = now
        days_ago = {"capped": (3, 5), "yesterday": (1,)}.get(kind, ())
        return [
            _a_run(row.id, now - timedelta(days=3)),
            *(
                SessionRecord(
                    athlete_id=row.id, completed_at=now - timedelta(days=days), kind="strength_full", source="page"
                )
                for days in days_ago
            ),
        ]

    # -- living ----------------------------------------------------------------------------------------------------------

    def _live(self, acts: list[tuple[Act, Runner]], began: float) -> None:
        for act, runner in acts:
            if self._stop.wait(max(began + act.at_s - time.monotonic(), 0)):
                return
            try:
                what = self._act(act, runner)
            except Exception as error:  # a runner who stumbles is a fault of this program: it is reported
                with self._lock:
                    self.problems.append(
                        f"{act.what} of runner {runner.person.number}: {type(error).__name__}: {error}"
                    )
            else:
                with self._lock:
                    self.done[what] += 1

    def _act(self, act: Act, runner: Runner) -> str:
        match act.what:
            case "record":
                return self._record(act, runner)
            case "leave":
                self._strava.ask("POST", f"runners/{runner.strava_id}/disconnect", {})
                runner.left_at.append(time.time())
                return "runners who left"
            case "return":
                grant = self._connect_at_strava(runner)
                with self._installation.store.write() as session:
                    connection.connect(session, self._installation, "strava", grant, self._scopes(runner))
                return "runners who came back"
            case "token expires":
                self._strava.ask("POST", f"runners/{runner.strava_id}/expire-tokens")
                return "tokens that expired"
        activity = runner.activities.get(act.run)
        if activity is None:
            return "acts without their activity"
        if activity.gone and act.what != "restore":
            return "acts on what was deleted by then"
        return self._act_on(act, runner, activity)

    def _record(self, act: Act, runner: Runner) -> str:
        recording = dict(act.recording)
        for name in TEXTS:
            if recording.get(name) == "*":
                recording[name] = texts.words(runner.chance)
        if act.ended_min_ago:
            ended = self._installation.clock.now() - timedelta(minutes=act.ended_min_ago)
            recording["start"] = (ended - timedelta(minutes=float(str(recording["minutes"])))).isoformat()
        truth = self._strava.ask("POST", f"runners/{runner.strava_id}/activities", recording)
        saved = {name: str(recording.get(name) or "") for name in TEXTS}
        runner.activities[act.run] = Activity(truth["id"], saved)
        return "activities recorded"

    def _act_on(self, act: Act, runner: Runner, activity: Activity) -> str:
        path = f"activities/{activity.id}"
        match act.what:
            case "title":
                title = (
                    f"{runner.chance.choice(('Easy', 'With Kim', 'Ünterwegs', '朝ラン'))} {runner.chance.random():.6f}"
                )
                self._strava.ask("POST", f"{path}/edit", {"changes": {"title": title}})
                return "titles edited"
            case "note" | "description":
                return self._edit(activity, "private_note" if act.what == "note" else "description", runner.chance)
            case "take away" | "tamper":
                return self._touch(activity, act.what)
            case "ride" | "run again":
                sport = "Ride" if act.what == "ride" else "Run"
                self._strava.ask("POST", f"{path}/edit", {"changes": {"sport_type": sport}})
                return "types changed"
            case "hide":
                self._strava.ask("POST", f"{path}/private", {})
                return "activities hidden"
            case "announce" | "restore":
                self._strava.ask("POST", f"{path}/{act.what}", {})
                activity.gone = False
                return {"announce": "create events sent again", "restore": "activities restored"}[act.what]
            case "delete":
                self._strava.ask("DELETE", path, {})
                activity.gone = True
                return "activities deleted"
        raise AssertionError(act.what)

    def _edit(self, activity: Activity, name: str, chance: random.Random) -> str:
        """Open the form, write, save. When the text changed meanwhile, open it again: nobody's form overwrites us."""
        for _ in range(_TRIES):
            shown = self._strava.truth(activity.id)[name]
            new = texts.edited(shown or "", chance)
            if self._save(activity, name, shown, new):
                return "notes edited" if name == "private_note" else "descriptions edited"
        return "edits given up (the text changed each time)"

    def _touch(self, activity: Activity, how: str) -> str:
        truth = self._strava.truth(activity.id)
        for name in TEXTS:
            shown = truth[name]
            if shown and texts.blocks(shown):
                new = texts.tampered(shown) if how == "tamper" else texts.without(shown, blank_line_is_ours=True)
                if self._save(activity, name, shown, new):
                    activity.touched = how
                    return {"tamper": "notes of ours edited", "take away": "notes of ours taken away"}[how]
        return "notes of ours that were not there to be edited"

    def _save(self, activity: Activity, name: str, shown: str | None, new: str) -> bool:
        body = {"changes": {name: new}, "if_unchanged": {name: shown}}
        saved = self._strava.ask("POST", f"activities/{activity.id}/edit", body) is not None
        if saved and new != (shown or ""):  # else the form was closed as it was opened, and nothing was written
            activity.saved[name] = new
        return saved


def _a_run(athlete_id: int, start: datetime) -> LoggedActivity:
    """Somebody who runs: without it every run would be the first after a break."""
    return LoggedActivity(
        athlete_id=athlete_id,
        platform_id=1_000_000 + athlete_id,
        sport="run",
        start=start,
        moving_s=2400,
        elapsed_s=2400,
        distance_m=7200,
        elevation_gain_m=30,
        intensity="easy",
        manual=False,
        time_unreliable=False,
        uploaded_at=start + timedelta(seconds=2400),
        fetched_at=start + timedelta(days=3),
        expires_at=start + timedelta(days=9),
    )
