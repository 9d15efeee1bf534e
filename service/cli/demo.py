"""`adductor demo`: the main job in one go, on the real parts, without a browser."""

from __future__ import annotations

import html
import itertools
import os
import re
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

import click
import requests
from sqlalchemy import select

from adductor import logs
from adductor.installation import Installation
from adductor.jobs import subscribing
from adductor.platforms.base import PlatformError, id_of
from adductor.settings import load
from adductor.store.models import Connection, DecisionRecord
from service import supervisor as supervising
from service.cli.up import make_plan, running
from service.supervisor import StartError

# The note comes within a second.
NOTE_WITHIN_S = 30
_TIMEOUT_S = 15
_HIDDEN_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
_RUN = {"sport_type": "Run", "minutes": 45, "distance_km": 8.1, "title": "Along the river"}
_OWN_WORDS = "New shoes. Legs fine after Tuesday 🙂"


class DemoError(Exception):
    """The demo did not end with a note; the message says at which step."""


@click.command()
@click.option("--platform", type=click.Choice(["strava", "intervals"]), default="strava", show_default=True)
def demo(platform: str) -> None:
    """Connect a made-up runner, record a run, and show the note: the main job, on the real parts.

    Everything runs in a throw-away folder on free ports, and is ended and removed afterwards.

    \b
    Example: adductor demo
    """
    try:
        with (
            supervising.ending_on_signals(),
            tempfile.TemporaryDirectory(prefix="adductor-demo-", ignore_cleanup_errors=True) as folder,
        ):
            log_file = Path(folder) / "parts.log"
            try:
                _demo(Path(folder), log_file, platform)
            except (DemoError, StartError, PlatformError, requests.RequestException) as error:
                tail = log_file.read_text(errors="replace").splitlines()[-15:] if log_file.exists() else []
                raise click.ClickException("\n".join([str(error), *(f"  {line}" for line in tail)])) from None
    except KeyboardInterrupt:
        click.echo("\nEnded; nothing is left behind.", err=True)
        sys.exit(1)


def _demo(folder: Path, log_file: Path, platform: str) -> None:
    web, sandbox = (f"127.0.0.1:{supervising.free_port()}" for _ in range(2))
    # What is set on this machine is for its real installation, not for the demo.
    for name in [name for name in os.environ if name.startswith(("ADDUCTOR_", "STRAVA_", "INTERVALS_"))]:
        del os.environ[name]
    plan = make_plan(load(_env_file=None, ADDUCTOR_DATA_DIR=folder, ADDUCTOR_BIND=web), sandbox)
    logs.configure("text", "demo")
    steps = [("", time.monotonic())]
    with (
        log_file.open("ab") as output,
        running(plan, {**os.environ, "ADDUCTOR_LOG": "text"}, output=output) as here,
        closing(Installation(load(_env_file=None, **here.environment))) as installation,
    ):
        steps.append(("everything started", time.monotonic()))
        if platform == "strava":
            subscribing.subscribe(installation)
            steps.append(("subscribed, with the handshake", time.monotonic()))
        zone = where_it_is_day(installation.clock.now())
        connect_as_a_browser(installation.settings.public_url, zone=zone, platform=platform)
        steps.append(("connected through the OAuth pages", time.monotonic()))
        with installation.store.read() as session:
            runner = session.scalars(select(Connection.external_id)).one()
        show = _Strava if platform == "strava" else _Intervals
        log = show(f"{here.sandbox_url}", runner)
        run = log.record()
        steps.append(("run recorded", time.monotonic()))
        before = log.shown("The run, as recorded")
        _wait_for_note(installation, log, run)
        steps.append(("note written", time.monotonic()))
        decision = _decision(installation, platform, run)
        after = log.shown(log.afterwards)
    click.echo(before)
    if decision is not None:
        click.echo(f"\nDecided: {decision.decision}, dose {decision.dose}\nBecause: {decision.reason}\n")
    click.echo(after + "\n")
    for (_, began), (name, at) in itertools.pairwise(steps):
        click.echo(f"{at - began:7.2f} s  {name}")
    click.echo(f"{steps[-1][1] - steps[0][1]:7.2f} s  in all")


def connect_as_a_browser(public_url: str, *, zone: str, platform: str = "strava") -> None:
    """A new sandbox runner in that time zone: the button, the platform's page, the way back, the first answers.

    Raises DemoError naming the step that failed.
    """
    browser = requests.Session()
    page = browser.get(f"{public_url}/connect/{platform}", timeout=_TIMEOUT_S)
    _expect(page, "the sandbox's page to authorize")
    action = re.search(r'<form method="post" action="([^"]+)"', page.text)
    if action is None:
        raise DemoError("the sandbox's page to authorize has no form")
    answers: list[tuple[str, str]] = [
        *((name, html.unescape(value)) for name, value in _HIDDEN_FIELD.findall(page.text)),
        ("runner_id", "new"),
        ("firstname", "Robin"),
        ("timezone", zone),
        *(("granted", scope) for scope in re.findall(r'name="granted" value="([^"]+)"', page.text)),
        ("answer", "authorize"),
    ]
    welcome = browser.post(urljoin(page.url, action.group(1)), data=answers, timeout=_TIMEOUT_S)
    _expect(welcome, "the first questions")
    token = dict(_HIDDEN_FIELD.findall(welcome.text)).get("csrf_token", "")
    place = "private_note" if platform == "strava" else "calendar"
    home = browser.post(
        f"{public_url}/welcome",
        data={"csrf_token": token, "pain": "no", "condition": "no", "target": "2", "place": place},
        timeout=_TIMEOUT_S,
    )
    _expect(home, "the runner's home")


