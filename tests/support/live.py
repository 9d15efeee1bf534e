"""A whole installation on this machine, as `adductor up` runs it, living in its own time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import psutil
import requests
from sqlalchemy import select

from adductor.athletes import connections
from adductor.installation import Installation
from adductor.jobs import subscribing
from adductor.platforms.base import Grant, Tokens, id_of
from adductor.settings import Settings, load
from adductor.store import Store
from adductor.store.models import Athlete, DecisionRecord, Delivery, InboxEvent, Suggestion
from service import supervisor as supervising
from service.cli import up
from service.cli.up import Running, make_plan, running
from tests.support import databases
from tests.support.athletes import earlier_run

# A Wednesday morning in Europe: no quiet hours, far from any change of clocks.
MORNING = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
ALL_SCOPES = "read,activity:read_all,activity:write"
SCOPES = {
    "strava": ALL_SCOPES,
    "intervals": "ACTIVITY:READ,ACTIVITY:WRITE,CALENDAR:READ,CALENDAR:WRITE,WELLNESS:READ",
}
_WITHIN_S = 30.0
T = TypeVar("T")


@dataclass
class Here(Running):
    """An installation with all its parts, and the same database, broker and clock in this process."""

    @cached_property
    def installation(self) -> Installation:
        return Installation(load(_env_file=None, **self.environment))

    @property
    def settings(self) -> Settings:
        return self.installation.settings


@dataclass
class Live:
    """What tests say to a running installation and its sandbox. ``platform``: the log of its runners."""

    here: Here
    log: Path
    platform: str = "strava"

    def __post_init__(self) -> None:
        self.store = self.here.installation.store
        self.web = self.here.settings.public_url
        self.sandbox = self.here.sandbox_url or ""
        self._http = requests.Session()
        self._prefix, self._people = ("", "runners")
        self.writes_by, self.refreshes = "activities.update", True
        if self.platform == "intervals":
            self._prefix, self._people = ("/intervals", "athletes")
            self.writes_by, self.refreshes = "events.bulk", False

    def at(self, platform: str) -> Live:
        """The same installation with runners of another log."""
        return replace(self, platform=platform)

    # -- the sandbox -------------------------------------------------------------------------------------------------

    def admin(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        url = f"{self.sandbox}{self._prefix}/admin/{path}"
        answer = self._http.request(method, url, json=body, params=query, timeout=60)
        assert answer.status_code < 400, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def record(self, runner: Runner, **recording: Any) -> Any:
        """The runner records something (by default an easy 45-minute run that has just ended); its id."""
        return self.admin("POST", f"{self._people}/{runner.account}/activities", recording)["id"]

    def truth(self, activity: Any) -> dict[str, Any]:
        """The activity as it really is, with everything that was ever written into it."""
        truth: dict[str, Any] = self.admin("GET", f"activities/{activity}")
        return {**truth, **truth["fields"]} if self.platform == "intervals" else truth

    def edit(self, activity: Any, **changes: Any) -> None:
        self.admin("POST", f"activities/{activity}/edit", {"changes": changes})

    def entries(self, activity: Any) -> list[dict[str, Any]]:
        """The calendar of this activity's runner."""
        found: list[dict[str, Any]] = self.admin("GET", f"athletes/{self.truth(activity)['athlete_id']}/events")
        return found

    def text(self, activity: Any, field: str = "") -> str:
        """What stands where our note stands: the private note, or the entries of the calendar."""
        if self.platform == "intervals" and not field:
            whole = (f"{each['fields']['name']}\n{each['fields']['description']}" for each in self.entries(activity))
            return "\n".join(whole)
        return self.truth(activity).get(field or "private_note") or ""

    def fault(self, **fault: Any) -> int:
        return int(self.admin("POST", "faults", fault)["id"])

    def calls(self, endpoint: str | None = None, activity: Any = None) -> list[dict[str, Any]]:
        query = {"endpoint": endpoint, "activity_id": activity, "limit": 1000}
        answer = self.admin("GET", "calls", **{name: value for name, value in query.items() if value is not None})
        calls: list[dict[str, Any]] = answer["calls"]
        return calls

    def written(self, activity: Any) -> list[dict[str, Any]]:
        """The writes of our application for this activity."""
        if self.platform == "intervals":
            edits = [change for entry in self.entries(activity) for change in entry["history"]]
        else:
            edits = self.truth(activity)["edits"]
        return [edit for edit in edits if str(edit["author"]).startswith("app ")]

    def deliver(self, runner: Runner, activity: Any) -> requests.Response:
        """The event of a recorded activity, straight to our webhook."""
        settings = self.here.installation.settings
        if self.platform == "strava":
            return self.event(object_id=activity, owner_id=runner.account, event_time=1_795_000_000)
        fields = {name: value for name, value in self.truth(activity)["fields"].items() if value is not None}
        event = {"athlete_id": runner.account, "type": "ACTIVITY_UPLOADED", "timestamp": fields["created"]}
        body = {"secret": next(iter(settings.intervals_secrets)), "events": [{**event, "activity": fields}]}
        return sent(f"{settings.public_url}/webhooks/intervals/{settings.webhook_key}", body)

    def event(self, **event: Any) -> requests.Response:
        """An event of Strava's straight to our webhook, as it comes; 503 (a busy moment) is tried again, as Strava does."""
        body = {
            "object_type": "activity",
            "aspect_type": "create",
            "updates": {},
            "event_time": int(self.here.installation.clock.now().timestamp()),
            "subscription_id": self.subscription_id(),
            **event,
        }
        return sent(self.here.installation.settings.webhook_url, body)

    def subscription_id(self) -> int:
        return int(self.admin("GET", "state")["subscription"]["id"])

    # -- our own side ------------------------------------------------------------------------------------------------

    def runner(self, scopes: str | None = None, **athlete: Any) -> Runner:
        """A runner who is connected and has answered the first questions. ``athlete`` sets columns of their row."""
        zone = athlete.get("timezone", "UTC")  # of the platform too: the row follows the zone of each run
        scopes = scopes or SCOPES[self.platform]
        asked = {"scopes": scopes.split(","), "runner": {"timezone": zone}}
        minted = self.admin("POST", "connected-athletes", asked)
        installation = self.here.installation
        tokens = Tokens(minted["access_token"])
        if self.refreshes:
            ends = datetime.fromtimestamp(minted["expires_at"], UTC)
            tokens = Tokens(minted["access_token"], minted["refresh_token"], ends)
        account = minted["runner_id"] if self.platform == "strava" else minted["id"]
        grant = Grant(tokens, str(account).removeprefix("i"), "A Runner", zone, "metric")
        now = installation.clock.now()
        values = {
            "confirmed_at": now,
            "screening_completed_at": now,
            "programme_stage": 2,
            "sessions_completed_total": 9,
            "last_completed_on": now.date() - timedelta(days=5),
            "history_read_at": now,
            "equipment": None,
            **athlete,
        }
        with self.store.write() as session:
            row = connections.connect(session, installation, self.platform, grant, scopes)
            for name, value in values.items():
                setattr(row, name, value)
            session.add(earlier_run(row.id, now))
            return Runner(row.id, account)

    def all(self, table: type[T], **values: Any) -> list[T]:
        """The rows of a table that hold these values."""
        with self.store.read() as session:
            return list(session.scalars(select(table).filter_by(**values)))

    def athlete(self, runner: Runner) -> Athlete:
        return self.all(Athlete, id=runner.id)[0]

    def suggestion(self, activity: Any) -> Suggestion | None:
        return next(iter(self.all(Suggestion, activity_id=self._id(activity))), None)

    def deliveries(self, activity: Any) -> list[Delivery]:
        given = self.all(Suggestion, activity_id=self._id(activity))
        return [row for suggestion in given for row in self.all(Delivery, suggestion_id=suggestion.id)]

    def decisions(self, activity: Any) -> list[DecisionRecord]:
        return self.all(DecisionRecord, activity_id=self._id(activity))

    def events(self, object_id: Any) -> list[InboxEvent]:
        return self.all(InboxEvent, object_id=self._id(object_id))

    def count_events(self) -> int:
        return len(self.all(InboxEvent))

    def _id(self, own: Any) -> str:
        return id_of(self.platform, own)

    # -- waiting -----------------------------------------------------------------------------------------------------

    def until(self, condition: Callable[[], T], *, within_s: float = _WITHIN_S, supervised: bool = True) -> T:
        """Wait for something to become true, while fallen parts are started again as `adductor up` does.

        Not ``supervised``: while the database, which the supervisor's look needs, is away.
        """
        give_up_at = time.monotonic() + within_s
        while True:
            if supervised:
                self.here.supervisor.look()
            result = condition()
            if result:
                return result
            if time.monotonic() > give_up_at:
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])
                raise AssertionError(f"it did not happen within {within_s:.0f} s; the parts' log ends with\n{tail}")
            time.sleep(0.02)

    def note_comes(self, activity: Any, field: str = "") -> str:
        """Wait for our block, and for the delivery to be at rest."""
        self.until(lambda: "— Adductor Coach" in self.text(activity, field))
        self.settles(activity)
        return self.text(activity, field)

    def settles(self, object_id: Any) -> list[InboxEvent]:
        """Wait until every event of this object, and every delivery for it, is at rest."""

        def at_rest() -> bool:
            events = self.events(object_id)
            rows = [*events, *self.deliveries(object_id)]
            return bool(events) and all(row.state in ("done", "failed") for row in rows)

        self.until(at_rest)
        return self.events(object_id)

    # -- violence ----------------------------------------------------------------------------------------------------

    def processes(self, part: str) -> list[psutil.Process]:
        """A part with all its children."""
        found = next(entry for entry in self.here.supervisor.parts if entry.name == part)
        if found.process is None:
            return []
        try:
            top = psutil.Process(found.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self, part: str) -> None:
        """SIGKILL to every process of the part at once; the supervisor starts it again on the next look."""
        processes = self.processes(part)
        for process in processes:
            process.send_signal(signal.SIGSTOP)  # so that none has time to react to the end of another
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, timeout=10)


