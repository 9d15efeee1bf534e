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
        log = _Log(platform, f"{here.sandbox_url}", runner)
        steps.append(("run recorded", time.monotonic()))
        before = log.shown("The run, as recorded")
        has_note = log.gets_note()
        steps.append(("note written", time.monotonic()))
        decision = _decision(installation, platform, log.run)
        if not has_note:
            why = (
                f"decided {decision.decision} ({decision.rule}): {decision.reason}"
                if decision
                else "nothing was decided"
            )
            raise DemoError(f"no note within {NOTE_WITHIN_S} s; {why}")
        after = log.shown(f"The {'run' if platform == 'strava' else 'calendar'}, a moment later")
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


class _Log:
    """A run in a made-up log as its runner sees it: recorded, awaited and shown through the sandbox's admin API."""

    def __init__(self, platform: str, sandbox_url: str, runner: str) -> None:
        self.is_strava = platform == "strava"
        self.admin = f"{sandbox_url}/admin" if self.is_strava else f"{sandbox_url}/intervals/admin"
        self.mine = f"{self.admin}/{'runners' if self.is_strava else 'athletes'}/{runner}"
        recording = _RUN | {"private_note" if self.is_strava else "description": _OWN_WORDS}
        self.run = str(_ask("POST", f"{self.mine}/activities", json=recording)["id"])
        self.awaited = {"activity_id": self.run} if self.is_strava else {"athlete_id": runner}

    def gets_note(self) -> bool:
        """Wait for the note; false when none comes."""
        asked = {"for": "note", "timeout_s": str(NOTE_WITHIN_S), **self.awaited}
        return requests.get(f"{self.admin}/wait", params=asked, timeout=NOTE_WITHIN_S + _TIMEOUT_S).ok

    def shown(self, heading: str) -> str:
        """The run with its texts, and at intervals.icu what stands in the calendar."""
        truth = _ask("GET", f"{self.admin}/activities/{self.run}")
        lines = [
            f"── {heading} " + "─" * max(64 - len(heading), 3),
            f"{_RUN['title']} · {_RUN['sport_type']} · {_RUN['distance_km']} km · {_RUN['minutes']} min",
            f"Description: {truth.get('fields', truth).get('description') or '(empty)'}",
        ]
        if self.is_strava:
            return "\n".join([*lines, "Private note (only you):", *_boxed(truth["private_note"])])
        for entry in (found["fields"] for found in _ask("GET", f"{self.mine}/events")):
            lines.append(f"{entry['category']} on {entry['start_date_local'][:10]}: {entry['name']}")
            lines += _boxed(entry.get("description", ""))
        return "\n".join(lines)


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


def _boxed(text: str) -> list[str]:
    return [f"  │ {line}" for line in (text or "(empty)").splitlines()]


def _expect(response: requests.Response, what: str) -> None:
    if not response.ok:
        raise DemoError(f"{what}: {response.status_code} from {response.url.split('?')[0]}")
