"""The whole web application in this process on a store of its own, beside a sandbox in another one."""

from __future__ import annotations

import io
import json
import logging
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes, urlsplit

import requests
from flask import Flask
from sqlalchemy import delete, func, select

from adductor import logs
from adductor.platforms.strava.client import REQUIRED_SCOPES
from adductor.store.models import Athlete, Base, CheckInRecord, DecisionRecord, InboxEvent, SessionRecord, Suggestion
from bench.fuzz.reference import Event
from service import inbox_writer
from service.app import create_app
from service.inbox_writer import InboxWriter
from tests.support.runners import MORNING, Place, place

SITE = "http://coach.example.org"
SECRET_KEY = "0123456789abcdef0123456789abcdef"  # noqa: S105 - of this world alone
CLIENT_SECRET = "client-secret-of-the-fuzzer"  # noqa: S105
LINK_KINDS = ("a", "unsubscribe", "confirm-address")


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it stands on the wire."""

    method: str
    target: bytes
    body: bytes = b""
    content_type: str | None = None
    cookie: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")


class LogWatch(io.TextIOBase):
    """Takes the log. A line with an error in it, with a secret, or that is no JSON is held against its thread."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secret = re.compile("|".join(re.escape(secret) for secret in secrets))
        self._of_thread = threading.local()
        self.everywhere: list[str] = []
        self.lines = 0

    def write(self, text: str) -> int:
        self.lines += 1
        problem = None
        try:
            entry = json.loads(text)
        except ValueError:
            problem = "not one line of JSON"
        else:
            if entry.get("level") in ("error", "critical") or "exception" in entry:
                problem = "an error in the log"
        if self._secret.search(text):
            problem = "a secret in the log"
        if problem:
            found = f"{problem}: {text.strip()[:2_000]}"
            self.everywhere.append(found)
            self._of_thread.found = found
        return len(text)

    def flush(self) -> None:
        pass

    def problem(self) -> str | None:
        """What this thread has logged since the last time, if it is a problem."""
        found: str | None = getattr(self._of_thread, "found", None)
        self._of_thread.found = None
        return found


@dataclass
class Sent:
    """What events of one natural key have said: a row keeps the first owner, and for each name one of its values."""

    owners: set[int] = field(default_factory=set)
    updates: dict[str, set[str]] = field(default_factory=dict)

    def accounts_for(self, row: InboxEvent) -> bool:
        names_match = row.updates.keys() == self.updates.keys()
        return row.owner_id in self.owners and names_match and all(v in self.updates[k] for k, v in row.updates.items())


@dataclass
class Ledger:
    """What the answers so far allow the tables to hold; emptied together with them."""

    events: dict[tuple[Any, ...], Sent] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    answered: bool = False
    unsubscribed: bool = False
    confirmed: bool = False
    connected: bool = False

    def event(self, event: Event | None) -> None:
        if event is None:
            return  # a 200 that the documents don't allow was found already
        key = (event.subscription_id, event.object_type, event.object_id, event.aspect_type, event.event_time_s)
        with self.lock:
            sent = self.events.setdefault(key, Sent())
            sent.owners.add(event.owner_id)
            for name, value in event.updates:
                sent.updates.setdefault(name, set()).add(value)