@dataclass(frozen=True, slots=True)
class Runner:
    """One runner, under our id and that of their account at their log."""

    id: int
    account: Any

    @property
    def strava_id(self) -> int:
        return int(self.account)


def sent(address: str, event: Mapping[str, Any]) -> requests.Response:
    """The answer to an event, other than "too busy now"."""
    give_up_at = time.monotonic() + _WITHIN_S
    while True:
        answer = requests.post(address, json=event, timeout=10)
        if answer.status_code != 503 or time.monotonic() > give_up_at:
            return answer
        time.sleep(0.2)


@contextmanager
def installation(folder: Path, *, speed: float = 20, start: datetime = MORNING, **settings: str) -> Iterator[Live]:
    """All parts in ``folder``, their clock starting at ``start`` and running ``speed`` times as fast as ours."""
    folder.mkdir(parents=True, exist_ok=True)
    web, sandbox = (f"127.0.0.1:{supervising.free_port()}" for _ in range(2))
    clock = {"real": time.time(), "simulated": start.timestamp(), "speed": speed}
    (folder / "clock.json").write_text(json.dumps(clock))
    values = {
        "ADDUCTOR_DATA_DIR": str(folder),
        "ADDUCTOR_BIND": web,
        "ADDUCTOR_PUBLIC_URL": f"http://{web}",
        "ADDUCTOR_CLOCK_SPEED": str(speed),
        "ADDUCTOR_LOG": "text",
        **settings,
    }
    environment = {**clean_environment(), **values}
    log = folder / "parts.log"
    with (
        log.open("ab") as output,
        mock.patch.object(up, "_migrate", _copy_template),
        running(make_plan(load(_env_file=None, **values), sandbox), environment, output=output) as parts,
    ):
        here = Here(parts.environment, parts.sandbox_url, parts.supervisor)
        subscribing.subscribe(here.installation)
        yield Live(here, log)
        here.installation.close()


def _copy_template(environment: Mapping[str, str]) -> None:
    """Bring up the database without the seconds of `adductor db upgrade`, which tests of `up` and its commands run."""
    store = Store(load(_env_file=None, **environment).database)
    databases.bring_up(store)
    store.close()


def clean_environment() -> dict[str, str]:
    """The environment of this process without any setting of ours."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ADDUCTOR_", "STRAVA_", "PROMETHEUS_"))
    }


def adductor(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments],
        env={**clean_environment(), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
