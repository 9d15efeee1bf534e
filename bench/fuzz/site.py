"""The web application in this process with one signed-in athlete, a captured log, and a dump of every row."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis.strategies import SearchStrategy
from sqlalchemy import MetaData, create_engine, select

from adductor import logs
from bench.rows import Rows
from service.app import create_app
from tests.support.runners import MORNING, Place, place

_ERROR = re.compile(r'"level": ?"(?:error|critical)"|"exception"')
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


class FoundError(AssertionError):
    """An input with a wrong outcome; the message can be pasted."""


@dataclass
class Browser:
    """A signed-in athlete's browser. ``opens``: path parameters that open a page of theirs, by path."""

    cookie: str
    csrf_token: str
    opens: dict[str, dict[str, str]]


@dataclass
class Site:
    """The application. Requests come from this machine, so that no rate limit counts them."""

    place: Place
    app: Flask
    database: str
    log: io.StringIO
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def client(self) -> FlaskClient:
        """A browser of its own."""
        return self.app.test_client()

    def rows(self) -> Rows:
        """The rows, read from outside."""
        return Rows(self.database)

    def dump(self) -> str:
        """Every row of every table as text."""
        engine, metadata = create_engine(self.database), MetaData()
        metadata.reflect(engine)
        with engine.connect() as connection:
            found = [(table.name, connection.execute(select(table)).all()) for table in metadata.sorted_tables]
        engine.dispose()
        return repr(found)

    def check_log(self) -> None:
        """Raise FoundError for an error, a traceback or a secret in the log."""
        secrets = (self.place.installation.settings.webhook_key, self.place.installation.settings.verify_token)
        for line in self.log.getvalue().splitlines():
            if _ERROR.search(line) or any(secret in line for secret in secrets):
                raise FoundError(f"in the log: {line[:2_000]}")

    def sign_in(self) -> Browser:
        """A new athlete with a routine."""
        here, client = self.place, self.client
        external_id = 10_000 + next(self._numbers)
        runner = here.runner(external_id=external_id, email_confirmed_at=None, calendar_key=f"key{external_id}")
        here.run_done(runner)
        with client.session_transaction() as session:
            session["athlete"] = runner
            session["platform_athlete"] = str(external_id)
        token, cookie = _CSRF.search(client.get("/settings").text), client.get_cookie("adductor")
        if cookie is None or token is None:
            raise RuntimeError("the athlete could not be signed in")
        return Browser(f"adductor={cookie.value}", token.group(1), self._opens(runner, external_id))

    def _opens(self, runner: int, external_id: int) -> dict[str, dict[str, str]]:
        here = self.place
        public_id, athlete, installation = here.suggestion(runner).public_id, here.athlete(runner), here.installation
        tokens = self.tokens(runner, external_id)
        key = installation.links.runner_routine(public_id).rpartition("/")[2]
        opens = {f"/{kind}/{{token}}": {"token": token} for kind, token in tokens.items()}
        for page in ("routine/{public_id}", "routine/{public_id}/state", "suggestions/{public_id}"):
            opens[f"/{page}"] = {"public_id": public_id}
        return opens | {
            "/suggestions/{public_id}/answer": {"public_id": public_id},
            "/r/{key}": {"key": key},
            "/r/{key}/opened": {"key": key},
            "/r/{key}/exercise/{place}/{exercise_id}": {"key": key, "place": "0"},
            "/webhooks/strava/{key}": {"key": installation.settings.webhook_key},
            "/calendar/{key}.ics": {"key": str(athlete.calendar_key)},
            "/routine/{public_id}/exercise/{place}/{exercise_id}": {"public_id": public_id, "place": "0"},
            "/drawings/{exercise_id}.svg": {"exercise_id": next(iter(installation.catalogue.exercises))},
            "/static/{filename}": {"filename": "offline.js"},
        }

    def tokens(self, runner: int, external_id: int) -> dict[str, str]:
        """The signed link tokens of an athlete, by kind of link."""
        here = self.place
        links, public_id = here.installation.links, here.suggestion(runner).public_id
        made = {
            "a": links.answer(public_id, "done", here.now),
            "useful": links.useful(public_id, "yes", here.now),
            "unsubscribe": links.unsubscribe(runner, str(external_id), here.now),
            "confirm-address": links.confirm(runner, "runner@example.org", here.now),
        }
        return {kind: link.rpartition("/")[2] for kind, link in made.items()}


@contextmanager
def site() -> Iterator[Site]:
    """A site in a folder of its own. Its log is captured from start to end."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with TemporaryDirectory(prefix="adductor-fuzz-") as folder:
        settings_ = {
            "ADDUCTOR_PUBLIC_URL": "http://coach.example.org",
            "STRAVA_CLIENT_ID": "1",
            "STRAVA_CLIENT_SECRET": "secret",
        }
        try:
            with place(Path(folder), MORNING, **settings_) as here:
                app = create_app(here.installation.settings)
                app.extensions["installation"] = here.installation
                logs.configure("json", "fuzz")
                log = io.StringIO()
                for handler in root.handlers:
                    if isinstance(handler, logging.StreamHandler):
                        handler.setStream(log)
                yield Site(here, app, f"sqlite:///{Path(folder) / 'adductor.db'}", log)
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)


def check_all(inputs: SearchStrategy[Any], check: Callable[[Any], None], *, examples: int, seed: int) -> None:
    """Run a property over that many inputs. Raises what it raises, for the smallest input that hypothesis finds."""

    @seeded(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs)
    def run(given_: Any) -> None:
        check(given_)

    run()