@dataclass
class World:
    """The application, and everything that makes a valid request to it."""

    place: Place
    app: Flask
    log: LogWatch
    sandbox_url: str
    ledger: Ledger = field(default_factory=Ledger)
    states: dict[str, str] = field(default_factory=dict)  # cookie -> the state that it holds
    codes: tuple[str, ...] = ()  # of the sandbox, good once
    links: dict[str, tuple[str, ...]] = field(default_factory=dict)  # kind -> tokens that work
    old_links: dict[str, tuple[str, ...]] = field(default_factory=dict)  # whose time is over
    secret_links: dict[str, tuple[str, ...]] = field(default_factory=dict)  # that nobody ever presents as they are
    victim: int = 0
    lively: int = 0
    untouched: str = ""
    wakes: int = 0

    def __post_init__(self) -> None:
        settings = self.place.installation.settings
        self.key, self.verify_token = settings.webhook_key, settings.verify_token
        self.app.extensions["installation"] = self.place.installation
        # A machine that is busy with other things would answer 503 after a second, rightly, and it isn't what is looked at.
        inbox_writer.PATIENCE_S = inbox_writer.DATABASE_TIMEOUT_S = 60.0
        self.app.extensions["inbox_writer"] = InboxWriter(self.store, self.place.clock, self._woken)
        self.victim = self.place.runner(email="victim@example.org")
        self.place.run_done(self.victim)
        self.secret_links = self._links_of(self.victim, "victim@example.org")
        self.untouched = self._rows_of(self.victim)

    @property
    def store(self) -> Any:
        return self.place.installation.store

    def _woken(self) -> None:
        # The broker's part ends here: what workers do with rows isn't the web service's.
        self.wakes += 1

    def send(self, request: Request) -> Answer:
        """The application's answer to ``request``, by the way that a web server calls it."""
        path, _, query = request.target.partition(b"?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query.decode("latin-1"),
            "SERVER_NAME": "coach.example.org",
            "SERVER_PORT": "80",
            "HTTP_HOST": "coach.example.org",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_LENGTH": str(len(request.body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(request.body),
            "wsgi.errors": self.log,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if request.content_type is not None:
            environ["CONTENT_TYPE"] = request.content_type
        if request.cookie is not None:
            environ["HTTP_COOKIE"] = request.cookie
        said: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
            said[:] = [int(status.partition(" ")[0]), tuple(headers)]

        pieces = self.app.wsgi_app(environ, start_response)
        try:
            body = b"".join(pieces)
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
        return Answer(said[0], body, said[1])

    # -- what works ----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Empty tables, a runner who answers, browsers on their way to Strava, and codes that Strava gave out."""
        with self.store.write() as session:
            session.execute(delete(InboxEvent))
            session.execute(delete(Athlete).where(Athlete.id != self.victim))
        self.ledger = Ledger()
        self.lively = self.place.runner(platform_athlete_id=499, email="lively@example.org", email_confirmed_at=None)
        self.place.run_done(self.lively)
        self.links = self._links_of(self.lively, "lively@example.org")
        self.old_links = self._links_of(self.lively, "lively@example.org", days_ago=6 * 365)
        self.states = dict(self._on_the_way() for _ in range(6))
        self.codes = tuple(self._code() for _ in range(2))

    def _on_the_way(self) -> tuple[str, str]:
        answer = self.send(Request("GET", b"/connect/strava"))
        cookie = answer.header("set-cookie").partition(";")[0]
        state = dict(parse_qsl(urlsplit(answer.header("location")).query))["state"]
        return cookie, state

    def _code(self) -> str:
        """Strava's redirect after a yes on its page."""
        query = {
            "client_id": "77",
            "redirect_uri": "http://127.0.0.1:8000/connect/strava/callback",
            "response_type": "code",
            "scope": ",".join(REQUIRED_SCOPES),
        }
        runners = requests.get(f"{self.sandbox_url}/admin/runners", timeout=10).json()
        form = [*query.items(), *(("granted", scope) for scope in REQUIRED_SCOPES)]
        form += [("runner_id", str(runners[0]["id"])), ("answer", "authorize")]
        answer = requests.post(f"{self.sandbox_url}/oauth/authorize", data=form, allow_redirects=False, timeout=10)
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))["code"]

    def _links_of(self, runner: int, address: str, days_ago: int = 0) -> dict[str, tuple[str, ...]]:
        links, since = self.place.installation.links, self.place.now - timedelta(days=days_ago)
        public_id, athlete = self.place.suggestion(runner).public_id, self.place.athlete(runner)
        made = {
            "a": [
                links.answer(public_id, said, since)
                for said in ("done", "too_easy", "too_hard", "not_today", "pain", None)
            ],
            "unsubscribe": [links.unsubscribe(runner, athlete.platform_athlete_id, since)],
            "confirm-address": [links.confirm(runner, address, since)],
        }
        return {kind: tuple(link.rpartition("/")[2] for link in found) for kind, found in made.items()}

    # -- what the tables hold --------------------------------------------------------------------------------------------

    def problems_in_the_tables(self) -> list[str]:
        """Everything that no answer so far accounts for."""
        problems = [*self._wrong_events()]
        with self.store.read() as session:
            athletes = {row.id: row for row in session.scalars(select(Athlete))}
            counts = {
                table.__tablename__: session.scalar(
                    select(func.count()).select_from(table).where(table.athlete_id == self.lively)
                )
                for table in (SessionRecord, CheckInRecord, DecisionRecord)
            }
            suggestions = list(session.scalars(select(Suggestion).where(Suggestion.athlete_id == self.lively)))
        others = set(athletes) - {self.victim, self.lively}
        if len(others) > self.ledger.connected:
            problems.append(f"{len(others)} athletes connected, {int(self.ledger.connected)} may be")
        lively = athletes[self.lively]
        if not self.ledger.answered and (
            counts["sessions"] or counts["check_ins"] or any(row.answer for row in suggestions)
        ):
            problems.append(f"answered without a link: {counts}")
        done = sum(row.status == "done" for row in suggestions)
        if counts["sessions"] != done or len(suggestions) != 1:
            problems.append(f"{counts['sessions']} sessions for {done} routines done, of {len(suggestions)} suggested")
        if lively.unsubscribed_at is not None and not self.ledger.unsubscribed:
            problems.append("unsubscribed without a link")
        if lively.email_confirmed_at is not None and not self.ledger.confirmed:
            problems.append("address confirmed without a link")
        if self._rows_of(self.victim) != self.untouched:
            problems.append(f"rows of a runner whose links nobody has were changed: {self._rows_of(self.victim)}")
        return problems

    def _wrong_events(self) -> Iterator[str]:
        with self.store.read() as session:
            rows = list(session.scalars(select(InboxEvent)))
        seen = set()
        for row in rows:
            key = (
                row.subscription_id,
                row.object_type,
                row.object_id,
                row.aspect_type,
                int(row.event_time.timestamp()),
            )
            seen.add(key)
            if key not in self.ledger.events or not self.ledger.events[key].accounts_for(row):
                yield f"a row that no event accounts for: {key} {row.owner_id} {row.updates}"
        for key in self.ledger.events.keys() - seen:
            yield f"answered 200 and not there: {key}"
        if len(rows) != len(self.ledger.events):
            yield f"{len(rows)} rows for {len(self.ledger.events)} events"

    def _rows_of(self, runner: int) -> str:
        """Everything of a runner in every table, as text."""
        with self.store.read() as session:
            whole = []
            for mapper in sorted(Base.registry.mappers, key=lambda mapper: str(mapper.local_table)):
                table = mapper.local_table
                owner = table.c.get("athlete_id") if str(table) != "athletes" else table.c.id
                if owner is not None:
                    whole.append(
                        (str(table), [tuple(row) for row in session.execute(select(table).where(owner == runner))])
                    )
        return repr(whole)