def where_it_is_day(now: datetime) -> str:
    """A time zone in which a runner may well have come home from a run now: at night the coach keeps quiet."""
    zones = (
        "Europe/Berlin",
        "America/New_York",
        "America/Los_Angeles",
        "Pacific/Auckland",
        "Asia/Tokyo",
        "Asia/Kolkata",
    )
    return min(zones, key=lambda zone: abs(now.astimezone(ZoneInfo(zone)).hour - 13))


@dataclass
class _Strava:
    """The made-up Strava as its runner sees it: one activity, with its private note."""

    sandbox_url: str
    runner: str
    run: str = ""
    afterwards = "The run, a moment later"

    def record(self) -> str:
        url = f"{self.sandbox_url}/admin/runners/{self.runner}/activities"
        self.run = str(_ask("POST", url, json=_RUN | {"private_note": _OWN_WORDS})["id"])
        return self.run

    def wait(self) -> requests.Response:
        return _wait(f"{self.sandbox_url}/admin", activity_id=self.run)

    def shown(self, heading: str) -> str:
        truth = _ask("GET", f"{self.sandbox_url}/admin/activities/{self.run}")
        summary = _summary(truth["name"], truth["sport_type"], truth["distance_m"], truth["moving_time_s"])
        description = f"Description: {truth.get('description') or '(empty)'}"
        return "\n".join(
            [*_heading(heading), summary, description, "Private note (only you):", *_boxed(truth["private_note"])]
        )


@dataclass
class _Intervals:
    """The made-up intervals.icu as its athlete sees it: one activity, and what stands in the calendar."""

    sandbox_url: str
    runner: str
    run: str = ""
    afterwards = "The calendar, a moment later"

    def record(self) -> str:
        self.run = str(_ask("POST", f"{self._athlete}/activities", json=_RUN | {"description": _OWN_WORDS})["id"])
        return self.run

    def wait(self) -> requests.Response:
        return _wait(f"{self.sandbox_url}/intervals/admin", athlete_id=self.runner)

    def shown(self, heading: str) -> str:
        fields = _ask("GET", f"{self.sandbox_url}/intervals/admin/activities/{self.run}")["fields"]
        summary = _summary(fields["name"], fields["type"], fields["distance"], fields["moving_time"])
        lines = [*_heading(heading), summary, f"Description: {fields.get('description') or '(empty)'}"]
        for entry in (found["fields"] for found in _ask("GET", f"{self._athlete}/events")):
            lines.append(f"{entry['category']} on {entry['start_date_local'][:10]}: {entry['name']}")
            lines += _boxed(entry.get("description", ""))
        return "\n".join(lines)

    @property
    def _athlete(self) -> str:
        return f"{self.sandbox_url}/intervals/admin/athletes/{self.runner}"


def _wait(admin: str, **awaited: str) -> requests.Response:
    asked = {"for": "note", "timeout_s": str(NOTE_WITHIN_S), **awaited}
    return requests.get(f"{admin}/wait", params=asked, timeout=NOTE_WITHIN_S + _TIMEOUT_S)


def _wait_for_note(installation: Installation, log: _Strava | _Intervals, run: str) -> None:
    """Raises DemoError with the decision when no note comes."""
    if log.wait().status_code != 200:
        decision = _decision(installation, "strava" if isinstance(log, _Strava) else "intervals", run)
        why = f"decided {decision.decision} ({decision.rule}): {decision.reason}" if decision else "nothing was decided"
        raise DemoError(f"no note within {NOTE_WITHIN_S} s; {why}")


def _decision(installation: Installation, platform: str, activity: str) -> DecisionRecord | None:
    with installation.store.read() as session:
        return session.scalar(
            select(DecisionRecord)
            .where(DecisionRecord.activity_id == id_of(platform, activity))
            .order_by(DecisionRecord.id.desc())
        )


def _ask(method: str, url: str, **more: Any) -> Any:
    """The JSON that the sandbox answers."""
    answer = requests.request(method, url, timeout=_TIMEOUT_S, **more)
    _expect(answer, "the sandbox")
    return answer.json()


def _heading(words: str) -> list[str]:
    return [f"── {words} " + "─" * max(64 - len(words), 3)]


def _summary(name: str, sport: str, distance_m: float, moving_s: int) -> str:
    return f"{name} · {sport} · {distance_m / 1000:.1f} km · {moving_s // 60} min"


def _boxed(text: str) -> list[str]:
    return [f"  │ {line}" for line in (text or "(empty)").splitlines()]


def _expect(response: requests.Response, what: str) -> None:
    if not response.ok:
        raise DemoError(f"{what}: {response.status_code} from {response.url.split('?')[0]}")
