"""The web application in this process with signed-in athletes, a captured log, and a dump of every row."""

from __future__ import annotations

import io
import logging
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis.strategies import SearchStrategy

from adductor import logs
from tests.support import site as tests_site
from tests.support.runners import MORNING, Place, place

_ERROR = re.compile(r'"level": ?"(?:error|critical)"|"exception"')
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
_APPLICATION = {
    "ADDUCTOR_PUBLIC_URL": "http://coach.example.org",
    "STRAVA_CLIENT_ID": "1",
    "STRAVA_CLIENT_SECRET": "secret",
}


class FoundError(AssertionError):
    """An input with a wrong outcome; the message can be pasted."""


@dataclass
class Browser:
    """A signed-in athlete's browser. ``values`` of path parameters open something of theirs; ``keys`` by first part."""

    cookie: str
    csrf_token: str
    values: dict[str, str]
    keys: dict[str, str]

    def opens(self, path: str) -> dict[str, str]:
        """The values that open a described path."""
        key = self.keys.get(path.split("/")[1], "")
        values = {**self.values, "key": key, "token": key}
        return {name: value for name, value in values.items() if value and f"{{{name}}}" in path}


@dataclass
class Site:
    """The application. Requests come from this machine, so that no rate limit counts them."""

    place: Place
    app: Flask
    log: io.StringIO

    @property
    def client(self) -> FlaskClient:
        """A browser of its own."""
        return self.app.test_client()

    @property
    def database(self) -> str:
        return self.place.installation.store.url.render_as_string(hide_password=False)

    def dump(self) -> str:
        """Every row of every table as text."""
        with closing(sqlite3.connect(str(self.place.installation.store.url.database))) as connection:
            return "\n".join(connection.iterdump())

    def check_log(self) -> None:
        """Raise FoundError for an error, a traceback or a secret in the log."""
        secrets = (self.place.installation.settings.webhook_key, self.place.installation.settings.verify_token)
        for line in self.log.getvalue().splitlines():
            if _ERROR.search(line) or any(secret in line for secret in secrets):
                raise FoundError(f"in the log: {line[:2_000]}")

    def sign_in(self) -> Browser:
        """A new athlete with a routine."""
        here, client, settings = self.place, self.client, self.place.installation.settings
        runner = here.runner(email_confirmed_at=None)
        here.change(runner, calendar_key=f"key{runner}")
        here.run_done(runner)
        with client.session_transaction() as session:
            session.update(athlete=runner, platform_athlete=here.owner(runner))
        token, cookie = _CSRF.search(client.get("/settings").text), client.get_cookie("adductor")
        if cookie is None or token is None:
            raise RuntimeError("the athlete could not be signed in")
        public_id, exercise = here.suggestion(runner).public_id, next(iter(here.installation.catalogue.exercises))
        values = {"public_id": public_id, "place": "0", "exercise_id": exercise, "filename": "offline.js"}
        keys = {"r": here.installation.links.runner_routine(public_id).rpartition("/")[2]}
        keys |= {"webhooks": settings.webhook_key, "calendar": f"key{runner}", **self.tokens(runner)}
        return Browser(f"adductor={cookie.value}", token.group(1), values, keys)

    def tokens(self, runner: int) -> dict[str, str]:
        """The signed link tokens of an athlete, by kind of link."""
        here = self.place
        links, public_id = here.installation.links, here.suggestion(runner).public_id
        made = {
            "a": links.answer(public_id, "done", here.now),
            "useful": links.useful(public_id, "yes", here.now),
            "unsubscribe": links.unsubscribe(runner, here.owner(runner), here.now),
            "confirm-address": links.confirm(runner, "runner@example.org", here.now),
        }
        return {kind: link.rpartition("/")[2] for kind, link in made.items()}


@contextmanager
def site() -> Iterator[Site]:
    """A site in a folder of its own. Its log is captured from start to end."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        with (
            TemporaryDirectory(prefix="adductor-fuzz-") as folder,
            place(Path(folder), MORNING, **_APPLICATION) as here,
        ):
            log, app = io.StringIO(), tests_site.site(here)
            with redirect_stderr(log):
                logs.configure("json", "fuzz")
            yield Site(here, app, log)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def check_all(inputs: SearchStrategy[Any], check: Callable[[Any], None], *, examples: int, seed: int) -> None:
    """Run a property over that many inputs. Raises what it raises, for the smallest input that hypothesis finds."""
    phases, checks = (Phase.generate, Phase.shrink), list(HealthCheck)
    asked = settings(max_examples=examples, database=None, deadline=None, phases=phases, suppress_health_check=checks)

    @seeded(seed)
    @asked
    @given(inputs)
    def run(given_: Any) -> None:
        check(given_)

    run()