@contextmanager
def world(database_url: str | None = None) -> Iterator[World]:
    """A world on this (empty) database; by default SQLite, in memory where the machine has a folder for that."""
    shared = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    folder = Path(tempfile.mkdtemp(prefix="adductor-fuzz-", dir=shared if shared.is_dir() else None))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        with (
            _sandbox(folder / "sandbox") as url,
            place(
                folder / "data",
                MORNING,
                ADDUCTOR_PUBLIC_URL=SITE,
                ADDUCTOR_SECRET_KEY=SECRET_KEY,
                STRAVA_CLIENT_ID="77",
                STRAVA_CLIENT_SECRET=CLIENT_SECRET,
                ADDUCTOR_STRAVA_API_URL=f"{url}/api/v3",
                ADDUCTOR_STRAVA_OAUTH_URL=f"{url}/oauth",
                **({"ADDUCTOR_DATABASE_URL": database_url} if database_url else {}),
            ) as made,
        ):
            settings = made.installation.settings
            app = create_app(settings)
            logs.configure("json", "fuzz")
            watch = LogWatch([settings.webhook_key, settings.verify_token, SECRET_KEY, CLIENT_SECRET])
            for handler in logging.getLogger().handlers:
                if isinstance(handler, logging.StreamHandler):
                    handler.setStream(watch)
            yield World(made, app, watch, url)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _sandbox(state: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    command = [sys.executable, "-m", "sandbox", "--bind", f"127.0.0.1:{port}", "--state-dir", str(state)]
    command += ["--client-id", "77", "--client-secret", CLIENT_SECRET]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    try:
        if process.stdout is None or "ready on" not in process.stdout.readline():
            raise RuntimeError("the sandbox didn't start")
        url = f"http://127.0.0.1:{port}"
        requests.post(f"{url}/admin/tier", json={"tier": "unlimited"}, timeout=10).raise_for_status()
        yield url
    finally:
        process.terminate()
        process.wait(20)
